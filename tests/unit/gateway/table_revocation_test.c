#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/table.h"
#include "tests/unit/gateway/capture.h"

static struct capture out;

/* Two devices as status tells them, with what the table does not show left out. */
static const char ward[] =
    "{\"gateway\":{\"name\":\"ward-3b\",\"version\":\"1\",\"generation\":2,"
    "\"loaded_at\":\"2026-03-01T06:20:00Z\",\"now\":\"2026-03-01T06:31:00Z\","
    "\"clock\":\"synced\",\"clock_trusted\":true,\"stall_ms\":4,\"unchecked\":0},"
    "\"devices\":[{\"name\":\"pump-12\",\"state\":\"up\",\"words\":\"data flows\","
    "\"revocation\":\"hard\",\"blocked\":false,\"break_glass_until\":null,"
    "\"verdict\":\"good\",\"verdict_until\":\"2026-03-01T14:05:00Z\","
    "\"evidence\":\"CRL 1C of 2026-03-01T06:05:00Z, next "
    "2026-03-01T14:05:00Z\",\"certificate\":{\"days_left\":90,"
    "\"verdict\":\"good\",\"evidence\":\"\",\"verdict_until\":\"2026-03-02T14:05:00Z\"}},"
    "{\"name\":\"pump-13\",\"state\":\"up\",\"words\":\"data flows\","
    "\"revocation\":\"grace\",\"blocked\":true,"
    "\"break_glass_until\":\"2026-03-01T08:00:00Z\",\"verdict\":\"stale\","
    "\"verdict_until\":null,\"evidence\":\"CRL 1B of 2026-02-27T06:05:00Z\","
    "\"certificate\":{\"days_left\":90,\"verdict\":\"revoked\","
    "\"evidence\":\"OCSP of 2026-03-01T06:00:00Z\",\"verdict_until\":null}}],"
    "\"trusts\":[{\"name\":\"hospital\",\"revocation\":\"hard\",\"ocsp_answers\":1,"
    "\"crls\":[{\"issuer\":\"CN=Ward CA\",\"number\":\"1C\",\"delta\":false,"
    "\"verified\":true,\"this_update\":\"2026-03-01T06:05:00Z\","
    "\"next_update\":\"2026-03-01T14:05:00Z\",\"age_s\":1560,\"entries\":1,"
    "\"source\":\"http://pki.example/ward.crl\"},"
    "{\"issuer\":\"CN=Root\",\"number\":null,\"delta\":true,\"verified\":false,"
    "\"next_update\":null,\"age_s\":200000,\"entries\":12,"
    "\"source\":\"/var/lib/crls/root.crl\"},"
    "{\"issuer\":\"CN=Old\",\"number\":\"7\",\"delta\":false,\"verified\":true,"
    "\"next_update\":\"2026-03-01T05:00:00Z\",\"age_s\":90,\"entries\":0,"
    "\"source\":\"/a\"}],"
    "\"sources\":[{\"place\":\"/var/lib/crls\",\"kind\":\"folder\",\"trouble\":null},"
    "{\"place\":\"http://pki.example/x.crl\",\"kind\":\"url\",\"last_good\":null,"
    "\"trouble\":\"http://pki.example/x.crl can not be reached\"},"
    "{\"place\":\"/b\",\"kind\":\"file\",\"last_good\":\"2026-02-28T06:00:00Z\","
    "\"trouble\":\"an HTML page\"}]},"
    "{\"name\":\"lab\",\"revocation\":\"off\",\"ocsp_answers\":0,\"crls\":[],"
    "\"sources\":[]},"
    "{\"name\":\"old\",\"revocation\":\"off\",\"weak_algorithms\":\"SHA-1\","
    "\"ocsp_answers\":0,\"crls\":[],\"sources\":[]}],"
    "\"blocks\":[{\"kind\":\"serial\",\"value\":\"0A1B\",\"reason\":\"lost in the lift\","
    "\"at\":\"2026-03-01T06:00:00Z\"}],"
    "\"grants\":[{\"device\":\"pump-13\",\"reason\":\"fire\","
    "\"at\":\"2026-03-01T06:00:00Z\",\"until\":\"2026-03-01T08:00:00Z\"}]}";

static const char *table(const char *json, unsigned columns, bool is_coloured)
{
    struct table_look look = {.columns = columns, .is_coloured = is_coloured};
    capture_start(&out, STDOUT_FILENO);
    cr_expect_eq(table_print(stdout, json, &look), 0);
    return capture_end(&out);
}

static void expect_words(const char *text, const char *words)
{
    cr_expect_not_null(strstr(text, words), "'%s' is not in:\n%s", words, text);
}

Test(table_revocation, tells_modes_clock_and_stall_above_the_table)
{
    expect_words(table(ward, 0, false), "\nrevocation: hard, grace\nclock: synced\n"
                                        "longest stall of the loop: 4 ms\n\nDEVICE");
}

Test(table_revocation, tells_each_verdict_with_its_evidence_and_end)
{
    const char *text = table(ward, 0, false);
    expect_words(text, "  peer good until 14:05Z (CRL 1C of 06:05Z)\n"
                       "  own certificate good until 2026-03-02 14:05Z\n");
    expect_words(text, "  peer status stale (CRL 1B of 2026-02-27 06:05Z)\n"
                       "  own certificate revoked (OCSP of 06:00Z)\n");
}

Test(table_revocation, tells_of_a_block_and_of_break_glass)
{
    const char *text = table(ward, 0, false);
    expect_words(text, "  BLOCKED: no link comes up until 'wardgate unblock'\n"
                       "  BREAK-GLASS until 08:00Z: links come up without a verdict\n");
    expect_words(text, "\nblocked:\n  serial 0A1B since 06:00Z: lost in the lift\n");
    expect_words(text, "\nbreak-glass:\n  pump-13 until 08:00Z, since 06:00Z: fire\n");
}

Test(table_revocation, tells_what_is_held_under_each_trust)
{
    const char *text = table(ward, 0, false);
    expect_words(text, "\ntrust hospital: revocation hard, 3 CRLs, 1 OCSP answer\n"
                       "  CRL 1C of CN=Ward CA: 1 entry, 26 min old, next update 14:05Z, from "
                       "http://pki.example/ward.crl\n"
                       "  delta CRL of CN=Root: 12 entries, 2 days old, no next update, from "
                       "/var/lib/crls/root.crl; waits for its issuer and counts for nothing\n"
                       "  CRL 7 of CN=Old: 0 entries, 90 s old, ENDED 05:00Z, from /a\n"
                       "  url http://pki.example/x.crl can not be reached; never read\n"
                       "  file /b: an HTML page; last read 2026-02-28 06:00Z\n");
    cr_expect_null(strstr(text, "folder"), "a source without trouble");
    cr_expect_null(strstr(text, "trust lab"), "a trust that has nothing");
    expect_words(text, "\ntrust old: revocation off, 0 CRLs, 0 OCSP answers\n"
                       "  WEAK: its peers may use SHA-1\n");
}

Test(table_revocation, fits_into_100_columns)
{
    const char *text = table(ward, 100, false);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        cr_expect_leq(strcspn(line, "\n"), 100, "%.*s", (int)strcspn(line, "\n"), line);
    }
}

Test(table_revocation, shows_danger_in_colour)
{
    const char *text = table(ward, 0, true);
    expect_words(text, "\033[32mhard, grace\033[0m");
    expect_words(text, "\033[31mown certificate revoked");
    expect_words(text, "\033[33mpeer status stale");
    expect_words(text, "\033[31mBLOCKED");
}

static const char mixed[] =
    "{\"gateway\":{\"name\":\"ward-3b\",\"version\":\"1\",\"generation\":2,"
    "\"loaded_at\":\"2026-03-01T06:20:00Z\",\"now\":\"2026-03-01T06:31:00Z\","
    "\"clock\":\"unset\",\"clock_trusted\":false,\"unchecked\":2},"
    "\"devices\":[{\"name\":\"a\",\"state\":\"up\",\"words\":\"data flows\","
    "\"revocation\":\"off\",\"verdict\":\"not checked\"},"
    "{\"name\":\"b\",\"state\":\"up\",\"words\":\"data "
    "flows\",\"revocation\":\"hard\",\"verdict\":\"unavailable\","
    "\"verdict_until\":\"2026-03-01T06:40:00Z\"}]}";

Test(table_revocation, keeps_off_visible_when_only_some_devices_have_it)
{
    const char *text = table(mixed, 0, false);
    expect_words(text, "\nrevocation: OFF for 1 of 2 devices\n");
    expect_words(text, "  revocation OFF: nobody asks whether its peers are revoked\n");
    cr_expect_null(strstr(text, "not checked"));
    expect_words(text, "  peer status unavailable\n");
    expect_words(table(mixed, 0, true), "\033[33mOFF for 1 of 2 devices\033[0m");
}

Test(table_revocation, cries_out_at_a_clock_and_at_links_that_must_not_be)
{
    const char *text = table(mixed, 0, false);
    expect_words(text, "\nclock: unset, NOT TRUSTED: no link comes up but under break-glass\n");
    expect_words(text, "\nlinks open without a verdict: 2, which must not be");
    expect_words(table(mixed, 0, true), "clock: \033[31munset\033[0m\033[31m, NOT TRUSTED");
}

Test(table_revocation, is_silent_for_a_gateway_that_tells_nothing)
{
    static const char old[] =
        "{\"gateway\":{\"name\":\"ward-3b\",\"version\":\"1\",\"generation\":2,"
        "\"loaded_at\":\"2026-03-01T06:20:00Z\",\"now\":\"2026-03-01T06:31:00Z\"},"
        "\"devices\":[{\"name\":\"a\",\"state\":\"up\",\"words\":\"data flows\","
        "\"revocation\":\"off\"}]}";
    const char *text = table(old, 0, false);
    expect_words(text, "loaded 2026-03-01T06:20:00Z\nrevocation: OFF\n\nDEVICE");
    cr_expect_null(strstr(text, "clock"));
    cr_expect_null(strstr(text, "trust"));
    cr_expect_null(strstr(text, "blocked"));
}
