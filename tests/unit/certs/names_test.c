#include <string.h>

#include <criterion/criterion.h>

#include "certs/names.h"
#include "pair.h"

Test(names, reads_rules)
{
    static const struct {
        const char *text;
        enum name_kind kind;
        const char *value;
    } CASES[] = {
        {"dns:bms.hospital.example", NAME_DNS, "bms.hospital.example"},
        {"dns:BMS.Hospital.Example.", NAME_DNS, "bms.hospital.example"},
        {"dns:localhost", NAME_DNS, "localhost"},
        {"dns:pump_12.ward.example", NAME_DNS, "pump_12.ward.example"},
        {"uri:urn:hospital:bms", NAME_URI, "urn:hospital:bms"},
        {"uri:https://X.example/A?b", NAME_URI, "https://X.example/A?b"},
        {"ip:10.3.0.9", NAME_IP, "10.3.0.9"},
        {"ip:2001:0DB8::0001", NAME_IP, "2001:db8::1"},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct name_rule rule;
        struct fault f = {0};
        cr_assert_eq(name_rule_parse(CASES[i].text, &rule, &f), 0, "%s: %s", CASES[i].text, f.note);
        cr_assert_eq(rule.kind, CASES[i].kind);
        cr_assert_str_eq(rule.value, CASES[i].value);
    }
}

Test(names, refuses_what_is_no_rule)
{
    static const char *const CASES[] = {
        "",
        "bms.hospital.example",
        "cn:x",
        "dns:",
        "dns:a..b",
        "dns:.a",
        "dns:a b",
        "dns:*.a.b",
        "dns:10.3.0.9",
        "dns:a/b",
        "uri:",
        "uri:nocolon",
        "uri::x",
        "uri:urn:a b",
        "uri:urn:\xC3\xBC",
        "ip:10.3.0",
        "ip:host",
        "ip:10.3.0.256",
        "DNS:a.b",
        "ip:",
        "dns:123456789012345678901234567890123456789012345678901234567890abcd.example",
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct name_rule rule = {.kind = NAME_IP, .value = "untouched"};
        struct fault f = {0};
        cr_assert_eq(name_rule_parse(CASES[i], &rule, &f), FAULT_CONFIG, "%s", CASES[i]);
        cr_assert_eq(f.code, FAULT_CONFIG);
        cr_assert_neq(f.note[0], '\0');
        cr_assert_str_eq(rule.value, "untouched");
    }
}

Test(names, refuses_texts_that_are_too_long)
{
    char text[400];
    struct name_rule rule;

    memset(text, 'a', sizeof(text));
    memcpy(text, "uri:urn:", 8);
    text[sizeof(text) - 1] = '\0';
    cr_assert_eq(name_rule_parse(text, &rule, NULL), FAULT_CONFIG);
    memcpy(text, "dns:", 4);
    for (size_t i = 30; i < sizeof(text) - 1; i += 30) {
        text[i] = '.';
    }
    cr_assert_eq(name_rule_parse(text, &rule, NULL), FAULT_CONFIG);
}

Test(names, makes_a_rule_of_a_host)
{
    struct name_rule rule;
    struct fault f = {0};

    cr_assert_eq(name_rule_of_host("HL7.hospital.example", &rule, &f), 0);
    cr_assert(rule.kind == NAME_DNS && strcmp(rule.value, "hl7.hospital.example") == 0);
    cr_assert_eq(name_rule_of_host("10.3.0.9", &rule, &f), 0);
    cr_assert(rule.kind == NAME_IP && strcmp(rule.value, "10.3.0.9") == 0);
    cr_assert_eq(name_rule_of_host("::1", &rule, &f), 0);
    cr_assert_eq(rule.kind, NAME_IP);
    cr_assert_eq(name_rule_of_host("not a host", &rule, &f), FAULT_CONFIG);
    cr_assert_eq(name_rule_of_host("10.3.0", &rule, &f), FAULT_CONFIG);
}

Test(names, matches_host_names)
{
    static const struct {
        const char *pattern;
        const char *host;
        bool want;
    } CASES[] = {
        {"a.b.example", "a.b.example", true},
        {"A.B.example", "a.b.EXAMPLE", true},
        {"a.b.example", "b.example", false},
        {"b.example", "a.b.example", false},
        {"a.b.example", "a.b.exampl", false},
        {"*.b.example", "a.b.example", true},
        {"*.b.example", "x.a.b.example", false}, /* one label only */
        {"*.b.example", "b.example", false},     /* and not none */
        {"*.b.example", ".b.example", false},
        {"*.example", "b.example", false}, /* a whole top-level domain */
        {"*", "a", false},
        {"*a.b.example", "xa.b.example", false}, /* the whole label or nothing */
        {"a*.b.example", "ax.b.example", false},
        {"a.*.example", "a.b.example", false},
        {"*.*.example", "a.b.example", false},
    };

    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        cr_assert_eq(name_dns_matches(CASES[i].pattern, CASES[i].host), CASES[i].want, "%s %s",
                     CASES[i].pattern, CASES[i].host);
    }
}

static bool matches(const char *certificate, const char *text)
{
    struct pem_block block = pair_certificate(certificate);
    struct name_rule rule;
    bool result;

    cr_assert_eq(name_rule_parse(text, &rule, NULL), 0);
    result = names_match_certificate(&rule, 1, span_of(block.der, block.len), NULL);
    pem_block_free(&block);
    return result;
}

Test(names, matches_the_alternative_names_of_a_certificate)
{
    cr_assert(matches("bms", "dns:bms.hospital.example"));
    cr_assert(matches("bms", "uri:urn:hospital:bms"));
    cr_assert(matches("hl7", "ip:127.0.0.1"));
    cr_assert(matches("hl7-wild", "dns:hl7.hospital.example"));
    cr_assert_not(matches("bms", "dns:hl7.hospital.example"));
    cr_assert_not(matches("bms", "uri:urn:hospital:bm"));
    cr_assert_not(matches("bms", "uri:URN:hospital:bms"));
    cr_assert_not(matches("hl7", "ip:127.0.0.2"));
    cr_assert_not(matches("hl7", "ip:::1"));
}

Test(names, never_mixes_types)
{
    cr_assert_not(matches("hl7-ip", "dns:localhost"));
    cr_assert_not(matches("bms", "uri:dns:bms.hospital.example"));
    cr_assert_not(matches("bms-mixed", "dns:bms.hospital.example"));
    cr_assert_not(matches("bms-mixed", "uri:urn:hospital:bms"));
}

Test(names, never_looks_at_the_common_name)
{
    cr_assert_not(matches("hl7-cn", "dns:hl7.hospital.example"));
}

/* Not even by the other name of that certificate, which is the right one. */
Test(names, believes_nothing_beside_a_nul)
{
    cr_assert_not(matches("bms-nul", "dns:bms.hospital.example"));
    cr_assert_not(matches("bms-nul", "dns:evil.example"));
}

Test(names, tells_which_rule_matched)
{
    struct pem_block block = pair_certificate("bms");
    struct name_rule rules[3];
    const struct name_rule *matched = NULL;

    cr_assert_eq(name_rule_parse("dns:x.example", &rules[0], NULL), 0);
    cr_assert_eq(name_rule_parse("uri:urn:hospital:bms", &rules[1], NULL), 0);
    cr_assert_eq(name_rule_parse("dns:bms.hospital.example", &rules[2], NULL), 0);
    cr_assert(names_match_certificate(rules, 3, span_of(block.der, block.len), &matched));
    cr_assert_eq(matched, &rules[1]);
    cr_assert_not(names_match_certificate(rules, 0, span_of(block.der, block.len), NULL));
    cr_assert_not(names_match_certificate(rules, 3, span_of(block.der, block.len - 1), NULL));
    pem_block_free(&block);
}
