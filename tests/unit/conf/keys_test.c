#include <string.h>

#include <criterion/criterion.h>

#include "conf/keys.h"
#include "conf/values.h"

Test(keys, table_stands_in_the_order_of_its_numbers)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        cr_assert_eq((int)row->id, id);
        cr_assert_not_null(row->name);
        cr_assert_not_null(row->help);
        cr_assert_gt(strlen(row->help), 10);
    }
}

Test(keys, no_section_has_a_name_twice)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        cr_assert_eq(keys_find(row->section, row->name), row, "%s", row->name);
    }
}

Test(keys, ranges_are_ranges_and_defaults_lie_within)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        bool ranged = row->type == KEYS_TYPE_DURATION || row->type == KEYS_TYPE_SIZE ||
                      row->type == KEYS_TYPE_NUMBER;
        uint32_t number = 0;
        struct values_error why;
        if (ranged) {
            cr_assert_gt(row->floor, 0, "%s", row->name);
            cr_assert_gt(row->ceiling, row->floor, "%s", row->name);
        }
        if (row->type == KEYS_TYPE_CHOICE) {
            cr_assert_not_null(row->words[0], "%s", row->name);
        }
        if (row->fallback != NULL && (ranged || row->type == KEYS_TYPE_CHOICE)) {
            cr_assert_eq(values_scalar(row, row->fallback, &number, &why), 0, "%s", row->name);
        }
        cr_assert_not(row->is_required && row->fallback != NULL, "%s", row->name);
    }
}

Test(keys, finds_a_key_only_in_its_section)
{
    cr_assert_not_null(keys_find(KEYS_DEVICE, "port"));
    cr_assert_null(keys_find(KEYS_TRUST, "port"));
    cr_assert_null(keys_find(KEYS_DEVICE, "Port"));
    cr_assert_null(keys_find(KEYS_DEVICE, ""));
}

Test(keys, proposes_the_nearest_name)
{
    cr_assert_str_eq(keys_nearest(KEYS_DEVICE, "prot"), "port");
    cr_assert_str_eq(keys_nearest(KEYS_DEVICE, "respons_timeout"), "response_timeout");
    cr_assert_str_eq(keys_nearest(KEYS_GATEWAY, "loglevel"), "log_level");
    cr_assert_null(keys_nearest(KEYS_TRUST, "zzzzzz"));
    cr_assert_null(
        keys_nearest(KEYS_DEVICE, "a_name_that_is_far_longer_than_any_key_of_the_table_is"));
}

Test(keys, knows_the_words_of_sections)
{
    enum keys_section section = KEYS_GATEWAY;
    const char *nearest = NULL;
    cr_assert(keys_section_find("trust hospital", 5, &section, &nearest));
    cr_assert_eq(section, KEYS_TRUST);
    cr_assert_str_eq(keys_section_word(section), "trust");
    cr_assert_not(keys_section_find("devise", 6, &section, &nearest));
    cr_assert_str_eq(nearest, "device");
    cr_assert_not(keys_section_find("", 0, &section, &nearest));
    cr_assert_null(nearest);
}
