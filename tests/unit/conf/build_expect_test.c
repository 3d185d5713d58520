#include <string.h>

#include <criterion/criterion.h>

#include "conf/build_expect.h"
#include "tests/unit/conf/fixture.h"

/* Lines 10 to 15, and 10 to 12. */
#define RTU                                                                                        \
    "port = serial:/dev/nothing-here\nline = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 1\n"      \
    "listen = 127.0.0.1:802\nallow = dns:bms.example\n"
#define WIRE "port = serial:/dev/nothing-here\nline = 9600 8E1\nconnect = h.example:1\n"

Test(build_expect, fills_all_that_must_hold)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE RTU
                  "expect = id \"Acme*\", register 0x0100 = 0x1234\nexpect = usb-serial FT4\n"
                  "expect = slave-id LMB*\nexpect = input 7 = 8\n");
    const struct conf_device *d = &f.conf.devices[0];
    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_eq(d->expect_count, 5);
    cr_expect_eq(d->expect[0].kind, CONF_EXPECT_ID);
    cr_expect_str_eq(d->expect[0].pattern, "Acme*");
    cr_expect_str_eq(d->expect[0].text, "id \"Acme*\"");
    cr_expect_eq(d->expect[1].kind, CONF_EXPECT_REGISTER);
    cr_expect_eq(d->expect[1].address, 0x100);
    cr_expect_eq(d->expect[1].value, 0x1234);
    cr_expect_null(d->expect[1].pattern);
    cr_expect_eq(d->expect[2].kind, CONF_EXPECT_USB_SERIAL);
    cr_expect_eq(d->expect[3].kind, CONF_EXPECT_SLAVE_ID);
    cr_expect_eq(d->expect[4].kind, CONF_EXPECT_INPUT);
    fixture_end(&f);
}

Test(build_expect, without_it_nothing_is_expected)
{
    struct fixture f;
    fixture_build(&f, FIXTURE_DEVICE RTU);
    cr_expect_eq(f.conf.devices[0].expect_count, 0);
    fixture_end(&f);
}

Test(build_expect, an_adapter_is_known_whatever_the_protocol)
{
    fixture_expect_one(FIXTURE_DEVICE WIRE "protocol = raw\nexpect = usb-serial FT4\n", NULL);
    fixture_expect_one(FIXTURE_DEVICE WIRE "protocol = mllp\nexpect = usb-serial FT4\n", NULL);
}

Test(build_expect, refuses_an_adapter_without_a_serial_port)
{
    fixture_expect_one(
        FIXTURE_DEVICE FIXTURE_MLLP "expect = usb-serial FT4\n",
        "t.conf:13: expect = usb-serial FT4 needs a USB adapter, which this port has "
        "not; right: serial:/dev/NAME as the port, or no such line");
    fixture_expect_one(
        FIXTURE_DEVICE "port = tcp:10.0.0.1:502\nprotocol = modbus-tcp\nunit_map = 1\n"
                       "connect = h.example:1\nexpect = usb-serial FT4\n",
        "t.conf:14: expect = usb-serial FT4 needs a USB adapter, which this port has not; right: "
        "serial:/dev/NAME as the port, or no such line");
}

Test(build_expect, refuses_to_ask_with_modbus_where_nobody_speaks_it)
{
    fixture_expect_one(FIXTURE_DEVICE FIXTURE_MLLP "expect = id \"Acme*\"\n",
                       "t.conf:13: expect = id \"Acme*\" asks with Modbus, which this device does "
                       "not speak; right: usb-serial, or no such line");
    fixture_expect_one(
        FIXTURE_DEVICE WIRE "protocol = raw\nexpect = register 1 = 2\n",
        "t.conf:14: expect = register 1 = 2 asks with Modbus, which this device does "
        "not speak; right: usb-serial, or no such line");
}

Test(build_expect, refuses_to_ask_a_master)
{
    fixture_expect_one(FIXTURE_DEVICE WIRE "protocol = modbus-rtu\nunit_map = 1\nside = master\n"
                                           "expect = slave-id \"Acme*\"\n",
                       "t.conf:16: expect = slave-id \"Acme*\" asks with Modbus, and nobody can "
                       "ask a master; right: usb-serial, or no such line");
    fixture_expect_one(FIXTURE_DEVICE WIRE "protocol = modbus-rtu\nunit_map = 1\nside = master\n"
                                           "expect = usb-serial FT4\n",
                       NULL);
}

Test(build_expect, refuses_what_cannot_be_read)
{
    fixture_expect_one(
        FIXTURE_DEVICE RTU "expect = Acme\n",
        "t.conf:16: expect = Acme is nothing that a device could be known by; right: "
        "id \"TEXT\", slave-id \"TEXT\", register ADDRESS = VALUE, input ADDRESS = "
        "VALUE or usb-serial TEXT");
    fixture_expect_one(FIXTURE_DEVICE RTU "expect = id \"A*\"\nexpect = id *\n",
                       "t.conf:17: expect = id * would take any device; right: what this device "
                       "alone says; 'wardgate modbus identify' shows it");
}
