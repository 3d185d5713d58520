#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/identity.h"
#include "certs/identity_der.h"
#include "certs/mem.h"
#include "pair.h"

static struct identity *load(const char *cert, const char *key, struct fault *f)
{
    return identity_load(pair_path(cert, ".pem"), pair_path(key, ".key"), (int64_t)time(NULL), f);
}

enum { TEMP_PATH_MAX = 40 };

/* A file of mode 0600 made of others of build/pki, one behind the other; `path` gets its name. */
static void join_files(char path[TEMP_PATH_MAX], const char *const *names, size_t count)
{
    int fd;

    (void)snprintf(path, TEMP_PATH_MAX, "/tmp/wardgate-identity-XXXXXX");
    fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    for (size_t i = 0; i < count; i++) {
        struct pem_file file;
        cr_assert_eq(pem_file_read(pair_path(names[i], ""), &file, NULL), 0);
        cr_assert_eq(write(fd, file.data, file.len), (ssize_t)file.len);
        pem_file_free(&file);
    }
    cr_assert_eq(close(fd), 0);
}

Test(identity, loads_every_kind_of_key)
{
    static const char *const PAIRS[][2] = {
        {"pump-12", "pump-12"},
        {"pump-12-rsa", "pump-12-rsa"},
        {"pump-12", "pump-12.sec1"},
        {"pump-12-rsa", "pump-12-rsa.pkcs1"},
        {"hl7", "hl7"},
        {"pump-12-int", "pump-12-int"},
    };

    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++) {
        struct fault f = {0};
        struct identity *id = load(PAIRS[i][0], PAIRS[i][1], &f);
        cr_assert_not_null(id, "%s: %s", PAIRS[i][1], f.note);
        identity_release(id);
    }
}

Test(identity, tells_its_facts)
{
    struct identity *id = pair_identity("pump-12");
    const struct cert_facts *facts = identity_facts(id);

    cr_assert_str_eq(facts->subject, "CN=Device pump-12,OU=Ward 3B,O=Hospital");
    cr_assert_gt(facts->not_after_s, (int64_t)time(NULL));
    cr_assert_str_eq(identity_dns_name(id, 0), "pump-12.ward.example");
    cr_assert_null(identity_dns_name(id, 1));
    identity_release(id);
    id = pair_identity("hl7");
    cr_assert_str_eq(identity_dns_name(id, 1), "localhost");
    cr_assert_null(identity_dns_name(id, 2), "an IP address is no DNS name");
    identity_release(id);
}

Test(identity, keeps_the_chain_but_not_the_root)
{
    static const char *const files[] = {"pump-12.pem", "root.pem"};
    char path[TEMP_PATH_MAX];
    struct identity *plain = pair_identity("pump-12");
    struct identity *rooted;
    struct fault f = {0};

    join_files(path, files, 2);
    rooted = identity_load(path, pair_path("pump-12", ".key"), (int64_t)time(NULL), &f);
    (void)unlink(path);
    cr_assert_not_null(rooted, "%s", f.note);
    cr_assert(span_equal(identity_chain_der(rooted), identity_chain_der(plain)));
    cr_assert_eq(identity_differs(rooted, plain), 0);
    identity_release(rooted);
    identity_release(plain);
}

struct refusal {
    const char *cert;
    const char *key;
    enum fault_code code;
    const char *in_note;
};

Test(identity, refuses_what_must_not_be_used)
{
    static const struct refusal CASES[] = {
        {"missing", "pump-12", FAULT_OPEN, "missing.pem"},
        {"pump-12", "missing", FAULT_OPEN, "missing.key"},
        {"pump-12", "mode-open", FAULT_KEY, "chmod 600"},
        {"pump-12", "monitor-7", FAULT_KEY, "not the key"},
        {"pump-12-rsa", "monitor-7-rsa", FAULT_KEY, "not the key"},
        {"pump-12-rsa", "pump-12", FAULT_KEY, "key"},
        {"pump-12", "pump-12-rsa", FAULT_KEY, "key"},
        {"pump-12", "locked", FAULT_KEY, "encrypted"},
        {"pump-12-expired", "pump-12", FAULT_EXPIRED, "expired"},
        {"pump-12-notyet", "pump-12", FAULT_NOT_YET, "not valid yet"},
        {"pump-12-expiredint", "pump-12", FAULT_EXPIRED, "Hospital CA int-expired"},
        {"wrongorder", "wrongorder", FAULT_BAD_CERT, "CA"},
        {"bms-leafsigned", "bms", FAULT_NONE, ""},
        {"weak-rsa", "weak-rsa", FAULT_BAD_CERT, "weak key"},
        {"weak-ec", "weak-ec", FAULT_BAD_CERT, "weak key"},
        {"pump-12-sha1", "pump-12", FAULT_BAD_CERT, "weak hash"},
        {"root", "root", FAULT_BAD_CERT, "CA"},
        {"pump-12-crit", "pump-12", FAULT_NONE, ""},
        {"both-roots", "root", FAULT_BAD_CERT, ""},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const struct refusal *c = &CASES[i];
        struct fault f = {0};
        struct identity *id = load(c->cert, c->key, &f);
        cr_assert_eq(id == NULL, c->code != FAULT_NONE, "%s + %s", c->cert, c->key);
        cr_assert_eq(f.code, c->code, "%s + %s: %s", c->cert, c->key, f.note);
        cr_assert_not_null(strstr(f.note, c->in_note), "%s + %s: %s", c->cert, c->key, f.note);
        if (c->code != FAULT_NONE) {
            cr_assert_eq(f.side, FAULT_SIDE_CERTIFICATE);
        }
        identity_release(id);
    }
}

Test(identity, refuses_a_chain_in_the_wrong_order)
{
    static const char *const files[] = {"hl7.pem", "int.pem"};
    struct fault f = {0};
    char path[TEMP_PATH_MAX];

    join_files(path, files, 2);
    cr_assert_null(identity_load(path, pair_path("hl7", ".key"), (int64_t)time(NULL), &f));
    cr_assert_eq(f.code, FAULT_BAD_CERT);
    cr_assert_not_null(strstr(f.note, "order"), "%s", f.note);
    (void)unlink(path);
}

Test(identity, refuses_any_right_of_group_and_others)
{
    static const mode_t MODES[] = {0640, 0620, 0610, 0604, 0602, 0601, 0400, 0600, 0700};
    static const char *const files[] = {"pump-12.key"};
    char path[TEMP_PATH_MAX];

    join_files(path, files, 1);
    for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
        struct fault f = {0};
        struct identity *id;
        cr_assert_eq(chmod(path, MODES[i]), 0);
        id = identity_load(pair_path("pump-12", ".pem"), path, (int64_t)time(NULL), &f);
        cr_assert_eq(id == NULL, (MODES[i] & 077) != 0, "%o: %s", MODES[i], f.note);
        identity_release(id);
    }
    (void)unlink(path);
}

Test(identity, goes_by_the_time_that_it_is_told)
{
    struct identity *id = pair_identity("pump-12");
    int64_t end_s = identity_facts(id)->not_after_s;
    int64_t start_s = identity_facts(id)->not_before_s;
    const int64_t times_s[] = {start_s - 1, start_s, end_s, end_s + 1};

    const enum fault_code codes[] = {FAULT_NOT_YET, FAULT_NONE, FAULT_NONE, FAULT_EXPIRED};

    for (size_t i = 0; i < 4; i++) {
        struct fault f = {0};
        struct identity *other = identity_load(pair_path("pump-12-root", ".pem"),
                                               pair_path("pump-12", ".key"), times_s[i], &f);
        cr_assert(f.code == codes[i] || i == 0 || i == 3, "%zu: %s", i, f.note);
        identity_release(other);
    }
    for (size_t i = 0; i < 4; i++) {
        struct fault f = {0};
        struct identity *same = identity_load(pair_path("pump-12-leaf", ".pem"),
                                              pair_path("pump-12", ".key"), times_s[i], &f);
        cr_assert_eq(f.code, codes[i], "%zu: %s", i, f.note);
        identity_release(same);
    }
    identity_release(id);
}

/* The pair's files beside what was loaded before. */
static struct identity *load_beside(struct identity *before, const char *name, int64_t now_s,
                                    struct fault *f)
{
    struct identity_files files = {.certificate = pair_path(name, ".pem"),
                                   .key = pair_path(name, ".key")};
    return identity_load_anew(&files, now_s, before, f);
}

Test(identity, files_that_say_the_same_give_the_identity_of_before)
{
    struct identity *before = pair_identity("pump-12");
    struct fault f = {0};
    struct identity *same = load_beside(before, "pump-12", (int64_t)time(NULL), &f);

    cr_assert_eq(same, before);
    identity_release(same);
    cr_assert_str_eq(identity_facts(before)->subject, identity_facts(same)->subject);
    identity_release(before);
}

Test(identity, another_certificate_or_key_is_loaded_and_tried_anew)
{
    struct identity *before = pair_identity("pump-12");
    struct fault f = {0};
    struct identity *other = load_beside(before, "pump-12-rsa", (int64_t)time(NULL), &f);

    cr_assert_not_null(other);
    cr_assert_neq(other, before);
    cr_assert_neq(identity_differs(before, other), 0);
    identity_release(other);
    struct identity_files mixed = {.certificate = pair_path("pump-12", ".pem"),
                                   .key = pair_path("hl7", ".key")};
    cr_assert_null(identity_load_anew(&mixed, (int64_t)time(NULL), before, &f));
    cr_assert_eq(f.code, FAULT_KEY);
    identity_release(before);
}

Test(identity, what_has_expired_since_is_refused_also_beside_itself)
{
    struct identity *before = pair_identity("pump-12");
    struct fault f = {0};

    cr_assert_null(load_beside(before, "pump-12", identity_facts(before)->not_after_s + 1, &f));
    cr_assert_eq(f.code, FAULT_EXPIRED);
    identity_release(before);
}

/* A pair of files that can be changed, and what was read from them as if an hour later. */
struct changeable {
    char certificate[TEMP_PATH_MAX];
    char key[TEMP_PATH_MAX];
    struct identity_files before;
    struct identity *id;
    int64_t now_s;
};

static void changeable_make(struct changeable *c, int64_t later_s)
{
    static const char *const certificate[] = {"pump-12.pem", "root.pem"};
    static const char *const key[] = {"pump-12.key"};
    struct fault f = {0};
    join_files(c->certificate, certificate, 2);
    join_files(c->key, key, 1);
    c->before = (struct identity_files){.certificate = c->certificate, .key = c->key};
    c->now_s = (int64_t)time(NULL) + later_s;
    c->id = identity_load_anew(&c->before, c->now_s, NULL, &f);
    cr_assert_not_null(c->id, "%s", f.note);
}

static bool changeable_stands(const struct changeable *c, int64_t now_s)
{
    struct identity_files files = {.certificate = c->certificate, .key = c->key};
    return identity_files_stand(&c->before, &files, now_s);
}

static void changeable_end(struct changeable *c)
{
    identity_release(c->id);
    (void)unlink(c->certificate);
    (void)unlink(c->key);
}

Test(identity, files_that_nobody_touched_stand)
{
    struct changeable c;
    struct identity_files files;
    changeable_make(&c, 3600);
    files = (struct identity_files){.certificate = c.certificate, .key = c.key};
    cr_assert(identity_files_stand(&c.before, &files, c.now_s));
    cr_assert(changeable_stands(&c, c.now_s));
    c.before = files; /* and again from what stood */
    cr_assert(changeable_stands(&c, c.now_s));
    changeable_end(&c);
}

/* One of the two is long at rest: build/pki was not made in this second. */
Test(identity, files_that_were_written_as_they_were_read_do_not_stand)
{
    struct changeable c;
    struct fault f = {0};
    changeable_make(&c, 0);
    cr_assert_not(changeable_stands(&c, c.now_s));
    for (int fresh_key = 0; fresh_key < 2; fresh_key++) {
        struct identity_files files = {.certificate = fresh_key ? pair_path("pump-12", ".pem")
                                                                : c.certificate,
                                       .key = fresh_key ? c.key : pair_path("pump-12", ".key")};
        struct identity *id = identity_load_anew(&files, c.now_s, NULL, &f);
        struct identity_files again = files;
        cr_assert_not_null(id, "%s", f.note);
        cr_expect_not(identity_files_stand(&files, &again, c.now_s));
        identity_release(id);
    }
    changeable_end(&c);
}

Test(identity, a_certificate_that_was_touched_does_not_stand)
{
    struct changeable c;
    changeable_make(&c, 3600);
    cr_assert_eq(chmod(c.certificate, 0640), 0);
    cr_assert_not(changeable_stands(&c, c.now_s));
    changeable_end(&c);
}

Test(identity, a_key_that_others_may_read_since_or_that_is_gone_does_not_stand)
{
    struct changeable c;
    changeable_make(&c, 3600);
    cr_assert_eq(chmod(c.key, 0640), 0);
    cr_assert_not(changeable_stands(&c, c.now_s));
    cr_assert_eq(unlink(c.key), 0);
    cr_assert_not(changeable_stands(&c, c.now_s));
    changeable_end(&c);
}

/* Also of a root behind the chain, which is not part of what an identity holds. */
Test(identity, files_stand_only_while_all_their_certificates_are_in_their_time)
{
    struct changeable c;
    changeable_make(&c, 3600);
    int64_t from_s = c.before.from_s;
    int64_t until_s = c.before.until_s;
    cr_assert_geq(from_s, identity_facts(c.id)->not_before_s);
    cr_assert_leq(until_s, identity_facts(c.id)->not_after_s);
    cr_assert(changeable_stands(&c, from_s));
    cr_assert(changeable_stands(&c, until_s));
    cr_assert_not(changeable_stands(&c, from_s - 1));
    cr_assert_not(changeable_stands(&c, until_s + 1));
    changeable_end(&c);
}

Test(identity, differs_by_chain_and_key)
{
    struct identity *a = pair_identity("pump-12");
    struct identity *b = pair_identity("pump-12");
    struct identity *c = pair_identity("pump-12-root");
    struct identity *d = pair_identity("pump-12-rsa");

    cr_assert_eq(identity_differs(a, b), 0);
    cr_assert_neq(identity_differs(a, c), 0);
    cr_assert_neq(identity_differs(a, d), 0);
    identity_release(a);
    identity_release(b);
    identity_release(c);
    identity_release(d);
}

Test(identity, lives_until_its_last_holder_lets_go)
{
    struct identity *id = pair_identity("pump-12");

    cr_assert_eq(identity_hold(id), id);
    identity_release(id);
    cr_assert_str_eq(identity_dns_name(id, 0), "pump-12.ward.example");
    identity_release(id);
    identity_release(NULL);
}

Test(identity, survives_running_out_of_memory)
{
    bool is_whole = false;

    for (uint32_t nth = 1; !is_whole; nth++) {
        struct fault f = {0};
        struct identity *id;
        (void)mem_fail_nth(nth);
        id = load("pump-12", "pump-12", &f);
        is_whole = mem_fail_nth(0) > 0;
        cr_assert_eq(id != NULL, is_whole, "allocation %u: %s", nth, f.note);
        cr_assert(is_whole || f.code == FAULT_MEMORY, "allocation %u: %s", nth, f.note);
        identity_release(id);
    }
}
