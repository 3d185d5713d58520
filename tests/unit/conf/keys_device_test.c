#include <criterion/criterion.h>

#include "conf/keys_inside.h"

Test(keys_device, has_all_keys_of_devices_and_no_others)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        cr_expect_eq(row->section == KEYS_DEVICE, id >= KEYS_DEVICE_FIRST, "%s", row->name);
        if (id >= KEYS_DEVICE_FIRST) {
            cr_expect_eq(row, &keys_device_rows[id - KEYS_DEVICE_FIRST]);
        }
    }
}

Test(keys_device, what_is_inherited_is_a_key_of_the_trust)
{
    int inherited = 0;
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        if (row->is_inherited) {
            const struct keys_row *of_trust = keys_find(KEYS_TRUST, row->name);
            cr_assert_eq(row->section, KEYS_DEVICE);
            cr_assert_not_null(of_trust, "%s", row->name);
            cr_expect_eq(of_trust->type, row->type, "%s", row->name);
            cr_expect_eq(of_trust->floor, row->floor, "%s", row->name);
            cr_expect_eq(of_trust->ceiling, row->ceiling, "%s", row->name);
            cr_expect_null(row->fallback, "the trust's holds");
            inherited++;
        }
    }
    cr_expect_eq(inherited, 2);
}
