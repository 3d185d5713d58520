/* What is known under one [trust] section: its evidence, and the sources that bring CRLs. */
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "conf/text.h"
#include "gateway/log.h"
#include "gateway/revocation_private.h"
#include "gateway/utc.h"

struct knowledge *knowledge_find(struct revocation *r, const char *name)
{
    struct knowledge *k = r->knowledge;
    while (k != NULL && strcmp(k->name, name) != 0) {
        k = k->next;
    }
    return k;
}

struct knowledge *knowledge_new(struct revocation *r, const struct conf_trust *conf)
{
    struct knowledge *k = mem_new(1, sizeof *k);
    if (k == NULL) {
        return NULL;
    }
    k->revocation = r;
    k->name = mem_text(conf->name);
    k->evidence = evidence_new();
    if (k->name == NULL || k->evidence == NULL) {
        mem_free(k->name);
        evidence_free(k->evidence);
        mem_free(k);
        return NULL;
    }
    k->conf = conf;
    k->trust = trust_hold(conf->trust);
    return k;
}

void knowledge_free(struct knowledge *k)
{
    ocsp_watch_free_all(k);
    evidence_free(k->evidence);
    trust_release(k->trust);
    mem_free(k->name);
    mem_free(k);
}

/* ---- what a source brings ---- */

/* What the log says of a CRL. */
struct crl_news {
    enum conf_log_level level;
    const char *event;
    const char *place;
    const char *issuer;
    const struct crl *crl; /* may be NULL */
    const char *note;
};

static void knowledge_log_crl(const struct knowledge *k, const struct crl_news *news)
{
    char number[2 * EVIDENCE_NUMBER_MAX + 1] = "";
    char updated[UTC_TEXT_MAX] = "";
    if (news->crl != NULL) {
        revocation_hex(crl_number(news->crl), number, sizeof number);
        utc_text(crl_this_update_s(news->crl), updated);
    }
    const struct log_field fields[] = {
        LOG_TEXT("trust", k->name),      LOG_TEXT("issuer", news->issuer),
        LOG_TEXT("number", number),      LOG_TEXT("this_update", updated),
        LOG_TEXT("source", news->place), LOG_TEXT("note", news->note),
    };
    log_event(news->level, NULL, news->event, fields, sizeof fields / sizeof fields[0]);
}

/* Of a CRL that is held; "" of one that was refused. */
static const char *knowledge_issuer(const struct knowledge *k, const struct crl *crl)
{
    const struct evidence_crl *held = NULL;
    size_t count = evidence_crls(k->evidence, &held);
    for (size_t i = 0; i < count; i++) {
        if (held[i].crl == crl) {
            return held[i].issuer;
        }
    }
    return "";
}

static void knowledge_log_arrival(const struct knowledge *k, enum conf_log_level level,
                                  const char *event, const char *place,
                                  const struct crl_arrival *arrival)
{
    const struct crl_news news = {.level = level,
                                  .event = event,
                                  .place = place,
                                  .issuer = knowledge_issuer(k, arrival->crl),
                                  .crl = arrival->crl,
                                  .note = arrival->why};
    knowledge_log_crl(k, &news);
}

static void knowledge_log_refusal(const struct knowledge *k, enum conf_log_level level,
                                  const char *event, const char *place, const struct fault *f)
{
    const struct crl_news news = {
        .level = level, .event = event, .place = place, .issuer = "", .note = f->note};
    knowledge_log_crl(k, &news);
}

/* How long what a reading brought is good: until the first of its CRLs ends. */
static void knowledge_count_life(struct source *s, const struct crl *crl)
{
    int64_t next_s = 0;
    s->was_taken = true;
    if (crl_next_update_s(crl, &next_s) && (s->life_until_s == 0 || next_s < s->life_until_s)) {
        s->life_until_s = next_s;
    }
}

/* What is dated ahead is looked at again and again: one line of the log for each such CRL, not one
 * a minute. Its note counts the seconds, so it is known by its file and date. */
static bool knowledge_is_refusal_new(struct source *s, const char *place,
                                     const struct crl_arrival *arrival, enum fault_code code)
{
    uint64_t seed = (uint64_t)crl_this_update_s(arrival->crl) ^ (uint64_t)(-code) << 48;
    uint64_t hash = text_hash(place, seed);
    s->was_refused = true;
    for (size_t i = 0; i < s->refused_count; i++) {
        if (s->refused[i] == hash) {
            return false;
        }
    }
    if (s->refused_count < SOURCE_REFUSED_MAX) {
        s->refused[s->refused_count++] = hash;
    }
    return true;
}

/* True: verdicts may be others now. */
static bool knowledge_take_crl(struct source *s, const char *place,
                               const struct crl_arrival *arrival)
{
    struct knowledge *k = s->knowledge;
    struct evidence_id id;
    struct fault f = {0};
    switch (evidence_put_crl(k->evidence, arrival, place, &id, &f)) {
    case EVIDENCE_NEW:
        knowledge_count_life(s, arrival->crl);
        knowledge_log_arrival(k, CONF_LOG_INFO, "crl-taken", place, arrival);
        clock_raise_floor(&k->revocation->clock, crl_this_update_s(arrival->crl));
        knowledge_store_crl(k, &id, crl_der(arrival->crl));
        return true;
    case EVIDENCE_SAME:
        knowledge_count_life(s, arrival->crl);
        return false;
    case EVIDENCE_PENDING:
        knowledge_count_life(s, arrival->crl);
        knowledge_log_arrival(k, CONF_LOG_INFO, "crl-waits", place, arrival);
        return true;
    case EVIDENCE_OLDER:
        knowledge_log_refusal(k, CONF_LOG_ERROR, "crl-older", place, &f);
        return false;
    case EVIDENCE_REFUSED:
        /* It may be fine when time or memory are others: that the file is the same says nothing. */
        s->must_look_again = s->must_look_again || f.code != FAULT_BAD_CERT;
        if (knowledge_is_refusal_new(s, place, arrival, f.code)) {
            knowledge_log_refusal(k, CONF_LOG_WARNING, "crl-refused", place, &f);
        }
        return false;
    }
    return false;
}

static void knowledge_on_intake(void *owner, struct crl_source *reader, const char *place,
                                struct crl_intake *in)
{
    struct source *s = owner;
    bool has_changed = false;
    (void)reader;
    for (size_t i = 0; i < in->count; i++) {
        has_changed = knowledge_take_crl(s, place, &in->arrivals[i]) || has_changed;
    }
    if (has_changed) {
        knowledge_store_marks(s->knowledge);
        inquiry_mark_due(s->knowledge->revocation, s->knowledge);
    }
}

static void knowledge_on_gone(void *owner, struct crl_source *reader, const char *place)
{
    struct source *s = owner;
    (void)reader;
    evidence_forget_source(s->knowledge->evidence, place);
    const struct crl_news news = {.level = CONF_LOG_INFO,
                                  .event = "crl-file-gone",
                                  .place = place,
                                  .issuer = "",
                                  .note = "what it said still counts until something newer comes"};
    knowledge_log_crl(s->knowledge, &news);
}

/* Say a trouble once, and its end once. */
static void knowledge_tell_trouble(struct source *s, const struct fault *f)
{
    bool is_same = f != NULL && s->told.code == f->code && strcmp(s->told.note, f->note) == 0;
    if (f != NULL && !is_same) {
        const struct log_field fields[] = {LOG_TEXT("trust", s->knowledge->name),
                                           LOG_TEXT("source", s->place), LOG_TEXT("note", f->note)};
        log_event(CONF_LOG_WARNING, NULL, "crl-source-failed", fields, 3);
        s->told = *f;
    } else if (f == NULL && s->told.code != FAULT_NONE) {
        const struct log_field fields[] = {LOG_TEXT("trust", s->knowledge->name),
                                           LOG_TEXT("source", s->place)};
        log_event(CONF_LOG_INFO, NULL, "crl-source-works", fields, 2);
        fault_clear(&s->told);
    }
}

static void knowledge_on_read(void *owner, struct crl_source *reader, const struct fault *f)
{
    struct source *s = owner;
    s->was_read = true;
    s->is_reading = false;
    knowledge_tell_trouble(s, f);
    if (s->was_taken && !s->was_refused) {
        s->refused_count = 0; /* it is well again: the next refusal is news */
    }
    s->was_refused = false;
    if (s->was_taken) {
        crl_source_set_life(reader, s->life_until_s);
        s->was_taken = false;
        s->life_until_s = 0;
    }
    inquiry_mark_waiting(s->knowledge);
    revocation_kick(s->knowledge->revocation);
}

void knowledge_on_settled(void *owner, enum evidence_taken taken, const struct evidence_crl *crl)
{
    struct knowledge *k = owner;
    struct crl_news news = {.level = CONF_LOG_INFO,
                            .event = "crl-taken",
                            .place = crl->source,
                            .issuer = crl->issuer,
                            .crl = crl->crl,
                            .note = "a peer has shown its issuer"};
    if (taken == EVIDENCE_NEW) {
        knowledge_log_crl(k, &news);
        clock_raise_floor(&k->revocation->clock, crl_this_update_s(crl->crl));
        knowledge_store_crl(k, &crl->id, crl_der(crl->crl));
        k->marks_dirty = true;
        inquiry_mark_due(k->revocation, k);
    } else if (taken == EVIDENCE_OLDER) {
        news.level = CONF_LOG_ERROR;
        news.event = "crl-older";
        news.note = "refused: a newer one is known";
        knowledge_log_crl(k, &news);
    }
}

/* ---- sources ---- */

static void knowledge_on_closed(void *owner, struct crl_source *reader)
{
    struct source *s = owner;
    struct knowledge *k = s->knowledge;
    struct source **slot = &k->sources;
    while (*slot != s) {
        slot = &(*slot)->next;
    }
    *slot = s->next;
    crl_source_free(reader);
    mem_free(s->place);
    mem_free(s);
    revocation_handle_gone(k->revocation);
}

static void knowledge_close_source(struct source *s)
{
    if (!s->closing) {
        s->closing = true;
        crl_source_close(s->reader);
    }
}

struct source *knowledge_find_source(const struct knowledge *k, const char *place)
{
    struct source *s = k->sources;
    while (s != NULL && (s->closing || strcmp(s->place, place) != 0)) {
        s = s->next;
    }
    return s;
}

struct source *knowledge_add_source(struct knowledge *k, enum crl_source_kind kind,
                                    const char *place)
{
    struct source *s = mem_new(1, sizeof *s);
    char *copy = mem_text(place);
    if (s == NULL || copy == NULL) {
        mem_free(s);
        mem_free(copy);
        return NULL;
    }
    s->knowledge = k;
    s->place = copy;
    s->kind = kind;
    struct crl_source_settings settings = {
        .io = k->revocation->io,
        .fetcher = k->revocation->fetcher,
        .place = place,
        .kind = kind,
        .trust = k->trust,
        .on_intake = knowledge_on_intake,
        .on_gone = knowledge_on_gone,
        .on_read = knowledge_on_read,
        .on_closed = knowledge_on_closed,
        .owner = s,
    };
    s->reader = crl_source_new(&settings);
    if (s->reader == NULL) {
        mem_free(copy);
        mem_free(s);
        return NULL;
    }
    s->is_reading = true;
    s->next = k->sources;
    k->sources = s;
    k->revocation->handles++;
    return s;
}

static enum crl_source_kind knowledge_kind(enum conf_crl_kind kind)
{
    switch (kind) {
    case CONF_CRL_FILE:
        return CRL_SOURCE_FILE;
    case CONF_CRL_FOLDER:
        return CRL_SOURCE_FOLDER;
    case CONF_CRL_URL:
        break;
    }
    return CRL_SOURCE_URL;
}

static void knowledge_tell_memory(const struct knowledge *k, const char *place)
{
    const struct log_field fields[] = {LOG_TEXT("trust", k->name), LOG_TEXT("source", place),
                                       LOG_TEXT("note", "out of memory")};
    log_event(CONF_LOG_ERROR, NULL, "crl-source-failed", fields, 3);
}

/* The source at that place, a new one when there is none. NULL: no memory. */
static struct source *knowledge_get_source(struct knowledge *k, const struct conf_crl *crl)
{
    enum crl_source_kind kind = knowledge_kind(crl->kind);
    struct source *s = knowledge_find_source(k, crl->text);
    if (s != NULL && s->kind != kind) {
        knowledge_close_source(s); /* what was a file is a folder now */
        s = NULL;
    }
    return s != NULL ? s : knowledge_add_source(k, kind, crl->text);
}

void knowledge_start(struct knowledge *k)
{
    for (size_t i = 0; k->conf != NULL && i < k->conf->crl_count; i++) {
        const struct conf_crl *crl = &k->conf->crls[i];
        struct source *s = knowledge_get_source(k, crl);
        if (s != NULL) {
            s->is_wanted = true;
            s->is_found = false;
        } else {
            knowledge_tell_memory(k, crl->text);
        }
    }
}

void knowledge_use(struct knowledge *k, const struct conf_trust *conf)
{
    k->conf = conf;
    if (conf != NULL && conf->trust != k->trust) {
        bool is_other = trust_differs(conf->trust, k->trust) != 0;
        trust_release(k->trust);
        k->trust = trust_hold(conf->trust);
        inquiry_use_trust(k);
        if (is_other) {
            knowledge_read_anew(k);
        }
    }
    for (struct source *s = k->sources; s != NULL; s = s->next) {
        s->is_wanted = s->is_found && conf != NULL && conf->follow_cdp &&
                       knowledge_allows_url(k, s->place);
    }
    knowledge_start(k);
    for (struct source *s = k->sources; s != NULL; s = s->next) {
        if (!s->is_wanted) {
            knowledge_close_source(s);
        }
    }
}

void knowledge_close(struct knowledge *k)
{
    for (struct source *s = k->sources; s != NULL; s = s->next) {
        knowledge_close_source(s);
    }
    if (k->marks_dirty) {
        knowledge_store_marks(k);
    }
    ocsp_watch_free_all(k);
}

/* ---- what is under way ---- */

bool knowledge_is_hopeful(const struct knowledge *k)
{
    for (const struct source *s = k->sources; s != NULL; s = s->next) {
        if (!s->closing && !s->was_read) {
            return true;
        }
    }
    return false;
}

void knowledge_refresh(struct knowledge *k)
{
    for (struct source *s = k->sources; s != NULL; s = s->next) {
        if (!s->closing) {
            s->is_reading = true;
            crl_source_refresh(s->reader);
        }
    }
    ocsp_watch_refresh(k);
}

void knowledge_read_anew(struct knowledge *k)
{
    for (struct source *s = k->sources; s != NULL; s = s->next) {
        if (!s->closing) {
            s->is_reading = true;
            crl_source_use_trust(s->reader, k->trust);
        }
    }
}

bool knowledge_is_busy(const struct knowledge *k)
{
    for (const struct source *s = k->sources; s != NULL; s = s->next) {
        if (!s->closing && s->is_reading) {
            return true;
        }
    }
    return ocsp_watch_is_busy(k);
}

void knowledge_tidy(struct knowledge *k, int64_t now_s)
{
    if (k->marks_dirty) {
        knowledge_store_marks(k);
    }
    for (struct source *s = k->sources; s != NULL; s = s->next) {
        if (s->is_found && now_s - s->seen_s > WATCH_SEEN_S) {
            knowledge_close_source(s);
        } else if (s->must_look_again && !s->closing) {
            s->must_look_again = false;
            s->is_reading = true;
            crl_source_refresh(s->reader);
        }
    }
    ocsp_watch_tidy(k, now_s);
}
