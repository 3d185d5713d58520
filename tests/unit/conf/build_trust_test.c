#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "certs/signature.h"
#include "tests/unit/conf/fixture.h"

/* A trust whose own lines begin in line 5, and a device, the lines of which go last. */
#define BEGIN  "[gateway]\nname = g\n[trust t]\nanchors = a\n"
#define DEVICE "[device d]\ncertificate = c\nkey = k\ntrust = t\n"
#define MODBUS                                                                                     \
    "port = tcp:10.0.0.1:502\nprotocol = modbus-tcp\nunit_map = 1\nlisten = 127.0.0.1:802\n"       \
    "allow = dns:x.example\n"
#define TRUST(lines)                    BEGIN lines DEVICE FIXTURE_MLLP
#define BOTH(trust_lines, device_lines) BEGIN trust_lines DEVICE FIXTURE_MLLP device_lines

Test(build_trust, is_hard_unless_written_otherwise)
{
    struct fixture f;
    fixture_build(&f, TRUST("crl = ca.crl\n"));
    const struct conf_trust *t = &f.conf.trusts[0];
    const struct conf_device *d = &f.conf.devices[0];
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(t->revocation, CONF_REVOCATION_HARD);
    cr_expect_eq(t->grace_s, 24 * 3600);
    cr_expect_eq(t->ocsp, CONF_OCSP_OFF);
    cr_expect_null(t->ocsp_url);
    cr_expect_not(t->nonce_required);
    cr_expect_not(t->follow_cdp);
    cr_expect_eq(t->fetch_host_count, 0);
    cr_expect_eq(t->check_timeout_ms, 5000);
    cr_expect_not(t->is_strict_profile);
    cr_expect_eq(t->allows, 0);
    cr_expect_eq(t->policy.len, 0);
    cr_expect_eq(d->trust_section, t);
    cr_expect_eq(d->revocation, CONF_REVOCATION_HARD);
    cr_expect_eq(d->grace_s, 0);
    cr_expect_not(d->writes_need_good);
    fixture_end(&f);
}

Test(build_trust, takes_every_word_of_revocation)
{
    static const char *const WORDS[] = {"hard", "grace", "soft", "off"};
    for (int i = CONF_REVOCATION_HARD; i <= CONF_REVOCATION_OFF; i++) {
        char text[512];
        struct fixture f;
        (void)snprintf(text, sizeof(text), "%scrl = a\nrevocation = %s\n%s", BEGIN, WORDS[i],
                       DEVICE FIXTURE_MLLP);
        fixture_build(&f, text);
        fixture_expect(&f, (const char *const[]){NULL});
        cr_expect_eq((int)f.conf.trusts[0].revocation, i);
        cr_expect_eq((int)f.conf.devices[0].revocation, i);
        cr_expect_eq(f.conf.devices[0].grace_s, i == CONF_REVOCATION_GRACE ? 86400U : 0U);
        fixture_end(&f);
    }
}

Test(build_trust, takes_files_folders_and_urls)
{
    struct fixture f;
    fixture_build(&f, TRUST("crl = ca.crl, drop/, /var/crl//\ncrl = http://h/c.crl\n"
                            "crl = https://h/d.crl, /\n"));
    const struct conf_trust *t = &f.conf.trusts[0];

    static const struct {
        enum conf_crl_kind kind;
        const char *text;
        int line;
    } RIGHT[] = {
        {CONF_CRL_FILE, "/etc/w/ca.crl", 5},  {CONF_CRL_FOLDER, "/etc/w/drop", 5},
        {CONF_CRL_FOLDER, "/var/crl", 5},     {CONF_CRL_URL, "http://h/c.crl", 6},
        {CONF_CRL_URL, "https://h/d.crl", 7}, {CONF_CRL_FOLDER, "/", 7},
    };

    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_eq(t->crl_count, sizeof(RIGHT) / sizeof(RIGHT[0]));
    for (size_t i = 0; i < t->crl_count; i++) {
        cr_expect_eq(t->crls[i].kind, RIGHT[i].kind, "%zu", i);
        cr_expect_str_eq(t->crls[i].text, RIGHT[i].text);
        cr_expect_eq(t->crls[i].line, RIGHT[i].line, "%zu", i);
    }
    fixture_end(&f);
}

Test(build_trust, refuses_a_place_of_crls_that_is_none)
{
    struct fixture f;
    const char *lines[] = {"t.conf:5: crl = ldap://h/cn=ca is no http or https URL; right: "
                           "http://HOST/PATH or https://HOST/PATH",
                           "t.conf:5: crl names a user in its URL; right: a URL without USER@",
                           NULL};
    fixture_build(&f, TRUST("crl = ldap://h/cn=ca, http://me@h/x, good.crl\n"));
    fixture_expect(&f, lines);
    cr_expect_eq(f.conf.trusts[0].crl_count, 1);
    fixture_end(&f);
}

Test(build_trust, takes_responders)
{
    struct fixture f;
    fixture_build(&f, TRUST("ocsp = http://h:8080/ocsp\nocsp_nonce = required\n"
                            "check_timeout = 500ms\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.trusts[0].ocsp, CONF_OCSP_URL);
    cr_expect_str_eq(f.conf.trusts[0].ocsp_url, "http://h:8080/ocsp");
    cr_expect(f.conf.trusts[0].nonce_required);
    cr_expect_eq(f.conf.trusts[0].check_timeout_ms, 500);
    fixture_end(&f);
    fixture_build(&f, TRUST("ocsp = aia\nocsp_nonce = optional\nfetch_hosts = h\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.trusts[0].ocsp, CONF_OCSP_AIA);
    cr_expect_null(f.conf.trusts[0].ocsp_url);
    cr_expect_not(f.conf.trusts[0].nonce_required);
    fixture_end(&f);
    fixture_build(&f, TRUST("ocsp = off\ncrl = a\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.trusts[0].ocsp, CONF_OCSP_OFF);
    fixture_end(&f);
}

Test(build_trust, takes_signers_of_crls_where_there_are_crls)
{
    struct fixture f;
    fixture_build(&f, TRUST("crl = a\ncrl_signers = signers.pem\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_str_eq(f.conf.trusts[0].crl_signers, "/etc/w/signers.pem");
    fixture_end(&f);
    fixture_build(&f, TRUST("follow_cdp = yes\nfetch_hosts = h\ncrl_signers = signers.pem\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    fixture_end(&f);
    fixture_build(&f, TRUST("crl = a\n"));
    cr_expect_null(f.conf.trusts[0].crl_signers);
    fixture_end(&f);
    fixture_expect_one(TRUST("ocsp = http://h/\ncrl_signers = signers.pem\n"),
                       "t.conf:6: crl_signers = signers.pem has no use here; right: crl = FILE, "
                       "FOLDER or URL beside it, or no such line");
}

Test(build_trust, refuses_responders_that_are_none)
{
    fixture_expect_one(TRUST("ocsp = pki.example\ncrl = a\n"),
                       "t.conf:5: ocsp = pki.example is neither a URL nor aia nor off; right: an "
                       "http or https URL, aia or off");
    fixture_expect_one(TRUST("ocsp = ftp://pki.example\n"),
                       "t.conf:5: ocsp = ftp://pki.example is no http or https URL; right: "
                       "http://HOST/PATH or https://HOST/PATH");
}

Test(build_trust, takes_the_hosts_that_certificates_may_name)
{
    struct fixture f;
    fixture_build(&f, TRUST("follow_cdp = yes\nfetch_hosts = PKI.example, pki.example:8080\n"
                            "fetch_hosts = [fd00::1]\n"));
    const struct conf_trust *t = &f.conf.trusts[0];
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect(t->follow_cdp);
    cr_assert_eq(t->fetch_host_count, 3);
    cr_expect_str_eq(t->fetch_hosts[0].host, "pki.example");
    cr_expect_eq(t->fetch_hosts[0].port, 0);
    cr_expect_eq(t->fetch_hosts[1].port, 8080);
    cr_expect_str_eq(t->fetch_hosts[2].host, "fd00::1");
    fixture_end(&f);
}

Test(build_trust, refuses_hosts_that_are_none)
{
    fixture_expect_one(TRUST("follow_cdp = yes\nfetch_hosts = h, *.example\n"),
                       "t.conf:6: fetch_hosts = *.example names no possible host; right: HOST or "
                       "HOST:PORT, for example pki.hospital.example");
}

Test(build_trust, refuses_to_follow_certificates_anywhere)
{
    fixture_expect_one(TRUST("follow_cdp = yes\n"),
                       "t.conf:5: follow_cdp = yes would follow a certificate to any host; right: "
                       "fetch_hosts = HOST beside it, the hosts where CRLs are");
    fixture_expect_one(TRUST("ocsp = aia\n"),
                       "t.conf:5: ocsp = aia would follow a certificate to any host; right: "
                       "fetch_hosts = HOST beside it, the hosts of the responders");
}

Test(build_trust, refuses_hosts_and_nonces_without_a_use)
{
    fixture_expect_one(TRUST("crl = http://h/x\nfetch_hosts = h\n"),
                       "t.conf:6: fetch_hosts = h has no use here; right: follow_cdp = yes or "
                       "ocsp = aia beside it; URLs of crl and ocsp need none");
    fixture_expect_one(TRUST("crl = a\nocsp_nonce = required\n"),
                       "t.conf:6: ocsp_nonce = required has no use here; right: ocsp = URL or aia "
                       "beside it, or no such line");
}

#define NOTHING "nothing to ask about revocation, so that "
#define SOURCES "right: crl = FILE, FOLDER or URL, or ocsp = URL, or revocation = off"

Test(build_trust, refuses_a_trust_with_nothing_to_ask)
{
    fixture_expect_one(TRUST(""),
                       "t.conf:3: [trust t] has " NOTHING "every link would be refused; " SOURCES);
    fixture_expect_one(TRUST("revocation = hard\n"), "t.conf:5: revocation = hard has " NOTHING
                                                     "every link would be refused; " SOURCES);
    fixture_expect_one(TRUST("ocsp = off\nrevocation = grace\n"),
                       "t.conf:6: revocation = grace has " NOTHING
                       "every link would be refused; " SOURCES);
    fixture_expect_one(TRUST("revocation = soft\nfollow_cdp = no\n"),
                       "t.conf:5: revocation = soft has " NOTHING
                       "no revoked certificate would ever be found; " SOURCES);
}

Test(build_trust, sources_may_stand_beside_off)
{
    fixture_expect_one(TRUST("revocation = off\ncrl = a\nocsp = http://h/\n"), NULL);
}

Test(build_trust, a_wrong_word_is_told_once)
{
    fixture_expect_one(TRUST("revocation = on\ngrace = 1h\n"),
                       "t.conf:5: revocation = on is not a word that is known here; right: hard, "
                       "grace, soft or off");
    fixture_expect_one(BOTH("revocation = off\n", "revocation = on\ngrace = 1h\n"),
                       "t.conf:13: revocation = on is not a word that is known here; right: hard, "
                       "grace, soft or off");
}

Test(build_trust, takes_a_time_of_grace)
{
    struct fixture f;
    fixture_build(&f, TRUST("crl = a\nrevocation = grace\ngrace = 90m\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.devices[0].grace_s, 5400);
    fixture_end(&f);
    fixture_build(&f, BOTH("crl = a\nrevocation = grace\ngrace = 720h\n", "grace = 1m\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.trusts[0].grace_s, 30U * 24 * 3600);
    cr_expect_eq(f.conf.devices[0].grace_s, 60);
    fixture_end(&f);
}

Test(build_trust, refuses_grace_without_its_mode)
{
    fixture_expect_one(TRUST("crl = a\ngrace = 1h\n"),
                       "t.conf:6: grace = 1h has no use here; right: no such line, as it is only "
                       "for revocation = grace");
    fixture_expect_one(BOTH("crl = a\n", "grace = 1h\n"),
                       "t.conf:13: grace = 1h has no use here; right: no such line, as it is only "
                       "for revocation = grace of the device or its trust");
    fixture_expect_one(
        BOTH("crl = a\nrevocation = grace\n", "revocation = hard\ngrace = 1h\n"),
        "t.conf:15: grace = 1h has no use here; right: no such line, as it is only for revocation "
        "= grace of the device or its trust");
}

Test(build_trust, a_device_has_its_own_word)
{
    struct fixture f;
    fixture_build(&f, BOTH("crl = a\n", "revocation = grace\ngrace = 1h\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.trusts[0].revocation, CONF_REVOCATION_HARD);
    cr_expect_eq(f.conf.devices[0].revocation, CONF_REVOCATION_GRACE);
    cr_expect_eq(f.conf.devices[0].grace_s, 3600);
    fixture_end(&f);
    fixture_build(&f, BOTH("crl = a\nrevocation = off\n", "revocation = hard\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.devices[0].revocation, CONF_REVOCATION_HARD);
    fixture_end(&f);
    fixture_build(&f, BOTH("crl = a\nrevocation = grace\n", "revocation = off\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(f.conf.devices[0].revocation, CONF_REVOCATION_OFF);
    cr_expect_eq(f.conf.devices[0].grace_s, 0);
    fixture_end(&f);
}

Test(build_trust, refuses_a_strict_device_of_a_trust_with_nothing_to_ask)
{
    fixture_expect_one(BOTH("revocation = off\n", "revocation = hard\n"),
                       "t.conf:13: revocation = hard has " NOTHING
                       "every link would be refused; right: crl = FILE, FOLDER or URL, or ocsp = "
                       "URL, in the section of its trust");
}

Test(build_trust, writes_may_need_a_good_status)
{
    struct fixture f;
    fixture_build(&f, BEGIN "crl = a\n" DEVICE MODBUS "writes = allow\nwrite_revocation = hard\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect(f.conf.devices[0].writes_need_good);
    fixture_end(&f);
    fixture_build(&f, BEGIN "crl = a\n" DEVICE MODBUS "write_revocation = link\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_not(f.conf.devices[0].writes_need_good);
    fixture_end(&f);
}

Test(build_trust, refuses_strict_writes_where_nobody_is_asked)
{
    fixture_expect_one(BEGIN "revocation = off\n" DEVICE MODBUS "write_revocation = hard\n",
                       "t.conf:15: write_revocation = hard would refuse every write, as "
                       "revocation is off; right: revocation = hard, grace or soft, or "
                       "write_revocation = link");
    fixture_expect_one(BOTH("crl = a\n", "write_revocation = hard\n"),
                       "t.conf:13: write_revocation = hard has no use here; right: no such line, "
                       "as write_revocation is only for modbus-rtu, modbus-tcp, "
                       "modbus-ascii");
}

Test(build_trust, takes_profile_and_policy)
{
    struct fixture f;
    static const uint8_t OID[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x86, 0x8d, 0x1f, 0x01};
    fixture_build(&f, TRUST("crl = a\nca_profile = strict\npolicy = 1.3.6.1.4.1.99999.1\n"));
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect(f.conf.trusts[0].is_strict_profile);
    cr_expect(span_equal(f.conf.trusts[0].policy, span_of(OID, sizeof(OID))));
    fixture_end(&f);
}

Test(build_trust, takes_the_purpose_that_is_required)
{
    static const struct {
        const char *text;
        bool is_required;
    } cases[] = {{TRUST("crl = a\n"), false},
                 {TRUST("crl = a\nrequire_eku = no\n"), false},
                 {TRUST("crl = a\nrequire_eku = yes\n"), true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct fixture f;
        fixture_build(&f, cases[i].text);
        fixture_expect(&f, (const char *const[]){NULL});
        cr_expect_eq(f.conf.trusts[0].requires_eku, cases[i].is_required, "%zu", i);
        fixture_end(&f);
    }
}

static unsigned allows_of(const char *text)
{
    struct fixture f;
    fixture_build(&f, text);
    fixture_expect(&f, (const char *const[]){NULL});
    unsigned allows = f.conf.trusts[0].allows;
    fixture_end(&f);
    return allows;
}

Test(build_trust, takes_weak_algorithms_one_by_one)
{
    cr_expect_eq(allows_of(TRUST("crl = a\nrsa_min = 2048\nallow_sha1 = no\n")), 0);
    cr_expect_eq(allows_of(TRUST("crl = a\nrsa_min = 1024\n")), SIGNATURE_ALLOWS_RSA_1024);
    cr_expect_eq(allows_of(TRUST("crl = a\nallow_sha1 = yes\n")), SIGNATURE_ALLOWS_SHA1);
}

Test(build_trust, refuses_what_is_weaker_still)
{
    fixture_expect_one(TRUST("crl = a\nrsa_min = 512\n"),
                       "t.conf:6: rsa_min = 512 is not a word that is known here; right: 2048 or "
                       "1024");
    fixture_expect_one(
        TRUST("crl = a\nallow_md5 = yes\n"),
        "t.conf:6: unknown key allow_md5 in a trust section; right: perhaps follow_cdp");
}

Test(build_trust, refuses_policies_that_are_none)
{
    fixture_expect_one(TRUST("crl = a\npolicy = gold\n"),
                       "t.conf:6: policy = gold is no OID; right: an OID, for example "
                       "1.3.6.1.4.1.99999.1");
    fixture_expect_one(TRUST("crl = a\npolicy = 2.5.29.32.0\n"),
                       "t.conf:6: policy = 2.5.29.32.0 is every policy, which asks for none; "
                       "right: the OID of one policy, or no such line");
}

Test(build_trust, a_device_without_its_trust_is_not_off)
{
    struct fixture f;
    fixture_build(&f,
                  BEGIN "crl = a\n[device d]\ncertificate = c\nkey = k\ntrust = u\n" FIXTURE_MLLP);
    cr_expect_null(f.conf.devices[0].trust_section);
    cr_expect_neq(f.conf.devices[0].revocation, CONF_REVOCATION_OFF);
    fixture_end(&f);
}
