#include <string.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/crl_source_private.h"
#include "tests/unit/gateway/link_fixture.h"
#include "tests/unit/gateway/source_rig.h"

static struct source_rig rig;

static void setup(void)
{
    source_rig_open(&rig);
    source_rig_put(&rig, "a.crl", SOURCE_CRL, 60);
    source_rig_put(&rig, "b.crl", SOURCE_OTHER, 60);
}

static void teardown(void)
{
    source_rig_close(&rig);
}

TestSuite(crl_source, .init = setup, .fini = teardown);

Test(crl_source, tells_what_it_is)
{
    struct crl_source_facts facts;
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
    crl_source_tell(rig.source, &facts);
    cr_expect_str_eq(facts.place, rig.folder.path);
    cr_expect_eq(facts.kind, CRL_SOURCE_FOLDER);
    cr_expect_eq(facts.last_good_s, 0);
    source_rig_wait(&rig, 1);
    crl_source_tell(rig.source, &facts);
    cr_expect_gt(facts.last_good_s, io_wall_s() - 60);
    cr_expect_eq(facts.next_s, 0);
}

/* Wherever it is: before its first turn, with a worker, between two files, waiting. */
Test(crl_source, may_be_closed_after_any_turn_of_the_loop)
{
    for (unsigned turns = 0; turns < 15; turns++) {
        source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
        for (unsigned i = 0; i < turns; i++) {
            bench_turn(&rig.net.bench);
        }
        unsigned calls = rig.intakes + rig.reads;
        crl_source_close(rig.source);
        cr_expect_eq(rig.closed, 0, "on_closed from within crl_source_close");
        bench_run_until(&rig.net.bench, &rig.closed, 1);
        cr_expect_eq(rig.intakes + rig.reads, calls);
        rig.closed = 0;
        rig.intakes = 0;
        rig.reads = 0;
    }
}

static void close_now(struct source_rig *r)
{
    crl_source_close(r->source);
}

Test(crl_source, may_be_closed_by_who_gets_an_intake)
{
    rig.hook = close_now;
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
    bench_run_until(&rig.net.bench, &rig.closed, 1);
    cr_expect_eq(rig.intakes, 1);
    cr_expect_eq(rig.reads, 0);
}

static void close_when_read(struct source_rig *r)
{
    if (r->reads > 0) {
        crl_source_close(r->source);
    }
}

Test(crl_source, may_be_closed_by_who_is_told_of_the_end)
{
    rig.hook = close_when_read;
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
    bench_run_until(&rig.net.bench, &rig.closed, 1);
    cr_expect_eq(rig.intakes, 2);
    cr_expect_eq(rig.reads, 1);
}

Test(crl_source, on_read_comes_for_the_reading_that_was_asked_for)
{
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
    for (unsigned turns = 0; turns < 8; turns++) {
        bench_turn(&rig.net.bench);
        rig.intakes = 0;
        rig.reads = 0;
        crl_source_refresh(rig.source);
        crl_source_refresh(rig.source);
        source_rig_wait(&rig, 1);
        cr_expect_geq(rig.intakes, 2, "not all was read after the order");
        cr_expect_leq(rig.intakes, 3);
    }
}

Test(crl_source, other_cas_make_it_read_everything_anew)
{
    struct trust *other = fixture_trust(REVOCATION_OFF);
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
    for (unsigned turns = 0; turns < 8; turns++) {
        bench_turn(&rig.net.bench);
        rig.intakes = 0;
        rig.reads = 0;
        crl_source_use_trust(rig.source, other);
        source_rig_wait(&rig, 1);
        /* What a worker had begun with the old ones is of no use. */
        cr_expect_eq(rig.intakes, 2);
    }
    trust_release(other);
}

/* A worker reads with the CAs of before: nobody gets what it brings, neither now nor later. */
Test(crl_source, what_was_read_with_other_cas_is_not_handed_over)
{
    struct trust *other = fixture_trust(REVOCATION_OFF);
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
    while (!rig.source->is_working || rig.source->job.kind != CRL_JOB_READ) {
        bench_turn(&rig.net.bench);
    }
    cr_assert_eq(rig.intakes, 0);
    crl_source_use_trust(rig.source, other);
    while (rig.source->is_working) {
        bench_turn(&rig.net.bench);
    }
    cr_expect_eq(rig.intakes, 0, "from the CAs of before");
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 2, "what comes after it counts");
    trust_release(other);
}

Test(crl_source, without_memory_there_is_none)
{
    struct crl_source_settings settings = {
        .io = &rig.net.bench.io, .place = "/x", .kind = CRL_SOURCE_FILE, .trust = rig.trust};
    for (uint32_t nth = 1; nth < 3; nth++) {
        mem_fail_nth(nth);
        cr_expect_null(crl_source_new(&settings));
    }
    crl_source_free(NULL);
}

/* The worker's memory: told, and tried again at the next look. */
Test(crl_source, survives_each_failing_allocation)
{
    for (uint32_t nth = 1; nth < 30; nth++) {
        source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
        mem_fail_nth(nth);
        while (rig.reads == 0 || rig.fault.code != FAULT_NONE) {
            bench_turn(&rig.net.bench);
        }
        cr_expect_eq(rig.intakes, 2, "allocation %u", nth);
        bool was_reached = mem_fail_nth(0) == 0;
        crl_source_close(rig.source);
        bench_run_until(&rig.net.bench, &rig.closed, 1);
        rig.closed = 0;
        rig.intakes = 0;
        rig.reads = 0;
        if (!was_reached) {
            break;
        }
    }
}
