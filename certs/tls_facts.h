/*
 * What the TLS library is and can do, for `wardgate version -v`.
 *
 * Floor 1. Constant memory, no state.
 */
#ifndef WARDGATE_TLS_FACTS_H
#define WARDGATE_TLS_FACTS_H

#include <stdbool.h>
#include <stddef.h>

/* The library's version at run time: "5.7.2". */
const char *tls_facts_version(void);

/* The Debian revision of the source that it was built from: "5.7.2-0.1+deb13u2". */
const char *tls_facts_revision(void);

/* "own static build with stapling", "own static build" or "Debian's shared library". */
const char *tls_facts_build(void);

/* Are staples asked for, sent and handed out (tls.h)? Else tls_settings.staple goes nowhere and
 * tls_peer.staple is always empty. */
bool tls_facts_staples(void);

enum { TLS_FACTS_NAME_MAX = 64 };

/* Name number `at` of the cipher suites, best first, that this build offers and accepts. Writes it
 * to `out` and returns it; NULL past the last. */
const char *tls_facts_suite(size_t at, char out[TLS_FACTS_NAME_MAX]);

/* Groups for the key exchange and signature algorithms of certificates, as one line of text. */
const char *tls_facts_groups(void);
const char *tls_facts_signatures(void);

#endif
