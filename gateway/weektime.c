#include "gateway/weektime.h"

#include <time.h>

#include "protocols/modbus_policy.h"

int32_t weektime_minute(int64_t wall_s)
{
    time_t moment = (time_t)wall_s;
    struct tm local;

    if (localtime_r(&moment, &local) == NULL) {
        return MODBUS_POLICY_NO_TIME;
    }
    /* tm counts days from Sunday on. */
    return ((local.tm_wday + 6) % 7) * MODBUS_POLICY_DAY + local.tm_hour * 60 + local.tm_min;
}
