#include "certs/tls_facts.h"

#include <stdio.h>
#include <string.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl_revision.h>

#include "certs/tls_suites.h"

const char *tls_facts_version(void)
{
    return wolfSSL_lib_version();
}

const char *tls_facts_revision(void)
{
    return WOLFSSL_DEBIAN_REVISION;
}

const char *tls_facts_build(void)
{
#ifdef WARDGATE_WOLFSSL_SYSTEM
    return "Debian's shared library";
#elif defined(WARDGATE_STAPLE)
    return "own static build with stapling";
#else
    return "own static build"; /* of a source that certs/wolfssl-staple.patch did not fit */
#endif
}

bool tls_facts_staples(void)
{
#ifdef WARDGATE_STAPLE
    return true;
#else
    return false;
#endif
}

/* wolfSSL skips the names of its cipher list that it was not built for, and so do we. */
static bool is_built_in(const char *name)
{
    byte first = 0;
    byte second = 0;
    int flags = 0;
    return wolfSSL_get_cipher_suite_from_name(name, &first, &second, &flags) == 0;
}

const char *tls_facts_suite(size_t at, char out[TLS_FACTS_NAME_MAX])
{
    size_t seen = 0;
    for (const char *rest = TLS_SUITES; rest[0] != '\0';) {
        size_t len = strcspn(rest, ":");
        (void)snprintf(out, TLS_FACTS_NAME_MAX, "%.*s", (int)len, rest);
        seen += is_built_in(out);
        if (seen > at) {
            return out;
        }
        rest += len + (rest[len] == ':');
    }
    return NULL;
}

const char *tls_facts_groups(void)
{
    return "P-256, P-384, P-521"
#ifdef HAVE_CURVE25519
           ", X25519"
#endif
        ;
}

const char *tls_facts_signatures(void)
{
    /* What cert.h takes for a strong key; the rest is refused. */
    return "ECDSA with P-256, P-384 or P-521; RSA of 2048 bits or more";
}
