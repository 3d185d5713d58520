/*
 * The inside of revocation, shared by revocation.c (life, what is due), revocation_clock.c,
 * inquiry.c, inquiry_due.c and inquiry_ask.c (the questions), knowledge.c, knowledge_follow.c and
 * knowledge_state.c (one trust's evidence, its sources and what is stored of it), ocsp_watch.c
 * (answers fetched per certificate), revocation_orders.c and revocation_status.c. Floor 3, loop
 * thread only.
 */
#ifndef WARDGATE_REVOCATION_PRIVATE_H
#define WARDGATE_REVOCATION_PRIVATE_H

#include <uv.h>

#include "certs/digest.h"
#include "certs/evidence.h"
#include "certs/judge.h"
#include "certs/ocsp.h"
#include "certs/tls.h"
#include "certs/verdict_ask.h"
#include "gateway/blocks.h"
#include "gateway/clock.h"
#include "gateway/crl_source.h"
#include "gateway/fetcher.h"
#include "gateway/inquiry.h"
#include "gateway/revocation.h"
#include "gateway/store.h"

enum {
    INQUIRY_BUCKETS = 1024,
    INQUIRY_IDLE_MAX = 4096, /* answers kept for peers that are not connected */
    WATCH_BUCKETS = 1024,
    WATCH_MAX = 20000,             /* certificates whose OCSP status is kept fresh, per trust */
    WATCH_SEEN_S = 30 * 24 * 3600, /* how long after it was last seen */
    SOURCE_REFUSED_MAX = 16,
};

/* ---- one certificate's OCSP status, kept fresh ---- */

struct knowledge;

struct ocsp_watch {
    struct ocsp_watch *next; /* in its bucket */
    struct knowledge *knowledge;
    uint8_t id[DIGEST_LEN]; /* of the certificate */
    uint8_t *der;           /* certificate and issuer, one after the other */
    struct span cert, issuer;
    int64_t seen_s;
    uint64_t due_ms; /* loop clock; 0: not before somebody needs it */
    unsigned failures;
    struct fetch *fetch;           /* under way */
    struct ocsp_watch *owed_next;  /* a refresh wants it asked, in its turn */
    struct ocsp_watch **owed_slot; /* what points to it there; NULL: it is owed nothing */
    uint8_t nonce[OCSP_NONCE_LEN];
    struct fault trouble; /* of the last try; FAULT_NONE: it worked */
};

/* ---- one source of CRLs ---- */

struct source {
    struct source *next;
    struct knowledge *knowledge;
    struct crl_source *reader;
    char *place;
    enum crl_source_kind kind;
    bool is_found; /* in a certificate (follow_cdp), not in the configuration */
    bool is_wanted;
    bool was_read; /* once at least, well or not */
    bool is_reading;
    bool closing;
    int64_t seen_s;       /* is_found: when a valid path last named it */
    struct fault told;    /* the trouble that the log knows of */
    bool must_look_again; /* it brought what was refused for a reason that passes */
    bool was_taken;       /* the reading under way brought something that was taken */
    int64_t life_until_s; /* of what the reading under way brought */
    uint64_t refused[SOURCE_REFUSED_MAX]; /* what of it the log knows of: hashes */
    size_t refused_count;
    bool was_refused; /* the reading under way brought something that was */
};

/* ---- what is known under one [trust] section ---- */

struct knowledge {
    struct knowledge *next;
    struct revocation *revocation;
    char *name;
    struct trust *trust;           /* held: of the configuration in force */
    const struct conf_trust *conf; /* borrowed; NULL: the section is gone */
    struct evidence *evidence;
    struct source *sources;
    struct ocsp_watch *watches[WATCH_BUCKETS];
    size_t watch_count;
    struct ocsp_watch *owed; /* those that a refresh has yet to ask */
    size_t owed_count;
    size_t asked_count; /* watches whose fetch is under way */
    bool marks_dirty;   /* not stored yet */
};

/* ---- one question ---- */

struct inquiry {
    struct inquiry *next; /* in its bucket */
    struct knowledge *knowledge;
    uint8_t key[DIGEST_LEN];
    enum inquiry_who who;
    enum conf_revocation mode;
    int64_t grace_s;
    uint8_t *der;
    struct span chain[TLS_CHAIN_MAX];
    size_t count;
    int64_t leaf_not_after_s;
    struct path path;    /* found before under this trust object; count 0: none */
    struct trust *trust; /* held: what `path` borrows from */
    struct inquiry_seat *seats;
    size_t seat_count;
    bool is_due;              /* to be asked (again) by the sweep */
    struct inquiry *due_next; /* among those */
    bool is_settled;
    bool has_path;
    bool accepted, is_tolerated, is_blocked;
    enum verdict_kind kind;
    enum path_time time; /* of a chain that is not valid: is its time the reason? */
    int64_t valid_until_s;
    int64_t ask_at_s;     /* ask again then; INT64_MAX: not by itself */
    uint64_t deadline_ms; /* not settled: then it is; loop clock */
    struct span staple;   /* what came with the handshake that asks right now; else empty */
    int64_t used_s;       /* when a seat was last taken or left */
    char sentence[VERDICT_TEXT_MAX];
    char evidence[VERDICT_TEXT_MAX];
};

/* ---- orders that wait ---- */

enum { ORDERS_MAX = 16 };

struct order_slot {
    struct revocation *revocation;
    struct revocation_order order;
    bool is_used;
    bool is_refresh;      /* waits until nothing is being fetched, or its deadline */
    bool waits_for_store; /* the write is under way */
    uint64_t deadline_ms;
    uint64_t cut_before;
    size_t count;
    size_t failed; /* sources; those that `error` has no room for are counted at its end */
    size_t named;
    char error[1000];
};

struct revocation {
    struct io *io;
    const struct conf *conf;
    void (*on_closed)(void *owner);
    void *owner;
    struct store *store;     /* NULL: no usable folder */
    struct fetcher *fetcher; /* NULL: closed */
    struct knowledge *knowledge;
    struct inquiry *inquiries[INQUIRY_BUCKETS];
    size_t inquiry_count;
    struct blocks *blocks;
    struct judge_block *judge_blocks; /* serials and fingerprints of `blocks` */
    size_t judge_block_count, judge_block_room;
    struct clock_watch clock;
    uv_timer_t tick;  /* once a second: what is due */
    uv_timer_t sweep; /* asks again and tells, a little in each turn of the loop */
    unsigned handles; /* open: timers, fetcher, store, sources */
    bool started, closing;
    bool is_broken;      /* the block list could not be had for lack of memory: nobody may pass */
    struct inquiry *due; /* inquiries that the sweep has to ask */
    struct inquiry_seat *to_tell; /* seats whose answer is another one now */
    uint64_t cut;                 /* links that an answer has cut, ever */
    struct order_slot orders[ORDERS_MAX];
    struct reasons *why; /* scratch */
};

/* revocation.c */
/* Something is due: let the sweep run in the loop's next turn. */
void revocation_kick(struct revocation *r);
/* One of `handles` is closed. */
void revocation_handle_gone(struct revocation *r);

/* Which of `count` buckets a digest belongs to. */
static inline size_t revocation_bucket(const uint8_t *digest, size_t count)
{
    return ((size_t)digest[0] << 8 | digest[1]) % count;
}

/* Upper-case hexadecimal of `bytes`, cut to what `cap` holds with the NUL. */
void revocation_hex(struct span bytes, char *to, size_t cap);
/* Look at what is due in `ms`, when that is sooner than the next second. */
void revocation_wake_in(struct revocation *r, uint64_t ms);
/* Make what the judge needs of the block list; it borrows from it, so this follows each change of
 * the list at once. */
void revocation_take_blocks(struct revocation *r);
/* Room for `more` entries than there are: before the list is changed, because afterwards nothing
 * may fail. False: no memory. */
bool revocation_make_room(struct revocation *r, size_t more);

/* revocation_clock.c */
bool revocation_clock_is_trusted(const struct revocation *r);
/* Look at the clock: what changed is told, and everybody is asked again. */
void revocation_clock_look(struct revocation *r);
/* The wall clock outlives a restart, so that one that was set back meanwhile is seen. */
void revocation_clock_recall(struct revocation *r);
void revocation_clock_keep(struct revocation *r);

/* inquiry_due.c */
/* All inquiries of this knowledge (NULL: of all) are to be asked again. */
void inquiry_mark_due(struct revocation *r, const struct knowledge *k);
/* Those whose path has this certificate: an OCSP answer about it came. With thousands of peers all
 * would be asked again for each answer. */
void inquiry_mark_cert(struct knowledge *k, struct span cert);
/* Those that wait for evidence: something came in, or did not. */
void inquiry_mark_waiting(struct knowledge *k);
/* Those whose time has come. */
void inquiry_mark_timed(struct revocation *r, int64_t now_s);
/* Drop what borrows from this knowledge's old trust object. */
void inquiry_use_trust(struct knowledge *k);

/* inquiry.c */
/* Is it about a certificate of ours? */
bool inquiry_is_own(const struct inquiry *q);
/* Do a little: false when nothing is left to do. */
bool inquiry_work(struct revocation *r);
void inquiry_free_unused(struct revocation *r, int64_t unused_since_s, size_t most);

/* inquiry_ask.c */
void inquiry_ask(struct inquiry *q);

/* knowledge.c */
struct knowledge *knowledge_find(struct revocation *r, const char *name);
struct knowledge *knowledge_new(struct revocation *r, const struct conf_trust *conf);
/* Sources follow the configuration; conf NULL: the section is gone. */
void knowledge_use(struct knowledge *k, const struct conf_trust *conf);
void knowledge_start(struct knowledge *k);
void knowledge_close(struct knowledge *k);
void knowledge_free(struct knowledge *k);
/* One that is not closing; NULL: none. */
struct source *knowledge_find_source(const struct knowledge *k, const char *place);
/* NULL: no memory; then status shows one source fewer, and what it would have said is unknown. */
struct source *knowledge_add_source(struct knowledge *k, enum crl_source_kind kind,
                                    const char *place);

/* Is a CRL on its way that could help: a source that was never read, or is being read now for the
 * first time? */
bool knowledge_is_hopeful(const struct knowledge *k);
void knowledge_refresh(struct knowledge *k);
/* The same, and nothing is taken for known. */
void knowledge_read_anew(struct knowledge *k);
bool knowledge_is_busy(const struct knowledge *k);
/* Sources and watches that nobody has needed for long go. */
void knowledge_tidy(struct knowledge *k, int64_t now_s);
/* Called by evidence_settle. */
void knowledge_on_settled(void *owner, enum evidence_taken taken, const struct evidence_crl *crl);

/* knowledge_follow.c */
/* A valid path names these CRLs: fetch them where the configuration allows. */
void knowledge_follow(struct knowledge *k, struct span cert, int64_t now_s);
/* Is this URL's host one that certificates may send us to? */
bool knowledge_allows_url(const struct knowledge *k, const char *url);

/* knowledge_state.c */
void knowledge_load(struct knowledge *k);
void knowledge_store_crl(struct knowledge *k, const struct evidence_id *id, struct span der);
void knowledge_store_answer(struct ocsp_watch *w, struct span response);
void knowledge_store_marks(struct knowledge *k);
/* Nobody has seen this certificate for long: what is stored of it goes, unless it is revoked. */
void knowledge_drop_answer(const struct ocsp_watch *w);

/* ocsp_watch.c */
/* Keep this certificate's status fresh from now on; `is_needed`: a link waits for it. */
struct ocsp_watch *ocsp_watch_see(struct knowledge *k, struct span cert, struct span issuer,
                                  int64_t now_s);
/* An answer that came another way than by asking (a staple): judged like any other. True: it is
 * taken, and says something that was not known. */
bool ocsp_watch_offer(struct knowledge *k, struct span cert, struct span issuer,
                      struct span response);
/* Nothing is known from the responder, and no try has failed: it was never asked, or is asked now.
 */
bool ocsp_watch_is_first(const struct ocsp_watch *w);
/* Somebody waits: ask now unless it was tried a moment ago. True: an answer is on its way. */
bool ocsp_watch_need(struct ocsp_watch *w);
void ocsp_watch_work(struct knowledge *k, int64_t now_s);
void ocsp_watch_refresh(struct knowledge *k);
bool ocsp_watch_is_busy(const struct knowledge *k);
/* The next one whose last try failed, after `last` (NULL: the first); NULL: none. */
const struct ocsp_watch *ocsp_watch_trouble(const struct knowledge *k,
                                            const struct ocsp_watch *last);
void ocsp_watch_free_all(struct knowledge *k);
void ocsp_watch_tidy(struct knowledge *k, int64_t now_s);

/* revocation_orders.c */
void revocation_orders_work(struct revocation *r, bool is_quiet);
void revocation_orders_end(struct revocation *r);
void revocation_load_blocks(struct revocation *r);
void revocation_store_blocks(struct revocation *r, struct order_slot *slot);

#endif
