/*
 * One subtree of a name constraint against one name (RFC 5280 section 4.2.1.10).
 *
 * Floor 1, pure, fuzzed through path. Kinds are the tag numbers of GeneralName: 1 rfc822Name,
 * 2 dNSName, 4 directoryName, 6 URI, 7 iPAddress; no other kind is understood here.
 */
#ifndef WARDGATE_SUBTREE_H
#define WARDGATE_SUBTREE_H

#include <stdbool.h>

#include "protocols/bytes.h"

enum {
    SUBTREE_MAIL = 1,
    SUBTREE_DNS = 2,
    SUBTREE_DIRECTORY = 4,
    SUBTREE_URI = 6,
    SUBTREE_IP = 7,
};

enum subtree_match {
    SUBTREE_INSIDE,
    SUBTREE_OUTSIDE,
    SUBTREE_UNCLEAR, /* the name is malformed, or of a kind that is not understood */
};

/* Is the base of a subtree well formed? A dNSName base has no leading dot and no wildcard; an
 * iPAddress base is an address with a contiguous mask; a mailbox has one "@". Kinds that are not
 * understood are sound: they matter only when a name of that kind turns up. */
bool subtree_is_sound(unsigned kind, struct span base);

/* Does the name lie inside the (sound) subtree? A wildcard dNSName stands for many names: in a
 * permitted subtree all of them must lie, in an excluded one (is_excluded) none may. */
enum subtree_match subtree_holds(unsigned kind, struct span base, struct span name,
                                 bool is_excluded);

#endif
