#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/table_modbus.h"
#include "tests/unit/gateway/capture.h"

static struct capture out;

/* What is printed below this device. */
static const char *notes(const char *device, bool is_coloured)
{
    struct pen pen = {.to = stdout, .is_coloured = is_coloured};
    json_t *object = json_loads(device, 0, NULL);
    cr_assert_not_null(object, "%s", device);
    capture_start(&out, STDOUT_FILENO);
    table_modbus_device(&pen, object);
    (void)fflush(stdout);
    json_decref(object);
    return capture_end(&out);
}

Test(table_modbus, says_nothing_where_nothing_is_amiss)
{
    cr_expect_str_eq(notes("{\"links\":[{\"peer\":\"10.0.0.9:2\"}]}", false), "");
    cr_expect_str_eq(notes("{\"side\":\"unit\",\"requests\":{\"sent\":5,\"denied\":0},"
                           "\"writes\":{\"unknown\":0},\"write_lease\":null,"
                           "\"links\":[{\"peer\":\"10.0.0.9:2\",\"roles\":null}]}",
                           false),
                     "");
}

#define LINK(roles, role, fault, counts)                                                           \
    "{\"peer\":\"10.0.0.9:2\",\"roles\":\"" roles "\",\"role\":\"" role                            \
    "\",\"role_fault\":\"" fault "\"," counts "}"
#define COUNTS "\"requests\":12,\"denied\":3,\"failed\":1"

Test(table_modbus, names_each_master_with_its_role_where_roles_count)
{
    static const char ward[] = "{\"links\":[" LINK("Service", "x", "", COUNTS) "," LINK(
        "", "Visitor", "", COUNTS) "," LINK("", "", "two role extensions", COUNTS) "]}";
    cr_expect_str_eq(notes(ward, false),
                     "  10.0.0.9:2, role Service: 12 requests, 3 denied, 1 failed\n"
                     "  10.0.0.9:2, no role here (its certificate says Visitor): 12 requests, "
                     "3 denied, 1 failed\n"
                     "  10.0.0.9:2, no role (two role extensions): 12 requests, 3 denied, "
                     "1 failed\n");
}

/* So that who is denied stands out among many. */
Test(table_modbus, colours_who_is_denied)
{
    static const char fine[] = "{\"links\":[" LINK("Service", "x", "", "\"denied\":0") "]}";
    static const char denied[] = "{\"links\":[" LINK("Service", "x", "", COUNTS) "]}";
    static const char none[] = "{\"links\":[" LINK("", "", "x", "\"denied\":0") "]}";
    cr_expect_null(strchr(notes(fine, true), '\033'));
    cr_expect_not_null(strstr(notes(denied, true), "\033[33m"));
    cr_expect_not_null(strstr(notes(none, true), "\033[33m"));
}

Test(table_modbus, tells_what_a_device_that_is_a_master_asked)
{
    cr_expect_str_eq(notes("{\"side\":\"master\",\"masters\":1,"
                           "\"requests\":{\"sent\":20,\"answered\":18,\"no_answer\":2}}",
                           false),
                     "  asks: 20 requests carried, 18 answered; 1 master connected\n"
                     "  requests refused: 2 sent and not answered (0B)\n");
}

Test(table_modbus, tells_refused_requests_by_their_exception)
{
    cr_expect_str_eq(
        notes("{\"requests\":{\"denied\":1,\"malformed\":2,\"busy\":3,"
              "\"unavailable\":4,\"no_answer\":5}}",
              false),
        "  requests refused: 1 denied (01), 2 malformed (03), 3 not sent in time (06), "
        "4 without a way to the unit (0A), 5 sent and not answered (0B)\n");
}

Test(table_modbus, tells_writes_of_which_nobody_knows_and_who_alone_may_write)
{
    cr_expect_str_eq(notes("{\"writes\":{\"unknown\":2},"
                           "\"write_lease\":{\"holder\":\"CN=bms\",\"until\":\"x\"}}",
                           false),
                     "  2 writes of which nobody knows whether they were done\n"
                     "  only CN=bms may write now\n");
}
