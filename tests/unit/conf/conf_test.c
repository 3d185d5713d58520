#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "certs/tls.h"
#include "conf/conf.h"
#include "tests/unit/conf/fixture.h"

#define HEAD  "[gateway]\nname = g\n"
#define TRUST "[trust t]\nanchors = root.pem\nrevocation = off\n"
#define DEVICE(name, tcp)                                                                          \
    "[device " name "]\nport = tcp:10.0.0.1:" tcp "\nprotocol = mllp\n"                            \
    "connect = h.example:1\ncertificate = pump.pem\nkey = pump.key\ntrust = t\n"

/* Copy a file of the PKI into the folder of the test, mode 0600. */
static void put(const char *name, const char *pki_name)
{
    static char text[20000];
    FILE *file = fopen(fixture_pki(pki_name), "r");
    cr_assert_not_null(file, "%s", pki_name);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    cr_assert_eq(fclose(file), 0);
    text[len] = '\0';
    cr_assert_eq(chmod(fixture_write(name, text), 0600), 0);
}

/* The main file with a root, and a pair called pump. */
static const char *put_all(const char *text)
{
    put("root.pem", "root.pem");
    put("pump.pem", "pump-12.pem");
    put("pump.key", "pump-12.key");
    return fixture_write("wardgate.conf", text);
}

Test(conf, loads_a_whole_file)
{
    struct fixture f;
    const char *path = put_all(HEAD TRUST DEVICE("a", "5"));
    struct conf *c = fixture_load(&f, path);
    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_not_null(c);
    cr_assert_str_eq(c->path, path);
    cr_assert_eq(c->device_count, 1);
    cr_assert_not_null(c->devices[0].identity);
    cr_assert_not_null(c->devices[0].trust);
    cr_assert_eq(c->devices[0].trust, c->trusts[0].trust);
    cr_assert_eq(conf_find_device(c, "a"), &c->devices[0]);
    cr_assert_null(conf_find_device(c, "b"));
    conf_free(c);
    conf_free(NULL);
    fixture_end(&f);
}

Test(conf, a_missing_file_is_a_problem)
{
    struct fixture f;
    const char *lines[] = {
        "/nonexistent/w.conf: cannot be read: No such file or directory; right: a "
        "file that this user may read",
        NULL};
    cr_assert_null(fixture_load(&f, "/nonexistent/w.conf"));
    fixture_expect(&f, lines);
    fixture_end(&f);
}

Test(conf, looks_for_the_places_of_crls)
{
    struct fixture f;
    char path[256];
    (void)snprintf(path, sizeof(path), "%s",
                   put_all(HEAD "[trust t]\nanchors = root.pem\ncrl = drop\n" DEVICE("a", "5")));
    char line[1024];
    cr_assert_null(fixture_load(&f, path));
    (void)snprintf(line, sizeof(line),
                   "%s:5: crl = %s/drop cannot be read: No such file or directory; right: a CRL "
                   "there, or a folder for CRLs, readable by this user",
                   path, fixture_folder());
    fixture_expect(&f, (const char *const[]){line, NULL});
    (void)fixture_write("drop/ca.crl", "x");
    struct problems *problems = problems_new();
    struct conf *c = conf_load(path, (int64_t)time(NULL), problems);
    cr_assert_not_null(c);
    cr_expect_eq(c->trusts[0].crls[0].kind, CONF_CRL_FOLDER);
    cr_expect_eq(c->devices[0].trust_section, &c->trusts[0]);
    conf_free(c);
    problems_free(problems);
    fixture_end(&f);
}

Test(conf, any_problem_means_no_configuration)
{
    struct fixture f;
    cr_assert_null(fixture_load(&f, put_all(HEAD TRUST DEVICE("a", "5") "gap = 1s\n")));
    cr_assert_eq(problems_count(f.problems), 1);
    fixture_end(&f);
}

Test(conf, problems_of_earlier_loads_do_not_matter)
{
    struct fixture f;
    cr_assert_null(fixture_load(&f, "/nonexistent"));
    struct conf *c = conf_load(put_all(HEAD TRUST DEVICE("a", "5")), (int64_t)time(NULL),
                               f.problems);
    cr_assert_not_null(c);
    conf_free(c);
    fixture_end(&f);
}

/* ---- Includes ---- */

Test(conf, reads_the_files_of_an_include_folder_in_order)
{
    struct fixture f;
    (void)put_all(HEAD "include = conf.d\n" TRUST DEVICE("m", "1"));
    (void)fixture_write("conf.d/20-b.conf", "[device b]\nport = tcp:10.0.0.1:2\nprotocol = mllp\n"
                                            "connect = h.example:1\ncertificate = ../pump.pem\n"
                                            "key = ../pump.key\ntrust = t\n");
    (void)fixture_write("conf.d/10-a.conf", "[device a]\nport = tcp:10.0.0.1:3\nprotocol = mllp\n"
                                            "connect = h.example:1\ncertificate = own.pem\n"
                                            "key = own.key\ntrust = t\n");
    (void)fixture_write("conf.d/not-me.txt", "nonsense\n");
    put("conf.d/own.pem", "monitor-7.pem");
    put("conf.d/own.key", "monitor-7.key");
    const char *path = put_all(HEAD "include = conf.d\n" TRUST DEVICE("m", "1"));
    struct conf *c = fixture_load(&f, path);
    fixture_expect(&f, (const char *const[]){NULL});
    cr_assert_not_null(c);
    cr_assert_eq(c->device_count, 3);
    cr_assert_str_eq(c->devices[0].name, "m");
    cr_assert_str_eq(c->devices[1].name, "a");
    cr_assert_str_eq(c->devices[2].name, "b");
    cr_assert_not_null(strstr(c->devices[1].certificate, "/conf.d/own.pem"));
    conf_free(c);
    fixture_end(&f);
}

Test(conf, problems_of_included_files_name_them)
{
    struct fixture f;
    char line[512];
    (void)fixture_write("conf.d/a.conf", "; x\n[device a\n");
    cr_assert_null(fixture_load(&f, put_all(HEAD "include = conf.d\n" TRUST DEVICE("m", "1"))));
    (void)snprintf(line, sizeof(line),
                   "%s/conf.d/a.conf:2: the section header does not end with ]; right: [gateway], "
                   "[trust NAME], [role NAME] or [device NAME], and nothing behind but a comment",
                   fixture_folder());
    fixture_expect(&f, (const char *const[]){line, NULL});
    fixture_end(&f);
}

Test(conf, a_missing_include_folder_is_a_problem_with_its_line)
{
    struct fixture f;
    char line[512];
    const char *path = put_all(HEAD "include = nodir\n" TRUST DEVICE("m", "1"));
    cr_assert_null(fixture_load(&f, path));
    (void)snprintf(
        line, sizeof(line),
        "%s:3: include = nodir cannot be read: No such file or directory; right: a folder "
        "with *.conf files, its path relative to this file",
        path);
    fixture_expect(&f, (const char *const[]){line, NULL});
    fixture_end(&f);
}

Test(conf, includes_do_not_nest)
{
    struct fixture f;
    char line[600];
    (void)fixture_write("conf.d/a.conf", "[gateway]\ninclude = more.d\n");
    (void)fixture_write("conf.d/more.d/b.conf", "nonsense\n");
    const char *path = put_all(HEAD "include = conf.d\n" TRUST DEVICE("m", "1"));
    cr_assert_null(fixture_load(&f, path));
    (void)snprintf(line, sizeof(line),
                   "%s/conf.d/a.conf:1: [gateway] is there already, at %s:1; right: one section of "
                   "each name",
                   fixture_folder(), path);
    fixture_expect(&f, (const char *const[]){line, NULL});
    fixture_end(&f);
}

Test(conf, a_name_is_unique_over_all_files)
{
    struct fixture f;
    (void)fixture_write("conf.d/a.conf", "[device m]\n");
    cr_assert_null(fixture_load(&f, put_all(HEAD "include = conf.d\n" TRUST DEVICE("m", "1"))));
    cr_assert_eq(problems_count(f.problems), 1);
    cr_assert_not_null(strstr(problems_text(f.problems, 0), "[device m] is there already"));
    fixture_end(&f);
}

/* ---- The control socket ---- */

Test(conf, finds_the_control_socket_in_a_file_with_slips)
{
    struct fixture f;
    fixture_begin(&f);
    const char *path = fixture_write("w.conf",
                                     "[gateway]\ncontrol = run/c.sock\nfoo = 1\n[device\n");
    char *control = conf_find_control(path, f.problems);
    cr_assert_not_null(control);
    cr_assert_eq(problems_count(f.problems), 0);
    cr_assert_not_null(strstr(control, "/run/c.sock"));
    cr_assert_eq(control[0], '/');
    mem_free(control);
    fixture_end(&f);
}

Test(conf, the_control_socket_has_a_default)
{
    struct fixture f;
    fixture_begin(&f);
    char *control = conf_find_control(fixture_write("w.conf", HEAD), f.problems);
    cr_assert_str_eq(control, "/run/wardgate/control.sock");
    mem_free(control);
    fixture_end(&f);
}

Test(conf, no_file_and_no_gateway_have_no_control_socket)
{
    struct fixture f;
    fixture_begin(&f);
    cr_assert_null(conf_find_control("/nonexistent", f.problems));
    cr_assert_eq(problems_count(f.problems), 1);
    cr_assert_null(conf_find_control(fixture_write("w.conf", "[trust t]\n"), f.problems));
    cr_assert_eq(problems_count(f.problems), 2);
    fixture_end(&f);
}

/* ---- Comparing ---- */

/* What a reload from the first text and files to the second text must do for device a. `change` is
 * called between. */
static enum conf_change compare(const char *first, const char *second, void (*change)(void))
{
    struct fixture f;
    struct conf *a = fixture_load(&f, put_all(first));
    cr_assert_not_null(a);
    char path[300];
    (void)snprintf(path, sizeof(path), "%.250s", put_all(second));
    if (change != NULL) {
        change();
    }
    struct conf *b = conf_load(path, (int64_t)time(NULL), f.problems);
    fixture_expect(&f, (const char *const[]){NULL});
    enum conf_change result = conf_compare_device(&a->devices[0], &b->devices[0]);
    conf_free(a);
    conf_free(b);
    fixture_end(&f);
    return result;
}

static void renew_certificate(void)
{
    put("pump.pem", "pump-12-rsa.pem");
    put("pump.key", "pump-12-rsa.key");
}

static void renew_trust(void)
{
    put("root.pem", "both-roots.pem");
}

Test(conf, compare_tells_same_credentials_and_changed)
{
    static const char FILE_A[] = HEAD TRUST DEVICE("a", "5");
    static const char FILE_B[] = HEAD "; moved\n" TRUST "\n" DEVICE("a", "5") DEVICE("b", "6");
    static const char FILE_C[] = HEAD TRUST DEVICE("a", "5") "retry_max = 59s\n";
    static const char FILE_D[] = HEAD TRUST "tls_min = 1.2\n" DEVICE("a", "5");
    cr_assert_eq(compare(FILE_A, FILE_A, NULL), CONF_SAME);
    cr_assert_eq(compare(FILE_A, FILE_B, NULL), CONF_SAME);
    cr_assert_eq(compare(FILE_A, FILE_A, renew_certificate), CONF_CREDENTIALS);
    cr_assert_eq(compare(FILE_A, FILE_A, renew_trust), CONF_CREDENTIALS);
    cr_assert_eq(compare(FILE_A, FILE_C, NULL), CONF_CHANGED);
    cr_assert_eq(compare(FILE_A, FILE_D, NULL), CONF_CHANGED);
    cr_assert_eq(compare(FILE_A, FILE_C, renew_certificate), CONF_CHANGED);
}

/* Does a reload from the first text to the second leave the trust's section as it was? */
static bool is_same_trust(const char *first, const char *second)
{
    struct fixture f;
    struct conf *a = fixture_load(&f, put_all(first));
    cr_assert_not_null(a);
    char path[300];
    (void)snprintf(path, sizeof(path), "%.250s", put_all(second));
    struct conf *b = conf_load(path, (int64_t)time(NULL), f.problems);
    fixture_expect(&f, (const char *const[]){NULL});
    bool is_same = conf_trust_is_same(&a->trusts[0], &b->trusts[0]);
    cr_expect_not(conf_trust_is_same(&a->trusts[0], NULL));
    cr_expect_not(conf_trust_is_same(NULL, &a->trusts[0]));
    conf_free(a);
    conf_free(b);
    fixture_end(&f);
    return is_same;
}

Test(conf, compares_the_sections_of_a_trust)
{
    static const char FILE_A[] = HEAD TRUST DEVICE("a", "5");
    static const char FILE_B[] = HEAD "; moved\n" TRUST "\n" DEVICE("b", "6");
    static const char FILE_C[] = HEAD TRUST "tls_min = 1.2\n" DEVICE("a", "5");
    cr_expect(is_same_trust(FILE_A, FILE_A));
    cr_expect(is_same_trust(FILE_A, FILE_B));
    cr_expect_not(is_same_trust(FILE_A, FILE_C));
}

/* When the files of a test have been at rest for long, as far as the loader can tell. */
#define LATER_S ((int64_t)time(NULL) + 3600)

/* A reload from the same text, `change` called between: are identity and trust taken over? */
static void expect_taken_over(void (*change)(void), bool identity, bool trust)
{
    struct fixture f;
    struct conf *a = fixture_load(&f, put_all(HEAD TRUST DEVICE("a", "5") DEVICE("b", "6")));
    cr_assert_not_null(a);
    if (change != NULL) {
        change();
    }
    struct conf *b = conf_load_anew(a->path, LATER_S, a, f.problems);
    fixture_expect(&f, (const char *const[]){NULL});
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(a->devices[i].identity == b->devices[i].identity, identity);
        cr_expect_eq(a->devices[i].trust == b->devices[i].trust, trust);
        cr_expect_eq(b->devices[i].trust, b->trusts[0].trust);
    }
    conf_free(a);
    cr_expect_not_null(identity_facts(b->devices[1].identity), "what was taken over is held");
    conf_free(b);
    fixture_end(&f);
}

/* ---- A reload that shares what came of a section ---- */

#define ROLE "[role Service]\nmatch = role:Service\nread = holding 0-9\n"
#define UNIT(name, tcp)                                                                            \
    "[device " name "]\nport = tcp:10.0.0.1:" tcp "\nprotocol = modbus-tcp\nunit_map = 1\n"        \
    "listen = 127.0.0.1:" tcp "\nallow = dns:m.example\n"                                          \
    "certificate = pump.pem\nkey = pump.key\ntrust = t\n"

static void expect_same_device(const struct conf_device *a, const struct conf_device *b)
{
    cr_expect_str_eq(a->name, b->name);
    cr_expect_str_eq(a->canonical, b->canonical);
    cr_expect_str_eq(a->file, b->file);
    cr_expect_eq(a->line_number, b->line_number, "%s: %d, not %d", a->name, a->line_number,
                 b->line_number);
    cr_expect_str_eq(a->port.text, b->port.text);
    cr_expect_str_eq(a->certificate, b->certificate);
    cr_expect_eq(a->revocation, b->revocation);
    cr_expect_eq(a->grace_s, b->grace_s);
    cr_expect_eq(a->retry_max_ms, b->retry_max_ms);
    cr_expect_eq(a->access != NULL, b->access != NULL);
    cr_expect_eq(conf_unit(a, 1), conf_unit(b, 1));
    cr_expect_str_eq(a->trust_section->name, b->trust_section->name);
    cr_expect_eq(identity_differs(a->identity, b->identity), 0);
}

/* A configuration of `after`, made beside one of `before` which then ends, is what it would be
 * alone; `shared` of its devices are taken over. What goes wrong is said in the same words. */
static void expect_reload(const char *before, const char *after, size_t shared)
{
    struct fixture f;
    size_t taken_over = 0;
    struct conf *a = fixture_load(&f, put_all(before));
    cr_assert_not_null(a, "%s", before);
    fixture_expect(&f, (const char *const[]){NULL});
    (void)fixture_write("wardgate.conf", after);
    struct problems *said = problems_new();
    struct conf *alone = conf_load(a->path, LATER_S, said);
    struct conf *b = conf_load_anew(a->path, LATER_S, a, f.problems);
    cr_assert_eq(problems_count(f.problems), problems_count(said), "%s", after);
    for (size_t i = 0; i < problems_count(said); i++) {
        cr_expect_str_eq(problems_text(f.problems, i), problems_text(said, i));
    }
    cr_assert_eq(b == NULL, alone == NULL);
    for (size_t i = 0; b != NULL && i < b->device_count; i++) {
        const struct conf_device *old = conf_find_device(a, b->devices[i].name);
        taken_over += old != NULL && b->devices[i].canonical == old->canonical;
    }
    cr_expect_eq(taken_over, shared, "%zu, not %zu, of %s", taken_over, shared, after);
    conf_free(a);
    for (size_t i = 0; b != NULL && i < b->device_count; i++) {
        expect_same_device(&b->devices[i], &alone->devices[i]);
        cr_expect_eq(b->devices[i].trust_section,
                     &b->trusts[alone->devices[i].trust_section - alone->trusts]);
        cr_expect_eq(b->devices[i].trust, b->devices[i].trust_section->trust);
        cr_expect_eq(conf_find_device(b, b->devices[i].name), &b->devices[i]);
    }
    for (size_t i = 0; b != NULL && i < problems_count(b->warnings); i++) {
        cr_expect_str_eq(problems_text(b->warnings, i), problems_text(alone->warnings, i));
    }
    conf_free(b);
    conf_free(alone);
    problems_free(said);
    fixture_end(&f);
}

#define AB HEAD TRUST DEVICE("a", "5") DEVICE("b", "6")

Test(conf, a_reload_shares_the_devices_whose_sections_are_the_same)
{
    expect_reload(AB, AB, 2);
    expect_reload(AB, "; moved\n\n" AB, 2);
    expect_reload(AB, HEAD TRUST DEVICE("b", "6") DEVICE("a", "5"), 2);
    expect_reload(AB, HEAD TRUST DEVICE("b", "6"), 1);
    expect_reload(AB, HEAD TRUST DEVICE("new", "4") DEVICE("a", "5") DEVICE("b", "6"), 2);
    expect_reload(AB, AB "retry_max = 50s\n", 1);
    expect_reload(AB, HEAD TRUST DEVICE("a", "7") DEVICE("b", "6"), 1);
    expect_reload(AB, "[gateway]\nname = other\n" TRUST DEVICE("a", "5") DEVICE("b", "6"), 2);
}

Test(conf, a_reload_makes_devices_anew_whose_trust_changed)
{
    expect_reload(AB, HEAD TRUST "tls_min = 1.2\n" DEVICE("a", "5") DEVICE("b", "6"), 0);
    expect_reload(AB,
                  HEAD DEVICE("a", "5") DEVICE("b", "6") "[trust t]\nanchors = root.pem\n"
                                                         "revocation = soft\ncrl = root.pem\n",
                  0);
    expect_reload(AB, HEAD DEVICE("a", "5") DEVICE("b", "6") TRUST, 2);
    expect_reload(AB, HEAD "[trust u]\nanchors = root.pem\nrevocation = off\n" DEVICE("a", "5"), 0);
    expect_reload(AB, HEAD DEVICE("a", "5"), 0);
}

Test(conf, a_reload_looks_at_shared_devices_with_the_new_roles)
{
    expect_reload(HEAD TRUST UNIT("a", "5"), HEAD TRUST ROLE UNIT("a", "5"), 1);
    expect_reload(HEAD TRUST ROLE UNIT("a", "5"), HEAD TRUST UNIT("a", "5"), 1);
    expect_reload(HEAD TRUST ROLE UNIT("a", "5"),
                  HEAD TRUST ROLE "write = coils 7\n" UNIT("a", "5"), 1);
}

/* Problems between devices are told against the line of the key, also of one that was shared. */
Test(conf, a_reload_says_what_is_wrong_with_a_shared_device)
{
    expect_reload(AB, HEAD TRUST DEVICE("x", "5") DEVICE("a", "5") DEVICE("b", "6"), 0);
    expect_reload(AB, AB DEVICE("a", "5"), 0);
    expect_reload(AB, AB "nonsense = 1\n", 0);
    expect_reload(AB, AB "[device c]\n", 0);
}

static void lose_the_key(void)
{
    (void)fixture_write("pump.key", "nothing");
}

Test(conf, a_reload_tells_a_lost_key_of_a_shared_device)
{
    struct fixture f;
    struct conf *a = fixture_load(&f, put_all(AB));
    cr_assert_not_null(a);
    lose_the_key();
    struct problems *said = problems_new();
    cr_expect_null(conf_load(a->path, LATER_S, said));
    cr_expect_null(conf_load_anew(a->path, LATER_S, a, f.problems));
    cr_expect_gt(problems_count(said), 0);
    cr_assert_eq(problems_count(f.problems), problems_count(said));
    for (size_t i = 0; i < problems_count(said); i++) {
        cr_expect_str_eq(problems_text(f.problems, i), problems_text(said, i));
    }
    problems_free(said);
    conf_free(a);
    fixture_end(&f);
}

/* Each reload from the one before, which ends: what is shared outlives many. */
Test(conf, many_reloads_in_a_row_stay_right)
{
    struct fixture f;
    struct conf *now = fixture_load(&f, put_all(AB));
    cr_assert_not_null(now);
    for (unsigned i = 0; i < 3 * SHARED_POOLS_MAX; i++) {
        char text[1024];
        (void)snprintf(text, sizeof(text), "%sretry_max = %us\n", AB, 40 + i);
        (void)fixture_write("wardgate.conf", text);
        struct conf *next = conf_load_anew(now->path, LATER_S, now, f.problems);
        fixture_expect(&f, (const char *const[]){NULL});
        cr_assert_not_null(next);
        conf_free(now);
        now = next;
        cr_expect_eq(now->devices[1].retry_max_ms, (40 + i) * 1000);
        cr_expect_str_eq(now->devices[0].port.text, "tcp:10.0.0.1:5");
    }
    conf_free(now);
    fixture_end(&f);
}

static void write_included(const char *text)
{
    (void)fixture_write("conf.d/ward.conf", text);
}

/* Of an included folder; a section that moves to another file is made anew. */
Test(conf, a_reload_shares_by_file)
{
    static const char MAIN[] = HEAD "include = conf.d\n" TRUST;
    struct fixture f;
    struct conf *a = NULL;
    (void)put_all(MAIN);
    write_included(";\n[device a]\nport = tcp:10.0.0.1:5\nprotocol = mllp\n"
                   "connect = h.example:1\ncertificate = ../pump.pem\nkey = ../pump.key\n"
                   "trust = t\n");
    a = fixture_load(&f, put_all(MAIN));
    cr_assert_not_null(a, "%s", problems_count(f.problems) ? problems_text(f.problems, 0) : "");
    struct conf *b = conf_load_anew(a->path, LATER_S, a, f.problems);
    cr_assert_not_null(b);
    cr_expect_eq(a->devices[0].canonical, b->devices[0].canonical);
    cr_expect_str_eq(a->devices[0].file, b->devices[0].file);
    conf_free(a);
    (void)fixture_write("wardgate.conf", HEAD TRUST DEVICE("a", "5"));
    a = conf_load_anew(b->path, LATER_S, b, f.problems);
    cr_assert_not_null(a);
    cr_expect_neq(a->devices[0].canonical, b->devices[0].canonical);
    conf_free(a);
    conf_free(b);
    fixture_end(&f);
}

/* The trust's text is the same, and means other files in another folder. */
Test(conf, a_reload_minds_where_a_trust_stands)
{
    static const char INCLUDES[] = HEAD "include = conf.d\n";
    struct fixture f;
    put("conf.d/root.pem", "root.pem");
    write_included(";\n");
    struct conf *a = fixture_load(&f, put_all(HEAD "include = conf.d\n" TRUST DEVICE("a", "5")));
    cr_assert_not_null(a);
    write_included(TRUST);
    char text[1024];
    (void)snprintf(text, sizeof(text), "%s%s", INCLUDES, DEVICE("a", "5"));
    (void)fixture_write("wardgate.conf", text);
    struct conf *b = conf_load_anew(a->path, LATER_S, a, f.problems);
    cr_assert_not_null(b);
    cr_expect_eq(conf_compare_device(&a->devices[0], &b->devices[0]), CONF_CHANGED);
    conf_free(a);
    conf_free(b);
    fixture_end(&f);
}

/* One relative name, two folders to start from. */
Test(conf, a_load_from_elsewhere_shares_nothing)
{
    static const char TEXT[] = HEAD TRUST DEVICE("a", "5");
    struct fixture f;
    char folder[300];
    (void)snprintf(folder, sizeof(folder), "%.250s", put_all(TEXT));
    *strrchr(folder, '/') = '\0';
    put("other/root.pem", "root.pem");
    put("other/pump.pem", "pump-12.pem");
    put("other/pump.key", "pump-12.key");
    (void)fixture_write("other/wardgate.conf", TEXT);
    fixture_begin(&f);
    struct fault fault;
    cr_assert_eq(tls_init(&fault), 0);
    int back = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_eq(chdir(folder), 0);
    struct conf *a = conf_load("wardgate.conf", LATER_S, f.problems);
    cr_assert_eq(chdir("other"), 0);
    struct conf *b = conf_load_anew("wardgate.conf", LATER_S, a, f.problems);
    cr_assert_eq(fchdir(back), 0);
    close(back);
    cr_assert_not_null(a);
    cr_assert_not_null(b);
    cr_expect_str_neq(a->devices[0].certificate, b->devices[0].certificate);
    conf_free(a);
    conf_free(b);
    fixture_end(&f);
}

Test(conf, a_reload_without_memory_is_refused)
{
    struct fixture f;
    struct conf *a = fixture_load(&f, put_all(AB));
    cr_assert_not_null(a);
    unsigned refused = 0;
    for (uint32_t nth = 1; nth < 400; nth++) {
        struct problems *said = problems_new();
        mem_fail_nth(nth);
        struct conf *b = conf_load_anew(a->path, LATER_S, a, said);
        bool was_short = mem_fail_nth(0) == 0;
        refused += b == NULL;
        cr_expect(b != NULL || problems_count(said) > 0, "allocation %u", nth);
        cr_expect(b == NULL || b->device_count == 2);
        cr_expect(was_short || b != NULL);
        conf_free(b);
        problems_free(said);
        if (!was_short) {
            break;
        }
    }
    cr_expect_gt(refused, 3);
    conf_free(a);
    fixture_end(&f);
}

Test(conf, a_reload_takes_over_what_its_files_still_say)
{
    expect_taken_over(NULL, true, true);
    expect_taken_over(renew_certificate, false, true);
}

Test(conf, a_reload_loads_another_trust_anew)
{
    expect_taken_over(renew_trust, true, false);
}

/* From here on stamps tell: the files were at rest when they were read. */
static struct conf *load_at_rest(struct fixture *f, const char *text)
{
    fixture_begin(f);
    struct conf *c = conf_load(put_all(text), LATER_S, f->problems);
    cr_assert_not_null(c);
    return c;
}

Test(conf, a_reload_takes_over_what_nobody_touched)
{
    struct fixture f;
    struct conf *first = load_at_rest(&f, HEAD TRUST DEVICE("a", "5") DEVICE("b", "6"));
    for (int i = 0; i < 2; i++) {
        struct conf *next = conf_load_anew(first->path, LATER_S, first, f.problems);
        fixture_expect(&f, (const char *const[]){NULL});
        cr_expect_eq(next->devices[0].identity, first->devices[0].identity);
        cr_expect_eq(next->devices[1].identity, first->devices[1].identity);
        conf_free(first);
        first = next;
    }
    cr_expect_not_null(identity_facts(first->devices[1].identity), "what was taken over is held");
    conf_free(first);
    fixture_end(&f);
}

Test(conf, a_reload_reads_what_was_replaced_since)
{
    struct fixture f;
    struct conf *a = load_at_rest(&f, HEAD TRUST DEVICE("a", "5"));
    renew_certificate();
    struct conf *b = conf_load_anew(a->path, LATER_S, a, f.problems);
    fixture_expect(&f, (const char *const[]){NULL});
    cr_expect_neq(a->devices[0].identity, b->devices[0].identity);
    cr_expect_neq(identity_differs(a->devices[0].identity, b->devices[0].identity), 0);
    conf_free(a);
    conf_free(b);
    fixture_end(&f);
}

static size_t count_problems(const struct fixture *f, const char *with)
{
    size_t count = 0;
    for (size_t i = 0; i < problems_count(f->problems); i++) {
        count += strstr(problems_text(f->problems, i), with) != NULL ? 1 : 0;
    }
    return count;
}

Test(conf, a_reload_refuses_a_key_that_others_may_read_now_or_that_is_gone)
{
    struct fixture f;
    struct conf *a = load_at_rest(&f, HEAD TRUST DEVICE("a", "5") DEVICE("b", "6"));
    const char *key = a->devices[0].key;
    cr_assert_eq(chmod(key, 0640), 0);
    cr_assert_null(conf_load_anew(a->path, LATER_S, a, f.problems));
    cr_assert_eq(count_problems(&f, "others may read this key"), 2);
    cr_assert_eq(unlink(key), 0);
    cr_assert_null(conf_load_anew(a->path, LATER_S, a, f.problems));
    cr_assert_eq(count_problems(&f, "cannot be read"), 2, "each device is told");
    conf_free(a);
    fixture_end(&f);
}

Test(conf, a_reload_refuses_what_has_expired_since)
{
    struct fixture f;
    struct conf *a = load_at_rest(&f, HEAD TRUST DEVICE("a", "5"));
    int64_t over_s = identity_facts(a->devices[0].identity)->not_after_s + 1;
    cr_assert_null(conf_load_anew(a->path, over_s, a, f.problems));
    cr_assert_eq(count_problems(&f, "certificate = "), 1);
    conf_free(a);
    fixture_end(&f);
}

Test(conf, protocols_have_their_words)
{
    cr_assert_str_eq(conf_protocol_name(CONF_PROTOCOL_RAW), "raw");
    cr_assert_str_eq(conf_protocol_name(CONF_PROTOCOL_MLLP), "mllp");
    cr_assert_str_eq(conf_protocol_name(CONF_PROTOCOL_MODBUS_RTU), "modbus-rtu");
    cr_assert_str_eq(conf_protocol_name(CONF_PROTOCOL_MODBUS_TCP), "modbus-tcp");
}

Test(conf, modes_of_revocation_have_their_words)
{
    cr_assert_str_eq(conf_revocation_name(CONF_REVOCATION_HARD), "hard");
    cr_assert_str_eq(conf_revocation_name(CONF_REVOCATION_GRACE), "grace");
    cr_assert_str_eq(conf_revocation_name(CONF_REVOCATION_SOFT), "soft");
    cr_assert_str_eq(conf_revocation_name(CONF_REVOCATION_OFF), "off");
}

Test(conf, hands_each_mode_of_revocation_to_the_judge)
{
    cr_assert_eq(conf_judge_policy(CONF_REVOCATION_HARD), JUDGE_HARD);
    cr_assert_eq(conf_judge_policy(CONF_REVOCATION_GRACE), JUDGE_GRACE);
    cr_assert_eq(conf_judge_policy(CONF_REVOCATION_SOFT), JUDGE_SOFT);
    cr_assert_eq(conf_judge_policy(CONF_REVOCATION_OFF), JUDGE_OFF);
}

/* ---- Memory and time ---- */

Test(conf, any_allocation_may_fail)
{
    struct fixture f;
    (void)fixture_write("conf.d/a.conf", "; nothing\n");
    const char *path = put_all(HEAD "include = conf.d\n" TRUST DEVICE("a", "5"));
    bool loaded = false;
    cr_assert_null(fixture_load(&f, "/nonexistent"), "to have TLS initialised");
    for (uint32_t nth = 1; nth < 2000 && !loaded; nth++) {
        struct problems *problems = problems_new();
        mem_fail_nth(nth);
        struct conf *c = conf_load(path, (int64_t)time(NULL), problems);
        mem_fail_nth(0);
        loaded = c != NULL;
        cr_assert_eq(loaded, problems_count(problems) == 0, "allocation %u", nth);
        cr_assert(!loaded || nth > 3, "an allocation that failed was not noticed");
        conf_free(c);
        problems_free(problems);
    }
    cr_assert(loaded);
    fixture_end(&f);
}

Test(conf, a_thousand_devices_are_read_in_half_a_second)
{
    static char text[600000];
    struct fixture f;
    struct timespec from;
    struct timespec to;
    size_t used = (size_t)snprintf(text, sizeof(text), "%s", HEAD TRUST);
    for (int i = 0; i < 1000; i++) {
        used += (size_t)snprintf(&text[used], sizeof(text) - used,
                                 "[device d%d]\ndescription = Bed %d\nport = serial:/dev/none%d\n"
                                 "line = 9600 8N1\nprotocol = raw\nlisten = 127.0.0.1:%d\n"
                                 "allow = dns:x.example\ncertificate = pump.pem\nkey = pump.key\n"
                                 "trust = t\n",
                                 i, i, i, i + 1);
    }
    const char *path = put_all(text);
    cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
    struct conf *c = fixture_load(&f, path);
    cr_assert_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    cr_assert_not_null(c);
    cr_assert_eq(c->device_count, 1000);
    /* Sanitizers cost much; ten times the bound still finds a quadratic step gone wild. */
    cr_assert_lt(seconds, 5.0);
    cr_log_info("%.3f s", seconds);
    conf_free(c);
    fixture_end(&f);
}
