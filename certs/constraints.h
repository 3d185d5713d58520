/*
 * Name constraints of one CA against the names of one certificate (RFC 5280 section 4.2.1.10).
 *
 * Floor 1, pure. Permitted subtrees of a kind bind names of that kind; excluded beats permitted.
 * Names of a kind that is constrained and cannot be judged are refused.
 */
#ifndef WARDGATE_CONSTRAINTS_H
#define WARDGATE_CONSTRAINTS_H

#include <stdbool.h>

#include "certs/cert.h"
#include "protocols/bytes.h"

/* One name against one subtree is one piece of work; a path gets this many in all. */
enum { CONSTRAINTS_WORK_MAX = 250000 };

/* Is the value of a nameConstraints extension (content of its SEQUENCE) well formed: at least one
 * subtree list, none of them empty, minimum 0, no maximum, sound bases? */
bool constraints_are_sound(struct span constraints);

/* Do the (sound) constraints allow every name of the certificate: its subject, its alternative
 * names, and, when it has no such extension (has_san), the e-mail addresses in its subject? *work
 * counts down; at 0 the answer is no. NULL: allowed; else the reason, a constant text. */
const char *constraints_refuse(struct span constraints, const struct cert_view *view, bool has_san,
                               unsigned *work);

#endif
