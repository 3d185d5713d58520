#include <jansson.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/log.h"
#include "tests/unit/gateway/capture.h"

static struct capture err;

static const struct log_field some[] = {
    {"peer", "10.0.0.9:802", 0},
    {"subject", "CN=bms, O=Hospital", 0},
    {"absent", "", 0},
    {"bytes", NULL, -7},
};

Test(log, writes_event_device_and_fields_with_the_journal_priority)
{
    capture_start(&err, STDERR_FILENO);
    log_event(CONF_LOG_INFO, "pump-12", "link-up", some, 4);
    cr_expect_str_eq(capture_end(&err), "<6>link-up device=pump-12 peer=10.0.0.9:802 "
                                        "subject=\"CN=bms, O=Hospital\" bytes=-7\n");
}

Test(log, has_one_priority_for_each_level)
{
    log_setup(CONF_LOG_TEXT, CONF_LOG_DEBUG);
    capture_start(&err, STDERR_FILENO);
    log_event(CONF_LOG_ERROR, NULL, "a", NULL, 0);
    log_event(CONF_LOG_WARNING, NULL, "b", NULL, 0);
    log_event(CONF_LOG_INFO, "", "c", NULL, 0);
    log_event(CONF_LOG_DEBUG, NULL, "d", NULL, 0);
    cr_expect_str_eq(capture_end(&err), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

Test(log, leaves_out_what_is_below_the_level)
{
    log_setup(CONF_LOG_TEXT, CONF_LOG_WARNING);
    capture_start(&err, STDERR_FILENO);
    log_event(CONF_LOG_INFO, NULL, "quiet", NULL, 0);
    log_event(CONF_LOG_WARNING, NULL, "loud", NULL, 0);
    cr_expect_str_eq(capture_end(&err), "<4>loud\n");
}

Test(log, keeps_a_forged_line_inside_its_value)
{
    const struct log_field forged[] = {LOG_TEXT("subject", "CN=x\n<3>link-up device=y")};
    capture_start(&err, STDERR_FILENO);
    log_event(CONF_LOG_INFO, NULL, "refused", forged, 1);
    cr_expect_str_eq(capture_end(&err), "<6>refused subject=\"CN=x\\x0a<3>link-up device=y\"\n");
}

Test(log, tells_code_side_and_note_of_a_fault)
{
    struct fault f;
    fault_set(&f, FAULT_TIMEOUT, FAULT_SIDE_SERVER, "no answer from ", "hl7a");
    capture_start(&err, STDERR_FILENO);
    log_fault(CONF_LOG_WARNING, "m", "link-down", &f);
    cr_expect_str_eq(
        capture_end(&err),
        "<4>link-down device=m code=timeout side=server note=\"no answer from hl7a\"\n");
}

Test(log, shows_time_and_level_to_a_person)
{
    int ours = -1;
    int theirs = -1;
    char text[256] = "";
    cr_assert_eq(openpty(&ours, &theirs, NULL, NULL, NULL), 0);
    int saved = dup(STDERR_FILENO);
    dup2(theirs, STDERR_FILENO);
    log_event(CONF_LOG_INFO, "pump-12", "link-up", NULL, 0);
    dup2(saved, STDERR_FILENO);
    cr_assert_gt(read(ours, text, sizeof(text) - 1), 0);
    cr_expect_eq(text[0], '2', "no time stamp: %s", text);
    cr_expect_not_null(strstr(text, "Z info link-up device=pump-12\r\n"), "%s", text);
}

Test(log, writes_one_json_object_per_line)
{
    log_setup(CONF_LOG_JSON, CONF_LOG_INFO);
    capture_start(&err, STDERR_FILENO);
    log_event(CONF_LOG_WARNING, "pump-12", "link-down", some, 4);
    const char *text = capture_end(&err);
    json_t *line = json_loads(text, 0, NULL);
    cr_assert_not_null(line, "%s", text);
    cr_expect_str_eq(json_string_value(json_object_get(line, "level")), "warning");
    cr_expect_str_eq(json_string_value(json_object_get(line, "event")), "link-down");
    cr_expect_str_eq(json_string_value(json_object_get(line, "device")), "pump-12");
    cr_expect_str_eq(json_string_value(json_object_get(line, "subject")), "CN=bms, O=Hospital");
    cr_expect_eq(json_integer_value(json_object_get(line, "bytes")), -7);
    cr_expect_null(json_object_get(line, "absent"));
    cr_expect_eq(strlen(json_string_value(json_object_get(line, "time"))), 20);
    cr_expect_eq(strchr(text, '\n'), text + err.len - 1, "not one line: %s", text);
    json_decref(line);
}

Test(log, writes_valid_json_for_bytes_that_are_not_utf_8)
{
    const struct log_field bad[] = {LOG_TEXT("subject", "CN=\xff\n\"")};
    log_setup(CONF_LOG_JSON, CONF_LOG_INFO);
    capture_start(&err, STDERR_FILENO);
    log_event(CONF_LOG_INFO, NULL, "e", bad, 1);
    json_t *line = json_loads(capture_end(&err), 0, NULL);
    cr_assert_not_null(line, "%s", err.text);
    cr_expect_str_eq(json_string_value(json_object_get(line, "subject")), "CN=\\xff\\x0a\"");
    json_decref(line);
}

Test(log, gives_json_a_priority_only_in_the_journal)
{
    struct stat st;
    char stream[64];
    log_setup(CONF_LOG_JSON, CONF_LOG_INFO);
    capture_start(&err, STDERR_FILENO);
    cr_assert_eq(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    log_event(CONF_LOG_INFO, NULL, "e", NULL, 0);
    setenv("JOURNAL_STREAM", stream, 1);
    log_event(CONF_LOG_INFO, NULL, "e", NULL, 0);
    const char *text = capture_end(&err);
    cr_expect_eq(text[0], '{');
    cr_expect_not_null(strstr(text, "\n<6>{"), "%s", text);
}

Test(log, keeps_a_line_within_one_atomic_write)
{
    static char huge[6000];
    memset(huge, 'x', sizeof(huge) - 1);
    const struct log_field fields[] = {LOG_TEXT("note", huge), LOG_TEXT("peer", "p")};
    for (int format = 0; format < 2; format++) {
        log_setup(format == 0 ? CONF_LOG_TEXT : CONF_LOG_JSON, CONF_LOG_INFO);
        capture_start(&err, STDERR_FILENO);
        log_event(CONF_LOG_INFO, NULL, "e", fields, 2);
        cr_expect_str_eq(capture_end(&err), "<6>e peer=p\n"); /* what fits, and the line's end */
    }
}
