#include <string.h>

#include "certs/mem.h"
#include "gateway/crl_source_private.h"

void crl_source_files_begin(struct crl_source *s)
{
    crl_source_work(s, CRL_JOB_LOOK, s->set.place);
}

static bool is_due(const struct crl_file *file)
{
    return !file->is_read || !crl_files_is_same(&file->seen, &file->read);
}

static void end_files(struct crl_source *s)
{
    const struct fault *f = s->look_fault.code != FAULT_NONE ? &s->look_fault : NULL;
    for (size_t i = 0; i < s->known.count && f == NULL; i++) {
        f = s->known.files[i].fault.code != FAULT_NONE ? &s->known.files[i].fault : NULL;
    }
    crl_source_end(s, f);
}

static void read_next(struct crl_source *s)
{
    while (s->at < s->known.count && !is_due(&s->known.files[s->at])) {
        s->at++;
    }
    if (s->at < s->known.count) {
        crl_source_work(s, CRL_JOB_READ, s->known.files[s->at].path);
    } else {
        end_files(s);
    }
}

/* What is known of a file goes on with its path; who is left in `old` with a path is gone. */
static void carry_over(struct crl_listing *old, struct crl_listing *now, bool is_forced)
{
    for (size_t i = 0; i < now->count; i++) {
        size_t at = 0;
        while (at < old->count && (old->files[at].path == NULL ||
                                   strcmp(old->files[at].path, now->files[i].path) != 0)) {
            at++;
        }
        if (at < old->count) {
            now->files[i].read = old->files[at].read;
            now->files[i].is_read = old->files[at].is_read && !is_forced;
            now->files[i].fault = old->files[at].fault;
            mem_free(old->files[at].path);
            old->files[at].path = NULL;
        }
    }
}

static void tell_gone(struct crl_source *s, const struct crl_listing *old)
{
    for (size_t i = 0; i < old->count && !s->closing; i++) {
        if (old->files[i].path == NULL) {
            continue;
        }
        s->must_tell = true;
        if (s->set.on_gone != NULL) {
            s->set.on_gone(s->set.owner, s, old->files[i].path);
        }
    }
}

static void looked(struct crl_source *s)
{
    struct crl_listing old = s->known;
    s->look_fault = s->job.fault;
    /* A folder that can not be read is no folder without files: nothing is gone. */
    if (s->look_fault.code != FAULT_NONE && s->look_fault.code != FAULT_LIMIT) {
        crl_source_clear_job(s);
        if (crl_source_may_go_on(s)) {
            end_files(s);
        }
        return;
    }
    s->known = s->job.listing;
    s->job.listing = (struct crl_listing){.files = NULL};
    crl_source_clear_job(s);
    carry_over(&old, &s->known, s->is_forced);
    s->is_forced = false;
    s->at = 0;
    tell_gone(s, &old);
    crl_files_free(&old);
    if (crl_source_may_go_on(s)) {
        read_next(s);
    }
}

static void read_one(struct crl_source *s)
{
    struct crl_file *file = &s->known.files[s->at];
    enum fault_code code = s->job.fault.code;
    file->fault = s->job.fault;
    file->read = s->job.mark;
    /* What failed for the content's sake fails until that changes; all else may go by. */
    file->is_read = (code == FAULT_NONE || code == FAULT_BAD_CERT) && s->job.is_settled;
    s->at++;
    bool may_go_on = false;
    if (code == FAULT_NONE) {
        may_go_on = crl_source_hand_over(s, file->path);
    } else {
        crl_source_clear_job(s);
        may_go_on = crl_source_may_go_on(s);
    }
    if (may_go_on) {
        read_next(s);
    }
}

void crl_source_files_back(struct crl_source *s)
{
    if (s->job.kind == CRL_JOB_LOOK) {
        looked(s);
    } else {
        read_one(s);
    }
}
