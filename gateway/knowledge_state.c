/* What outlives a restart of one trust's knowledge: CRLs, OCSP answers with the certificates they
 * speak of, and the marks below which nothing is taken any more. */
#include <stdio.h>
#include <string.h>

#include "certs/der.h"
#include "certs/mem.h"
#include "certs/ocsp.h"
#include "gateway/jsontext.h"
#include "gateway/log.h"
#include "gateway/revocation_private.h"

enum { STATE_FOLDER_MAX = 48, STATE_OLD_S = 366 * 24 * 3600 };

/* "trust-NAME" when the name can be a file's name, else with its digest. */
static void state_folder(const struct knowledge *k, char *to)
{
    char folder[STATE_FOLDER_MAX];
    (void)snprintf(folder, sizeof folder, "trust-%s", k->name);
    if (strlen(k->name) + sizeof "trust-" > sizeof folder || !store_file_is_name(folder) ||
        strchr(folder, '/') != NULL) {
        uint8_t digest[DIGEST_LEN] = {0};
        char text[DIGEST_TEXT_MAX];
        (void)digest_sha256(span_of_text(k->name), digest); /* of zeros is a name as well */
        digest_text(digest, text);
        (void)snprintf(folder, sizeof folder, "trust-%.40s", text);
    }
    memcpy(to, folder, sizeof folder);
}

static void state_name(const struct knowledge *k, const char *kind, const uint8_t *id,
                       const char *ending, char *to)
{
    char folder[STATE_FOLDER_MAX];
    char text[DIGEST_TEXT_MAX];
    state_folder(k, folder);
    digest_text(id, text);
    (void)snprintf(to, STORE_NAME_MAX, "%s/%s-%s%s", folder, kind, text, ending);
}

/* ---- storing ---- */

static void state_on_stored(void *owner, const struct fault *f)
{
    (void)owner;
    if (f != NULL) {
        log_fault(CONF_LOG_ERROR, NULL, "state-not-stored", f);
    }
}

static void state_put(struct knowledge *k, const char *name, struct span content)
{
    struct store *store = k->revocation->store;
    if (store != NULL && !store_put(store, name, content, state_on_stored, NULL)) {
        const struct log_field field = LOG_TEXT("file", name);
        log_event(CONF_LOG_ERROR, NULL, "state-not-stored", &field, 1);
    }
}

void knowledge_store_crl(struct knowledge *k, const struct evidence_id *id, struct span der)
{
    if (der.len > 0) {
        char name[STORE_NAME_MAX];
        state_name(k, "crl", id->bytes, ".crl", name);
        state_put(k, name, der);
    }
}

void knowledge_store_answer(struct ocsp_watch *w, struct span response)
{
    char name[STORE_NAME_MAX];
    size_t len = w->cert.len + w->issuer.len + response.len;
    uint8_t *memory = mem_new(len, 1);
    if (memory == NULL) {
        return; /* it is asked for again after the next restart */
    }
    struct room room = room_of(memory, len);
    (void)room_put(&room, w->cert); /* made to fit */
    (void)room_put(&room, w->issuer);
    (void)room_put(&room, response);
    state_name(w->knowledge, "ocsp", w->id, ".der", name);
    state_put(w->knowledge, name, room_span(&room));
    mem_free(memory);
    w->knowledge->marks_dirty = true;
}

/* A wrong clock makes everything look old: then nothing goes. A revoked one stays revoked. */
void knowledge_drop_answer(const struct ocsp_watch *w)
{
    struct knowledge *k = w->knowledge;
    struct evidence_answer known = {.cert = w->cert};
    char name[STORE_NAME_MAX];
    bool is_revoked = evidence_answer_look(k->evidence, w->cert, &known) && known.is_revoked;
    if (is_revoked || k->revocation->store == NULL || !revocation_clock_is_trusted(k->revocation)) {
        return;
    }
    state_name(k, "ocsp", w->id, ".der", name);
    (void)store_remove(k->revocation->store, name); /* else it goes after another start */
}

static bool state_add_mark(json_t *list, const struct evidence_mark *mark)
{
    json_t *object = json_object();
    char id[DIGEST_TEXT_MAX];
    char number[2 * EVIDENCE_NUMBER_MAX + 1];
    digest_text(mark->id.bytes, id);
    revocation_hex(span_of(mark->number, mark->number_len), number, sizeof number);
    bool is_made = jsontext_set(object, "id", id) && jsontext_set(object, "number", number) &&
                   jsontext_set_number(object, "this_update", mark->this_update_s);
    is_made = json_array_append_new(list, json_incref(object)) == 0 && is_made;
    json_decref(object);
    return is_made;
}

void knowledge_store_marks(struct knowledge *k)
{
    const struct evidence_mark *marks = NULL;
    size_t count = evidence_marks(k->evidence, &marks);
    json_t *list = json_array();
    bool is_made = list != NULL;
    for (size_t i = 0; i < count; i++) {
        is_made = is_made && state_add_mark(list, &marks[i]);
    }
    json_t *root = json_object();
    is_made = json_object_set_new(root, "marks", list) == 0 && is_made &&
              jsontext_set_number(root, "version", 1);
    char *text = is_made ? jsontext_dump(root) : NULL;
    json_decref(root);
    k->marks_dirty = text == NULL; /* tried again later */
    if (text != NULL) {
        char folder[STATE_FOLDER_MAX];
        char name[STORE_NAME_MAX];
        state_folder(k, folder);
        (void)snprintf(name, sizeof name, "%s/marks.json", folder);
        state_put(k, name, span_of_text(text));
        mem_free(text);
    }
}

/* ---- loading ---- */

static void state_on_damaged(void *owner, const char *name, const char *why)
{
    const struct knowledge *k = owner;
    const struct log_field fields[] = {LOG_TEXT("trust", k->name), LOG_TEXT("file", name),
                                       LOG_TEXT("note", why)};
    log_event(CONF_LOG_ERROR, NULL, "state-damaged", fields, 3);
}

static int state_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hexadecimal into at most `cap` bytes. False: it is none, or too long. */
static bool state_read_hex(const char *text, uint8_t *to, size_t cap, size_t *len)
{
    size_t digits = strlen(text);
    if (digits % 2 != 0 || digits / 2 > cap) {
        return false;
    }
    for (size_t i = 0; i < digits; i += 2) {
        int high = state_digit(text[i]);
        int low = state_digit(text[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        to[i / 2] = (uint8_t)(high << 4 | low);
    }
    *len = digits / 2;
    return true;
}

static bool state_read_mark(const json_t *object, struct evidence_mark *out)
{
    const char *id = json_string_value(json_object_get(object, "id"));
    const char *number = json_string_value(json_object_get(object, "number"));
    const json_t *updated = json_object_get(object, "this_update");
    size_t len = 0;
    *out = (struct evidence_mark){.this_update_s = (int64_t)json_integer_value(updated)};
    return id != NULL && number != NULL && json_is_integer(updated) &&
           state_read_hex(id, out->id.bytes, sizeof out->id.bytes, &len) && len == DIGEST_LEN &&
           state_read_hex(number, out->number, sizeof out->number, &out->number_len);
}

static void state_on_marks(void *owner, const char *name, struct span content)
{
    struct knowledge *k = owner;
    json_t *root = json_loadb((const char *)content.data, content.len, JSON_REJECT_DUPLICATES,
                              NULL);
    const json_t *list = json_object_get(root, "marks");
    bool is_good = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct evidence_mark mark;
        bool is_read = state_read_mark(json_array_get(list, i), &mark);
        is_good = is_good && is_read;
        if (is_read) {
            (void)evidence_raise_mark(k->evidence,
                                      &mark); /* no memory: the CRLs themselves are marks */
        }
    }
    json_decref(root);
    if (!is_good) {
        state_on_damaged(k, name, "holds marks that cannot be read");
    }
}

/* A board without a battery may wake up in 1970: what was taken yesterday is not from the future
 * for that. */
static int64_t state_now_s(const struct knowledge *k)
{
    const struct evidence_mark *marks = NULL;
    size_t count = evidence_marks(k->evidence, &marks);
    int64_t now_s = io_wall_s();
    for (size_t i = 0; i < count; i++) {
        now_s = marks[i].this_update_s > now_s ? marks[i].this_update_s : now_s;
    }
    return now_s;
}

static void state_on_crl(void *owner, const char *name, struct span content)
{
    struct knowledge *k = owner;
    struct crl_intake *in = mem_new(1, sizeof *in);
    struct fault f = {0};
    int code = in != NULL ? crl_intake_read(content, k->trust, state_now_s(k), in, &f)
                          : FAULT_MEMORY;
    for (size_t i = 0; code == 0 && i < in->count; i++) {
        struct evidence_id id;
        if (evidence_put_crl(k->evidence, &in->arrivals[i], "state folder", &id, &f) ==
            EVIDENCE_NEW) {
            clock_raise_floor(&k->revocation->clock, crl_this_update_s(in->arrivals[i].crl));
        }
    }
    if (code == 0) {
        crl_intake_clear(in);
    } else {
        state_on_damaged(k, name, code == FAULT_MEMORY ? "no memory" : f.note);
    }
    mem_free(in);
}

/* What was stored was judged when it came, but the file may be anybody's by now: it is judged
 * again. One that is over is kept: it may still be within somebody's grace time. */
static void state_on_answer(void *owner, const char *name, struct span content)
{
    struct knowledge *k = owner;
    struct span rest = content;
    struct span cert;
    struct span issuer;
    struct evidence_id id;
    struct ocsp_evidence found;
    struct fault f = {0};
    int64_t now_s = state_now_s(k);
    if (!der_take_whole(&rest, &cert) || !der_take_whole(&rest, &issuer) || rest.len == 0) {
        state_on_damaged(k, name, "is no certificate, issuer and answer");
        return;
    }
    const struct ocsp_question question = {.cert = cert,
                                           .issuer = issuer,
                                           .now_s = now_s,
                                           .skew_s = REVOCATION_SKEW_S,
                                           .max_age_s = REVOCATION_OCSP_AGE_S,
                                           .grace_s = STATE_OLD_S,
                                           .strict_strength = true,
                                           .allows = trust_allows(k->trust)};
    enum ocsp_answer said = ocsp_judge(rest, &question, &found, NULL);
    if (said == OCSP_NOTHING) {
        return; /* older than a year, without an end, or by a signer that is over by now */
    }
    const struct evidence_answer answer = {.cert = cert,
                                           .response = rest,
                                           .this_update_s = found.this_update_s,
                                           .until_s = found.until_s,
                                           .is_revoked = said == OCSP_REVOKED,
                                           .source = "state folder"};
    if (evidence_put_answer(k->evidence, &answer, &id, &f) == EVIDENCE_NEW) {
        struct ocsp_watch *w = ocsp_watch_see(k, cert, issuer, io_wall_s());
        clock_raise_floor(&k->revocation->clock, found.this_update_s);
        if (w != NULL) {
            /* While it was seen it was kept fresh: a restart is no reason to keep it longer. */
            w->seen_s = found.until_s < w->seen_s ? found.until_s : w->seen_s;
            w->due_ms = io_now_ms(k->revocation->io) + 1; /* soon after the start */
        }
    }
}

void knowledge_load(struct knowledge *k)
{
    static const struct {
        const char *kind;
        void (*on_file)(void *owner, const char *name, struct span content);
    } kinds[] = {
        {"marks.json", state_on_marks}, {"crl-", state_on_crl}, {"ocsp-", state_on_answer}};

    char folder[STATE_FOLDER_MAX];
    if (k->revocation->store == NULL) {
        return;
    }
    state_folder(k, folder);
    /* The marks first: what is below them is not taken. */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char prefix[STORE_NAME_MAX];
        (void)snprintf(prefix, sizeof prefix, "%s/%s", folder, kinds[i].kind);
        store_load(k->revocation->store, prefix, kinds[i].on_file, state_on_damaged, k);
    }
}
