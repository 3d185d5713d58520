#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/instance.h"

static struct instance one;

static void set_up(void)
{
    instance_prepare(&one);
}

static void tear_down(void)
{
    instance_clean(&one);
}

TestSuite(cmd_run, .init = set_up, .fini = tear_down, .timeout = 30);

Test(cmd_run, runs_until_it_is_told_to_stop)
{
    instance_start(&one);
    cr_expect(instance_logs(&one, "start name=test"));
    kill(one.pid, SIGTERM);
    cr_expect_eq(instance_wait(&one), COMMAND_OK);
    cr_expect(instance_logs(&one, "<6>stopped\n"));
}

Test(cmd_run, refuses_a_wrong_configuration)
{
    instance_configure(&one, "nonsense = 1\n");
    instance_start(&one);
    cr_expect_eq(instance_wait(&one), COMMAND_CONFIG);
    cr_expect(instance_logs(&one, "<3>configuration problem="));
}

Test(cmd_run, says_69_for_an_address_that_is_taken)
{
    char extra[80];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(listen(fd, 1), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)snprintf(extra, sizeof(extra), "%d", ntohs(at.sin_port));
    instance_listen(&one, extra);
    instance_start(&one);
    cr_expect_eq(instance_wait(&one), COMMAND_UNAVAILABLE);
    cr_expect(instance_logs(&one, "<3>cannot-start code="));
    close(fd);
}
