#include <string.h>

#include <criterion/criterion.h>

#include "certs/cert_file.h"
#include "certs/signature.h"

enum { BEGIN_S = 1000, END_S = 2000 };

static struct cert_view view;
static struct cert_file_rules rules;
static struct fault fault;

/* A certificate with which nothing is wrong, in the middle of its time. */
static void set_up(void)
{
    view = (struct cert_view){
        .not_before_s = BEGIN_S, .not_after_s = END_S, .key = CERT_KEY_EC, .key_bits = 256};
    rules = (struct cert_file_rules){.path = "id/pump.pem", .now_s = (BEGIN_S + END_S) / 2};
}

TestSuite(cert_file, .init = set_up);

static void expect_refusal(enum fault_code code, const char *why)
{
    cr_expect_eq(cert_file_check(&rules, &view, &fault), (int)code);
    cr_expect_eq(fault.code, code);
    cr_expect_eq(fault.side, FAULT_SIDE_CERTIFICATE);
    cr_expect_eq(strncmp(fault.note, "id/pump.pem: ", 13), 0, "%s", fault.note);
    cr_expect_not_null(strstr(fault.note, why), "%s", fault.note);
}

static void expect_good(void)
{
    cr_expect_eq(cert_file_check(&rules, &view, &fault), 0, "%s", fault.note);
}

Test(cert_file, takes_what_is_in_its_time_and_strong)
{
    expect_good();
}

Test(cert_file, has_its_first_and_its_last_second)
{
    rules.now_s = BEGIN_S;
    expect_good();
    rules.now_s = END_S;
    expect_good();
}

Test(cert_file, refuses_what_has_expired)
{
    rules.now_s = END_S + 1;
    expect_refusal(FAULT_EXPIRED, " has expired; renew it");
}

Test(cert_file, refuses_what_is_not_valid_yet)
{
    rules.now_s = BEGIN_S - 1;
    expect_refusal(FAULT_NOT_YET, " is not valid yet; is the clock right?");
}

Test(cert_file, refuses_a_weak_key)
{
    view.key = CERT_KEY_RSA;
    view.key_bits = 1024;
    expect_refusal(FAULT_BAD_CERT, " has a weak key; right: ");
}

Test(cert_file, takes_a_weak_key_where_it_is_allowed)
{
    view.key = CERT_KEY_RSA;
    view.key_bits = 1024;
    rules.allows = SIGNATURE_ALLOWS_RSA_1024;
    expect_good();
}

Test(cert_file, refuses_a_weak_hash)
{
    view.is_hash_weak = true;
    expect_refusal(FAULT_BAD_CERT, " is signed with a weak hash; right: ");
}

Test(cert_file, takes_a_weak_hash_where_it_is_allowed)
{
    view.is_hash_weak = true;
    view.is_hash_sha1 = true;
    rules.allows = SIGNATURE_ALLOWS_SHA1;
    expect_good();
}

Test(cert_file, does_not_ask_for_the_hash_of_an_anchor)
{
    view.is_hash_weak = true;
    rules.is_anchor = true;
    expect_good();
}

Test(cert_file, refuses_a_weak_key_and_a_wrong_time_of_an_anchor)
{
    rules.is_anchor = true;
    rules.now_s = END_S + 1;
    expect_refusal(FAULT_EXPIRED, " has expired");
    set_up();
    rules.is_anchor = true;
    view.key_bits = 192;
    expect_refusal(FAULT_BAD_CERT, " has a weak key");
}

Test(cert_file, a_refusal_names_the_file)
{
    cr_expect_eq(cert_file_refuse(&fault, FAULT_KEY, "id/pump.key", "is encrypted"), FAULT_KEY);
    cr_expect_eq(fault.side, FAULT_SIDE_CERTIFICATE);
    cr_expect_str_eq(fault.note, "id/pump.key: is encrypted");
    cr_expect_eq(cert_file_refuse_view(&fault, "id/pump.pem", &view, " is a CA's"), FAULT_BAD_CERT);
    cr_expect_not_null(strstr(fault.note, " is a CA's"), "%s", fault.note);
}
