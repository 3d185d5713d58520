#include <criterion/criterion.h>

#include "gateway/log.h"
#include "gateway/revocation_private.h"
#include "tests/unit/gateway/link_fixture.h"
#include "tests/unit/gateway/link_ward.h"

enum { DAY_S = 24 * 3600 };

static struct bench bench;
static struct ward ward;
static struct trust *trust;

static void begin(void)
{
    log_setup(CONF_LOG_TEXT, CONF_LOG_ERROR);
    bench_init(&bench);
    trust = fixture_trust(REVOCATION_CHECKED);
    ward_open(&ward, &bench, trust);
}

static void end(void)
{
    ward_close(&ward);
    trust_release(trust);
    bench_end(&bench);
}

TestSuite(revocation_clock, .init = begin, .fini = end);

static bool is_stored(void *arg)
{
    const struct revocation *r = arg;
    return !store_is_busy(r->store);
}

Test(revocation_clock, is_not_believed_when_the_last_run_was_later)
{
    struct revocation *r = ward.revocation;
    cr_expect(revocation_clock_is_trusted(r));
    clock_recall(&r->clock, io_wall_s() + DAY_S);
    revocation_clock_look(r);
    cr_expect_not(revocation_clock_is_trusted(r) && clock_state(&r->clock) != CLOCK_SYNCED);
}

Test(revocation_clock, is_believed_whatever_it_shows_where_the_configuration_says_so)
{
    struct revocation *r = ward.revocation;
    clock_raise_floor(&r->clock, io_wall_s() + DAY_S);
    revocation_clock_look(r);
    cr_expect_not(revocation_clock_is_trusted(r));
    ward.conf.gateway.clock = CONF_CLOCK_TRUST;
    cr_expect(revocation_clock_is_trusted(r));
}

Test(revocation_clock, must_be_vouched_for_where_the_configuration_says_so)
{
    struct revocation *r = ward.revocation;
    ward.conf.gateway.clock = CONF_CLOCK_SYNCED;
    cr_expect_eq(revocation_clock_is_trusted(r), clock_state(&r->clock) == CLOCK_SYNCED);
}

Test(revocation_clock, outlives_a_restart)
{
    struct revocation *r = ward.revocation;
    struct clock_look now = clock_look_now();
    revocation_clock_keep(r);
    bench_run_while_not(&bench, is_stored, r);
    /* A board that wakes up in 1990, built before that. */
    now.wall_s = 631152000;
    now.is_synced = false;
    clock_init(&r->clock, 0, &now);
    cr_expect(revocation_clock_is_trusted(r));
    revocation_clock_recall(r);
    int64_t back_s = 0;
    (void)clock_update(&r->clock, &now, &back_s);
    cr_expect_not(revocation_clock_is_trusted(r));
}

Test(revocation_clock, that_is_not_believed_is_not_kept)
{
    struct revocation *r = ward.revocation;
    clock_raise_floor(&r->clock, io_wall_s() + DAY_S);
    revocation_clock_look(r);
    revocation_clock_keep(r);
    cr_expect_not(store_is_busy(r->store));
}
