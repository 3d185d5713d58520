#include "gateway/verify_print.h"

#include <inttypes.h>
#include <jansson.h>

#include "certs/cert.h"
#include "certs/mem.h"
#include "gateway/jsontext.h"
#include "gateway/safetext.h"
#include "gateway/utc.h"

/* Four bytes for each that has to be escaped. */
enum { SAFE_MAX = 4 * 256 + 1, HEX_MAX = 64 };

static const char *mark_name(enum reasons_mark mark)
{
    switch (mark) {
    case REASONS_PASS:
        return "pass";
    case REASONS_REFUSE:
        return "refuse";
    case REASONS_NOTE:
        break;
    }
    return "note";
}

static const char *safe(const char *text, char out[SAFE_MAX])
{
    struct room room = room_of(out, SAFE_MAX - 1);

    (void)safetext_put(&room, text); /* cut when too long */
    out[room.len] = '\0';
    return out;
}

/* How many certificates there is something to say about: the path's, or as far as the judge came.
 */
static size_t count_levels(const struct verify_report *r)
{
    size_t count = r->result->path.count > 0 ? r->result->path.count : 1;

    for (size_t i = 0; i < r->why->count; i++) {
        int level = r->why->lines[i].level;
        if (level >= 0 && (size_t)level >= count) {
            count = (size_t)level + 1;
        }
    }
    return count;
}

/* The certificate at a level; false when no path was found and it is not known which one it is. */
static bool find_facts(const struct verify_report *r, size_t level, struct cert_facts *out)
{
    struct cert_view view;
    struct span der = level == 0 ? r->leaf : span_of(NULL, 0);

    if (level < r->result->path.count) {
        der = r->result->path.certs[level];
    }
    if (!cert_view_read(der, &view)) {
        return false;
    }
    cert_view_facts(&view, out);
    return true;
}

static const char *verdict_text(const struct verify_report *r)
{
    return r->result->accepted ? "accepted" : "refused";
}

/* ---- text ---- */

static void print_lines(FILE *to, const struct verify_report *r, int level)
{
    char text[SAFE_MAX];

    for (size_t i = 0; i < r->why->count; i++) {
        const struct reasons_line *line = &r->why->lines[i];
        if (line->level == level) {
            (void)fprintf(to, "  %-6s  %s\n", mark_name(line->mark), safe(line->text, text));
        }
    }
}

static void print_head(FILE *to, const struct verify_report *r, size_t level)
{
    struct cert_facts facts;
    char text[SAFE_MAX];
    bool is_anchor = r->result->path.count > 0 && level + 1 == r->result->path.count;

    if (!find_facts(r, level, &facts)) {
        (void)fprintf(to, "certificate %zu\n", level);
        return;
    }
    (void)fprintf(to, "certificate %zu: %s (serial %s)%s\n", level, safe(facts.subject, text),
                  facts.serial, is_anchor ? ", the trust anchor" : "");
}

int verify_print_text(FILE *to, const struct verify_report *r)
{
    char text[SAFE_MAX];
    size_t levels = count_levels(r);

    for (size_t i = 0; i < levels; i++) {
        print_head(to, r, i);
        print_lines(to, r, (int)i);
    }
    (void)fprintf(to, "chain\n");
    print_lines(to, r, -1);
    (void)fprintf(to, "%s: %s\n", verdict_text(r),
                  safe(judge_sentence(r->result, r->settings, r->why), text));
    return fflush(to) == 0 && ferror(to) == 0 ? 0 : -1;
}

/* ---- JSON ---- */

/* Reasons of one level, or NULL: no memory. */
static json_t *lines_json(const struct verify_report *r, int level)
{
    json_t *list = json_array();
    bool is_good = list != NULL;

    for (size_t i = 0; is_good && i < r->why->count; i++) {
        const struct reasons_line *line = &r->why->lines[i];
        json_t *one;
        if (line->level != level) {
            continue;
        }
        one = json_object();
        is_good = jsontext_set(one, "mark", mark_name(line->mark)) &&
                  jsontext_set(one, "text", line->text);
        is_good = json_array_append_new(list, one) == 0 && is_good;
    }
    if (!is_good) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *certificate_json(const struct verify_report *r, size_t level)
{
    struct cert_facts facts;
    json_t *o = json_object();
    bool is_known = find_facts(r, level, &facts);
    bool is_good = jsontext_set_number(o, "level", (int64_t)level) &&
                   jsontext_set(o, "subject", is_known ? facts.subject : NULL) &&
                   jsontext_set(o, "serial", is_known ? facts.serial : NULL) &&
                   jsontext_set(o, "issuer", is_known ? facts.issuer : NULL);

    if (is_known) {
        is_good = is_good && jsontext_set_time(o, "not_before", facts.not_before_s) &&
                  jsontext_set_time(o, "not_after", facts.not_after_s);
    }
    if (!is_good || json_object_set_new(o, "checks", lines_json(r, (int)level)) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *certificates_json(const struct verify_report *r)
{
    json_t *list = json_array();
    size_t levels = count_levels(r);

    for (size_t i = 0; i < levels; i++) {
        if (json_array_append_new(list, certificate_json(r, i)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static const char *hex(struct span bytes, char out[HEX_MAX])
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    uint8_t byte;

    while (len + 2 < HEX_MAX && span_take_u8(&bytes, &byte)) {
        out[len++] = digits[byte >> 4];
        out[len++] = digits[byte & 15];
    }
    out[len] = '\0';
    return out;
}

static json_t *crl_json(const struct verify_crl *crl)
{
    json_t *o = json_object();
    const struct crl *c = crl->crl;
    int64_t next_s = 0;
    bool is_good = jsontext_set(o, "file", crl->path);

    if (is_good && c != NULL) {
        char number[HEX_MAX];
        (void)crl_next_update_s(c, &next_s); /* 0 becomes null */
        is_good = jsontext_set(o, "number", hex(crl_number(c), number)) &&
                  jsontext_set_time(o, "this_update", crl_this_update_s(c)) &&
                  jsontext_set_time(o, "next_update", next_s) &&
                  jsontext_set_count(o, "entries", crl_entry_count(c)) &&
                  json_object_set_new(o, "is_delta", json_boolean(crl_is_delta(c))) == 0;
    }
    if (!is_good || json_object_set_new(o, "is_readable", json_boolean(c != NULL)) != 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *evidence_json(const struct verify_report *r)
{
    json_t *o = json_object();
    json_t *crls = json_array();
    json_t *responses = json_array();
    bool is_good = o != NULL && crls != NULL && responses != NULL;

    for (size_t i = 0; is_good && i < r->crl_count; i++) {
        is_good = json_array_append_new(crls, crl_json(&r->crls[i])) == 0;
    }
    for (size_t i = 0; is_good && i < r->options->responses.count; i++) {
        is_good = jsontext_append(responses, r->options->responses.paths[i]);
    }
    /* The object takes the lists over even when it fails. */
    is_good = json_object_set_new(o, "crls", crls) == 0 && is_good;
    is_good = json_object_set_new(o, "ocsp_responses", responses) == 0 && is_good;
    if (!is_good) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static bool fill(json_t *root, const struct verify_report *r)
{
    const struct judge_result *result = r->result;

    return json_object_set_new(root, "accepted", json_boolean(result->accepted)) == 0 &&
           jsontext_set(root, "verdict", verdict_name(result->verdict.kind)) &&
           jsontext_set(root, "decision", judge_sentence(result, r->settings, r->why)) &&
           jsontext_set_number(root, "at", r->settings->path.now_s) &&
           jsontext_set_number(root, "valid_until", result->verdict.valid_until_s) &&
           json_object_set_new(root, "certificates", certificates_json(r)) == 0 &&
           json_object_set_new(root, "chain", lines_json(r, -1)) == 0 &&
           json_object_set_new(root, "evidence", evidence_json(r)) == 0;
}

int verify_print_json(FILE *to, const struct verify_report *r)
{
    json_t *root = json_object();
    char *text = fill(root, r) ? jsontext_dump(root) : NULL;
    int failed = text == NULL || fputs(text, to) < 0 || fflush(to) != 0;

    json_decref(root);
    mem_free(text);
    return failed ? -1 : 0;
}
