#include "conf/crl_places.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAY_MAX = 1024, REASON_MAX = 256 };

static const char RIGHT[] = "a CRL there, or a folder for CRLs, readable by this user";

/* "crl = PATH WRONG", with the reason of the system when there is one. */
static void refuse(struct problems *problems, const struct conf_trust *t,
                   const struct conf_crl *crl, const char *wrong, const char *right)
{
    char text[SAY_MAX];
    (void)snprintf(text, sizeof(text), "crl = %.600s %s", crl->text, wrong);
    problems_add(problems, t->file, crl->line, text, right);
}

static void look(struct problems *problems, const struct conf_trust *t, struct conf_crl *crl)
{
    char wrong[REASON_MAX];
    struct stat status;
    bool is_found = stat(crl->text, &status) == 0;
    bool is_folder = is_found && S_ISDIR(status.st_mode);
    if (is_found && !is_folder && crl->kind == CONF_CRL_FOLDER) {
        refuse(problems, t, crl, "is no folder",
               "a folder, or the path of a file without / behind");
        return;
    }
    if (is_found && !is_folder && !S_ISREG(status.st_mode)) {
        refuse(problems, t, crl, "is neither a file nor a folder", RIGHT);
        return;
    }
    if (!is_found || access(crl->text, is_folder ? R_OK | X_OK : R_OK) != 0) {
        (void)snprintf(wrong, sizeof(wrong), "cannot be read: %s", strerror(errno));
        refuse(problems, t, crl, wrong, RIGHT);
        return;
    }
    crl->kind = is_folder ? CONF_CRL_FOLDER : CONF_CRL_FILE;
}

void crl_places_look(struct conf *conf, struct problems *problems)
{
    for (size_t i = 0; i < conf->trust_count; i++) {
        struct conf_trust *t = &conf->trusts[i];
        for (size_t j = 0; j < t->crl_count; j++) {
            if (t->crls[j].kind != CONF_CRL_URL) {
                look(problems, t, &t->crls[j]);
            }
        }
    }
}
