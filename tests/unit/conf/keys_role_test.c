#include <string.h>

#include <criterion/criterion.h>

#include "conf/keys_inside.h"

Test(keys_role, has_all_keys_of_roles_and_no_others)
{
    for (int id = 0; id < KEYS_COUNT; id++) {
        const struct keys_row *row = keys_get((enum keys_id)id);
        bool is_here = id >= KEYS_ROLE_FIRST && id < KEYS_DEVICE_FIRST;
        cr_expect_eq(row->section == KEYS_ROLE, is_here, "%s", row->name);
        if (is_here) {
            cr_expect_eq(row, &keys_role_rows[id - KEYS_ROLE_FIRST]);
            cr_expect(row->is_list, "%s: its lines are added up", row->name);
        }
    }
}

Test(keys_role, a_key_about_a_device_has_its_name_inside)
{
    static const struct {
        const char *name;
        enum keys_id id;
        const char *part;
    } rows[] = {
        {"device.pump-12.read", KEYS_ROLE_DEVICE_READ, "pump-12"},
        {"device.pump-12.write", KEYS_ROLE_DEVICE_WRITE, "pump-12"},
        {"device.a.b.when", KEYS_ROLE_DEVICE_WHEN, "a.b"},
        {"device.x.read.read", KEYS_ROLE_DEVICE_READ, "x.read"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct keys_row *row = keys_find(KEYS_ROLE, rows[i].name);
        size_t at = 0;
        size_t len = 0;
        cr_assert_not_null(row, "%s", rows[i].name);
        cr_expect_eq(row->id, rows[i].id);
        cr_assert(keys_part(row, rows[i].name, &at, &len));
        cr_expect_eq(len, strlen(rows[i].part));
        cr_expect_eq(strncmp(&rows[i].name[at], rows[i].part, len), 0);
    }
}

Test(keys_role, anything_else_is_no_key)
{
    static const char *const names[] = {"device..read",   "device.read",    "device.x.raed",
                                        "devices.x.read", "xdevice.x.read", "device.x.read.",
                                        "device.x",       "device.",        ".read"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_expect_null(keys_find(KEYS_ROLE, names[i]), "%s", names[i]);
    }
    cr_expect_null(keys_find(KEYS_DEVICE, "device.x.read"));
    cr_expect_str_eq(keys_nearest(KEYS_ROLE, "device.x.raed"),
                     "device.NAME.read, device.NAME.write or device.NAME.when");
}
