#include "gateway/status_revocation.h"

#include "gateway/jsontext.h"

/* A list of `count` objects, made one by one. NULL: no memory. */
static json_t *list_of(const void *items, size_t count,
                       json_t *(*make)(const void *items, size_t at, int64_t now_s), int64_t now_s)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < count; i++) {
        if (json_array_append_new(list, make(items, i, now_s)) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

/* NULL for "", so that a program need not know two ways of nothing. */
static bool set_or_null(json_t *object, const char *key, const char *text)
{
    return jsontext_set(object, key, text[0] != '\0' ? text : NULL);
}

/* The object, or NULL when something was missing in it. */
static json_t *whole(json_t *object, bool is_made)
{
    if (!is_made) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *crl_object(const void *items, size_t at, int64_t now_s)
{
    const struct snapshot_crl *c = (const struct snapshot_crl *)items + at;
    json_t *object = json_object();
    return whole(object,
                 jsontext_set(object, "issuer", c->issuer) &&
                     set_or_null(object, "number", c->number) &&
                     json_object_set_new(object, "delta", json_boolean(c->is_delta)) == 0 &&
                     json_object_set_new(object, "verified", json_boolean(c->is_verified)) == 0 &&
                     jsontext_set_time(object, "this_update", c->this_update_s) &&
                     jsontext_set_time(object, "next_update", c->next_update_s) &&
                     jsontext_set_number(object, "age_s", now_s - c->this_update_s) &&
                     jsontext_set_count(object, "entries", c->entries) &&
                     set_or_null(object, "source", c->source));
}

static json_t *source_object(const void *items, size_t at, int64_t now_s)
{
    const struct snapshot_source *s = (const struct snapshot_source *)items + at;
    json_t *object = json_object();
    (void)now_s; /* of no use here */
    return whole(object, jsontext_set(object, "place", s->place) &&
                             jsontext_set(object, "kind", s->kind) &&
                             jsontext_set_time(object, "last_good", s->last_good_s) &&
                             jsontext_set_time(object, "next", s->next_s) &&
                             set_or_null(object, "trouble", s->trouble));
}

static json_t *trust_object(const void *items, size_t at, int64_t now_s)
{
    const struct snapshot_trust *t = (const struct snapshot_trust *)items + at;
    json_t *object = json_object();
    return whole(
        object,
        jsontext_set(object, "name", t->name) &&
            jsontext_set(object, "revocation", t->revocation) &&
            set_or_null(object, "weak_algorithms", t->weak) &&
            json_object_set_new(object, "crls",
                                list_of(t->crls, t->crl_count, crl_object, now_s)) == 0 &&
            json_object_set_new(object, "sources",
                                list_of(t->sources, t->source_count, source_object, now_s)) == 0 &&
            jsontext_set_count(object, "ocsp_answers", t->answers));
}

static json_t *block_object(const void *items, size_t at, int64_t now_s)
{
    const struct snapshot_block *b = (const struct snapshot_block *)items + at;
    json_t *object = json_object();
    (void)now_s; /* of no use here */
    return whole(object, jsontext_set(object, "kind", b->kind) &&
                             jsontext_set(object, "value", b->value) &&
                             jsontext_set(object, "reason", b->reason) &&
                             jsontext_set_time(object, "at", b->at_s));
}

static json_t *grant_object(const void *items, size_t at, int64_t now_s)
{
    const struct snapshot_grant *g = (const struct snapshot_grant *)items + at;
    json_t *object = json_object();
    (void)now_s; /* of no use here */
    return whole(object, jsontext_set(object, "device", g->device) &&
                             jsontext_set(object, "reason", g->reason) &&
                             jsontext_set_time(object, "at", g->at_s) &&
                             jsontext_set_time(object, "until", g->until_s));
}

bool status_revocation_set(json_t *root, const struct snapshot *s)
{
    return json_object_set_new(root, "trusts",
                               list_of(s->trusts, s->trust_count, trust_object, s->now_s)) == 0 &&
           json_object_set_new(root, "blocks",
                               list_of(s->blocks, s->block_count, block_object, s->now_s)) == 0 &&
           json_object_set_new(root, "grants",
                               list_of(s->grants, s->grant_count, grant_object, s->now_s)) == 0;
}
