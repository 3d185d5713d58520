#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "gateway/weektime.h"
#include "protocols/modbus_policy.h"

static void live_in(const char *zone)
{
    cr_assert_eq(setenv("TZ", zone, 1), 0);
    tzset();
}

enum { DAY = MODBUS_POLICY_DAY };

Test(weektime, a_week_begins_on_monday)
{
    live_in("UTC0");
    cr_expect_eq(weektime_minute(0), 3 * DAY, "1970 began on a Thursday");
    cr_expect_eq(weektime_minute(4 * 86400), 0);
    cr_expect_eq(weektime_minute(4 * 86400 - 1), MODBUS_POLICY_WEEK - 1);
    cr_expect_eq(weektime_minute(4 * 86400 + 59), 0);
    cr_expect_eq(weektime_minute(INT64_C(1795377600)), 6 * DAY + 20 * 60, "2026-11-22 20:00");
}

Test(weektime, is_local_time)
{
    live_in("CET-1CEST,M3.5.0,M10.5.0/3");
    cr_expect_eq(weektime_minute(4 * 86400), 60);
    cr_expect_eq(weektime_minute(INT64_C(1783339200)), 14 * 60, "2026-07-06 12:00 UTC, a Monday");
    live_in("EST5");
    cr_expect_eq(weektime_minute(4 * 86400), 6 * DAY + 19 * 60, "still Sunday");
}

/* The wall counts: one hour of a spring night is not there, one of autumn comes twice. */
Test(weektime, follows_the_wall_when_clocks_change)
{
    const int32_t sunday = 6 * DAY;
    live_in("CET-1CEST,M3.5.0,M10.5.0/3");
    cr_expect_eq(weektime_minute(INT64_C(1774745940)), sunday + 1 * 60 + 59, "2026-03-29");
    cr_expect_eq(weektime_minute(INT64_C(1774746000)), sunday + 3 * 60);
    cr_expect_eq(weektime_minute(INT64_C(1792886400)), sunday + 2 * 60, "2026-10-25, in summer");
    cr_expect_eq(weektime_minute(INT64_C(1792890000)), sunday + 2 * 60, "and in winter");
}

Test(weektime, knows_when_there_is_no_such_day)
{
    live_in("UTC0");
    cr_expect_eq(weektime_minute(INT64_MAX), MODBUS_POLICY_NO_TIME);
    cr_expect_eq(weektime_minute(INT64_MIN), MODBUS_POLICY_NO_TIME);
}
