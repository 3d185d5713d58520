#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/signature.h"
#include "certs/tls.h"
#include "conf/build.h"
#include "conf/credentials.h"
#include "tests/unit/conf/fixture.h"

/* Read, build and load as if the file lay in the folder of the test PKI. */
static void load(struct fixture *f, const char *text)
{
    struct fixture_text from = {.text = text, .len = strlen(text), .cut = 4096};
    struct reader_source source = {
        .read = fixture_text_read, .from = &from, .file = "t.conf", .dir = fixture_pki("")};
    struct fault fault;
    cr_assert_eq(tls_init(&fault), 0);
    fixture_begin(f);
    f->conf.path = pool_text(f->pool, "t.conf");
    cr_assert_eq(reader_read(&f->reader, &source), 0);
    cr_assert_eq(build_conf(&f->conf, &f->reader, f->pool, f->problems, "t.conf"), 0);
    cr_assert_eq(problems_count(f->problems), 0);
    const struct credentials_source now = {.now_s = (int64_t)time(NULL)};
    credentials_load(&f->conf, &f->reader, &now, f->problems);
}

static void unload(struct fixture *f)
{
    credentials_release(&f->conf);
    fixture_end(f);
}

/* The one problem of a device with this pair begins with `start` and holds `part`. */
static void expect_pair(const char *certificate, const char *key, const char *start,
                        const char *part)
{
    char text[1024];
    struct fixture f;
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = root.pem\nrevocation = off\n"
                   "[device d]\ntrust = t\n" FIXTURE_MLLP "certificate = %s\nkey = %s\n",
                   certificate, key);
    load(&f, text);
    if (start == NULL) {
        fixture_expect(&f, (const char *const[]){NULL});
        cr_assert_not_null(f.conf.devices[0].identity);
        cr_assert_not_null(f.conf.devices[0].trust);
    } else {
        cr_assert_eq(problems_count(f.problems), 1, "%s", certificate);
        const char *said = problems_text(f.problems, 0);
        cr_assert_eq(strncmp(said, start, strlen(start)), 0, "%s", said);
        cr_assert_not_null(strstr(said, part), "%s", said);
        cr_assert_not_null(strstr(said, "right: "), "%s", said);
        cr_assert_null(f.conf.devices[0].identity);
    }
    unload(&f);
}

Test(credentials, loads_a_pair_and_its_trust)
{
    expect_pair("pump-12.pem", "pump-12.key", NULL, NULL);
}

Test(credentials, refuses_a_key_of_another_certificate)
{
    expect_pair("pump-12.pem", "monitor-7.key", "t.conf:12: key = monitor-7.key: ", "key");
}

Test(credentials, refuses_an_expired_certificate)
{
    expect_pair("pump-12-expired.pem", "pump-12.key",
                "t.conf:11: certificate = pump-12-expired.pem: ", "expired");
}

Test(credentials, refuses_a_certificate_of_tomorrow)
{
    expect_pair("pump-12-notyet.pem", "pump-12.key",
                "t.conf:11: certificate = pump-12-notyet.pem: ", "valid");
}

Test(credentials, refuses_a_key_that_others_may_read)
{
    expect_pair("pump-12.pem", "mode-open.key", "t.conf:12: key = mode-open.key: ", "600");
}

Test(credentials, refuses_what_is_no_certificate)
{
    expect_pair("pump-12.key", "pump-12.key", "t.conf:11: certificate = pump-12.key: ", "");
}

Test(credentials, names_both_files_that_are_missing)
{
    struct fixture f;
    char lines[2][600];
    const char *both[] = {lines[0], lines[1], NULL};
    load(&f, "[gateway]\nname = g\n[trust t]\nanchors = root.pem\nrevocation = off\n"
             "[device d]\ntrust = t\n" FIXTURE_MLLP "certificate = none.pem\nkey = none.key\n");
    (void)snprintf(lines[0], sizeof(lines[0]),
                   "t.conf:11: certificate = none.pem: %s/none.pem cannot be read: No such file or "
                   "directory; right: a PEM file there, readable by this user",
                   fixture_pki(""));
    (void)snprintf(lines[1], sizeof(lines[1]),
                   "t.conf:12: key = none.key: %s/none.key cannot be read: No such file or "
                   "directory; right: a PEM file there, readable by this user",
                   fixture_pki(""));
    fixture_expect(&f, both);
    unload(&f);
}

/* The one problem of a trust with these lines begins with `start`. */
static void expect_trust(const char *lines, const char *start)
{
    char text[1024];
    struct fixture f;
    (void)snprintf(
        text, sizeof(text),
        "[gateway]\nname = g\n[trust t]\nrevocation = off\n%s"
        "[device d]\ncertificate = pump-12.pem\nkey = pump-12.key\ntrust = t\n" FIXTURE_MLLP,
        lines);
    load(&f, text);
    cr_assert_eq(problems_count(f.problems), 1);
    cr_assert_eq(strncmp(problems_text(f.problems, 0), start, strlen(start)), 0, "%s",
                 problems_text(f.problems, 0));
    cr_assert_null(f.conf.trusts[0].trust);
    cr_assert_null(f.conf.devices[0].trust);
    unload(&f);
}

Test(credentials, refuses_anchors_that_are_none)
{
    expect_trust("anchors = none.pem\n", "t.conf:5: anchors = none.pem: ");
    expect_trust("anchors = pump-12-leaf.pem\n", "t.conf:5: anchors = pump-12-leaf.pem: ");
    expect_trust("anchors = pump-12.key\n", "t.conf:5: anchors = pump-12.key: ");
    expect_trust("anchors = root-expired.pem\n", "t.conf:5: anchors = root-expired.pem: ");
}

Test(credentials, refuses_intermediates_at_their_own_line)
{
    expect_trust("anchors = root.pem\nintermediates = none.pem\n",
                 "t.conf:6: intermediates = none.pem: ");
    expect_trust("anchors = root.pem\nintermediates = int-other.pem\n",
                 "t.conf:6: intermediates = int-other.pem: ");
}

Test(credentials, refuses_crl_signers_at_their_own_line)
{
#define BEFORE "anchors = root.pem\nintermediates = int.pem\ncrl = http://h/x\n"
    expect_trust(BEFORE "crl_signers = none.pem\n", "t.conf:8: crl_signers = none.pem: ");
    expect_trust(BEFORE "crl_signers = int.pem\n", "t.conf:8: crl_signers = int.pem: ");
    expect_trust(BEFORE "crl_signers = crl-signer-expired.pem\n",
                 "t.conf:8: crl_signers = crl-signer-expired.pem: ");
    expect_trust("crl = http://h/x\nanchors = root.pem\ncrl_signers = crl-signer.pem\n",
                 "t.conf:7: crl_signers = crl-signer.pem: ");
#undef BEFORE
}

Test(credentials, the_trust_has_its_crl_signers)
{
    struct fixture f;
    const struct span *signers;
    load(&f, "[gateway]\nname = g\n[trust t]\nanchors = root.pem\ncrl = http://h/x\n"
             "crl_signers = crl-signer-root.pem\n[device d]\ntrust = t\n" FIXTURE_MLLP
             "certificate = pump-12.pem\nkey = pump-12.key\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_eq(trust_crl_signers(f.conf.trusts[0].trust, &signers), 1);
    unload(&f);
}

Test(credentials, loads_each_pair_and_each_trust_once)
{
    struct fixture f;
    load(&f,
         "[gateway]\nname = g\n[trust t]\nanchors = root.pem\nrevocation = off\n"
         "[device a]\ncertificate = pump-12.pem\nkey = pump-12.key\ntrust = t\n" FIXTURE_MLLP
         "[device b]\ncertificate = pump-12.pem\nkey = pump-12.key\ntrust = t\n" FIXTURE_MLLP
         "[device c]\ncertificate = monitor-7.pem\nkey = monitor-7.key\ntrust = t\n" FIXTURE_MLLP);
    const struct conf_device *d = f.conf.devices;
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_eq(d[0].identity, d[1].identity);
    cr_assert_neq(d[0].identity, d[2].identity);
    cr_assert_eq(d[0].trust, f.conf.trusts[0].trust);
    cr_assert_eq(d[2].trust, f.conf.trusts[0].trust);
    unload(&f);
}

Test(credentials, a_bad_pair_is_told_to_every_device_that_names_it)
{
    struct fixture f;
    load(&f,
         "[gateway]\nname = g\n[trust t]\nanchors = root.pem\nrevocation = off\n"
         "[device a]\ncertificate = pump-12.pem\nkey = monitor-7.key\ntrust = t\n" FIXTURE_MLLP
         "[device b]\ncertificate = pump-12.pem\nkey = monitor-7.key\ntrust = t\n" FIXTURE_MLLP);
    cr_assert_eq(problems_count(f.problems), 2);
    cr_assert_eq(strncmp(problems_text(f.problems, 0), "t.conf:8: key = ", 16), 0);
    cr_assert_eq(strncmp(problems_text(f.problems, 1), "t.conf:15: key = ", 17), 0);
    unload(&f);
}

Test(credentials, a_long_path_leaves_the_reason_readable)
{
    char name[140];
    char text[1024];
    struct fixture f;
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    struct fixture written;
    fixture_begin(&written);
    const char *path = fixture_write(name, "not a certificate\n");
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = root.pem\nrevocation = off\n"
                   "[device d]\ntrust = t\n" FIXTURE_MLLP "certificate = %s\nkey = pump-12.key\n",
                   path + strlen("/tmp/"));
    struct fixture_text from = {.text = text, .len = strlen(text), .cut = 4096};
    struct reader_source source = {
        .read = fixture_text_read, .from = &from, .file = "t.conf", .dir = "/tmp"};
    struct fault fault;
    cr_assert_eq(tls_init(&fault), 0);
    fixture_begin(&f);
    f.conf.path = pool_text(f.pool, "t.conf");
    cr_assert_eq(reader_read(&f.reader, &source), 0);
    cr_assert_eq(build_conf(&f.conf, &f.reader, f.pool, f.problems, "t.conf"), 0);
    f.conf.devices[0].key = pool_text(f.pool, fixture_pki("pump-12.key"));
    f.conf.trusts[0].anchors = pool_text(f.pool, fixture_pki("root.pem"));
    const struct credentials_source now = {.now_s = (int64_t)time(NULL)};
    credentials_load(&f.conf, &f.reader, &now, f.problems);
    cr_assert_eq(problems_count(f.problems), 1);
    cr_assert_not_null(strstr(problems_text(f.problems, 0), "right: "));
    cr_assert_not_null(strstr(problems_text(f.problems, 0), "certificate"));
    credentials_release(&f.conf);
    fixture_end(&f);
    problems_free(written.problems);
    problems_free(written.conf.warnings);
    pool_free(written.pool);
}

/* What the trust of these two sections is loaded for. */
static enum revocation_mode mode_of(const char *trust_lines, const char *device_lines)
{
    char text[1024];
    struct fixture f;
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = root.pem\ncrl = http://h/x\n%s"
                   "[device d]\ntrust = t\n%scertificate = pump-12.pem\nkey = pump-12.key\n%s",
                   trust_lines, FIXTURE_MLLP, device_lines);
    load(&f, text);
    fixture_expect(&f, (const char *const[]){NULL});
    enum revocation_mode mode = trust_revocation(f.conf.devices[0].trust);
    unload(&f);
    return mode;
}

Test(credentials, a_trust_is_off_only_when_all_its_links_are)
{
    cr_expect_eq(mode_of("revocation = off\n", ""), REVOCATION_OFF);
    cr_expect_eq(mode_of("", ""), REVOCATION_CHECKED);
    cr_expect_eq(mode_of("revocation = soft\n", ""), REVOCATION_CHECKED);
    cr_expect_eq(mode_of("revocation = off\n", "revocation = hard\n"), REVOCATION_CHECKED,
                 "the device is stricter than its trust");
    cr_expect_eq(mode_of("", "revocation = off\n"), REVOCATION_CHECKED, "others may follow");
}

Test(credentials, the_trust_knows_its_profile_and_policy)
{
    static const uint8_t OID[] = {0x2a, 0x03};
    struct fixture f;
    load(&f, "[gateway]\nname = g\n[trust t]\nanchors = root.pem\nrevocation = off\n"
             "ca_profile = strict\nallow_sha1 = yes\npolicy = 1.2.3\nrequire_eku = yes\n[trust "
             "u]\nanchors = root.pem\n"
             "revocation = off\n[device d]\ntrust = t\n" FIXTURE_MLLP
             "certificate = pump-12.pem\nkey = pump-12.key\n");
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect(trust_is_strict_about_cas(f.conf.trusts[0].trust));
    cr_expect_eq(trust_allows(f.conf.trusts[0].trust), SIGNATURE_ALLOWS_SHA1);
    cr_expect_eq(trust_allows(f.conf.trusts[1].trust), 0);
    cr_expect(span_equal(trust_policy(f.conf.trusts[0].trust), span_of(OID, sizeof(OID))));
    cr_expect_not(trust_is_strict_about_cas(f.conf.trusts[1].trust));
    cr_expect_eq(trust_policy(f.conf.trusts[1].trust).len, 0);
    cr_expect(trust_requires_eku(f.conf.trusts[0].trust));
    cr_expect_not(trust_requires_eku(f.conf.trusts[1].trust));
    unload(&f);
}
