/*
 * Which peers are allowed: rules on the subjectAltName, never on the CN (RFC 9525).
 *
 * Floor 1. Rules are small values inside the configuration that owns them.
 */
#ifndef WARDGATE_NAMES_H
#define WARDGATE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "protocols/bytes.h"
#include "protocols/fault.h"

enum name_kind { NAME_DNS, NAME_URI, NAME_IP };

struct name_rule {
    enum name_kind kind;
    char value[254]; /* DNS: lower case, without a final dot; IP: as inet_ntop prints it */
};

/* Read "dns:bms.hospital.example", "uri:urn:hospital:bms" or "ip:10.3.0.9".
 * Returns 0, or FAULT_CONFIG with a note that says what would be right. */
int name_rule_parse(const char *text, struct name_rule *out, struct fault *f);

/* The rule that a dialled host or a server_name stands for: an IP address gives NAME_IP, all else
 * NAME_DNS. Returns 0 or FAULT_CONFIG (not a host name). */
int name_rule_of_host(const char *host, struct name_rule *out, struct fault *f);

/* Does any of the `count` rules match a SAN of the same type in this certificate (DER)? A dNSName
 * "*.x" in the certificate matches exactly one left-most label; URIs match byte for byte; IPs as
 * addresses. When it does and matched != NULL, *matched is the rule. A certificate that cannot be
 * parsed, has no SAN, or has a NUL inside a name matches nothing. */
bool names_match_certificate(const struct name_rule *rules, size_t count, struct span cert_der,
                             const struct name_rule **matched);

/* dNSName comparison with the wildcard rule above; both are NUL-terminated, any case. */
bool name_dns_matches(const char *pattern, const char *host);

#endif
