#include "certs/constraints.h"

#include <stdint.h>

#include "certs/der.h"
#include "certs/dn.h"
#include "certs/subtree.h"

enum { CONTEXT_CLASS = 0x80, CLASS_BITS = 0xC0, NUMBER_BITS = 0x1F, KIND_MAX = 8 };

/* pkcs-9 emailAddress, which old certificates carry in the subject */
static const uint8_t oid_email[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 9, 1};

/* NameConstraints, taken apart. */
struct trees {
    struct span permitted; /* content of GeneralSubtrees; empty: none */
    struct span excluded;
    bool has_permitted;
    bool has_excluded;
};

/* One name under judgement. */
struct subject_name {
    unsigned kind;
    struct span value;
};

static bool open_trees(struct span constraints, struct trees *out)
{
    *out = (struct trees){.has_permitted = false};
    return der_take_optional(&constraints, DER_CONTEXT_CONSTRUCTED(0), &out->permitted,
                             &out->has_permitted) &&
           der_take_optional(&constraints, DER_CONTEXT_CONSTRUCTED(1), &out->excluded,
                             &out->has_excluded) &&
           constraints.len == 0;
}

/* GeneralSubtree ::= SEQUENCE { base GeneralName, minimum [0] DEFAULT 0, maximum [1] OPTIONAL };
 * RFC 5280: minimum is 0 (so absent in DER) and maximum is absent. */
static bool take_subtree(struct span *trees, unsigned *kind, struct span *base)
{
    struct span tree;
    uint8_t tag;

    if (!der_take_tag(trees, DER_SEQUENCE, &tree) || !der_take(&tree, &tag, base) ||
        tree.len != 0) {
        return false;
    }
    *kind = tag & NUMBER_BITS;
    return (tag & CLASS_BITS) == CONTEXT_CLASS && *kind <= KIND_MAX;
}

static bool is_list_sound(struct span trees)
{
    if (trees.len == 0) {
        return false; /* SIZE (1..MAX) */
    }
    while (trees.len > 0) {
        struct span base;
        unsigned kind;
        if (!take_subtree(&trees, &kind, &base) || !subtree_is_sound(kind, base)) {
            return false;
        }
    }
    return true;
}

bool constraints_are_sound(struct span constraints)
{
    struct trees t;

    return open_trees(constraints, &t) && (t.has_permitted || t.has_excluded) &&
           (!t.has_permitted || is_list_sound(t.permitted)) &&
           (!t.has_excluded || is_list_sound(t.excluded));
}

/* Must the name be refused because of the excluded subtrees? */
static const char *refuse_excluded(struct span trees, const struct subject_name *name,
                                   unsigned *work)
{
    while (trees.len > 0) {
        struct span base;
        unsigned kind;
        if (*work == 0 || !take_subtree(&trees, &kind, &base)) {
            return "too many names and name constraints";
        }
        (*work)--;
        if (kind != name->kind) {
            continue;
        }
        switch (subtree_holds(kind, base, name->value, true)) {
        case SUBTREE_INSIDE:
            return "a name is excluded by a name constraint";
        case SUBTREE_UNCLEAR:
            return "a name cannot be judged by a name constraint of its kind";
        case SUBTREE_OUTSIDE:
            break;
        }
    }
    return NULL;
}

/* Must it be because it lies in none of the permitted subtrees of its kind? */
static const char *refuse_not_permitted(struct span trees, const struct subject_name *name,
                                        unsigned *work)
{
    bool is_bound = false;

    while (trees.len > 0) {
        struct span base;
        unsigned kind;
        if (*work == 0 || !take_subtree(&trees, &kind, &base)) {
            return "too many names and name constraints";
        }
        (*work)--;
        if (kind != name->kind) {
            continue;
        }
        is_bound = true;
        switch (subtree_holds(kind, base, name->value, false)) {
        case SUBTREE_INSIDE:
            return NULL;
        case SUBTREE_UNCLEAR:
            return "a name cannot be judged by a name constraint of its kind";
        case SUBTREE_OUTSIDE:
            break;
        }
    }
    return is_bound ? "a name is outside of the permitted name constraints" : NULL;
}

static const char *refuse_name(const struct trees *t, const struct subject_name *name,
                               unsigned *work)
{
    const char *why = refuse_excluded(t->excluded, name, work);

    return why != NULL ? why : refuse_not_permitted(t->permitted, name, work);
}

/* The e-mail addresses of one RDN. */
static const char *refuse_rdn_emails(const struct trees *t, struct span rdn, unsigned *work)
{
    while (rdn.len > 0) {
        struct subject_name name = {.kind = SUBTREE_MAIL};
        struct span pair;
        struct span type;
        const char *why;
        uint8_t tag;
        if (!der_take_tag(&rdn, DER_SEQUENCE, &pair) || !der_take_tag(&pair, DER_OID, &type) ||
            !der_take(&pair, &tag, &name.value)) {
            return "the subject cannot be read";
        }
        if (!span_equal(type, span_of(oid_email, sizeof(oid_email)))) {
            continue;
        }
        why = refuse_name(t, &name, work);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

static const char *refuse_emails(const struct trees *t, struct span subject, unsigned *work)
{
    struct span rdns;
    const char *why = NULL;

    if (!der_take_tag(&subject, DER_SEQUENCE, &rdns)) {
        return "the subject cannot be read";
    }
    while (rdns.len > 0 && why == NULL) {
        struct span rdn;
        if (!der_take_tag(&rdns, DER_SET, &rdn)) {
            return "the subject cannot be read";
        }
        why = refuse_rdn_emails(t, rdn, work);
    }
    return why;
}

static const char *refuse_alt_names(const struct trees *t, struct span san, unsigned *work)
{
    while (san.len > 0) {
        struct subject_name name;
        const char *why;
        if (!cert_san_take(&san, &name.kind, &name.value)) {
            return "the alternative names cannot be read";
        }
        why = refuse_name(t, &name, work);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

const char *constraints_refuse(struct span constraints, const struct cert_view *view, bool has_san,
                               unsigned *work)
{
    struct subject_name subject = {.kind = SUBTREE_DIRECTORY, .value = view->subject};
    const char *why = NULL;
    struct trees t;

    if (!open_trees(constraints, &t)) {
        return "the name constraints cannot be read";
    }
    if (!dn_is_empty(view->subject)) {
        why = refuse_name(&t, &subject, work);
    }
    if (why == NULL && !has_san) {
        why = refuse_emails(&t, view->subject, work);
    }
    return why != NULL ? why : refuse_alt_names(&t, view->san, work);
}
