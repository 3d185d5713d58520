#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "conf/values.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

Test(values_line, takes_rate_frame_and_flow)
{
    struct conf_line l;
    struct values_error why;
    cr_assert_eq(values_line("9600 8E1", &l, &why), 0);
    cr_assert_eq(l.rate, 9600);
    cr_assert_eq(l.data_bits, 8);
    cr_assert_eq(l.parity, CONF_PARITY_EVEN);
    cr_assert_eq(l.stop_bits, 1);
    cr_assert_eq(l.flow, CONF_FLOW_NONE);
    cr_assert_eq(values_line("4000000\t5n2   rs485", &l, &why), 0);
    cr_assert_eq(l.rate, 4000000);
    cr_assert_eq(l.data_bits, 5);
    cr_assert_eq(l.parity, CONF_PARITY_NONE);
    cr_assert_eq(l.stop_bits, 2);
    cr_assert_eq(l.flow, CONF_FLOW_RS485);
}

Test(values_line, knows_every_parity_and_flow)
{
    static const char *const FRAMES[] = {"8N1", "8E1", "8O1", "8M1", "8S1"};
    static const char *const FLOWS[] = {"", " rtscts", " xonxoff", " rs485"};
    char text[32];
    for (size_t i = 0; i < COUNT(FRAMES); i++) {
        for (size_t k = 0; k < COUNT(FLOWS); k++) {
            struct conf_line l;
            struct values_error why;
            (void)snprintf(text, sizeof(text), "50 %s%s", FRAMES[i], FLOWS[k]);
            cr_assert_eq(values_line(text, &l, &why), 0, "%s", text);
            cr_assert_eq((size_t)l.parity, i);
            cr_assert_eq((size_t)l.flow, k);
        }
    }
}

Test(values_line, refuses_all_else)
{
    static const struct {
        const char *text;
        const char *wrong;
    } BAD[] = {
        {"9600", "is not a rate, a frame and at most one word for flow control"},
        {"", "is not a rate, a frame and at most one word for flow control"},
        {"9600 8E1 rtscts xonxoff", "is not a rate, a frame and at most one word for flow control"},
        {"9600 8E1 aaaaaaaaaaaaaaaa",
         "is not a rate, a frame and at most one word for flow control"},
        {"49 8E1", "has no possible rate"},
        {"4000001 8E1", "has no possible rate"},
        {"fast 8E1", "has no possible rate"},
        {"9600 4E1", "has no possible frame"},
        {"9600 9E1", "has no possible frame"},
        {"9600 8X1", "has no possible frame"},
        {"9600 8E0", "has no possible frame"},
        {"9600 8E3", "has no possible frame"},
        {"9600 8E", "has no possible frame"},
        {"9600 8E1.5", "has no possible frame"},
        {"9600 8E1 none", "has an unknown flow control"},
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct conf_line l = {.rate = 1};
        struct values_error why = {0};
        cr_assert_eq(values_line(BAD[i].text, &l, &why), -1, "%s", BAD[i].text);
        cr_assert_str_eq(why.wrong, BAD[i].wrong, "%s", BAD[i].text);
        cr_assert_eq(l.rate, 1);
    }
}

/* ---- Unit maps ---- */

static int add(struct conf_unit_map *map, const char *text)
{
    struct values_error why;
    return values_units_add(text, false, map, &why);
}

Test(values_line, an_empty_map_has_no_unit)
{
    struct conf_unit_map map;
    values_units_clear(&map);
    for (size_t i = 0; i < 256; i++) {
        cr_assert_eq(map.bus_unit[i], VALUES_UNIT_NONE);
    }
}

Test(values_line, units_stand_for_themselves_or_for_another)
{
    struct conf_unit_map map;
    values_units_clear(&map);
    cr_assert_eq(add(&map, "1"), 0);
    cr_assert_eq(add(&map, "3-5"), 0);
    cr_assert_eq(add(&map, "10>1"), 0);
    cr_assert_eq(add(&map, "255 > 1"), 0);
    cr_assert_eq(add(&map, "0>2"), 0);
    cr_assert_eq(add(&map, "247"), 0);
    cr_assert_eq(map.bus_unit[1], 1);
    cr_assert_eq(map.bus_unit[2], VALUES_UNIT_NONE);
    cr_assert_eq(map.bus_unit[3], 3);
    cr_assert_eq(map.bus_unit[5], 5);
    cr_assert_eq(map.bus_unit[6], VALUES_UNIT_NONE);
    cr_assert_eq(map.bus_unit[10], 1);
    cr_assert_eq(map.bus_unit[255], 1);
    cr_assert_eq(map.bus_unit[0], 2);
    cr_assert_eq(map.bus_unit[247], 247);
}

Test(values_line, units_that_cannot_be_are_refused)
{
    static const struct {
        const char *text;
        const char *wrong;
    } BAD[] = {
        {"", "is not a unit, a range or a renaming"},
        {"x", "is not a unit, a range or a renaming"},
        {"1>", "is not a unit, a range or a renaming"},
        {"1>2>3", "is not a unit, a range or a renaming"},
        {"1->3", "is not a unit, a range or a renaming"},
        {"256>1", "is not a unit, a range or a renaming"},
        {"1-", "is not a unit, a range or a renaming"},
        {"12345678901234567890", "is not a unit, a range or a renaming"},
        {"0", "makes unit 0, the broadcast, reachable"},
        {"5>0", "makes unit 0, the broadcast, reachable"},
        {"248", "names a unit that no device can have"},
        {"255", "names a unit that no device can have"},
        {"1>248", "names a unit that no device can have"},
        {"0-3", "is not a range of units"},
        {"5-3", "is not a range of units"},
        {"240-248", "is not a range of units"},
        {"7", "maps a unit for the second time"},
        {"5-8", "maps a unit for the second time"},
        {"7>9", "maps a unit for the second time"},
    };

    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct conf_unit_map map;
        struct values_error why = {0};
        values_units_clear(&map);
        cr_assert_eq(add(&map, "7"), 0);
        struct conf_unit_map before = map;
        cr_assert_eq(values_units_add(BAD[i].text, false, &map, &why), -1, "%s", BAD[i].text);
        cr_assert_str_eq(why.wrong, BAD[i].wrong, "%s", BAD[i].text);
        cr_assert_eq(memcmp(&before, &map, sizeof(map)), 0, "%s changed the map", BAD[i].text);
    }
}

Test(values_line, unit_255_is_the_device_itself_where_it_may_be)
{
    struct conf_unit_map map;
    struct values_error why;
    values_units_clear(&map);
    cr_assert_eq(values_units_add("255", true, &map, &why), 0);
    cr_assert_eq(values_units_add("1>255", true, &map, &why), 0);
    cr_assert_eq(values_units_add("2>254", true, &map, &why), -1);
    cr_assert_eq(values_units_add("240-255", true, &map, &why), -1);
    cr_assert_eq(map.bus_unit[1], 255);
}
