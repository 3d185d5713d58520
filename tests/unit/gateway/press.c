#include "tests/unit/gateway/press.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/io.h"
#include "tests/unit/gateway/link_fixture.h"

enum { PRESS_PATH_MAX = 128, PRESS_DATE_MAX = 20, PRESS_ARGS_MAX = 24, PRESS_DAY_S = 86400 };

extern char **environ;

void press_open(struct press *p)
{
    char text[512];
    folder_make(&p->folder);
    int len = snprintf(text, sizeof(text),
                       "[ca]\ndefault_ca = any\n[any]\ndatabase = %s/index.txt\n"
                       "crlnumber = %s/number\ndefault_md = sha256\ncrl_extensions = ext\n"
                       "[ext]\nauthorityKeyIdentifier = keyid:always\n",
                       p->folder.path, p->folder.path);
    cr_assert(len > 0 && (size_t)len < sizeof(text));
    folder_put(&p->folder, "ca.cnf", text, (size_t)len);
}

void press_close(struct press *p)
{
    folder_remove(&p->folder);
}

static void press_run(const char *const *args)
{
    posix_spawn_file_actions_t actions;
    char *const *argv = NULL;
    pid_t pid = 0;
    int status = 0;
    memcpy(&argv, &args, sizeof(argv)); /* posix_spawnp takes them without const */
    cr_assert_eq(posix_spawn_file_actions_init(&actions), 0);
    cr_assert_eq(
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0), 0);
    cr_assert_eq(
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0), 0);
    cr_assert_eq(posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "openssl %s", args[1]);
}

static void press_date(int64_t at_s, char *to)
{
    time_t at = (time_t)at_s;
    struct tm parts;
    cr_assert_not_null(gmtime_r(&at, &parts));
    cr_assert_gt(strftime(to, PRESS_DATE_MAX, "%Y%m%d%H%M%SZ", &parts), 0);
}

/* The authority's list of what it issued, as openssl keeps it: this one certificate. */
static void press_index(struct press *p, const char *name, bool is_revoked)
{
    char text[512] = "";
    char day[PRESS_DATE_MAX];
    int len = 0;
    if (name != NULL) {
        struct identity *id = fixture_identity(name);
        press_date(io_wall_s() - PRESS_DAY_S, day); /* openssl wants two digits of the year */
        len = snprintf(text, sizeof(text), "%s\t491231235959Z\t%s\t%s\tunknown\t/CN=x\n",
                       is_revoked ? "R" : "V", is_revoked ? day + 2 : "",
                       identity_facts(id)->serial);
        identity_release(id);
    }
    folder_put(&p->folder, "index.txt", text, (size_t)len);
    folder_put(&p->folder, "index.txt.attr", "unique_subject = no\n", 20);
}

static struct span press_read(struct press *p, const char *name)
{
    size_t len = folder_get(&p->folder, name, p->der, sizeof(p->der));
    cr_assert(len > 0 && len < sizeof(p->der));
    return span_of(p->der, len);
}

const char *press_crl_file(struct press *p, const struct press_list *list)
{
    static char out[PRESS_PATH_MAX];
    char cnf[PRESS_PATH_MAX];
    char key[PRESS_PATH_MAX];
    char cert[PRESS_PATH_MAX];
    char number[16];
    char from[PRESS_DATE_MAX];
    char until[PRESS_DATE_MAX];
    bool is_usual = list->from_s == 0 && list->until_s == 0;
    int64_t now_s = io_wall_s();
    press_index(p, list->revokes, true);
    int len = snprintf(number, sizeof(number), "%04X\n", list->number);
    folder_put(&p->folder, "number", number, (size_t)len);
    press_date(now_s + (is_usual ? -3600 : list->from_s), from);
    press_date(now_s + (is_usual ? PRESS_DAY_S : list->until_s), until);
    (void)snprintf(cnf, sizeof(cnf), "%s/ca.cnf", p->folder.path);
    (void)snprintf(key, sizeof(key), "build/pki/%s.key", list->ca);
    (void)snprintf(cert, sizeof(cert), "build/pki/%s.pem", list->ca);
    (void)snprintf(out, sizeof(out), "%s/%s.crl", p->folder.path, list->ca);
    const char *const args[PRESS_ARGS_MAX] = {
        "openssl",         "ca", "-batch",          "-config", cnf,    "-gencrl",
        "-keyfile",        key,  "-cert",           cert,      "-out", out,
        "-crl_lastupdate", from, "-crl_nextupdate", until};
    press_run(args);
    return out;
}

struct span press_crl(struct press *p, const struct press_list *list)
{
    char name[32];
    char der[PRESS_PATH_MAX];
    (void)snprintf(der, sizeof(der), "%s/made.der", p->folder.path);
    const char *const args[PRESS_ARGS_MAX] = {"openssl",  "crl", "-in",  press_crl_file(p, list),
                                              "-outform", "DER", "-out", der};
    press_run(args);
    (void)snprintf(name, sizeof(name), "%s", "made.der");
    return press_read(p, name);
}

struct span press_answer(struct press *p, const char *name, bool is_revoked)
{
    char index[PRESS_PATH_MAX];
    char cert[PRESS_PATH_MAX];
    char out[PRESS_PATH_MAX];
    press_index(p, name, is_revoked);
    (void)snprintf(index, sizeof(index), "%s/index.txt", p->folder.path);
    (void)snprintf(cert, sizeof(cert), "build/pki/%s.pem", name);
    (void)snprintf(out, sizeof(out), "%s/answer.der", p->folder.path);
    const char *const args[PRESS_ARGS_MAX] = {"openssl",   "ocsp",
                                              "-index",    index,
                                              "-CA",       "build/pki/root.pem",
                                              "-rsigner",  "build/pki/root.pem",
                                              "-rkey",     "build/pki/root.key",
                                              "-issuer",   "build/pki/root.pem",
                                              "-cert",     cert,
                                              "-no_nonce", "-ndays",
                                              "1",         "-respout",
                                              out};
    press_run(args);
    return press_read(p, "answer.der");
}
