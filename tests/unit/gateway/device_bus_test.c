#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/bus_private.h"
#include "gateway/device_private.h"
#include "tests/unit/gateway/bus_bench.h"
#include "tests/unit/gateway/capture.h"

static struct rig rig;
static struct master one;
static struct device device;
static struct snapshot_device shown;
static struct capture err;

/* A device on the bench's bus; nothing else of it is used here. */
static void start(void)
{
    static char name[] = "pump-12";

    rig_prepare(&rig, false);
    rig.conf.name = name;
    rig.units.bus_unit[5] = 5;
    rig.units.bus_unit[6] = 6;
    rig.conf.response_timeout_ms = 500; /* a busy machine answers late, too */
    rig_run(&rig);
    master_join(&one, &rig);
    bus_client_set_peer(one.client, "CN=bms serial 0B", "key");
    device.host.conf = &rig.conf;
    device.host.bus = rig.device;
    device.settings.io = &rig.bench.io;
}

static void stop(void)
{
    master_leave(&one);
    rig_close(&rig);
}

static const char *log_of(const struct bus_write *w)
{
    capture_start(&err, STDERR_FILENO);
    device_bus_on_write(&device, w);
    return capture_end(&err);
}

Test(device_bus, logs_each_write_without_its_values)
{
    struct bus_write w = {.outcome = BUS_WRITE_CONFIRMED,
                          .unit = 5,
                          .function = 16,
                          .address = 40,
                          .count = 2,
                          .peer = "CN=bms serial 0B"};

    start();
    cr_expect_str_eq(log_of(&w), "<6>write-confirmed device=pump-12 unit=5 function=16 range=40-41 "
                                 "peer=\"CN=bms serial 0B\" exception=0\n");
    w.outcome = BUS_WRITE_REFUSED;
    w.exception = 2;
    cr_expect_eq(strncmp(log_of(&w), "<6>write-refused ", 17), 0);
    w.outcome = BUS_WRITE_UNKNOWN;
    cr_expect_eq(strncmp(log_of(&w), "<4>write-outcome-unknown ", 25), 0);
    w.outcome = BUS_WRITE_UNSENT;
    cr_expect_eq(strncmp(log_of(&w), "<6>write-unsent ", 16), 0);
    w.exception = 0;
    cr_expect_eq(strncmp(log_of(&w), "<4>write-dropped-unsent ", 24), 0);
    w.count = 0;
    cr_expect_null(strstr(log_of(&w), "range="));
    stop();
}

/* A master that is refused without end does not fill the log; what is left out is told. */
Test(device_bus, refused_writes_are_logged_within_bounds)
{
    struct bus_write w = {.outcome = BUS_WRITE_UNSENT, .exception = 6, .peer = "CN=bms"};
    unsigned lines = 0;

    start();
    for (unsigned i = 0; i < 100; i++) {
        lines += strlen(log_of(&w)) > 0 ? 1 : 0;
    }
    cr_expect_eq(lines, 10);
    w.outcome = BUS_WRITE_CONFIRMED;
    cr_expect_gt(strlen(log_of(&w)), 0, "one that was sent is never left out");
    device.unsent_since_ms -= 20000;
    w.outcome = BUS_WRITE_UNSENT;
    cr_expect_not_null(strstr(log_of(&w), " not_logged=90\n"));
    cr_expect_null(strstr(log_of(&w), "not_logged"));
    stop();
}

Test(device_bus, says_which_unit_does_not_answer)
{
    start();
    cr_expect_not(device_bus_words(&device, &shown));
    rig.bus->units[5].misses = BUS_SILENT_AFTER;
    rig.bus->units[5].again_ms = io_now_ms(&rig.bench.io) + 8000;
    cr_expect(device_bus_words(&device, &shown));
    cr_expect_str_eq(shown.words, "unit 5 does not answer, asked again in 8 s");
    rig.bus->units[6].misses = BUS_SILENT_AFTER;
    rig.bus->units[5].again_ms = 0;
    cr_expect(device_bus_words(&device, &shown));
    cr_expect_str_eq(shown.words,
                     "unit 5 does not answer, asked again with the next read; and 1 more");
    device_bus_snapshot(&device, &shown);
    cr_expect_eq(shown.silent_total, 2);
    cr_expect_eq(shown.silent[1].unit, 6);
    device.host.bus = NULL;
    cr_expect_not(device_bus_words(&device, &shown), "a device on no bus");
    stop();
}

Test(device_bus, shows_writes_and_who_may_write)
{
    start();
    rig.conf.write_lease_ms = 10000;
    master_expect(&one, "11 06 0010 1234", "11 06 0010 1234");
    rig.slave.script = slave_be_silent;
    master_expect(&one, "11 06 0010 1234", "11 86 0B");
    master_expect(&one, "12 06 0010 1234", "12 86 0A");
    device_bus_snapshot(&device, &shown);
    cr_expect(shown.has_bus);
    cr_expect_eq(shown.writes.sent, 2);
    cr_expect_eq(shown.writes.confirmed, 1);
    cr_expect_eq(shown.writes.unknown, 1);
    cr_expect_eq(shown.writes.unsent, 1);
    cr_expect_eq(shown.requests.sent, 2);
    cr_expect_eq(shown.requests.answered, 1);
    cr_expect_eq(shown.requests.no_answer, 1);
    cr_expect_eq(shown.requests.unavailable, 1);
    cr_expect_eq(shown.requests.denied, 0);
    cr_expect_str_eq(shown.lease_holder, "CN=bms serial 0B");
    cr_expect_gt(shown.lease_until_s, io_wall_s());
    stop();
}
