#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "tests/unit/gateway/link_rig.h"
#include "tests/unit/gateway/sysfs.h"

#define MESSAGE "\x0bMSH|1\x1c\x0d"

static struct rig rig;
static struct stage *const stage = &rig.stage;
static struct hospital *const hospital = &rig.stage.hospitals[0];
static struct sysfs tree;
static char text[] = "usb-serial FT4", pattern[] = "FT4";
static struct conf_expect expected = {CONF_EXPECT_USB_SERIAL, pattern, 0, 0, text};
static char node[] = "/tmp/wardgate-port-XXXXXX"; /* as udev names a port */

/* A new pseudo-terminal comes under the port's name, with this adapter. Its master. */
static int plug(const char *serial)
{
    char *name = stage->conf.port.path;
    int master = rig_use_serial(&rig);
    sysfs_move(&tree, rig.port_path);
    sysfs_plug(&tree, serial);
    cr_assert_eq(symlink(rig.port_path, node), 0);
    stage->conf.port.path = name;
    stage->conf.port.text = name;
    return master;
}

static void unplug(int master)
{
    cr_assert_eq(unlink(node), 0);
    close(master);
}

static int setup(const char *serial)
{
    rig_init(&rig);
    int placeholder = mkstemp(node);
    cr_assert_geq(placeholder, 0);
    close(placeholder);
    cr_assert_eq(unlink(node), 0);
    sysfs_make(&tree, "/dev/null");
    rig.sysfs = tree.root;
    stage->conf.expect = &expected;
    stage->conf.expect_count = 1;
    stage->conf.port.path = node;
    return plug(serial);
}

static void teardown(int master)
{
    unplug(master);
    rig_end(&rig);
    sysfs_end(&tree);
}

static void turn(void)
{
    for (int i = 0; i < 20; i++) {
        bench_turn(&stage->bench);
    }
}

Test(device_binding, the_right_device_gets_its_link)
{
    int master = setup("FT4");
    rig_start(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    stage_device_says(master, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    cr_expect_str_eq(rig_look(&rig)->identity, "bound");
    teardown(master);
}

Test(device_binding, a_strangers_server_is_not_dialled)
{
    int master = setup("FT5");
    rig_start(&rig);
    rig_until_state(&rig, "stranger");
    cr_expect_str_eq(rig.shown.words, "another device is on the port: expected usb-serial FT4, "
                                      "found \"FT5\"");
    cr_expect_str_eq(rig.shown.identity, "stranger");
    cr_expect(rig.shown.port_open);
    cr_expect_eq(rig.shown.last_fault.code, FAULT_STRANGER);
    cr_expect_eq(rig.shown.last_fault.side, FAULT_SIDE_DEVICE);
    stage_device_says(master, MESSAGE);
    turn();
    cr_expect_eq(hospital->count, 0);
    teardown(master);
}

Test(device_binding, a_strangers_hospital_sees_no_handshake)
{
    int master = setup("FT5");
    rig_listen(&rig);
    rig_start(&rig);
    rig_until_state(&rig, "stranger");
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    cr_expect_eq(rig.device->session_count, 0);
    cr_expect_eq(rig_look(&rig)->last_fault.code, FAULT_STRANGER);
    cr_expect_eq(rig.shown.last_fault.side, FAULT_SIDE_DEVICE);
    teardown(master);
}

Test(device_binding, a_stranger_after_a_replug_gets_no_link_and_the_right_one_gets_it_back)
{
    int master = setup("FT4");
    rig_start(&rig);
    bench_run_until(&stage->bench, &hospital->secured, 1);
    rig_until_state(&rig, "up");
    unplug(master);
    rig_until_state(&rig, "device-gone");
    cr_expect_str_eq(rig.shown.identity, "away");
    int stranger = plug("FT5");
    rig_until_state(&rig, "stranger");
    turn();
    cr_expect_eq(hospital->count, 1);
    unplug(stranger);
    rig_until_state(&rig, "device-gone");
    int back = plug("FT4");
    bench_run_until(&stage->bench, &hospital->secured, 2);
    stage_device_says(back, MESSAGE);
    cr_expect(hospital_hears(hospital, hospital_last(hospital), MESSAGE));
    teardown(back);
}

Test(device_binding, a_good_certificate_alone_starts_no_link_for_a_stranger)
{
    int master = setup("FT5");
    rig_start(&rig);
    rig_until_state(&rig, "stranger");
    device_use(rig.device, rig.device->host.identity, rig.device->host.trust);
    session_start(rig_session(&rig, 0));
    turn();
    cr_expect_eq(hospital->count, 0);
    teardown(master);
}

Test(device_binding, without_memory_for_it_no_link_is_taken)
{
    int master = setup("FT4");
    rig_listen(&rig);
    mem_fail_nth(3); /* the device and its port are the first two */
    rig_start(&rig);
    mem_fail_nth(0);
    cr_expect_null(rig.device->binding);
    (void)rig_hospital_dials(&rig, hospital);
    cr_expect_eq(rig.refused, 1);
    teardown(master);
}

Test(device_binding, what_a_stranger_said_reaches_nobody)
{
    int master = setup("FT5");
    rig_start(&rig);
    rig_until_state(&rig, "stranger");
    stage_device_says(master, MESSAGE);
    turn();
    sysfs_plug(&tree, "FT4"); /* as if it had been misread; it is looked at again within 1 s */
    bench_run_until(&stage->bench, &hospital->secured, 1);
    rig_until_state(&rig, "up");
    turn();
    cr_expect_eq(hospital_last(hospital)->ear.len, 0);
    teardown(master);
}
