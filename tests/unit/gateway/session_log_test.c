#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/log.h"
#include "tests/unit/gateway/link_stage.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"

static struct stage stage;

TestSuite(session_log);

static const char *log_of_a_whole_link(void)
{
    stage_init(&stage);
    log_setup(CONF_LOG_TEXT, CONF_LOG_INFO);
    stage.conf.while_down = CONF_DOWN_DROP;
    stage_make(&stage, true);
    int fd = stage_attach(&stage);
    stage_device_says(fd, MESSAGE MESSAGE);
    while (stage.host.up.lost == 0) {
        bench_turn(&stage.bench);
    }
    struct hospital_link *far = stage_link_up(&stage);
    stage_device_says(fd, MESSAGE);
    cr_assert(hospital_hears(&stage.hospitals[0], far, MESSAGE));
    close(fd);
    stage_until(&stage, SESSION_STATE_WAITING);
    stage_end(&stage);
    return stage.errors.text;
}

static unsigned count(const char *text, const char *word)
{
    unsigned n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        n++;
    }
    return n;
}

Test(session_log, one_line_for_each_state_and_one_at_the_end_and_never_payload)
{
    const char *text = log_of_a_whole_link();
    cr_expect_eq(count(text, "state=dialing"), 1, "%s", text);
    cr_expect_eq(count(text, "state=checking"), 1);
    cr_expect_eq(count(text, "state=up"), 1);
    cr_expect_eq(count(text, "link-ended"), 1);
    cr_expect_eq(count(text, "link-failed"), 0);
    cr_expect_not_null(strstr(text, "device_to_server_bytes=8"));
    cr_expect_not_null(strstr(text, "cause=finished"));
    cr_expect_null(strstr(text, "MSH"), "payload in the log");
}

Test(session_log, loss_is_told_when_it_begins_and_counted_when_a_link_is_up)
{
    const char *text = log_of_a_whole_link();
    cr_expect_eq(count(text, "data-dropped"), 1, "%s", text);
    cr_expect_eq(count(text, "data-lost"), 1);
    cr_expect_not_null(strstr(text, "lost_bytes=16"));
}

Test(session_log, a_failed_link_says_why_and_on_whose_side)
{
    stage_init(&stage);
    log_setup(CONF_LOG_TEXT, CONF_LOG_INFO);
    stage.servers[0].port = fixture_dead_port();
    stage_make(&stage, true);
    session_start(stage.session);
    stage_until(&stage, SESSION_STATE_WAITING);
    stage_end(&stage);
    cr_expect_eq(count(stage.errors.text, "link-failed"), 1, "%s", stage.errors.text);
    cr_expect_not_null(strstr(stage.errors.text, fault_code_name(FAULT_REFUSED)));
    cr_expect_not_null(strstr(stage.errors.text, "side=server"));
}
