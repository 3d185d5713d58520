/* The symbol of the system's resolver is taken over below; the real one is asked for by name. */
#ifndef _GNU_SOURCE
#    define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/fetch_rig.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"

typedef int (*resolve_fn)(const char *name, const char *service, const struct addrinfo *hints,
                          struct addrinfo **out);

/* A resolver that does not answer for this name until it is let go. */
static int gate[2] = {-1, -1};
static atomic_uint asked, answered;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    resolve_fn real = NULL;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof(real)); /* ISO C knows no cast from one to the other */
    if (name != NULL && strcmp(name, "silent.test") == 0) {
        struct pollfd p = {.fd = gate[0], .events = POLLIN};
        atomic_fetch_add(&asked, 1);
        (void)poll(&p, 1, 10000);
        atomic_fetch_add(&answered, 1);
        return EAI_AGAIN;
    }
    return real(name, service, hints, out);
}

static struct fetch_rig rig;
static struct fetch_ear ears[2];

static void setup(void)
{
    fetch_rig_open(&rig, false);
    http_peer_says(&rig.peer, HTTP_KEEP, ANSWER);
    cr_assert_eq(pipe(gate), 0);
}

static bool is_answered(void *arg)
{
    (void)arg;
    return atomic_load(&answered) == atomic_load(&asked);
}

static void teardown(void)
{
    cr_assert_eq(write(gate[1], "x", 1), 1);
    bench_run_while_not(&rig.bench, is_answered, NULL);
    fetch_rig_close(&rig);
}

TestSuite(fetcher_loop, .init = setup, .fini = teardown);

static void start_silent(uint32_t deadline_ms)
{
    struct fetch_request request = {
        .url = "http://silent.test/", .max_bytes = 10, .deadline_ms = deadline_ms};
    fetch_rig_start(&rig, &request, &ears[0]);
}

static bool is_asked(void *arg)
{
    (void)arg;
    return atomic_load(&asked) > 0;
}

/* A resolver that is silent must hold up its own thread, never the loop. */
Test(fetcher_loop, does_not_wait_for_a_silent_resolver)
{
    start_silent(100);
    bench_run_until(&rig.bench, &ears[0].done, 1);
    cr_expect_eq(ears[0].result.fault.code, FAULT_TIMEOUT, "%s", ears[0].result.fault.note);
    cr_expect_eq(atomic_load(&asked), 1);
    cr_expect_eq(atomic_load(&answered), 0, "the loop waited for the resolver");
}

Test(fetcher_loop, cancelling_does_not_wait_for_a_silent_resolver)
{
    start_silent(20000);
    bench_run_while_not(&rig.bench, is_asked, NULL);
    fetcher_cancel(ears[0].fetch);
    cr_expect_eq(atomic_load(&answered), 0, "the loop waited for the resolver");
}

Test(fetcher_loop, others_go_on_while_a_resolver_is_silent)
{
    struct fetch_request request = fetch_rig_request(&rig);
    start_silent(20000);
    bench_run_while_not(&rig.bench, is_asked, NULL);
    fetch_rig_run(&rig, &request, &ears[1]);
    cr_expect_eq(ears[1].result.fault.code, FAULT_NONE, "%s", ears[1].result.fault.note);
    cr_expect_eq(atomic_load(&answered), 0);
}

Test(fetcher_loop, a_name_without_an_address_is_told)
{
    start_silent(20000);
    cr_assert_eq(write(gate[1], "x", 1), 1);
    bench_run_until(&rig.bench, &ears[0].done, 1);
    cr_expect_eq(ears[0].result.fault.code, FAULT_RESOLVE, "%s", ears[0].result.fault.note);
}

/* The transfer's memory comes first (see fetcher_test.c), then its socket's. */
Test(fetcher_loop, without_memory_for_its_socket_a_fetch_fails)
{
    struct fetch_request request = fetch_rig_request(&rig);
    fetch_rig_start(&rig, &request, &ears[0]);
    mem_fail_nth(1);
    bench_run_until(&rig.bench, &ears[0].done, 1);
    cr_expect_eq(ears[0].result.fault.code, FAULT_MEMORY, "%s", ears[0].result.fault.note);
    fetch_rig_run(&rig, &request, &ears[1]);
    cr_expect_eq(ears[1].result.fault.code, FAULT_NONE, "%s", ears[1].result.fault.note);
}

/* Descriptors come back with the same numbers: a watcher that stays would hear for another. */
Test(fetcher_loop, one_after_the_other_on_the_same_descriptor)
{
    struct fetch_request request = fetch_rig_request(&rig);
    for (unsigned i = 0; i < 50; i++) {
        fetch_rig_run(&rig, &request, &ears[0]);
        cr_assert_eq(ears[0].result.fault.code, FAULT_NONE, "%s", ears[0].result.fault.note);
    }
}
