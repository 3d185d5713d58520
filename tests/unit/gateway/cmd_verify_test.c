#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/command.h"
#include "tests/unit/gateway/capture.h"
#include "tests/unit/gateway/instance.h"

/* tests/scenarios/verify.py judges real chains; here is what surrounds that. */

#define PKI "build/pki-ocsp/"

static struct capture out, err;

static int run(const char *line)
{
    static char text[1024];
    char *argv[16] = {text};
    int argc = 0;

    cr_assert_lt(snprintf(text, sizeof(text), "verify %s", line), (int)sizeof(text));
    for (char *word = text; word != NULL; argc++) {
        char *blank = strchr(word, ' ');
        argv[argc] = word;
        if (blank != NULL) {
            *blank++ = '\0';
        }
        word = blank;
    }
    optind = 0; /* glibc: begin anew */
    capture_start(&out, STDOUT_FILENO);
    capture_start(&err, STDERR_FILENO);
    int code = cmd_verify(argc, argv);
    (void)capture_end(&err);
    (void)capture_end(&out);
    return code;
}

Test(cmd_verify, exit_code_says_what_became_of_the_chain)
{
    static const struct {
        const char *line;
        int code;
    } rows[] = {
        {"--purpose any --policy off --anchor " PKI "ca.der " PKI "device.der", COMMAND_OK},
        {"--purpose any --anchor " PKI "ca.der " PKI "device.der", COMMAND_REFUSED},
        {"--purpose any --anchor " PKI "ca.der --ocsp-response " PKI "good.ocsp " PKI "device.der",
         COMMAND_OK},
        {"--purpose any --anchor " PKI "ca.der --ocsp-response " PKI "revoked.ocsp " PKI
         "revoked.der --policy soft",
         COMMAND_REFUSED},
        {"--anchor " PKI "ca.der " PKI "good.ocsp", COMMAND_REFUSED},
        {"--anchor " PKI "ca.der " PKI "none.pem", COMMAND_USAGE},
        {"--anchor " PKI "none.der " PKI "device.der", COMMAND_USAGE},
        {"--anchor " PKI "ca.der --crl " PKI "none.crl " PKI "device.der", COMMAND_USAGE},
        {"--anchor " PKI "ca.der --ocsp-response " PKI "none.ocsp " PKI "device.der",
         COMMAND_USAGE},
        {"-c " PKI "none.conf --trust hospital " PKI "device.der", COMMAND_USAGE},
        {PKI "device.der", COMMAND_USAGE},
        {"--help", COMMAND_OK},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int code = run(rows[i].line);
        cr_expect_eq(code, rows[i].code, "%s: exit code %d\n%s%s", rows[i].line, code, out.text,
                     err.text);
        cr_expect_eq(err.len > 0, code == COMMAND_USAGE, "%s: %s", rows[i].line, err.text);
    }
}

Test(cmd_verify, evidence_that_cannot_be_parsed_is_named_and_no_mistake_of_the_user)
{
    cr_expect_eq(run("--purpose any --anchor " PKI "ca.der --crl " PKI "ca.cnf " PKI "device.der"),
                 COMMAND_REFUSED);
    cr_expect_not_null(strstr(out.text, PKI "ca.cnf: a CRL that cannot be read"), "%s", out.text);
}

Test(cmd_verify, last_line_is_the_decision)
{
    cr_expect_eq(run("--purpose any --policy off --anchor " PKI "ca.der " PKI "device.der"),
                 COMMAND_OK);
    cr_expect_not_null(strstr(out.text, "\naccepted: the path is valid; revocation was not"));
    cr_expect_eq(run("--purpose any --anchor " PKI "ca.der " PKI "device.der"), COMMAND_REFUSED);
    cr_expect_not_null(strstr(out.text, "\nrefused: status unavailable"), "%s", out.text);
}

/* The instance's trust says revocation = off. */
static int run_under_trust(const char *words)
{
    struct instance i;
    char line[512];

    instance_prepare(&i);
    (void)snprintf(line, sizeof(line), "-c %s --trust hospital %s build/pki/hl7-int.pem", i.conf,
                   words);
    int code = run(line);
    instance_clean(&i);
    return code;
}

Test(cmd_verify, trust_brings_its_mode_and_says_so)
{
    cr_expect_eq(run_under_trust("--json"), COMMAND_OK, "%s%s", out.text, err.text);
    cr_expect_not_null(
        strstr(out.text, "judged by trust hospital: revocation off, ca_profile loose, no"), "%s",
        out.text);
    cr_expect_not_null(strstr(out.text, "\"not checked\""), "%s", out.text);
}

Test(cmd_verify, policy_that_is_given_beats_the_trusts)
{
    cr_expect_eq(run_under_trust("--policy hard"), COMMAND_REFUSED, "%s%s", out.text, err.text);
    cr_expect_not_null(strstr(out.text, "revocation as --policy says"), "%s", out.text);
    cr_expect_not_null(strstr(out.text, "\nrefused: status unavailable"), "%s", out.text);
}
