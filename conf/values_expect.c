#include <string.h>

#include "conf/values.h"
#include "protocols/pattern.h"

static const char blanks[] = " \t";

static int refuse(struct values_error *why, const char *wrong, const char *right)
{
    why->wrong = wrong;
    why->right = right;
    return -1;
}

/* The kind that `text` begins with; *rest is what follows. */
static bool take_kind(const char *text, enum conf_expect_kind *kind, const char **rest)
{
    static const char *const words[] = {"id", "slave-id", "register", "input",
                                        "usb-serial"}; /* enum conf_expect_kind */
    size_t len = strcspn(text, blanks);

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0) {
            *kind = (enum conf_expect_kind)i;
            *rest = &text[len + strspn(&text[len], blanks)];
            return true;
        }
    }
    return false;
}

static int digit_value(char c)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* A register or its value: 256 or 0x0100. Takes the digits off. */
static bool take_word(const char **text, uint16_t *out)
{
    uint32_t number = 0;
    bool is_hex = (*text)[0] == '0' && ((*text)[1] == 'x' || (*text)[1] == 'X');
    int base = is_hex ? 16 : 10;
    const char *at = is_hex ? *text + 2 : *text;
    const char *first = at;

    for (int digit = digit_value(*at); digit >= 0 && digit < base; digit = digit_value(*at)) {
        number = number * (uint32_t)base + (uint32_t)digit;
        at++;
        if (number > UINT16_MAX) {
            return false;
        }
    }
    if (at == first) {
        return false;
    }
    *text = at;
    *out = (uint16_t)number;
    return true;
}

static int read_register(const char *text, struct values_expect *to, struct values_error *why)
{
    bool is_good = take_word(&text, &to->address);
    if (is_good) {
        text += strspn(text, blanks);
        is_good = *text == '=';
    }
    if (is_good) {
        text++;
        text += strspn(text, blanks);
        is_good = take_word(&text, &to->value) && *text == '\0';
    }
    return is_good ? 0
                   : refuse(why, "is not a register and its value",
                            "numbers from 0 to 65535 or 0xFFFF, as in register 0x0100 = 0x1234");
}

static int read_pattern(const char *text, struct values_expect *to, struct values_error *why)
{
    size_t len = strlen(text);
    bool is_quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';
    struct span pattern = is_quoted ? span_of(&text[1], len - 2) : span_of(text, len);

    if (!is_quoted && span_find(pattern, '"') < len) {
        return refuse(why, "has a quote that is not closed", "the whole text between two quotes");
    }
    if (pattern_is_idle(pattern)) {
        return refuse(why, "would take any device",
                      "what this device alone says; 'wardgate modbus identify' shows it");
    }
    memcpy(to->pattern, pattern.data, pattern.len);
    to->pattern[pattern.len] = '\0';
    return 0;
}

int values_expect(const char *text, struct values_expect *out, struct values_error *why)
{
    struct values_expect made = {.pattern = ""};
    const char *rest = NULL;

    if (strlen(text) >= sizeof(made.pattern) || !take_kind(text, &made.kind, &rest)) {
        return refuse(why, "is nothing that a device could be known by", NULL);
    }
    bool is_register = made.kind == CONF_EXPECT_REGISTER || made.kind == CONF_EXPECT_INPUT;
    if ((is_register ? read_register(rest, &made, why) : read_pattern(rest, &made, why)) != 0) {
        return -1;
    }
    *out = made;
    return 0;
}
