#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "gateway/status_modbus.h"

static const struct snapshot_requests requests = {9, 8, 7, 6, 5, 4, 3};

#define REQUESTS                                                                                   \
    "\"requests\":{\"sent\":9,\"answered\":8,\"denied\":7,\"malformed\":6,\"busy\":5,"             \
    "\"unavailable\":4,\"no_answer\":3}"

/* Takes the object over. */
static void expect(json_t *object, const char *wanted)
{
    char *text = json_dumps(object, JSON_COMPACT);
    cr_assert_not_null(text);
    cr_expect_str_eq(text, wanted);
    free(text);
    json_decref(object);
}

static void expect_device(const struct snapshot_device *d, const char *wanted)
{
    json_t *object = json_object();
    cr_expect(status_modbus_set(object, d));
    expect(object, wanted);
}

static void expect_link(const struct snapshot_link *l, const char *wanted)
{
    json_t *object = json_object();
    cr_expect(status_modbus_set_link(object, l));
    expect(object, wanted);
}

Test(status_modbus, tells_requests_writes_the_lease_and_silent_units)
{
    struct snapshot_device d = {.has_bus = true,
                                .requests = requests,
                                .writes = {5, 1, 2, 3, 4},
                                .late_answers = 6,
                                .collisions = 7,
                                .lease_until_s = 1772433000,
                                .silent_total = 1,
                                .silent = {{.unit = 5, .again_in_s = 8}}};
    (void)snprintf(d.lease_holder, sizeof d.lease_holder, "CN=bms serial 0B");
    expect_device(&d, "{\"side\":\"unit\"," REQUESTS ",\"late_answers\":6,"
                      "\"writes\":{\"sent\":5,\"confirmed\":1,\"refused\":2,\"unknown\":3,"
                      "\"never_sent\":4},\"write_lease\":{\"holder\":\"CN=bms serial 0B\","
                      "\"until\":\"2026-03-02T06:30:00Z\"},"
                      "\"silent_units\":[{\"unit\":5,\"again_in_s\":8}],\"collisions\":7}");
}

Test(status_modbus, without_a_lease_it_is_null)
{
    struct snapshot_device d = {.has_bus = true};
    json_t *object = json_object();
    cr_expect(status_modbus_set(object, &d));
    cr_expect(json_is_null(json_object_get(object, "write_lease")));
    cr_expect_eq(json_array_size(json_object_get(object, "silent_units")), 0);
    json_decref(object);
}

Test(status_modbus, tells_what_a_device_that_is_a_master_asked)
{
    struct snapshot_device d = {
        .is_master = true, .requests = requests, .late_answers = 2, .masters = 3};
    expect_device(&d, "{\"side\":\"master\"," REQUESTS ",\"late_answers\":2,\"masters\":3}");
}

Test(status_modbus, says_nothing_of_what_is_no_modbus)
{
    struct snapshot_device d = {.has_bus = false};
    struct snapshot_link l = {.requests = 1};
    expect_device(&d, "{}");
    expect_link(&l, "{}");
}

Test(status_modbus, tells_the_roles_of_a_master_and_what_it_asked)
{
    struct snapshot_link l = {.is_master = true,
                              .has_rules = true,
                              .roles = "Service, Operator",
                              .role = "Biomed\x01",
                              .requests = 12,
                              .denied = 3,
                              .failed = 1};
    expect_link(&l, "{\"roles\":\"Service, Operator\",\"role\":\"Biomed\\\\x01\","
                    "\"role_fault\":\"\",\"requests\":12,\"denied\":3,\"failed\":1}");
}

Test(status_modbus, tells_who_has_no_role_from_where_none_counts)
{
    struct snapshot_link l = {
        .is_master = true, .has_rules = true, .role_fault = "no role extension"};
    expect_link(&l, "{\"roles\":\"\",\"role\":\"\",\"role_fault\":\"no role extension\","
                    "\"requests\":0,\"denied\":0,\"failed\":0}");
    l.has_rules = false;
    expect_link(&l, "{\"roles\":null,\"role\":\"\",\"role_fault\":\"no role extension\","
                    "\"requests\":0,\"denied\":0,\"failed\":0}");
}

Test(status_modbus, fails_without_an_object)
{
    struct snapshot_device d = {.has_bus = true};
    struct snapshot_link l = {.is_master = true};
    cr_expect_not(status_modbus_set(NULL, &d));
    cr_expect_not(status_modbus_set_link(NULL, &l));
}
