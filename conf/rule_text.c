#include "conf/rule_text.h"

#include <string.h>

#include "conf/text.h"
#include "protocols/modbus_pdu.h"

enum { WORD_SIZE = 24, UNIT_LAST = 247, UNIT_SELF = 255 };

/* What is left of an item. */
struct words {
    const char *at;
    char word[WORD_SIZE]; /* the one that was taken last; "" when it was too long for any */
};

/* Take the next word; false at the end. */
static bool next_word(struct words *w)
{
    size_t len = strcspn(w->at, " \t");
    if (len == 0) {
        return false;
    }
    w->word[0] = '\0';
    if (len < WORD_SIZE) {
        memcpy(w->word, w->at, len);
        w->word[len] = '\0';
    }
    w->at = text_skip_blanks(&w->at[len]);
    return true;
}

/* Take the next word if it is this one. */
static bool take_word(struct words *w, const char *wanted)
{
    struct words after = *w;
    if (!next_word(&after) || strcmp(after.word, wanted) != 0) {
        return false;
    }
    *w = after;
    return true;
}

static int refuse(struct values_error *why, const char *wrong, const char *right)
{
    *why = (struct values_error){.wrong = wrong, .right = right};
    return -1;
}

/* "40" or "40-41": two numbers up to `max`, the lower one first. */
static bool parse_range(const char *text, uint16_t max, uint16_t *first, uint16_t *last)
{
    char lower[WORD_SIZE];
    const char *dash = strchr(text, '-');
    size_t len = dash != NULL ? (size_t)(dash - text) : strlen(text);
    uint32_t from = 0;
    uint32_t to = 0;
    memcpy(lower, text, len); /* a word is shorter than that */
    lower[len] = '\0';
    if (!values_parse_u32(lower, 0, max, &from) ||
        !values_parse_u32(dash != NULL ? dash + 1 : lower, 0, max, &to) || from > to) {
        return false;
    }
    *first = (uint16_t)from;
    *last = (uint16_t)to;
    return true;
}

static bool find_kind(const char *word, enum modbus_kind *out)
{
    for (int kind = MODBUS_KIND_HOLDING; kind < MODBUS_KIND_FUNCTION; kind++) {
        if (strcmp(modbus_kind_name((enum modbus_kind)kind), word) == 0) {
            *out = (enum modbus_kind)kind;
            return true;
        }
    }
    return false;
}

/* Every register and coil, and the functions that can do nothing but look at the device itself:
 * files may hold anything, and diagnostics are for the line. */
static void take_all(const struct modbus_rule *like, struct rule_text *out)
{
    static const uint8_t functions[] = {0x07, 0x0B, 0x0C, 0x11, 0x18, 0x2B};
    out->count = 0;
    for (int kind = MODBUS_KIND_HOLDING; kind < MODBUS_KIND_FUNCTION; kind++) {
        bool can_be_written = kind == MODBUS_KIND_HOLDING || kind == MODBUS_KIND_COILS;
        if (like->writes && !can_be_written) {
            continue;
        }
        struct modbus_rule *rule = &out->rules[out->count];
        *rule = *like;
        rule->kind = (enum modbus_kind)kind;
        rule->last = UINT16_MAX;
        out->count++;
    }
    for (size_t i = 0; i < sizeof(functions) && !like->writes; i++) {
        struct modbus_rule *rule = &out->rules[out->count];
        *rule = *like;
        rule->kind = MODBUS_KIND_FUNCTION;
        rule->first = functions[i];
        rule->last = functions[i];
        out->count++;
    }
}

static int take_function(struct words *w, struct modbus_rule *rule, struct values_error *why)
{
    uint32_t code = 0;
    bool reads = false;
    bool writes = false;
    if (!next_word(w) || !values_parse_u32(w->word, 0, 255, &code) ||
        !modbus_policy_function((uint8_t)code, &reads, &writes)) {
        return refuse(why, "names no function that has a rule of its own",
                      "function 7, 8, 11, 12, 17, 20, 21, 24 or 43; for registers and coils "
                      "holding, input, coils or discrete");
    }
    if (rule->writes ? !writes : !reads) {
        return rule->writes ? refuse(why, "names a function that only reads", "the same in read")
                            : refuse(why, "names a function that only writes", "the same in write");
    }
    rule->kind = MODBUS_KIND_FUNCTION;
    rule->first = (uint16_t)code;
    rule->last = (uint16_t)code;
    return 0;
}

static int take_values(struct words *w, struct modbus_rule *rule, struct values_error *why)
{
    uint16_t max = rule->kind == MODBUS_KIND_COILS ? 1 : UINT16_MAX;
    if (!take_word(w, "value")) {
        return 0;
    }
    if (!rule->writes) {
        return refuse(why, "has a value range, which nothing that is read has",
                      "the same without value");
    }
    if (!next_word(w) || !parse_range(w->word, max, &rule->least, &rule->most)) {
        return refuse(why, "has no proper value range",
                      "value 0-1200: numbers from 0 to 65535 (of coils 0 and 1), the lower first");
    }
    rule->has_values = true;
    return 0;
}

/* What stands behind a kind of registers: "40-41 value 0-1200", or nothing for all of them. */
static int take_registers(struct words *w, struct modbus_rule *rule, struct values_error *why)
{
    bool can_be_written = rule->kind == MODBUS_KIND_HOLDING || rule->kind == MODBUS_KIND_COILS;
    if (rule->writes && !can_be_written) {
        return refuse(why, "cannot be written on any device", "holding or coils");
    }
    rule->last = UINT16_MAX;
    if (*w->at != '\0' && strncmp(w->at, "value", strlen("value")) != 0 &&
        (!next_word(w) || !parse_range(w->word, UINT16_MAX, &rule->first, &rule->last))) {
        return refuse(why, "has no proper range",
                      "numbers from 0 to 65535, the lower one first, such as 40-41");
    }
    return take_values(w, rule, why);
}

static int take_unit(struct words *w, struct modbus_rule *rule, struct values_error *why)
{
    uint32_t unit = 0;
    if (!take_word(w, "unit")) {
        return 0;
    }
    if (!next_word(w) || !values_parse_u32(w->word, 1, UNIT_SELF, &unit) ||
        (unit > UNIT_LAST && unit != UNIT_SELF)) {
        return refuse(why, "has no proper unit",
                      "unit 1 to 247 (255: a Modbus/TCP device itself), as it is on the line");
    }
    rule->has_unit = true;
    rule->unit = (uint8_t)unit;
    return 0;
}

int rule_text_item(const char *text, bool writes, struct rule_text *out, struct values_error *why)
{
    struct words w = {.at = text};
    struct modbus_rule rule = {.writes = writes};
    struct rule_text made = {.count = 1};
    if (take_unit(&w, &rule, why) != 0) {
        return -1;
    }
    if (!rule.has_unit && take_word(&w, "none")) {
        made = (struct rule_text){.is_none = true};
    } else if (take_word(&w, "all")) {
        take_all(&rule, &made);
    } else if (take_word(&w, "function")) {
        if (take_function(&w, &rule, why) != 0) {
            return -1;
        }
        made.rules[0] = rule;
    } else if (next_word(&w) && find_kind(w.word, &rule.kind)) {
        if (take_registers(&w, &rule, why) != 0) {
            return -1;
        }
        made.rules[0] = rule;
    } else {
        return refuse(why, "names neither registers nor a function", NULL);
    }
    if (*w.at != '\0') {
        return refuse(why, "has needless words at its end",
                      "one item, and a comma before the next one");
    }
    *out = made;
    return 0;
}

/* ---- windows ---- */

/* The place of a day in the week; 7: it is none. */
static unsigned find_day(const char *word)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    unsigned at = 0;
    while (at < 7 && strcmp(days[at], word) != 0) {
        at++;
    }
    return at;
}

/* "mon" or "mon-fri"; "sat-mon" goes over Sunday. */
static bool parse_days(const char *word, uint8_t *out)
{
    char first[WORD_SIZE];
    const char *dash = strchr(word, '-');
    size_t len = dash != NULL ? (size_t)(dash - word) : strlen(word);
    memcpy(first, word, len); /* a word is shorter than that */
    first[len] = '\0';
    unsigned from = find_day(first);
    unsigned to = dash != NULL ? find_day(dash + 1) : from;
    uint8_t days = 0;
    if (from == 7 || to == 7) {
        return false;
    }
    for (unsigned day = from;; day = (day + 1) % 7) {
        days = (uint8_t)(days | 1U << day);
        if (day == to) {
            break;
        }
    }
    *out = days;
    return true;
}

/* Five letters HH:MM as minutes, up to 24:00. */
static bool parse_time(const char *text, uint16_t *out)
{
    char hour[3] = "";
    uint32_t hours = 0;
    uint32_t minutes = 0;
    if (strlen(text) != 5) {
        return false;
    }
    memcpy(hour, text, 2);
    if (text[2] != ':' || !values_parse_u32(hour, 0, 24, &hours) ||
        !values_parse_u32(&text[3], 0, 59, &minutes) || (hours == 24 && minutes != 0)) {
        return false;
    }
    *out = (uint16_t)(hours * 60 + minutes);
    return true;
}

/* "07:00-19:00" */
static bool parse_times(const char *word, struct modbus_window *w)
{
    char from[6] = "";
    if (strlen(word) != 11 || word[5] != '-') {
        return false;
    }
    memcpy(from, word, 5);
    return parse_time(from, &w->from) && parse_time(&word[6], &w->until) &&
           w->from < MODBUS_POLICY_DAY;
}

int rule_text_window(const char *text, struct modbus_window *out, struct values_error *why)
{
    struct words w = {.at = text};
    struct modbus_window made = {.days = 0x7F, .until = MODBUS_POLICY_DAY};
    bool has_days = next_word(&w) && parse_days(w.word, &made.days);
    bool has_times = (!has_days || next_word(&w)) && parse_times(w.word, &made);
    /* Days may stand alone; then there is no second word. */
    bool is_whole = *w.at == '\0' && (has_times || (has_days && strpbrk(text, " \t") == NULL));
    if (!is_whole) {
        return refuse(why, "is no part of a week",
                      "days mon to sun, a time from 00:00 to 24:00, or both: mon-fri 07:00-19:00");
    }
    *out = made;
    return 0;
}
