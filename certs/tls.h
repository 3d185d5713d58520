/*
 * The TLS engine: bytes in, bytes out, no sockets (sans-I/O).
 *
 * Floor 1; wolfSSL lives behind this header. One engine belongs to one endpoint, which feeds it
 * what the network brought and sends what it makes. Mutual authentication always: both roles
 * present a certificate and demand one. No resumption of any kind, no renegotiation, no 0-RTT, no
 * compression. The engine does not judge revocation: that is asked after the handshake (verdict.h).
 *
 * Stapling (RFC 6066 section 8, RFC 8446 section 4.4.2.1): a client asks its server for an OCSP
 * answer about the server's certificate, and hands it out as bytes; whoever is asked sends the one
 * it was given. Nothing is parsed, fetched or believed on the way. A server asks no client: the
 * library cannot put the question into its CertificateRequest. None of this exists with Debian's
 * library (tls_facts_staples): there a server verifies an answer with the CAs that vouch for peers
 * and keeps it for all connections of a context (CreateOcspResponse, CheckOcspRequest), and as
 * client the library's own judge ends the handshake or is content, and gives the bytes to nobody
 * (ProcessCSR).
 */
#ifndef WARDGATE_TLS_H
#define WARDGATE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/identity.h"
#include "certs/names.h"
#include "certs/trust.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    TLS_PLAIN_MAX = 16384,         /* most plain text in one record */
    TLS_CIPHER_MAX = 16384 + 1024, /* room that one record of that size surely fits in */
    TLS_HANDSHAKE_ROOM = 65536,    /* room that any one flight of ours fits in */
    TLS_CHAIN_MAX = 9,             /* certificates kept of a peer's chain */
    TLS_STAPLE_MAX = 16384,        /* longest OCSP answer that is sent or kept */
};

struct tls_engine;

enum tls_role { TLS_CLIENT, TLS_SERVER };

struct tls_settings {
    enum tls_role role;
    struct identity *identity;     /* held by the engine while it lives */
    struct trust *trust;           /* held by the engine while it lives */
    const struct name_rule *allow; /* the peer's SAN must match one of these; copied */
    size_t allow_count;            /* 1.. */
    const char *server_name;       /* client: SNI to send, NULL for none (an IP address) */
    struct span staple; /* an OCSPResponse (DER) about our own leaf that our judge finds good
                           now, for a peer that asks; empty: none, and none is sent when it
                           is longer than TLS_STAPLE_MAX. Copied */
    bool wants_short; /* client: asks the server for records of at most 512 bytes of plain text, and
                         then sends none longer (RFC 6066 section 4). What such a server sends
                         nevertheless ends the link; one that does not know the wish is taken as it
                         is. A server always does what a client asks for */
};

/* What one step did. */
enum tls_result {
    TLS_MORE, /* all input is used; more is needed */
    TLS_DONE, /* handshake: finished. read: `plain` holds bytes (call again while `in` has some) */
    TLS_CLOSED, /* read: the peer sent close_notify */
    TLS_FAILED, /* *f says why. `out` may hold an alert to send before closing */
};

/* The peer after a handshake. Strings and chain belong to the engine. */
struct tls_peer {
    struct cert_facts leaf;
    char matched[260]; /* the allow rule that matched: "dns:bms.hospital.example" */
    enum tls_version version;
    const char *suite;                /* "TLS_AES_128_GCM_SHA256"; constant memory */
    struct span chain[TLS_CHAIN_MAX]; /* DER, leaf first: what the peer sent */
    size_t chain_count;
    struct span staple; /* what the server stapled, as it came: judge it (ocsp.h); empty: nothing */
};

/* A new engine, or NULL with *f (FAULT_MEMORY, FAULT_INTERNAL). */
struct tls_engine *tls_engine_new(const struct tls_settings *settings, struct fault *f);

/* Frees, wipes keys, releases identity and trust. NULL is fine. */
void tls_engine_free(struct tls_engine *e);

/* One round of the handshake. `in`: bytes from the network; what was used is taken off its front
 * (bytes behind the handshake stay: hand them to tls_engine_read). `out`: bytes to send are
 * appended; give it TLS_HANDSHAKE_ROOM. A client starts with an empty `in`.
 * TLS_MORE, TLS_DONE or TLS_FAILED. Faults: FAULT_NO_CERT, UNTRUSTED, EXPIRED, NOT_YET, NAME,
 * USAGE, BAD_CERT, OWN_REFUSED (an alert about our certificate), TLS_VERSION, TLS (also: a server
 * that asks for no certificate), MEMORY; the side is FAULT_SIDE_CERTIFICATE for what concerns
 * certificates, else FAULT_SIDE_SERVER. */
enum tls_result tls_engine_handshake(struct tls_engine *e, struct span *in, struct room *out,
                                     struct fault *f);

/* Decrypt. Takes from `in`, appends plain text of at most one record to `plain` (give it
 * TLS_PLAIN_MAX) and answers of the protocol (alerts, key updates) to `out` (TLS_CIPHER_MAX).
 * TLS_DONE: call again with the rest of `in`; when none is left, nothing is held back either, and
 * the next bytes are what to wait for. TLS_MORE: `in` is empty now. TLS_CLOSED, TLS_FAILED.
 * An alert of the peer about our certificate before its first byte of data is FAULT_OWN_REFUSED:
 * in TLS 1.3 a client's handshake ends before the server has judged it (RFC 8446, 4.4.2.4). */
enum tls_result tls_engine_read(struct tls_engine *e, struct span *in, struct room *plain,
                                struct room *out, struct fault *f);

/* Encrypt plain.len bytes (1..TLS_PLAIN_MAX) as exactly one record, appended to `out` (give it
 * TLS_CIPHER_MAX). A peer that negotiated a smaller maximum fragment length gets several records.
 * 0 or a fault code. */
int tls_engine_write(struct tls_engine *e, struct span plain, struct room *out, struct fault *f);

/* Append our close_notify to `out`. Reading goes on until the peer's. 0 or a fault code. */
int tls_engine_shutdown(struct tls_engine *e, struct room *out, struct fault *f);

/* The peer, or NULL before TLS_DONE of the handshake. Valid while the engine lives; `chain` and
 * `staple` only until tls_engine_forget_chain. */
const struct tls_peer *tls_engine_peer(const struct tls_engine *e);

/* Give the peer's chain and staple and the handshake's memory back once the verdict is in. */
void tls_engine_forget_chain(struct tls_engine *e);

/* Once per process, before the first engine / after the last. 0 or a fault code, also when the
 * library was built for a better processor (processor.h). */
int tls_init(struct fault *f);
void tls_deinit(void);

#endif
