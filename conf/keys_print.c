#include <inttypes.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/keys.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60 * SECOND_MS, HOUR_MS = 60 * MINUTE_MS };

enum { KIB = 1024, MIB = 1024 * KIB };

enum { LIST_MAX = 128 };

static const char *const port_words[] = {"serial", "tcp", "tcp-listen"};
static const char *const role_words[] = {"listen", "connect"};
static const char *const side_words[] = {"side = unit", "side = master"};

/* Append what fits; every text here is short and known, so nothing is lost. */
static void append(char *to, size_t cap, const char *text)
{
    size_t used = strlen(to);
    (void)snprintf(&to[used], cap - used, "%s", text);
}

static void print_duration(char *to, uint32_t ms)
{
    if (ms % HOUR_MS == 0) {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32 "h", ms / HOUR_MS);
    } else if (ms % MINUTE_MS == 0) {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32 "m", ms / MINUTE_MS);
    } else if (ms % SECOND_MS == 0) {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32 "s", ms / SECOND_MS);
    } else {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32 "ms", ms);
    }
}

static void print_size(char *to, uint32_t bytes)
{
    if (bytes > 0 && bytes % MIB == 0) {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32 "MiB", bytes / MIB);
    } else if (bytes > 0 && bytes % KIB == 0) {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32 "KiB", bytes / KIB);
    } else {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32, bytes);
    }
}

void keys_number(const struct keys_row *row, uint32_t value, char *to)
{
    if (row->or_never && value == KEYS_NEVER) {
        (void)snprintf(to, KEYS_NUMBER_MAX, "never");
    } else if (row->type == KEYS_TYPE_DURATION) {
        print_duration(to, value);
    } else if (row->type == KEYS_TYPE_SIZE) {
        print_size(to, value);
    } else {
        (void)snprintf(to, KEYS_NUMBER_MAX, "%" PRIu32, value);
    }
}

/* "a, b or c" */
static void print_words(const struct keys_row *row, char *to)
{
    to[0] = '\0';
    for (size_t i = 0; row->words[i] != NULL; i++) {
        if (i > 0) {
            append(to, KEYS_FORM_MAX, row->words[i + 1] != NULL ? ", " : " or ");
        }
        append(to, KEYS_FORM_MAX, row->words[i]);
    }
}

/* "a duration from 1ms to 10s" */
static void print_range(const struct keys_row *row, const char *what, char *to)
{
    char floor[KEYS_NUMBER_MAX];
    char ceiling[KEYS_NUMBER_MAX];
    keys_number(row, row->floor, floor);
    keys_number(row, row->ceiling, ceiling);
    (void)snprintf(to, KEYS_FORM_MAX, "%s from %s to %s%s", what, floor, ceiling,
                   row->or_never ? ", or never" : "");
}

/* What needs no facts of the row. */
static const char *plain_form(enum keys_type type)
{
    switch (type) {
    case KEYS_TYPE_TEXT:
        return "a text";
    case KEYS_TYPE_NAME:
        return "a name of 1 to 63 letters, digits, - _ or .";
    case KEYS_TYPE_PATH:
        return "a path";
    case KEYS_TYPE_PORT:
        return "serial:/dev/NAME, tcp:HOST:PORT or tcp-listen:ADDRESS:PORT";
    case KEYS_TYPE_LINE:
        return "rate, frame and flow control, for example 9600 8E1 or 115200 8N1 rtscts";
    case KEYS_TYPE_UNITS:
        return "units 1 to 247, for example 1 or 1-4 or 10>1";
    case KEYS_TYPE_ADDRESS:
        return "an IP address and a port, for example 10.3.0.1:802 or [fd00::1]:802";
    case KEYS_TYPE_SERVER:
        return "HOST:PORT, for example hl7.hospital.example:2576";
    case KEYS_TYPE_SOURCE:
        return "an IP address, for example 10.3.0.57";
    case KEYS_TYPE_HOST:
        return "a host name or an IP address";
    case KEYS_TYPE_PEER:
        return "dns:NAME, uri:URI or ip:ADDRESS";
    case KEYS_TYPE_URL:
        return "an http or https URL";
    case KEYS_TYPE_CRL:
        return "a file, a folder, or an http or https URL";
    case KEYS_TYPE_OCSP:
        return "an http or https URL, aia or off";
    case KEYS_TYPE_FETCH_HOST:
        return "HOST or HOST:PORT, for example pki.hospital.example";
    case KEYS_TYPE_OID:
        return "an OID, for example 1.3.6.1.4.1.99999.1";
    case KEYS_TYPE_EXPECT:
        return "id \"TEXT\", slave-id \"TEXT\", register ADDRESS = VALUE, input ADDRESS = VALUE or "
               "usb-serial TEXT";
    case KEYS_TYPE_MATCH:
        return "role:NAME, dns:NAME, uri:URI or ip:ADDRESS";
    case KEYS_TYPE_RULE:
        return "all, none, or [unit N] with holding, input, coils or discrete A-B [value X-Y], or "
               "function N; for example holding 40-41 value 0-1200";
    case KEYS_TYPE_WINDOW:
        return "days, part of a day, or both; for example mon-fri 07:00-19:00";
    case KEYS_TYPE_DURATION:
    case KEYS_TYPE_SIZE:
    case KEYS_TYPE_NUMBER:
    case KEYS_TYPE_CHOICE:
        break;
    }
    return "";
}

void keys_form(const struct keys_row *row, char *to)
{
    if (row->type == KEYS_TYPE_CHOICE) {
        print_words(row, to);
    } else if (row->type == KEYS_TYPE_DURATION) {
        print_range(row, "a duration (ms, s, m, h)", to);
    } else if (row->type == KEYS_TYPE_SIZE) {
        print_range(row, "a size in bytes (or KiB, MiB)", to);
    } else if (row->type == KEYS_TYPE_NUMBER) {
        print_range(row, "a number", to);
    } else {
        (void)snprintf(to, KEYS_FORM_MAX, "%s", plain_form(row->type));
    }
}

/* Append those of `count` words whose bit is set: "gap, line". */
static void append_set(char *to, uint32_t set, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if ((set & (1U << i)) != 0) {
            append(to, KEYS_FORM_MAX, to[0] != '\0' ? ", " : "");
            append(to, KEYS_FORM_MAX, words[i]);
        }
    }
}

void keys_applies(const struct keys_row *row, char *to)
{
    to[0] = '\0';
    append_set(to, row->protocols, keys_get(KEYS_PROTOCOL)->words, KEYS_WORDS_MAX - 1);
    append_set(to, row->ports, port_words, sizeof(port_words) / sizeof(port_words[0]));
    append_set(to, row->roles, role_words, sizeof(role_words) / sizeof(role_words[0]));
    append_set(to, row->sides, side_words, sizeof(side_words) / sizeof(side_words[0]));
}

/* "required", "default 20ms" or "optional". */
static void print_default(const struct keys_row *row, char *to)
{
    const char *fallback = row->fallback != NULL ? row->fallback : row->fallback_words;
    if (row->is_required) {
        (void)snprintf(to, LIST_MAX, "required");
    } else if (fallback != NULL) {
        (void)snprintf(to, LIST_MAX, "default: %s", fallback);
    } else {
        (void)snprintf(to, LIST_MAX, "no default");
    }
}

enum { FACTS_MAX = 2 * KEYS_FORM_MAX + 2 * LIST_MAX };

/* Everything about the row but its name and help, on one line. */
static void print_facts(const struct keys_row *row, char *to)
{
    char form[KEYS_FORM_MAX];
    char fallback[LIST_MAX];
    char applies[KEYS_FORM_MAX];
    keys_form(row, form);
    print_default(row, fallback);
    keys_applies(row, applies);
    (void)snprintf(to, FACTS_MAX, "%s%s; %s%s%s", form, row->is_list ? " (or several)" : "",
                   fallback, applies[0] != '\0' ? "; only with " : "", applies);
}

static const char *section_title(enum keys_section section)
{
    switch (section) {
    case KEYS_GATEWAY:
        return "[gateway]";
    case KEYS_TRUST:
        return "[trust NAME]";
    case KEYS_ROLE:
        return "[role NAME]";
    case KEYS_DEVICE:
        return "[device NAME]";
    case KEYS_SECTIONS:
        break;
    }
    return "";
}

enum { FOLD_WIDTH = 80 };

/* How much of the text fits on a line: up to a blank where that is possible. */
static size_t fold(const char *text)
{
    size_t len = strlen(text);
    if (len <= FOLD_WIDTH) {
        return len;
    }
    len = FOLD_WIDTH;
    while (len > 0 && text[len] != ' ') {
        len--;
    }
    return len > 0 ? len : (size_t)FOLD_WIDTH;
}

/* Print `text` indented and folded. */
static void put_folded(FILE *to, const char *text)
{
    while (*text != '\0') {
        size_t len = fold(text);
        (void)fprintf(to, "          %.*s\n", (int)len, text); /* ferror tells at the end */
        text += len;
        text += *text == ' ' ? 1 : 0;
    }
}

int keys_print_text(FILE *to)
{
    enum keys_section section = KEYS_SECTIONS;
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const struct keys_row *row = keys_get((enum keys_id)i);
        if (row->section != section) {
            (void)fprintf(to, "%s%s\n", i > 0 ? "\n" : "", section_title(row->section));
            section = row->section;
        }
        char facts[FACTS_MAX];
        print_facts(row, facts);
        (void)fprintf(to, "  %s = %s\n", row->name, facts);
        put_folded(to, row->help);
    }
    return fflush(to) != 0 || ferror(to) != 0 ? -1 : 0;
}

/* Text for roff: a bare minus would become a hyphen, a backslash an escape. A line never begins
 * with a dot, which would make it a request. */
static void put_roff(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '-') {
            (void)fputs("\\-", to); /* ferror tells at the end */
        } else if (*text == '\\') {
            (void)fputs("\\e", to);
        } else if (*text == '`') {
            (void)fputs("\\(ga", to);
        } else {
            (void)fputc(*text, to);
        }
    }
    (void)fputc('\n', to);
}

int keys_print_roff(FILE *to)
{
    enum keys_section section = KEYS_SECTIONS;
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const struct keys_row *row = keys_get((enum keys_id)i);
        if (row->section != section) {
            (void)fprintf(to, ".SS %s\n", section_title(row->section));
            section = row->section;
        }
        char facts[FACTS_MAX];
        print_facts(row, facts);
        (void)fputs(".TP\n.B ", to);
        put_roff(to, row->name);
        put_roff(to, facts);
        (void)fputs(".br\n", to);
        put_roff(to, row->help);
    }
    return fflush(to) != 0 || ferror(to) != 0 ? -1 : 0;
}
