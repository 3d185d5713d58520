#include "conf/crl_places.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAY_MAX = 1024, REASON_MAX = 256 };

static const char right_place[] = "a CRL there, or a folder for CRLs, readable by this user";

/* "crl = PATH WRONG". */
static void refuse(struct problems *problems, const struct conf_trust *t,
                   const struct conf_crl *crl, const char *wrong, const char *right)
{
    char text[SAY_MAX];
    (void)snprintf(text, sizeof(text), "crl = %.600s %s", crl->text, wrong);
    problems_add(problems, t->file, crl->line, text, right);
}

/* A path that was written becomes a file or a folder that is there. */
static void look(struct problems *problems, const struct conf_trust *t, struct conf_crl *crl)
{
    struct stat status;
    bool is_found = stat(crl->text, &status) == 0;
    bool is_folder = is_found && S_ISDIR(status.st_mode);
    if (is_found && !is_folder && crl->kind == CONF_CRL_FOLDER) {
        refuse(problems, t, crl, "is no folder",
               "a folder, or the path of a file without / behind");
    } else if (is_found && !is_folder && !S_ISREG(status.st_mode)) {
        /* A FIFO would make who reads it wait. */
        refuse(problems, t, crl, "is neither a file nor a folder", right_place);
    } else if (!is_found || access(crl->text, is_folder ? R_OK | X_OK : R_OK) != 0) {
        char wrong[REASON_MAX];
        (void)snprintf(wrong, sizeof(wrong), "cannot be read: %s", strerror(errno));
        refuse(problems, t, crl, wrong, right_place);
    } else {
        crl->kind = is_folder ? CONF_CRL_FOLDER : CONF_CRL_FILE;
    }
}

static void look_at_trust(struct problems *problems, struct conf_trust *t)
{
    for (size_t i = 0; i < t->crl_count; i++) {
        if (t->crls[i].kind != CONF_CRL_URL) {
            look(problems, t, &t->crls[i]);
        }
    }
}

void crl_places_look(struct conf *conf, struct problems *problems)
{
    for (size_t i = 0; i < conf->trust_count; i++) {
        look_at_trust(problems, &conf->trusts[i]);
    }
}
