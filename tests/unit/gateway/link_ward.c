#include "tests/unit/gateway/link_ward.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

static void ward_on_closed(void *owner)
{
    struct ward *w = owner;
    w->closed++;
}

void ward_open(struct ward *w, struct bench *b, struct trust *trust)
{
    static char name[] = "hospital";
    struct fault f = {0};
    memset(w, 0, sizeof(*w));
    w->bench = b;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/wardgate-ward-XXXXXX");
    cr_assert_not_null(mkdtemp(w->folder));
    w->section = (struct conf_trust){.name = name, .trust = trust, .check_timeout_ms = 500};
    w->conf = (struct conf){
        .gateway = {.state_dir = w->folder}, .trusts = &w->section, .trust_count = 1};
    const struct revocation_settings settings = {
        .io = &b->io, .conf = &w->conf, .on_closed = ward_on_closed, .owner = w};
    w->revocation = revocation_new(&settings, &f);
    cr_assert_not_null(w->revocation, "%s", f.note);
    revocation_start(w->revocation);
}

/* The folder and what is in it; a state folder has one level of folders. */
static void ward_remove(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        char inside[384];
        (void)snprintf(inside, sizeof(inside), "%s/%s", path, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            remove(inside) != 0) {
            ward_remove(inside);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    cr_expect_eq(remove(path), 0, "%s", path);
}

void ward_close(struct ward *w)
{
    revocation_close(w->revocation);
    bench_run_until(w->bench, &w->closed, 1);
    revocation_free(w->revocation);
    ward_remove(w->folder);
}
