#include <stdio.h>
#include <string.h>

#include "conf/values.h"

enum {
    RATE_MIN = 50,
    RATE_MAX = 4000000,
    UNIT_MAX = 247,    /* Modbus over serial line V1.02, 2.2: 248 to 255 are reserved */
    UNIT_ITSELF = 255, /* Modbus messaging on TCP/IP V1.0b: the device itself */
    WORD_SIZE = 16,
    LINE_WORDS = 3,
};

static int refuse(struct values_error *why, const char *wrong, const char *right)
{
    why->wrong = wrong;
    why->right = right;
    return -1;
}

/* Cut at blanks. Returns the number of words, LINE_WORDS + 1 when there are more or one is too
 * long to be right. */
static size_t cut_words(const char *text, char words[LINE_WORDS][WORD_SIZE])
{
    static const char blanks[] = " \t";
    size_t count = 0;
    text += strspn(text, blanks);
    while (*text != '\0') {
        size_t len = strcspn(text, blanks);
        if (count == LINE_WORDS || len >= WORD_SIZE) {
            return LINE_WORDS + 1;
        }
        memcpy(words[count], text, len);
        words[count][len] = '\0';
        count++;
        text += len;
        text += strspn(text, blanks);
    }
    return count;
}

/* "8E1" */
static bool take_frame(const char *word, struct conf_line *line)
{
    static const char letters[] = "NEOMSneoms"; /* twice in the order of enum conf_parity */

    enum { PARITIES = CONF_PARITY_SPACE + 1 };

    if (strlen(word) != 3) {
        return false;
    }
    const char *parity = strchr(letters, word[1]);
    if (word[0] < '5' || word[0] > '8' || parity == NULL || word[2] < '1' || word[2] > '2') {
        return false;
    }
    line->data_bits = (uint8_t)(word[0] - '0');
    line->parity = (enum conf_parity)((parity - letters) % PARITIES);
    line->stop_bits = (uint8_t)(word[2] - '0');
    return true;
}

static bool take_flow(const char *word, struct conf_line *line)
{
    static const char *const known[] = {"", "rtscts", "xonxoff", "rs485"}; /* enum conf_flow */
    for (size_t i = 1; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(word, known[i]) == 0) {
            line->flow = (enum conf_flow)i;
            return true;
        }
    }
    return false;
}

int values_line(const char *text, struct conf_line *out, struct values_error *why)
{
    char words[LINE_WORDS][WORD_SIZE];
    struct conf_line line = {.flow = CONF_FLOW_NONE};
    size_t count = cut_words(text, words);
    if (count < 2 || count > LINE_WORDS) {
        return refuse(why, "is not a rate, a frame and at most one word for flow control", NULL);
    }
    if (!values_parse_u32(words[0], RATE_MIN, RATE_MAX, &line.rate)) {
        return refuse(why, "has no possible rate", "a rate from 50 to 4000000, as in 9600 8E1");
    }
    if (!take_frame(words[1], &line)) {
        return refuse(why, "has no possible frame",
                      "data bits 5 to 8, parity N, E, O, M or S, stop bits 1 or 2, as in 8E1");
    }
    if (count == LINE_WORDS && !take_flow(words[2], &line)) {
        return refuse(why, "has an unknown flow control", "rtscts, xonxoff, rs485 or nothing");
    }
    *out = line;
    return 0;
}

void values_units_clear(struct conf_unit_map *map)
{
    for (size_t i = 0; i < sizeof(map->bus_unit) / sizeof(map->bus_unit[0]); i++) {
        map->bus_unit[i] = VALUES_UNIT_NONE;
    }
}

/* "A", "A-B" or "A>B": two numbers of 0 to 255 and what stands between them ('\0' for "A"). */
static bool cut_units(const char *text, uint32_t *a, uint32_t *b, char *between)
{
    char first[WORD_SIZE];
    size_t len = strcspn(text, "->");
    if (len >= WORD_SIZE) {
        return false;
    }
    memcpy(first, text, len);
    /* Blanks around the sign are fine: 10 > 1. */
    while (len > 0 && first[len - 1] == ' ') {
        len--;
    }
    first[len] = '\0';
    if (!values_parse_u32(first, 0, UINT8_MAX, a)) {
        return false;
    }
    *between = text[strcspn(text, "->")];
    if (*between == '\0') {
        *b = *a;
        return true;
    }
    const char *second = text + strcspn(text, "->") + 1;
    second += strspn(second, " ");
    return values_parse_u32(second, 0, UINT8_MAX, b);
}

static bool is_bus_unit(uint32_t unit, bool allow_255)
{
    return (unit >= 1 && unit <= UNIT_MAX) || (allow_255 && unit == UNIT_ITSELF);
}

int values_units_add(const char *text, bool allow_255, struct conf_unit_map *map,
                     struct values_error *why)
{
    uint32_t a = 0;
    uint32_t b = 0;
    char between = '\0';
    if (!cut_units(text, &a, &b, &between)) {
        return refuse(why, "is not a unit, a range or a renaming", NULL);
    }
    if (between == '-' && (a > b || !is_bus_unit(a, false) || !is_bus_unit(b, false))) {
        return refuse(why, "is not a range of units", "a range within 1-247, the lower unit first");
    }
    if (b == 0) {
        return refuse(why, "makes unit 0, the broadcast, reachable",
                      "units 1 to 247, as a broadcast has no answer and every device obeys it");
    }
    if (between != '-' && !is_bus_unit(b, allow_255)) {
        return refuse(why, "names a unit that no device can have", "units 1 to 247");
    }
    struct conf_unit_map changed = *map;
    for (uint32_t unit = a; unit <= (between == '-' ? b : a); unit++) {
        if (changed.bus_unit[unit] != VALUES_UNIT_NONE) {
            return refuse(why, "maps a unit for the second time", "every unit once");
        }
        changed.bus_unit[unit] = (int16_t)(between == '>' ? b : unit);
    }
    *map = changed;
    return 0;
}
