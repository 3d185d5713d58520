/* One certificate's OCSP status, fetched when a link waits for it and kept fresh from then on. */
#include <string.h>
#include <sys/random.h>

#include "certs/cert.h"
#include "certs/cert_urls.h"
#include "certs/mem.h"
#include "certs/ocsp.h"
#include "gateway/fetch_schedule.h"
#include "gateway/log.h"
#include "gateway/revocation_private.h"

enum {
    WATCH_AT_ONCE = 64
}; /* due ones that are asked in one turn: a day's first second is no storm */

static size_t ocsp_watch_index(const uint8_t *id)
{
    return revocation_bucket(id, WATCH_BUCKETS);
}

static struct ocsp_watch **ocsp_watch_bucket(struct knowledge *k, const uint8_t *id)
{
    return &k->watches[ocsp_watch_index(id)];
}

/* One after the other; w NULL: the first. NULL: that was the last. */
static struct ocsp_watch *ocsp_watch_next(const struct knowledge *k, const struct ocsp_watch *w)
{
    struct ocsp_watch *next = w != NULL ? w->next : NULL;
    for (size_t i = w != NULL ? ocsp_watch_index(w->id) + 1 : 0; next == NULL && i < WATCH_BUCKETS;
         i++) {
        next = k->watches[i];
    }
    return next;
}

static struct ocsp_watch *ocsp_watch_find(struct knowledge *k, const uint8_t *id)
{
    struct ocsp_watch *w = *ocsp_watch_bucket(k, id);
    while (w != NULL && memcmp(w->id, id, DIGEST_LEN) != 0) {
        w = w->next;
    }
    return w;
}

/* ---- what a refresh owes ---- */

static void ocsp_watch_owe(struct ocsp_watch *w)
{
    struct knowledge *k = w->knowledge;
    if (w->owed_slot != NULL) {
        return;
    }
    w->owed_next = k->owed;
    w->owed_slot = &k->owed;
    if (k->owed != NULL) {
        k->owed->owed_slot = &w->owed_next;
    }
    k->owed = w;
    k->owed_count++;
}

static void ocsp_watch_owe_no_more(struct ocsp_watch *w)
{
    if (w->owed_slot == NULL) {
        return;
    }
    *w->owed_slot = w->owed_next;
    if (w->owed_next != NULL) {
        w->owed_next->owed_slot = w->owed_slot;
    }
    w->owed_slot = NULL;
    w->knowledge->owed_count--;
}

/* ---- one of them ---- */

static void ocsp_watch_free(struct ocsp_watch *w)
{
    ocsp_watch_owe_no_more(w);
    if (w->fetch != NULL) {
        fetcher_cancel(w->fetch);
        w->knowledge->asked_count--;
    }
    mem_free(w->der);
    mem_free(w);
}

static struct ocsp_watch *ocsp_watch_new(struct knowledge *k, const uint8_t *id, struct span cert,
                                         struct span issuer)
{
    struct ocsp_watch *w = mem_new(1, sizeof *w);
    uint8_t *der = mem_new(cert.len + issuer.len, 1);
    if (w == NULL || der == NULL) {
        mem_free(w);
        mem_free(der);
        return NULL;
    }
    struct room room = room_of(der, cert.len + issuer.len);
    (void)room_put(&room, cert); /* made to fit */
    (void)room_put(&room, issuer);
    w->knowledge = k;
    memcpy(w->id, id, DIGEST_LEN);
    w->der = der;
    w->cert = span_of(der, cert.len);
    w->issuer = span_of(der + cert.len, issuer.len);
    struct ocsp_watch **bucket = ocsp_watch_bucket(k, id);
    w->next = *bucket;
    *bucket = w;
    k->watch_count++;
    return w;
}

/* Whom to ask, or NULL. A certificate's own URL only where the configuration allows its host. */
static const char *ocsp_watch_url(const struct ocsp_watch *w, struct cert_urls *urls)
{
    const struct conf_trust *conf = w->knowledge->conf;
    if (conf == NULL || conf->ocsp == CONF_OCSP_OFF) {
        return NULL;
    }
    if (conf->ocsp == CONF_OCSP_URL) {
        return conf->ocsp_url;
    }
    if (!cert_urls_read(w->cert, urls)) {
        return NULL;
    }
    for (size_t i = 0; i < urls->ocsp.count; i++) {
        if (knowledge_allows_url(w->knowledge, urls->ocsp.urls[i])) {
            return urls->ocsp.urls[i];
        }
    }
    return NULL;
}

struct ocsp_watch *ocsp_watch_see(struct knowledge *k, struct span cert, struct span issuer,
                                  int64_t now_s)
{
    uint8_t id[DIGEST_LEN];
    if (k->conf == NULL || k->conf->ocsp == CONF_OCSP_OFF || !digest_sha256(cert, id)) {
        return NULL;
    }
    struct ocsp_watch *w = ocsp_watch_find(k, id);
    if (w == NULL && k->watch_count < WATCH_MAX) {
        w = ocsp_watch_new(k, id, cert, issuer);
    }
    if (w != NULL) {
        w->seen_s = now_s;
    }
    return w;
}

/* ---- when to ask next ---- */

static unsigned ocsp_watch_jitter(void)
{
    uint32_t random = 0;
    /* Without it the waits are all the same, which is no harm for one gateway. */
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        return FETCH_SCHEDULE_JITTER_MAX / 2;
    }
    return random % (FETCH_SCHEDULE_JITTER_MAX + 1);
}

static void ocsp_watch_plan(struct ocsp_watch *w, int64_t wait_s)
{
    w->due_ms = io_now_ms(w->knowledge->revocation->io) + (uint64_t)wait_s * 1000;
}

static void ocsp_watch_plan_next(struct ocsp_watch *w, int64_t until_s)
{
    const struct fetch_life life = {.next_update_s = until_s, .max_age_s = -1};
    w->failures = 0;
    ocsp_watch_plan(w, fetch_schedule_good(&life, io_wall_s(), ocsp_watch_jitter()));
}

static void ocsp_watch_plan_retry(struct ocsp_watch *w)
{
    struct fetch_life life = {.max_age_s = -1};
    (void)evidence_answer_until(w->knowledge->evidence, w->cert, &life.next_update_s);
    w->failures += w->failures < UINT32_MAX ? 1U : 0U;
    ocsp_watch_plan(w, fetch_schedule_failed(&life, io_wall_s(), w->failures, ocsp_watch_jitter()));
}

/* ---- asking ---- */

static void ocsp_watch_tell(struct ocsp_watch *w, const struct fault *f)
{
    struct cert_view view;
    struct cert_facts facts = {.subject = ""};
    if (f->code == w->trouble.code && strcmp(f->note, w->trouble.note) == 0) {
        return; /* the log knows */
    }
    w->trouble = *f;
    if (cert_view_read(w->cert, &view)) {
        cert_view_facts(&view, &facts);
    }
    const struct log_field fields[] = {LOG_TEXT("trust", w->knowledge->name),
                                       LOG_TEXT("subject", facts.subject),
                                       LOG_TEXT("serial", facts.serial), LOG_TEXT("note", f->note)};
    log_event(f->code == FAULT_NONE ? CONF_LOG_INFO : CONF_LOG_WARNING, NULL,
              f->code == FAULT_NONE ? "ocsp-works" : "ocsp-failed", fields, 4);
}

static void ocsp_watch_fail(struct ocsp_watch *w, const struct fault *f)
{
    ocsp_watch_tell(w, f);
    ocsp_watch_plan_retry(w);
}

/* The strict judge of every answer; an answer that it refuses is no information. */
static enum ocsp_answer ocsp_watch_judge(struct ocsp_watch *w, struct span response,
                                         struct ocsp_evidence *found, struct fault *f)
{
    struct reasons *why = w->knowledge->revocation->why;
    const struct ocsp_question question = {
        .cert = w->cert,
        .issuer = w->issuer,
        .nonce = span_of(w->nonce, sizeof w->nonce),
        .nonce_optional = w->knowledge->conf == NULL || !w->knowledge->conf->nonce_required,
        .now_s = io_wall_s(),
        .skew_s = REVOCATION_SKEW_S,
        .max_age_s = REVOCATION_OCSP_AGE_S,
        .strict_strength = true,
        .allows = trust_allows(w->knowledge->trust),
    };
    why->count = 0;
    enum ocsp_answer answer = ocsp_judge(response, &question, found, why);
    if (answer == OCSP_NOTHING) {
        fault_set(f, FAULT_BAD_CERT, FAULT_SIDE_SERVER, "the OCSP answer is no information: ",
                  why->count > 0 ? why->lines[why->count - 1].text : "it is refused");
    }
    return answer;
}

static void ocsp_watch_take(struct ocsp_watch *w, struct span response)
{
    struct knowledge *k = w->knowledge;
    struct ocsp_evidence found;
    struct evidence_id id;
    struct fault f = {0};
    enum ocsp_answer said = ocsp_watch_judge(w, response, &found, &f);
    if (said == OCSP_NOTHING) {
        ocsp_watch_fail(w, &f);
        return;
    }
    const struct evidence_answer answer = {.cert = w->cert,
                                           .response = response,
                                           .this_update_s = found.this_update_s,
                                           .until_s = found.until_s,
                                           .is_revoked = said == OCSP_REVOKED,
                                           .source = "ocsp"};
    enum evidence_taken taken = evidence_put_answer(k->evidence, &answer, &id, &f);
    if (taken == EVIDENCE_OLDER || taken == EVIDENCE_REFUSED) {
        ocsp_watch_fail(w, &f);
        return;
    }
    struct fault none = {.code = FAULT_NONE};
    ocsp_watch_tell(w, &none);
    ocsp_watch_plan_next(w, found.until_s);
    clock_raise_floor(&k->revocation->clock, found.this_update_s);
    if (taken == EVIDENCE_NEW) {
        knowledge_store_answer(w, response);
        inquiry_mark_cert(k, w->cert);
    }
}

bool ocsp_watch_offer(struct knowledge *k, struct span cert, struct span issuer,
                      struct span response)
{
    struct evidence_id id;
    struct ocsp_evidence found;
    struct fault f = {0};
    const struct ocsp_question question = {.cert = cert,
                                           .issuer = issuer,
                                           .now_s = io_wall_s(),
                                           .skew_s = REVOCATION_SKEW_S,
                                           .max_age_s = REVOCATION_OCSP_AGE_S,
                                           .strict_strength = true,
                                           .allows = trust_allows(k->trust)};
    enum ocsp_answer said = ocsp_judge(response, &question, &found, NULL);
    if (said == OCSP_NOTHING) {
        return false;
    }
    const struct evidence_answer answer = {.cert = cert,
                                           .response = response,
                                           .this_update_s = found.this_update_s,
                                           .until_s = found.until_s,
                                           .is_revoked = said == OCSP_REVOKED,
                                           .source = "staple"};
    if (evidence_put_answer(k->evidence, &answer, &id, &f) != EVIDENCE_NEW) {
        return false;
    }
    clock_raise_floor(&k->revocation->clock, found.this_update_s);
    inquiry_mark_cert(k, cert);
    return true;
}

static void ocsp_watch_pay(struct knowledge *k);

static void ocsp_watch_on_done(void *owner, struct fetch *fetch, struct fetch_result *result)
{
    struct ocsp_watch *w = owner;
    struct knowledge *k = w->knowledge;
    (void)fetch; /* it is w->fetch, and over */
    w->fetch = NULL;
    k->asked_count--;
    if (result->fault.code != FAULT_NONE) {
        ocsp_watch_fail(w, &result->fault);
    } else {
        ocsp_watch_take(w, result->body);
    }
    ocsp_watch_pay(k);
    inquiry_mark_waiting(k);
    revocation_kick(k->revocation);
}

/* True: it is under way. */
static bool ocsp_watch_ask(struct ocsp_watch *w)
{
    struct knowledge *k = w->knowledge;
    struct cert_urls urls;
    const char *url = ocsp_watch_url(w, &urls);
    uint8_t memory[OCSP_REQUEST_MAX];
    struct room request = room_of(memory, sizeof memory);
    if (w->fetch != NULL) {
        return true;
    }
    w->due_ms = 0;
    if (url == NULL || k->revocation->closing || k->revocation->fetcher == NULL ||
        getrandom(w->nonce, sizeof w->nonce, 0) != (ssize_t)sizeof w->nonce ||
        !ocsp_request(w->cert, w->issuer, OCSP_SHA1, span_of(w->nonce, sizeof w->nonce),
                      &request)) {
        return false;
    }
    const struct fetch_request wanted = {
        .url = url,
        .body = room_span(&request),
        .body_type = "application/ocsp-request",
        .answer_type = "application/ocsp-response",
        .max_bytes = FETCHER_OCSP_MAX,
        .deadline_ms = k->conf->check_timeout_ms,
    };
    w->fetch = fetcher_start(k->revocation->fetcher, &wanted, ocsp_watch_on_done, w);
    if (w->fetch == NULL) {
        ocsp_watch_plan_retry(w);
        return false;
    }
    k->asked_count++;
    return true;
}

bool ocsp_watch_is_first(const struct ocsp_watch *w)
{
    int64_t until_s = 0;
    return w->failures == 0 && !evidence_answer_until(w->knowledge->evidence, w->cert, &until_s);
}

bool ocsp_watch_need(struct ocsp_watch *w)
{
    if (w->fetch != NULL) {
        return true;
    }
    /* It failed a moment ago: nobody waits for the next failure. */
    if (w->failures > 0 && io_now_ms(w->knowledge->revocation->io) < w->due_ms) {
        return false;
    }
    int64_t until_s = 0;
    if (evidence_answer_until(w->knowledge->evidence, w->cert, &until_s) && until_s > io_wall_s() &&
        w->due_ms != 0) {
        return false; /* there is a fresh answer; that it is not good is what it says */
    }
    return ocsp_watch_ask(w);
}

/* ---- all of one trust ---- */

void ocsp_watch_work(struct knowledge *k, int64_t now_s)
{
    uint64_t now_ms = io_now_ms(k->revocation->io);
    size_t asked = 0;
    ocsp_watch_pay(k); /* also when the last one could not be begun for lack of memory */
    for (struct ocsp_watch *w = ocsp_watch_next(k, NULL); w != NULL && asked < WATCH_AT_ONCE;
         w = ocsp_watch_next(k, w)) {
        bool is_due = w->fetch == NULL && w->due_ms != 0 && now_ms >= w->due_ms;
        if (is_due && now_s - w->seen_s <= WATCH_SEEN_S) {
            asked += ocsp_watch_ask(w) ? 1 : 0;
        }
    }
}

/* The wait for a turn counts in a fetch's deadline: no more are handed over at once than the
 * fetcher asks at one host. */
static void ocsp_watch_pay(struct knowledge *k)
{
    while (k->owed != NULL && k->asked_count < FETCHER_HOST_ONCE) {
        struct ocsp_watch *w = k->owed;
        ocsp_watch_owe_no_more(w);
        (void)ocsp_watch_ask(w); /* where nobody is to be asked nothing is fetched */
    }
}

void ocsp_watch_refresh(struct knowledge *k)
{
    for (struct ocsp_watch *w = ocsp_watch_next(k, NULL); w != NULL; w = ocsp_watch_next(k, w)) {
        ocsp_watch_owe(w);
    }
    ocsp_watch_pay(k);
}

bool ocsp_watch_is_busy(const struct knowledge *k)
{
    return k->owed_count > 0 || k->asked_count > 0;
}

const struct ocsp_watch *ocsp_watch_trouble(const struct knowledge *k,
                                            const struct ocsp_watch *last)
{
    const struct ocsp_watch *w = ocsp_watch_next(k, last);
    while (w != NULL && w->trouble.code == FAULT_NONE) {
        w = ocsp_watch_next(k, w);
    }
    return w;
}

static void ocsp_watch_forget(struct knowledge *k, struct ocsp_watch *w)
{
    struct ocsp_watch **slot = ocsp_watch_bucket(k, w->id);
    while (*slot != w) {
        slot = &(*slot)->next;
    }
    *slot = w->next;
    k->watch_count--;
    ocsp_watch_free(w);
}

static void ocsp_watch_free_some(struct knowledge *k, int64_t unseen_since_s)
{
    bool is_end = unseen_since_s == INT64_MAX; /* of the gateway: what is stored stays */
    struct ocsp_watch *w = ocsp_watch_next(k, NULL);
    while (w != NULL) {
        struct ocsp_watch *next = ocsp_watch_next(k, w);
        bool is_unseen = w->seen_s < unseen_since_s;
        if (is_unseen && !is_end) {
            knowledge_drop_answer(w);
        }
        if (is_unseen) {
            ocsp_watch_forget(k, w);
        }
        w = next;
    }
}

void ocsp_watch_free_all(struct knowledge *k)
{
    ocsp_watch_free_some(k, INT64_MAX);
}

void ocsp_watch_tidy(struct knowledge *k, int64_t now_s)
{
    ocsp_watch_free_some(k, now_s - WATCH_SEEN_S);
}
