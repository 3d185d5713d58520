#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "tests/unit/gateway/source_rig.h"

static struct source_rig rig;

static void setup(void)
{
    source_rig_open(&rig);
}

static void teardown(void)
{
    source_rig_close(&rig);
}

TestSuite(crl_source_files, .init = setup, .fini = teardown);

static void put(const char *name, const char *from)
{
    source_rig_put(&rig, name, from, 60);
}

static void start_folder(void)
{
    source_rig_start(&rig, CRL_SOURCE_FOLDER, rig.folder.path);
}

static void expect_fault(enum fault_code code, const char *text)
{
    cr_expect_eq(rig.fault.code, code, "%d: %s", (int)rig.fault.code, rig.fault.note);
    cr_expect_not_null(strstr(rig.fault.note, text), "%s", rig.fault.note);
}

/* Some looks at the files that find nothing. */
static void look_around(void)
{
    unsigned before = rig.reads + rig.intakes + rig.gone;
    struct crl_source_facts facts;
    for (unsigned looks = 0; looks < 3; looks++) {
        do {
            bench_turn(&rig.net.bench);
            crl_source_tell(rig.source, &facts);
        } while (!facts.is_busy);
        do {
            bench_turn(&rig.net.bench);
            crl_source_tell(rig.source, &facts);
        } while (facts.is_busy);
    }
    cr_expect_eq(rig.reads + rig.intakes + rig.gone, before, "told without a reason");
}

Test(crl_source_files, reads_a_file)
{
    put("a.crl", SOURCE_CRL);
    source_rig_start(&rig, CRL_SOURCE_FILE, drop_folder_path(&rig.folder, "a.crl"));
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 1);
    cr_expect_eq(rig.crls, 1);
    cr_expect_str_eq(rig.place, drop_folder_path(&rig.folder, "a.crl"));
    cr_expect_eq(rig.fault.code, FAULT_NONE);
}

Test(crl_source_files, reads_each_file_of_a_folder)
{
    put("a.crl", SOURCE_CRL);
    put("b.der", SOURCE_OTHER);
    put("notes.txt", SOURCE_CRL);
    start_folder();
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 2);
    cr_expect_str_eq(rig.place, drop_folder_path(&rig.folder, "b.der"));
}

Test(crl_source_files, an_empty_folder_is_read_and_fine)
{
    start_folder();
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 0);
    cr_expect_eq(rig.fault.code, FAULT_NONE);
}

Test(crl_source_files, says_nothing_while_nothing_changes)
{
    put("a.crl", SOURCE_CRL);
    put("b.crl", "tests/unit/run.sh");
    start_folder();
    source_rig_wait(&rig, 1);
    look_around();
}

Test(crl_source_files, reads_a_file_again_when_it_has_changed)
{
    put("a.crl", SOURCE_CRL);
    put("b.crl", SOURCE_CRL);
    start_folder();
    source_rig_wait(&rig, 1);
    source_rig_put(&rig, "a.crl", SOURCE_OTHER, 50);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 3);
    cr_expect_str_eq(rig.place, drop_folder_path(&rig.folder, "a.crl"));
}

Test(crl_source_files, reads_a_file_that_comes)
{
    start_folder();
    source_rig_wait(&rig, 1);
    put("a.crl", SOURCE_CRL);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 1);
}

Test(crl_source_files, tells_of_a_file_that_goes)
{
    put("a.crl", SOURCE_CRL);
    put("b.crl", SOURCE_CRL);
    start_folder();
    source_rig_wait(&rig, 1);
    cr_assert_eq(unlink(drop_folder_path(&rig.folder, "a.crl")), 0);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.gone, 1);
    cr_expect_str_eq(rig.went, drop_folder_path(&rig.folder, "a.crl"));
    cr_expect_eq(rig.intakes, 2);
    look_around();
}

/* As a folder on the network may. */
Test(crl_source_files, nothing_is_gone_when_the_folder_can_not_be_read)
{
    char aside[80];
    put("a.crl", SOURCE_CRL);
    start_folder();
    source_rig_wait(&rig, 1);
    (void)snprintf(aside, sizeof(aside), "%s.aside", rig.folder.path);
    cr_assert_eq(rename(rig.folder.path, aside), 0);
    source_rig_wait(&rig, 1);
    expect_fault(FAULT_OPEN, "does not exist");
    cr_expect_eq(rig.gone, 0);
    cr_assert_eq(rename(aside, rig.folder.path), 0);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.fault.code, FAULT_NONE);
    cr_expect_eq(rig.intakes, 1, "it had not changed");
}

Test(crl_source_files, one_bad_file_does_not_keep_the_others_out)
{
    put("a.crl", "tests/unit/run.sh");
    put("b.crl", SOURCE_CRL);
    cr_assert_eq(mkdir(drop_folder_path(&rig.folder, "c.crl"), 0700), 0);
    start_folder();
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 1);
    expect_fault(FAULT_BAD_CERT, "a.crl: ");
    source_rig_put(&rig, "a.crl", SOURCE_CRL, 50);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 2);
    expect_fault(FAULT_IO, "c.crl: is not a file");
    look_around();
}

/* scp writes bit by bit: the first reading fails, the last one does not. */
Test(crl_source_files, a_file_that_was_half_written_is_read_when_it_is_whole)
{
    drop_folder_put(&rig.folder, "a.crl", "\x30\x82\x01", 3, 60);
    start_folder();
    source_rig_wait(&rig, 1);
    expect_fault(FAULT_BAD_CERT, "a.crl: ");
    source_rig_put(&rig, "a.crl", SOURCE_CRL, 50);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 1);
    cr_expect_eq(rig.fault.code, FAULT_NONE);
}

Test(crl_source_files, a_file_that_is_not_there_is_awaited)
{
    struct crl_source_facts facts;
    source_rig_start(&rig, CRL_SOURCE_FILE, drop_folder_path(&rig.folder, "a.crl"));
    source_rig_wait(&rig, 1);
    expect_fault(FAULT_OPEN, "a.crl: does not exist");
    crl_source_tell(rig.source, &facts);
    cr_expect_eq(facts.last_good_s, 0);
    cr_expect_eq(facts.fault.code, FAULT_OPEN);
    look_around();
    put("a.crl", SOURCE_CRL);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 1);
    crl_source_tell(rig.source, &facts);
    cr_expect_neq(facts.last_good_s, 0);
    cr_expect_eq(facts.fault.code, FAULT_NONE);
}

Test(crl_source_files, refresh_reads_all_even_what_has_not_changed)
{
    put("a.crl", SOURCE_CRL);
    put("b.crl", SOURCE_CRL);
    start_folder();
    source_rig_wait(&rig, 1);
    crl_source_refresh(rig.source);
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 4);
    look_around();
}

static void refresh_once(struct source_rig *r)
{
    r->hook = NULL;
    crl_source_refresh(r->source);
}

Test(crl_source_files, refresh_from_within_a_reading_starts_it_anew)
{
    put("a.crl", SOURCE_CRL);
    put("b.crl", SOURCE_CRL);
    rig.hook = refresh_once;
    start_folder();
    source_rig_wait(&rig, 1);
    cr_expect_eq(rig.intakes, 3, "a, then a and b");
    look_around();
}

static void gone_then_close(struct source_rig *r)
{
    if (r->gone > 0) {
        crl_source_close(r->source);
    }
}

Test(crl_source_files, may_be_closed_when_a_file_is_gone)
{
    put("a.crl", SOURCE_CRL);
    put("b.crl", SOURCE_CRL);
    start_folder();
    source_rig_wait(&rig, 1);
    rig.hook = gone_then_close;
    cr_assert_eq(unlink(drop_folder_path(&rig.folder, "a.crl")), 0);
    cr_assert_eq(unlink(drop_folder_path(&rig.folder, "b.crl")), 0);
    bench_run_until(&rig.net.bench, &rig.closed, 1);
    cr_expect_eq(rig.gone, 1);
}
