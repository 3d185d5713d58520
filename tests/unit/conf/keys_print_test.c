#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "conf/keys.h"

/* What a printer prints; to be freed. */
static char *printed(int (*print)(FILE *to))
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    cr_assert_not_null(to);
    cr_assert_eq(print(to), 0);
    cr_assert_eq(fclose(to), 0);
    return text;
}

static char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 100000);
    cr_assert_gt(fread(text, 1, 99999, file), 0);
    cr_assert_eq(fclose(file), 0);
    return text;
}

Test(keys_print, text_has_every_key_with_its_section)
{
    char *text = printed(keys_print_text);
    char line[64];
    for (int id = 0; id < KEYS_COUNT; id++) {
        (void)snprintf(line, sizeof(line), "\n  %s = ", keys_get((enum keys_id)id)->name);
        cr_assert_not_null(strstr(text, line), "%s", line);
    }
    cr_assert_not_null(strstr(text, "[gateway]\n"));
    cr_assert_not_null(strstr(text, "\n[trust NAME]\n"));
    cr_assert_not_null(strstr(text, "\n[device NAME]\n"));
    cr_assert_not_null(strstr(text,
                              "gap = a duration (ms, s, m, h) from 1ms to 10s; default: 20ms; "
                              "only with gap, line\n"));
    free(text);
}

Test(keys_print, help_is_folded)
{
    char *text = printed(keys_print_text);
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        if (strncmp(line, "          ", 10) == 0) {
            cr_assert_lt(strcspn(line, "\n"), 95, "%.40s", line);
        }
    }
    free(text);
}

Test(keys_print, man_page_holds_the_table_as_it_is)
{
    static const char BEGIN[] = ".\\\" BEGIN KEYS\n";
    static const char END[] = ".\\\" END KEYS\n";
    char *table = printed(keys_print_roff);
    char *page = file_text("conf/wardgate.conf.5");
    char *begin = strstr(page, BEGIN);
    char *end = strstr(page, END);
    cr_assert_not_null(begin);
    cr_assert_not_null(end);
    begin += strlen(BEGIN);
    *end = '\0';
    if (strcmp(begin, table) != 0) {
        FILE *out = fopen("build/wardgate.conf.5.keys", "w");
        if (out != NULL) {
            (void)fputs(table, out);
            (void)fclose(out);
        }
        cr_assert_fail("conf/wardgate.conf.5 is not what keys.c says: put "
                       "build/wardgate.conf.5.keys between its marks");
    }
    free(table);
    free(page);
}

Test(keys_print, roff_has_no_line_that_is_a_request_by_mistake)
{
    char *table = printed(keys_print_roff);
    for (char *at = table; *at != '\0'; at = strchr(at, '\n') + 1) {
        bool request = at[0] == '.' || at[0] == '\'';
        bool meant = strncmp(at, ".SS ", 4) == 0 || strncmp(at, ".TP\n", 4) == 0 ||
                     strncmp(at, ".B ", 3) == 0 || strncmp(at, ".br\n", 4) == 0;
        cr_assert(!request || meant, "%.20s", at);
    }
    free(table);
}

Test(keys_print, says_when_writing_fails)
{
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    cr_assert_eq(keys_print_text(full), -1);
    cr_assert_eq(keys_print_roff(full), -1);
    (void)fclose(full);
}

Test(keys_print, numbers_are_written_as_one_would)
{
    char to[KEYS_NUMBER_MAX];
    const struct keys_row *duration = keys_get(KEYS_IDLE_TIMEOUT);
    const struct keys_row *size = keys_get(KEYS_MAX_FRAME);

    static const struct {
        uint32_t ms;
        const char *text;
    } DURATIONS[] = {{0, "never"},  {20, "20ms"},    {1000, "1s"},      {90000, "90s"},
                     {60000, "1m"}, {3600000, "1h"}, {86400000, "24h"}, {3660000, "61m"}};

    for (size_t i = 0; i < sizeof(DURATIONS) / sizeof(DURATIONS[0]); i++) {
        keys_number(duration, DURATIONS[i].ms, to);
        cr_assert_str_eq(to, DURATIONS[i].text);
    }
    keys_number(size, 100, to);
    cr_assert_str_eq(to, "100");
    keys_number(size, 4096, to);
    cr_assert_str_eq(to, "4KiB");
    keys_number(size, 2097152, to);
    cr_assert_str_eq(to, "2MiB");
    keys_number(keys_get(KEYS_MAX_LINKS), 16, to);
    cr_assert_str_eq(to, "16");
}

Test(keys_print, every_key_says_what_would_be_right)
{
    char form[KEYS_FORM_MAX];
    for (int id = 0; id < KEYS_COUNT; id++) {
        keys_form(keys_get((enum keys_id)id), form);
        cr_assert_gt(strlen(form), 2);
        cr_assert_lt(strlen(form), KEYS_FORM_MAX - 1, "cut short");
    }
    keys_form(keys_get(KEYS_START), form);
    cr_assert_str_eq(form, "always or data");
    keys_form(keys_get(KEYS_IDLE_TIMEOUT), form);
    cr_assert_str_eq(form, "a duration (ms, s, m, h) from 100ms to 24h, or never");
}

Test(keys_print, says_what_a_key_is_for)
{
    char applies[KEYS_FORM_MAX];
    keys_applies(keys_get(KEYS_PORT), applies);
    cr_assert_str_eq(applies, "");
    keys_applies(keys_get(KEYS_UNIT_MAP), applies);
    cr_assert_str_eq(applies, "modbus-rtu, modbus-tcp, modbus-ascii");
    keys_applies(keys_get(KEYS_FROM), applies);
    cr_assert_str_eq(applies, "tcp-listen");
    keys_applies(keys_get(KEYS_RETRY_MIN), applies);
    cr_assert_str_eq(applies, "connect");
}
