#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "gateway/verify_options.h"

enum { WORDS = 20 };

static struct verify_options options;
static struct fault fault;

/* Words of a command line, separated by blanks. */
static int read(const char *line)
{
    static char text[512];
    char *argv[WORDS + 2] = {text};
    int argc = 0;

    cr_assert_lt(snprintf(text, sizeof(text), "verify %s", line), (int)sizeof(text));
    for (char *word = text; word != NULL && *word != '\0'; argc++) {
        char *blank = strchr(word, ' ');
        cr_assert_lt(argc, WORDS);
        argv[argc] = word;
        if (blank != NULL) {
            *blank++ = '\0';
        }
        word = blank;
    }
    optind = 0; /* glibc: begin anew */
    fault_clear(&fault);
    return verify_options_read(argc, argv, &options, &fault);
}

Test(verify_options, strictest_unless_told_otherwise)
{
    cr_assert_eq(read("--anchor a.pem chain.pem"), 0, "%s", fault.note);
    cr_expect_eq(options.purpose, PATH_SERVER);
    cr_expect_eq(options.need, JUDGE_NEED_CHAIN);
    cr_expect_eq(options.policy, JUDGE_HARD);
    cr_expect_not(options.has_at || options.has_name || options.is_json || options.has_policy);
    cr_expect_str_eq(options.chain, "chain.pem");
    cr_expect_str_eq(options.conf_path, COMMAND_CONF_PATH);
    cr_expect_null(options.trust);
}

Test(verify_options, reads_every_option)
{
    cr_assert_eq(read("chain.pem --anchor a.pem --anchor b.pem --crl c --ocsp-response d --json"),
                 0);
    cr_expect_eq(options.anchors.count, 2);
    cr_expect_str_eq(options.anchors.paths[1], "b.pem");
    cr_expect_str_eq(options.crls.paths[0], "c");
    cr_expect_str_eq(options.responses.paths[0], "d");
    cr_expect(options.is_json);
    cr_assert_eq(read("-c x --trust t --at 0 --purpose client --need leaf --policy soft f"), 0);
    cr_expect_str_eq(options.conf_path, "x");
    cr_expect_str_eq(options.trust, "t");
    cr_expect(options.has_at && options.at_s == 0);
    cr_expect_eq(options.purpose, PATH_CLIENT);
    cr_expect_eq(options.need, JUDGE_NEED_LEAF);
    cr_expect_eq(options.policy, JUDGE_SOFT);
    cr_expect(options.has_policy);
    cr_assert_eq(read("--trust t --at=253402300799 --purpose any --policy off --name ip:::1 f"), 0);
    cr_expect_eq(options.at_s, INT64_C(253402300799));
    cr_expect_eq(options.purpose, PATH_ANY);
    cr_expect_eq(options.policy, JUDGE_OFF);
    cr_expect(options.has_name && options.name.kind == NAME_IP);
    cr_assert_eq(read("--help"), 0);
    cr_expect(options.wants_help);
}

Test(verify_options, refuses_and_says_what)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"", "the file with the chain is missing"},
        {"--anchor a", "the file with the chain is missing"},
        {"f", "a trust anchor is missing"},
        {"--anchor a f g", "needless argument g"},
        {"--anchor", "a value is missing after --anchor"},
        {"--anchor a --at 12x f", "--at is seconds since 1970, not 12x"},
        {"--anchor a --at -1 f", "not -1"},
        {"--anchor a --at= f", "--at is"},
        {"--anchor a --at 253402300800 f", "--at is"},
        {"--anchor a --at 99999999999999999999999999 f", "--at is"},
        {"--anchor a --purpose all f", "server, client or any, not all"},
        {"--anchor a --need all f", "chain or leaf, not all"},
        {"--anchor a --policy grace f", "hard, soft or off, not grace"},
        {"--anchor a --name bms f", "dns:"},
        {"--anchor a --name dns:a.example --name dns:b.example f", "only one --name"},
        {"--anchor a --json=1 f", "unknown option --json=1"},
        {"--anchor a -x f", "unknown option -x"},
        {"-c x f", "--trust is missing: which trust of x"},
        {"-c x --anchor a f", "--trust is missing"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        cr_expect_eq(read(rows[i].line), FAULT_CONFIG, "%s", rows[i].line);
        cr_expect_not_null(strstr(fault.note, rows[i].says), "%s: %s", rows[i].line, fault.note);
    }
}

Test(verify_options, takes_so_many_files_and_no_more)
{
    static char *argv[2 * VERIFY_FILES_MAX + 8];
    int argc = 0;
    char words[6][16] = {"verify", "chain", "--trust", "t", "--crl", "f"};

    for (int i = 0; i < 4; i++) {
        argv[argc++] = words[i];
    }
    for (int i = 0; i < VERIFY_FILES_MAX; i++) {
        argv[argc++] = words[4];
        argv[argc++] = words[5];
    }
    optind = 0;
    cr_assert_eq(verify_options_read(argc, argv, &options, &fault), 0);
    cr_expect_eq(options.crls.count, VERIFY_FILES_MAX);
    argv[argc++] = words[4];
    argv[argc++] = words[5];
    optind = 0;
    cr_expect_eq(verify_options_read(argc, argv, &options, &fault), FAULT_CONFIG);
}
