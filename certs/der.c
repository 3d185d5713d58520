#include "certs/der.h"

enum {
    LONG_TAG = 0x1F,       /* low five bits all set: the tag goes on in the next bytes */
    LENGTH_IS_LONG = 0x80, /* the low seven bits then say how many bytes hold the length */
    LENGTH_BYTES_MAX = 4,
};

/* X.690 8.1.3 with the limits of 10.1 (DER): shortest form only. */
static bool take_length(struct span *from, size_t *out)
{
    uint8_t first;
    size_t value = 0;

    if (!span_take_u8(from, &first)) {
        return false;
    }
    if (first < LENGTH_IS_LONG) {
        *out = first;
        return true;
    }
    first &= 0x7F;
    if (first > LENGTH_BYTES_MAX) {
        return false;
    }
    for (uint8_t i = 0; i < first; i++) {
        uint8_t byte;
        if (!span_take_u8(from, &byte) || (i == 0 && byte == 0)) {
            return false;
        }
        value = (value << 8) | byte;
    }
    /* Also 0x80 alone, BER's indefinite length: never in DER. */
    if (value < LENGTH_IS_LONG) {
        return false;
    }
    *out = value;
    return true;
}

bool der_take(struct span *from, uint8_t *tag, struct span *value)
{
    struct span at = *from;
    struct span content;
    uint8_t found;
    size_t len;

    if (!span_take_u8(&at, &found) || (found & LONG_TAG) == LONG_TAG) {
        return false;
    }
    if (!take_length(&at, &len) || !span_take(&at, len, &content)) {
        return false;
    }
    *from = at;
    *tag = found;
    *value = content;
    return true;
}

bool der_take_tag(struct span *from, uint8_t tag, struct span *value)
{
    struct span at = *from;
    struct span content;
    uint8_t found;

    if (!der_take(&at, &found, &content) || found != tag) {
        return false;
    }
    *from = at;
    *value = content;
    return true;
}

bool der_take_optional(struct span *from, uint8_t tag, struct span *value, bool *present)
{
    uint8_t found;

    *present = false;
    if (!span_at(*from, 0, &found) || found != tag) {
        return true;
    }
    *present = true;
    return der_take_tag(from, tag, value);
}

bool der_take_whole(struct span *from, struct span *whole)
{
    struct span at = *from;
    struct span value;
    uint8_t tag;

    if (!der_take(&at, &tag, &value)) {
        return false;
    }
    *whole = span_first(*from, from->len - at.len);
    *from = at;
    return true;
}

/* Two decimal digits. */
static bool take_two(struct span *from, int64_t *out)
{
    uint8_t tens;
    uint8_t ones;

    if (!span_take_u8(from, &tens) || !span_take_u8(from, &ones)) {
        return false;
    }
    if (tens < '0' || tens > '9' || ones < '0' || ones > '9') {
        return false;
    }
    *out = (int64_t)(tens - '0') * 10 + (ones - '0');
    return true;
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, years from March on so that the leap
 * day comes last. timegm is not in C11, and mktime depends on the time zone. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t month_from_march = (month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

/* The year: two digits in UTCTime (RFC 5280: 50..99 is 19YY), four in GeneralizedTime. */
static bool take_year(struct span *from, uint8_t tag, int64_t *out)
{
    int64_t first;
    int64_t second;

    if (!take_two(from, &first)) {
        return false;
    }
    if (tag == DER_UTC_TIME) {
        *out = first < 50 ? 2000 + first : 1900 + first;
        return true;
    }
    if (!take_two(from, &second)) {
        return false;
    }
    *out = first * 100 + second;
    return true;
}

bool der_take_time(struct span *from, int64_t *out_s)
{
    static const int64_t limits[5][2] = {{1, 12}, {1, 31}, {0, 23}, {0, 59}, {0, 59}};
    struct span at = *from;
    struct span text;
    uint8_t tag;
    uint8_t zone;
    int64_t year;
    int64_t part[5]; /* month, day, hour, minute, second */

    if (!der_take(&at, &tag, &text) || (tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME)) {
        return false;
    }
    if (!take_year(&text, tag, &year)) {
        return false;
    }
    for (size_t i = 0; i < 5; i++) {
        if (!take_two(&text, &part[i]) || part[i] < limits[i][0] || part[i] > limits[i][1]) {
            return false;
        }
    }
    if (!span_take_u8(&text, &zone) || zone != 'Z' || text.len != 0) {
        return false;
    }
    *out_s = days_of(year, part[0], part[1]) * 86400 + part[2] * 3600 + part[3] * 60 + part[4];
    *from = at;
    return true;
}

bool der_take_bool(struct span *from, bool *out)
{
    struct span at = *from;
    struct span value;
    uint8_t byte;

    if (!der_take_tag(&at, DER_BOOLEAN, &value) || value.len != 1 || !span_at(value, 0, &byte)) {
        return false;
    }
    if (byte != 0x00 && byte != 0xFF) {
        return false;
    }
    *out = byte != 0;
    *from = at;
    return true;
}

bool der_take_utf8(struct span *from, uint32_t *out)
{
    static const uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
    uint8_t first;
    unsigned more;
    uint32_t value;

    if (!span_take_u8(from, &first)) {
        return false;
    }
    if (first < 0x80) {
        *out = first;
        return true;
    }
    more = first >= 0xF0 ? 3 : (first >= 0xE0 ? 2 : 1);
    if (first < 0xC0 || first >= 0xF8) {
        return false;
    }
    value = first & (0x3FU >> more);
    for (unsigned i = 0; i < more; i++) {
        uint8_t byte;
        if (!span_take_u8(from, &byte) || (byte & 0xC0) != 0x80) {
            return false;
        }
        value = (value << 6) | (byte & 0x3FU);
    }
    *out = value;
    return value >= smallest[more] && value <= 0x10FFFF;
}
