#include "conf/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/index.h"
#include "conf/text.h"

enum { SAY_MAX = 1024 };

/* One pair of files and what came of it. */
struct loaded {
    const struct conf_device *first; /* that names it, and holds what was loaded */
    const struct fault *fault;       /* NULL: it was loaded */
};

struct loader {
    struct reader *reader;
    struct problems *problems;
    const char *path; /* of the main file */
    const struct credentials_source *source;
    struct loaded *pairs; /* each pair once */
    struct index by_paths;
    size_t count;
};

/* Where a key of a section stands. The sections were built from the reader: it is there. */
static const struct reader_entry *entry_of(const struct loader *l, enum keys_section kind,
                                           const char *name, enum keys_id id,
                                           const struct reader_section **section)
{
    *section = reader_find(l->reader, kind, name);
    return *section != NULL ? reader_get(*section, id) : NULL;
}

struct place {
    enum keys_section kind;
    const char *name; /* of the section */
    enum keys_id id;
};

static void refuse(const struct loader *l, struct place at, const char *wrong, const char *right)
{
    char text[SAY_MAX];
    const struct reader_section *section = NULL;
    const struct reader_entry *entry = entry_of(l, at.kind, at.name, at.id, &section);
    if (entry == NULL) {
        return; /* the key is missing, which was said */
    }
    (void)snprintf(text, sizeof(text), "%s = %s: %s", entry->row->name, entry->value, wrong);
    problems_add(l->problems, section->file, entry->line, text, right);
}

/* Can we read the file? A missing one is the most common slip: both files of a pair are told. */
static bool is_readable(const struct loader *l, struct place at, const char *path)
{
    char wrong[SAY_MAX];
    if (path == NULL) {
        return false;
    }
    if (access(path, R_OK) == 0) {
        return true;
    }
    (void)snprintf(wrong, sizeof(wrong), "%.600s cannot be read: %s", path, strerror(errno));
    refuse(l, at, wrong, "a PEM file there, readable by this user");
    return false;
}

/* What would be right where the note does not say it itself; NULL when it does. */
static const char *right_of(const struct fault *f)
{
    if (strstr(f->note, "right: ") != NULL) {
        return NULL;
    }
    switch (f->code) {
    case FAULT_EXPIRED:
        return "a certificate that is still valid";
    case FAULT_NOT_YET:
        return "a certificate that is valid already, and a clock that is right";
    case FAULT_KEY:
        return "the private key of this certificate, of mode 0600 or stricter";
    case FAULT_MEMORY:
        return "free some memory and try again";
    default: /* many codes never come from loading */
        return "a PEM file as wardgate.conf(5) describes it";
    }
}

/* The fault of a loaded file. The note begins with the path, which the problem names already. */
static void refuse_fault(const struct loader *l, struct place at, const char *path,
                         const struct fault *f)
{
    char wrong[SAY_MAX];
    const char *note = f->note;
    size_t len = strlen(path);
    if (strncmp(note, path, len) == 0 && strncmp(&note[len], ": ", 2) == 0) {
        note += len + 2;
    }
    /* A long path may have left no room for the reason. */
    bool was_cut = strlen(f->note) >= FAULT_NOTE_MAX - 1;
    (void)snprintf(wrong, sizeof(wrong), "%s%s%s", was_cut ? fault_text(f) : "",
                   was_cut ? ": " : "", note);
    refuse(l, at, wrong, right_of(f));
}

/* Does any link under this trust want its certificates checked? A device may be stricter than its
 * trust, and they share one object: it must not pass as "off" for that device. */
static bool is_checked(const struct conf *conf, const struct conf_trust *t)
{
    if (t->revocation != CONF_REVOCATION_OFF) {
        return true;
    }
    for (size_t i = 0; i < conf->device_count; i++) {
        const struct conf_device *d = &conf->devices[i];
        if (d->trust_section == t && d->revocation != CONF_REVOCATION_OFF) {
            return true;
        }
    }
    return false;
}

/* The trust of before, if it is the same: what is known under it (paths that were found) stays. */
static void take_over_trust(const struct loader *l, struct conf_trust *t)
{
    const struct conf *before = l->source->before;
    for (size_t i = 0; before != NULL && i < before->trust_count; i++) {
        struct trust *old = before->trusts[i].trust;
        if (trust_differs(old, t->trust) == 0) {
            trust_release(t->trust);
            t->trust = trust_hold(old);
            return;
        }
    }
}

/* The files of a trust: anchors first, which every trust has. */
struct trust_file {
    enum keys_id key;
    const char *path; /* NULL: none */
};

enum { TRUST_FILES = 3 };

/* All that can be told at once: each file that cannot be read. */
static bool are_readable(const struct loader *l, const char *name,
                         const struct trust_file files[TRUST_FILES])
{
    bool all = true;
    for (size_t i = 0; i < TRUST_FILES; i++) {
        struct place at = {KEYS_TRUST, name, files[i].key};
        if (i == 0 || files[i].path != NULL) {
            all = is_readable(l, at, files[i].path) && all;
        }
    }
    return all;
}

/* The note begins with the path of the file that is to blame; the anchors' where it names none. */
static void refuse_file(const struct loader *l, const char *name,
                        const struct trust_file files[TRUST_FILES], const struct fault *f)
{
    const struct trust_file *guilty = &files[0];
    for (size_t i = 1; i < TRUST_FILES; i++) {
        size_t len = files[i].path != NULL ? strlen(files[i].path) : 0;
        if (len > 0 && strncmp(f->note, files[i].path, len) == 0 && f->note[len] == ':') {
            guilty = &files[i];
        }
    }
    struct place at = {KEYS_TRUST, name, guilty->key};
    refuse_fault(l, at, guilty->path, f);
}

static void load_trust(const struct loader *l, const struct conf *conf, struct conf_trust *t)
{
    const struct trust_file files[TRUST_FILES] = {{KEYS_ANCHORS, t->anchors},
                                                  {KEYS_INTERMEDIATES, t->intermediates},
                                                  {KEYS_CRL_SIGNERS, t->crl_signers}};
    struct fault fault;
    if (!are_readable(l, t->name, files)) {
        return;
    }
    fault_clear(&fault);
    struct trust_settings settings = {.name = t->name,
                                      .anchors = t->anchors,
                                      .intermediates = t->intermediates,
                                      .crl_signers = t->crl_signers,
                                      .tls_min = t->tls_min,
                                      .revocation = is_checked(conf, t) ? REVOCATION_CHECKED
                                                                        : REVOCATION_OFF,
                                      .is_strict_about_cas = t->is_strict_profile,
                                      .allows = t->allows,
                                      .policy = t->policy,
                                      .requires_eku = t->requires_eku};
    t->trust = trust_load(&settings, l->source->now_s, &fault);
    if (t->trust == NULL) {
        refuse_file(l, t->name, files, &fault);
    } else {
        take_over_trust(l, t);
    }
}

static bool are_both_readable(const struct loader *l, const struct conf_device *d)
{
    struct place certificate = {KEYS_DEVICE, d->name, KEYS_CERTIFICATE};
    struct place key = {KEYS_DEVICE, d->name, KEYS_KEY};
    bool has_certificate = is_readable(l, certificate, d->certificate);
    bool has_key = is_readable(l, key, d->key);
    return has_certificate && has_key;
}

/* The device before a reload; NULL: there was none, or it is no reload. */
static const struct conf_device *find_before(const struct loader *l, const struct conf_device *d)
{
    return l->source->before != NULL ? conf_find_device(l->source->before, d->name) : NULL;
}

static void refuse_memory(const struct loader *l)
{
    problems_add(l->problems, l->path, 0, "not enough memory for all certificates",
                 "free some memory and try again");
}

/* The pair of files if another device had it; NULL: none had. */
static const struct loaded *find_pair(const struct loader *l, const struct conf_device *d,
                                      uint64_t hash)
{
    size_t at = 0;
    size_t i = 0;
    while (index_next(&l->by_paths, hash, &at, &i)) {
        const struct loaded *pair = &l->pairs[i];
        if (strcmp(pair->first->certificate, d->certificate) == 0 &&
            strcmp(pair->first->key, d->key) == 0) {
            return pair;
        }
    }
    return NULL;
}

/* Why the files of d gave nothing. NULL: they gave its identity, or there is no memory. */
static const struct fault *keep_fault(const struct loader *l, const struct conf_device *d,
                                      const struct fault *f)
{
    if (d->identity != NULL) {
        return NULL;
    }
    struct fault *kept = pool_take(l->reader->pool, 1, sizeof(*kept));
    if (kept == NULL) {
        refuse_memory(l);
        return NULL;
    }
    *kept = *f;
    return kept;
}

/* Loaded now, or taken over as it stands. NULL: that failed in a way that was told. */
static const struct loaded *add_pair(struct loader *l, struct conf_device *d, uint64_t hash)
{
    const struct conf_device *before = find_before(l, d);
    struct identity *old = before != NULL ? before->identity : NULL;
    struct identity_files files = {.certificate = d->certificate, .key = d->key};
    struct fault fault;
    fault_clear(&fault);
    if (old != NULL && identity_files_stand(&before->files, &files, l->source->now_s)) {
        d->identity = identity_hold(old);
    } else if (are_both_readable(l, d)) {
        d->identity = identity_load_anew(&files, l->source->now_s, old, &fault);
    } else {
        return NULL; /* the next device with these files is told, too */
    }
    d->files = files;
    if (!index_add(&l->by_paths, hash)) {
        refuse_memory(l);
        return NULL;
    }
    struct loaded *pair = &l->pairs[l->count];
    *pair = (struct loaded){.first = d, .fault = keep_fault(l, d, &fault)};
    l->count++;
    return pair;
}

static void load_identity(struct loader *l, struct conf_device *d)
{
    struct place certificate = {KEYS_DEVICE, d->name, KEYS_CERTIFICATE};
    struct place key = {KEYS_DEVICE, d->name, KEYS_KEY};
    if (d->certificate == NULL || d->key == NULL) {
        (void)are_both_readable(l, d); /* the one that is there */
        return;
    }
    uint64_t hash = text_hash(d->key, text_hash(d->certificate, 0));
    const struct loaded *pair = find_pair(l, d, hash);
    if (pair == NULL) {
        pair = add_pair(l, d, hash);
    } else if (pair->first->identity != NULL) {
        d->identity = identity_hold(pair->first->identity);
        d->files = pair->first->files;
    }
    if (pair != NULL && pair->fault != NULL) {
        bool is_key = pair->fault->code == FAULT_KEY;
        refuse_fault(l, is_key ? key : certificate, is_key ? d->key : d->certificate, pair->fault);
    }
}

void credentials_load(struct conf *conf, struct reader *reader,
                      const struct credentials_source *source, struct problems *problems)
{
    struct loader l = {
        .reader = reader, .problems = problems, .path = conf->path, .source = source};
    l.pairs = pool_take(reader->pool, conf->device_count + 1, sizeof(*l.pairs));
    index_init(&l.by_paths, reader->pool, conf->device_count);
    if (l.pairs == NULL) {
        refuse_memory(&l);
        return;
    }
    for (size_t i = 0; i < conf->trust_count; i++) {
        load_trust(&l, conf, &conf->trusts[i]);
    }
    for (size_t i = 0; i < conf->device_count; i++) {
        struct conf_device *d = &conf->devices[i];
        load_identity(&l, d);
        if (d->trust_section != NULL && d->trust_section->trust != NULL) {
            d->trust = trust_hold(d->trust_section->trust);
        }
    }
}

void credentials_release(struct conf *conf)
{
    for (size_t i = 0; i < conf->device_count; i++) {
        identity_release(conf->devices[i].identity);
        trust_release(conf->devices[i].trust);
    }
    for (size_t i = 0; i < conf->trust_count; i++) {
        trust_release(conf->trusts[i].trust);
    }
}
