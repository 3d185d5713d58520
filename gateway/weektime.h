/*
 * Week time: the minute of the week on this machine's wall, for rules that hold at certain times.
 *
 * Floor 3. The time zone is that of the process: TZ, or /etc/localtime as it was at the start.
 */
#ifndef WARDGATE_WEEKTIME_H
#define WARDGATE_WEEKTIME_H

#include <stdint.h>

/* Minutes since Monday 00:00 in local time at a moment (seconds since 1970), 0..10079; or
 * MODBUS_POLICY_NO_TIME for a moment that no calendar has. */
int32_t weektime_minute(int64_t wall_s);

#endif
