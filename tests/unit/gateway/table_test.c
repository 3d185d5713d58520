#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/table.h"
#include "tests/unit/gateway/capture.h"

static struct capture out;

static const char two_devices[] =
    "{\"gateway\":{\"name\":\"ward-3b\",\"version\":\"0.1.0\",\"generation\":2,"
    "\"loaded_at\":\"2026-03-01T06:20:00Z\",\"now\":\"2026-03-01T06:31:00Z\"},\"devices\":["
    "{\"name\":\"pump-12\",\"state\":\"up\",\"words\":\"data flows\",\"revocation\":\"off\","
    "\"peer\":\"10.0.0.9:50012\",\"certificate\":{\"days_left\":89},"
    "\"bytes\":{\"device_to_server\":1234,\"server_to_device\":999},"
    "\"messages\":{\"device_to_server\":12,\"server_to_device\":13},"
    "\"lost_bytes\":0,\"junk_bytes\":0,\"line_errors\":0,\"refusals\":0,\"last_fault\":null,"
    "\"link_total\":3},"
    "{\"name\":\"monitor-7\",\"state\":\"waiting\",\"words\":\"waiting 8 s to dial hl7a\","
    "\"revocation\":\"off\",\"peer\":\"\",\"certificate\":{\"days_left\":-1},"
    "\"bytes\":{\"device_to_server\":2500000,\"server_to_device\":0},"
    "\"messages\":{\"device_to_server\":0,\"server_to_device\":0},"
    "\"lost_bytes\":5,\"junk_bytes\":6,\"line_errors\":7,\"refusals\":8,"
    "\"last_fault\":{\"code\":\"timeout\",\"side\":\"server\",\"text\":\"no answer\","
    "\"note\":\"hl7a\",\"at\":\"2026-03-01T06:30:00Z\"},\"link_total\":1}]}";

static const char wide[] =
    "ward-3b  wardgate 0.1.0  generation 2 loaded 2026-03-01T06:20:00Z\n"
    "revocation: OFF\n"
    "\n"
    "DEVICE     STATE                     PEER                       CERTIFICATE   "
    "TO SERVER       TO DEVICE\n"
    "pump-12    up: data flows            10.0.0.9:50012 and 2 more  89 days left  "
    "12 msg, 1.2 kB  13 msg, 999 B\n"
    "monitor-7  waiting 8 s to dial hl7a  -                          EXPIRED       "
    "0 msg, 2.5 MB   0 msg, 0 B\n"
    "  5 bytes lost\n"
    "  6 bytes that belong to no message\n"
    "  7 line errors (parity, framing, overrun)\n"
    "  8 peers refused\n"
    "  last fault 2026-03-01T06:30:00Z, side server: no answer (hl7a)\n";

static const char *table(const char *json, unsigned columns, bool is_coloured)
{
    struct table_look look = {.columns = columns, .is_coloured = is_coloured};
    capture_start(&out, STDOUT_FILENO);
    cr_expect_eq(table_print(stdout, json, &look), 0);
    return capture_end(&out);
}

Test(table, lines_everything_up)
{
    cr_expect_str_eq(table(two_devices, 0, false), wide);
    cr_expect_str_eq(table(two_devices, 200, false), wide);
}

/* Each line fits; the words that were wrapped are all there. */
Test(table, wraps_its_cells_to_the_width_of_the_terminal)
{
    const char *text = table(two_devices, 92, false);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        cr_expect_leq(strcspn(line, "\n"), 92, "%.*s", (int)strcspn(line, "\n"), line);
    }
    cr_expect_not_null(strstr(text, "waiting 8 s"));
    cr_expect_not_null(strstr(text, "dial hl7a"), "%s", text);
    cr_expect_null(strstr(text, " \n"), "blanks at the end of a line");
}

Test(table, stays_readable_on_a_terminal_that_is_far_too_narrow)
{
    cr_expect_not_null(strstr(table(two_devices, 10, false), "monitor-7"));
}

Test(table, colours_only_when_asked)
{
    cr_expect_null(strchr(table(two_devices, 0, false), '\033'));
    const char *text = table(two_devices, 0, true);
    cr_expect_not_null(strstr(text, "\033[32mup: data flows\033[0m"), "%s", text);
    cr_expect_not_null(strstr(text, "\033[31mEXPIRED\033[0m"), "%s", text);
    cr_expect_not_null(strstr(text, "\033[33mOFF\033[0m"), "%s", text);
}

Test(table, shows_the_head_alone_for_no_devices)
{
    const char *text = table("{\"gateway\":{\"name\":\"w\",\"version\":\"1\",\"generation\":1,"
                             "\"loaded_at\":\"x\"},\"devices\":[]}",
                             0, false);
    cr_expect_str_eq(text, "w  wardgate 1  generation 1 loaded x\n"
                           "DEVICE  STATE  PEER  CERTIFICATE  TO SERVER  TO DEVICE\n");
}

Test(table, refuses_what_is_no_status)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "[]",
                                      "{}",
                                      "{\"gateway\":{}}",
                                      "{\"gateway\":{},\"devices\":1}",
                                      "{\"ok\":false}"};
    struct table_look look = {0};
    capture_start(&out, STDOUT_FILENO);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_expect_eq(table_print(stdout, bad[i], &look), -1, "%s", bad[i]);
    }
    cr_expect_str_eq(capture_end(&out), "");
}
