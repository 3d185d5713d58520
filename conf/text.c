#include "conf/text.h"

bool text_has_control(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

/* How many bytes follow this first byte; -1 for a byte that begins nothing. */
static int followers(unsigned char first)
{
    if (first < 0x80) {
        return 0;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return 1;
    }
    if (first >= 0xe0 && first <= 0xef) {
        return 2;
    }
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

/* The lowest and highest second byte after `first`: what keeps out longer forms than needed (E0,
 * F0), surrogates (ED) and what lies over U+10FFFF (F4). RFC 3629 section 4. */
static bool is_second(unsigned char first, unsigned char second)
{
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high;
}

/* Are these `count` bytes all followers? */
static bool are_followers(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

bool text_is_utf8(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        unsigned char first = (unsigned char)text[i];
        int more = followers(first);
        if (more < 0 || (size_t)more > len - i - 1) {
            return false;
        }
        if (more > 0 && !is_second(first, (unsigned char)text[i + 1])) {
            return false;
        }
        if (!are_followers(&text[i + 1], (size_t)more)) {
            return false;
        }
        i += (size_t)more + 1;
    }
    return true;
}

const char *text_skip_blanks(const char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    return text;
}

size_t text_trim(const char *text, size_t len)
{
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    return len;
}

uint64_t text_hash(const char *text, uint64_t seed)
{
    uint64_t hash = seed != 0 ? seed : 0xcbf29ce484222325U;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    }
    return hash;
}
