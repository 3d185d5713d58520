#include "gateway/utc.h"

#include <time.h>

const char *utc_text(int64_t at_s, char out[UTC_TEXT_MAX])
{
    enum { YEAR_9999 = 8099, YEAR_0 = -1900 };

    time_t at = (time_t)at_s;
    struct tm parts;
    out[0] = '\0';
    if (gmtime_r(&at, &parts) == NULL || parts.tm_year > YEAR_9999 || parts.tm_year < YEAR_0) {
        return out;
    }
    if (strftime(out, UTC_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        out[0] = '\0';
    }
    return out;
}
