#include "gateway/verify_options.h"

#include <getopt.h>
#include <string.h>

#include "gateway/command.h"

enum {
    OPTION_ANCHOR = 256,
    OPTION_CRL,
    OPTION_RESPONSE,
    OPTION_AT,
    OPTION_PURPOSE,
    OPTION_NAME,
    OPTION_NEED,
    OPTION_POLICY,
    OPTION_JSON,
    OPTION_TRUST,
};

static const struct option long_options[] = {
    {"anchor", required_argument, NULL, OPTION_ANCHOR},
    {"crl", required_argument, NULL, OPTION_CRL},
    {"ocsp-response", required_argument, NULL, OPTION_RESPONSE},
    {"at", required_argument, NULL, OPTION_AT},
    {"purpose", required_argument, NULL, OPTION_PURPOSE},
    {"name", required_argument, NULL, OPTION_NAME},
    {"need", required_argument, NULL, OPTION_NEED},
    {"policy", required_argument, NULL, OPTION_POLICY},
    {"json", no_argument, NULL, OPTION_JSON},
    {"trust", required_argument, NULL, OPTION_TRUST},
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* A word that an option may have, and what it stands for. */
struct word {
    const char *text;
    int value;
};

static const struct word purposes[] = {
    {"server", PATH_SERVER}, {"client", PATH_CLIENT}, {"any", PATH_ANY}, {NULL, 0}};
static const struct word needs[] = {
    {"chain", JUDGE_NEED_CHAIN}, {"leaf", JUDGE_NEED_LEAF}, {NULL, 0}};
static const struct word policies[] = {
    {"hard", JUDGE_HARD}, {"soft", JUDGE_SOFT}, {"off", JUDGE_OFF}, {NULL, 0}};

static int refuse(struct fault *f, const char *what, const char *subject)
{
    return fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION, what, subject);
}

static int read_word(const struct word *words, const char *what, int *out, struct fault *f)
{
    for (size_t i = 0; words[i].text != NULL; i++) {
        if (strcmp(words[i].text, optarg) == 0) {
            *out = words[i].value;
            return 0;
        }
    }
    return refuse(f, what, optarg);
}

/* Decimal digits only; up to the end of the year 9999, where certificates end, too. */
static bool read_time(const char *text, int64_t *out)
{
    static const int64_t latest_s = INT64_C(253402300799);
    int64_t value = 0;

    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = value * 10 + (*text - '0');
        if (value > latest_s) {
            return false;
        }
    }
    *out = value;
    return true;
}

static int add_path(struct verify_list *list, struct fault *f)
{
    if (list->count == VERIFY_FILES_MAX) {
        return refuse(f, "more than 1024 files of one kind, from ", optarg);
    }
    list->paths[list->count] = optarg;
    list->count++;
    return 0;
}

static int note_name(struct verify_options *o, struct fault *f)
{
    if (o->has_name) {
        return refuse(f, "only one --name can be asked for, not also ", optarg);
    }
    o->has_name = true;
    return name_rule_parse(optarg, &o->name, f);
}

/* The options that choose between words. */
static int note_choice(struct verify_options *o, int option, struct fault *f)
{
    int value = 0;
    int code;

    if (option == OPTION_PURPOSE) {
        code = read_word(purposes, "--purpose is server, client or any, not ", &value, f);
        o->purpose = (enum path_purpose)value;
    } else if (option == OPTION_NEED) {
        code = read_word(needs, "--need is chain or leaf, not ", &value, f);
        o->need = (enum judge_need)value;
    } else {
        code = read_word(policies, "--policy is hard, soft or off, not ", &value, f);
        o->policy = (enum judge_policy)value;
        o->has_policy = true;
    }
    return code;
}

static int note_option(struct verify_options *o, int option, struct fault *f)
{
    switch (option) {
    case OPTION_ANCHOR:
        return add_path(&o->anchors, f);
    case OPTION_CRL:
        return add_path(&o->crls, f);
    case OPTION_RESPONSE:
        return add_path(&o->responses, f);
    case OPTION_NAME:
        return note_name(o, f);
    case OPTION_AT:
        o->has_at = read_time(optarg, &o->at_s);
        return o->has_at ? 0 : refuse(f, "--at is seconds since 1970, not ", optarg);
    case OPTION_JSON:
        o->is_json = true;
        return 0;
    case OPTION_TRUST:
        o->trust = optarg;
        return 0;
    case 'c':
        o->conf_path = optarg;
        return 0;
    case 'h':
        o->wants_help = true;
        return 0;
    default:
        return note_choice(o, option, f);
    }
}

/* What all options together must make. */
static int check_whole(const struct verify_options *o, bool has_conf, struct fault *f)
{
    if (o->chain == NULL) {
        return refuse(f, "the file with the chain is missing", NULL);
    }
    if (has_conf && o->trust == NULL) {
        return refuse(f, "--trust is missing: which trust of ", o->conf_path);
    }
    if (o->anchors.count == 0 && o->trust == NULL) {
        return refuse(f, "a trust anchor is missing: --anchor FILE or --trust NAME", NULL);
    }
    return 0;
}

int verify_options_read(int argc, char **argv, struct verify_options *out, struct fault *f)
{
    int option;

    memset(out, 0, sizeof(*out));
    out->purpose = PATH_SERVER;
    out->need = JUDGE_NEED_CHAIN;
    out->policy = JUDGE_HARD;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":hc:", long_options, NULL)) != -1) {
        if (option == ':') {
            return refuse(f, "a value is missing after ", argv[optind - 1]);
        }
        if (option == '?') {
            return refuse(f, "unknown option ", argv[optind - 1]);
        }
        if (note_option(out, option, f) != 0) {
            return FAULT_CONFIG;
        }
        if (out->wants_help) {
            return 0;
        }
    }
    if (optind + 1 < argc) {
        return refuse(f, "needless argument ", argv[optind + 1]);
    }
    out->chain = optind < argc ? argv[optind] : NULL;
    bool has_conf = out->conf_path != NULL;
    out->conf_path = has_conf ? out->conf_path : COMMAND_CONF_PATH;
    return check_whole(out, has_conf, f);
}
