#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "certs/signature.h"
#include "certs/tls.h"
#include "conf/conf.h"
#include "gateway/command.h"
#include "gateway/io.h"
#include "gateway/revocation.h"
#include "gateway/verify_objects.h"
#include "gateway/verify_options.h"
#include "gateway/verify_print.h"

static const char help[] =
    "Usage: wardgate verify [OPTION]... CHAIN\n"
    "Judges a certificate chain and says why: one line per check, at the end the sentence\n"
    "that decided. Needs no gateway and no network. CHAIN: the certificate in question\n"
    "first, then CA certificates that may help. All files are PEM (with any number of\n"
    "objects) or DER (with one).\n"
    "\n"
    "      --anchor FILE          trust these CA certificates; may be repeated\n"
    "  -c, --config FILE          with --trust: the configuration [" COMMAND_CONF_PATH "]\n"
    "      --trust NAME           also trust what this section trusts (its crl_signers, too),\n"
    "                             and judge by its rules as a running gateway does: its\n"
    "                             ca_profile, policy, require_eku, revocation (but for\n"
    "                             --policy) and grace; must-staple counts, and a\n"
    "                             responder's clock may be 5 minutes off\n"
    "      --crl FILE             a CRL as evidence; may be repeated\n"
    "      --ocsp-response FILE   an OCSP response as evidence; may be repeated\n"
    "      --at UNIXTIME          judge as at this moment [now]; clocks are taken at their\n"
    "                             word, an OCSP answer without an end holds for an hour\n"
    "      --purpose PURPOSE      the peer is a TLS server [server] or client; any: RFC 5280\n"
    "                             alone, without rules on key usage and strength\n"
    "      --name dns:N|ip:N|uri:N  the certificate must bear this name\n"
    "      --need chain|leaf      whose revocation status must be known [chain]\n"
    "      --policy POLICY        hard: every status must be good [hard, or what --trust says];\n"
    "                             soft: an unknown one passes, a revoked one never; off: no\n"
    "                             status is asked\n"
    "      --json                 everything, as one line of JSON\n"
    "  -h, --help                 this text\n"
    "\n"
    "Exit code 0 when the chain is accepted, 1 when it is refused, 64 for wrong usage and\n"
    "for files that cannot be read.\n";

/* One run of the command. */
struct verify {
    struct verify_options options;
    struct trust *trust; /* held: settings may borrow its policy; NULL: none is named */
    struct judge_settings settings;
    struct judge_result result;
    struct reasons why;
    struct verify_objects chain; /* leaf first */
    struct verify_objects pool;  /* the CA certificates of chain and trust */
    struct verify_objects
        signers; /* who may sign CRLs besides the path's: of the trust, then all */
    struct verify_objects anchors;
    struct verify_objects responses;
    struct verify_crl *crls; /* one per CRL that was given */
    size_t crl_count;
    struct crl **readable_crls;
    size_t readable_count;
};

static int tell(const struct fault *f)
{
    (void)fprintf(stderr, "wardgate verify: %s\n", f->note);
    return f->code == FAULT_MEMORY ? COMMAND_INTERNAL : COMMAND_USAGE;
}

static int tell_memory(void)
{
    (void)fprintf(stderr, "wardgate verify: out of memory\n");
    return COMMAND_INTERNAL;
}

/* A file of evidence that holds nothing useful is no information; that it cannot be read at all is
 * the user's mistake. */
static int excuse(struct verify *v, const struct fault *f, enum reasons_mark mark, int level)
{
    if (f->code != FAULT_BAD_CERT) {
        return tell(f);
    }
    reasons_add(&v->why, mark, level, f->note, NULL);
    return COMMAND_OK;
}

static int read_chain(struct verify *v)
{
    struct fault f;

    if (verify_objects_read(&v->chain, v->options.chain, "CERTIFICATE", &f) != 0) {
        return excuse(v, &f, REASONS_REFUSE, 0);
    }
    if (verify_objects_add(&v->pool, v->chain.items + 1, v->chain.count - 1, &f) != 0) {
        return tell(&f);
    }
    return COMMAND_OK;
}

static int read_anchors(struct verify *v)
{
    struct fault f;

    for (size_t i = 0; i < v->options.anchors.count; i++) {
        if (verify_objects_read(&v->anchors, v->options.anchors.paths[i], "CERTIFICATE", &f) != 0) {
            return tell(&f);
        }
    }
    return COMMAND_OK;
}

static int read_responses(struct verify *v)
{
    const struct verify_list *list = &v->options.responses;
    int code = COMMAND_OK;
    struct fault f;

    for (size_t i = 0; code == COMMAND_OK && i < list->count; i++) {
        if (verify_objects_read(&v->responses, list->paths[i], "OCSP RESPONSE", &f) != 0) {
            code = excuse(v, &f, REASONS_NOTE, -1);
        }
    }
    return code;
}

/* A CRL that cannot be parsed is listed and noted. */
static int add_crl(struct verify *v, const char *path, struct span der)
{
    struct fault f = {.code = FAULT_NONE};
    struct verify_crl *crls = mem_grow(v->crls, v->crl_count, v->crl_count + 1, sizeof(*v->crls));
    struct crl **readable;

    if (crls == NULL) {
        return tell_memory();
    }
    v->crls = crls;
    readable = mem_grow(v->readable_crls, v->readable_count, v->crl_count + 1, sizeof(void *));
    if (readable == NULL) {
        return tell_memory();
    }
    v->readable_crls = readable;
    crls[v->crl_count] = (struct verify_crl){.path = path, .crl = crl_new(der, &f)};
    v->crl_count++;
    if (crls[v->crl_count - 1].crl != NULL) {
        readable[v->readable_count] = crls[v->crl_count - 1].crl;
        v->readable_count++;
        return COMMAND_OK;
    }
    if (f.code == FAULT_MEMORY) {
        return tell_memory();
    }
    char text[REASONS_LINE_MAX];
    (void)snprintf(text, sizeof(text), "%s: a CRL that cannot be read: ", path);
    reasons_add(&v->why, REASONS_NOTE, -1, text, f.note);
    return COMMAND_OK;
}

static int read_crl_file(struct verify *v, const char *path)
{
    struct verify_objects found = {.items = NULL};
    struct fault f;
    int code = COMMAND_OK;

    if (verify_objects_read(&found, path, "X509 CRL", &f) != 0) {
        code = excuse(v, &f, REASONS_NOTE, -1);
    }
    for (size_t i = 0; code == COMMAND_OK && i < found.count; i++) {
        code = add_crl(v, path, found.items[i]);
    }
    verify_objects_free(&found);
    return code;
}

static int read_crls(struct verify *v)
{
    int code = COMMAND_OK;

    for (size_t i = 0; code == COMMAND_OK && i < v->options.crls.count; i++) {
        code = read_crl_file(v, v->options.crls.paths[i]);
    }
    return code;
}

static int add_trust(struct verify *v, const struct trust *trust)
{
    const struct span *cas;
    size_t anchors = 0;
    size_t count = trust_cas(trust, &cas, &anchors);
    const struct span *signers;
    size_t signer_count = trust_crl_signers(trust, &signers);
    struct fault f;

    if (verify_objects_add(&v->anchors, cas, anchors, &f) != 0 ||
        verify_objects_add(&v->pool, cas + anchors, count - anchors, &f) != 0 ||
        verify_objects_add(&v->signers, signers, signer_count, &f) != 0) {
        return tell(&f);
    }
    return COMMAND_OK;
}

/* Whoever reads the verdict should see by whose rules it was made. */
static void note_rules(struct verify *v, const struct conf_trust *section)
{
    const char *weak = signature_allows_text(section->allows);
    char text[REASONS_LINE_MAX];

    if (weak[0] != '\0') {
        reasons_add(&v->why, REASONS_NOTE, -1, "this trust lets in ", weak);
    }
    if (section->requires_eku) {
        reasons_add(&v->why, REASONS_NOTE, -1,
                    "this trust wants the leaf's purpose named (require_eku)", NULL);
    }
    (void)snprintf(
        text, sizeof(text), "judged by trust %s: revocation %s%s, ca_profile %s, %s", section->name,
        v->options.has_policy ? "as --policy says" : conf_revocation_name(section->revocation),
        section->revocation == CONF_REVOCATION_GRACE && !v->options.has_policy
            ? " (within its grace time)"
            : "",
        section->is_strict_profile ? "strict" : "loose",
        section->policy.len > 0 ? "a certificate policy is required"
                                : "no certificate policy is required");
    reasons_add(&v->why, REASONS_NOTE, -1, text, NULL);
}

/* The same as verdict_ask_chain does for a link of this trust. */
static void adopt_rules(struct verify *v, const struct conf_trust *section)
{
    v->trust = trust_hold(section->trust);
    v->settings.path.required_policy = trust_policy(v->trust);
    v->settings.path.allows_loose_cas = !trust_is_strict_about_cas(v->trust);
    v->settings.path.allows = trust_allows(v->trust);
    v->settings.path.requires_eku = trust_requires_eku(v->trust);
    v->settings.honours_must_staple = true;
    v->settings.skew_s = REVOCATION_SKEW_S;
    v->settings.grace_s = section->grace_s;
    if (!v->options.has_policy) {
        v->settings.policy = conf_judge_policy(section->revocation);
    }
    note_rules(v, section);
}

static int find_trust(struct verify *v, const struct conf *c)
{
    for (size_t i = 0; i < c->trust_count; i++) {
        if (strcmp(c->trusts[i].name, v->options.trust) == 0) {
            adopt_rules(v, &c->trusts[i]);
            return add_trust(v, c->trusts[i].trust);
        }
    }
    (void)fprintf(stderr, "wardgate verify: %s has no trust %s\n", v->options.conf_path,
                  v->options.trust);
    return COMMAND_USAGE;
}

static int read_trust(struct verify *v)
{
    struct problems *problems;
    struct conf *c;
    int code = COMMAND_USAGE;

    if (v->options.trust == NULL) {
        return COMMAND_OK;
    }
    problems = problems_new();
    if (problems == NULL) {
        return tell_memory();
    }
    c = conf_load(v->options.conf_path, v->settings.path.now_s, problems);
    for (size_t i = 0; c == NULL && i < problems_count(problems); i++) {
        (void)fprintf(stderr, "%s\n", problems_text(problems, i));
    }
    if (c != NULL) {
        code = find_trust(v, c);
        conf_free(c);
    }
    problems_free(problems);
    return code;
}

/* The last step: what the files of the chain brought may sign CRLs, too. */
static int list_signers(struct verify *v)
{
    struct fault f;

    if (verify_objects_add(&v->signers, v->pool.items, v->pool.count, &f) != 0) {
        return tell(&f);
    }
    return COMMAND_OK;
}

static void judge(struct verify *v)
{
    const struct path_input in = {.leaf = v->chain.items[0],
                                  .pool = v->pool.items,
                                  .pool_count = v->pool.count,
                                  .anchors = v->anchors.items,
                                  .anchor_count = v->anchors.count};
    const struct judge_evidence evidence = {.crls = v->readable_crls,
                                            .crl_count = v->readable_count,
                                            .ocsp = v->responses.items,
                                            .ocsp_count = v->responses.count,
                                            .signers = v->signers.items,
                                            .signer_count = v->signers.count};

    judge_chain(&in, &evidence, &v->settings, &v->result, &v->why);
}

static int print(const struct verify *v)
{
    const struct verify_report report = {.options = &v->options,
                                         .settings = &v->settings,
                                         .result = &v->result,
                                         .why = &v->why,
                                         .leaf = v->chain.count > 0 ? v->chain.items[0]
                                                                    : span_of(NULL, 0),
                                         .crls = v->crls,
                                         .crl_count = v->crl_count};
    int failed = v->options.is_json ? verify_print_json(stdout, &report)
                                    : verify_print_text(stdout, &report);

    if (failed != 0) {
        (void)fprintf(stderr, "wardgate verify: cannot print\n");
        return COMMAND_INTERNAL;
    }
    return v->result.accepted ? COMMAND_OK : COMMAND_REFUSED;
}

static void settle(struct verify *v)
{
    v->settings = (struct judge_settings){
        .path = {.now_s = v->options.has_at ? v->options.at_s : io_wall_s(),
                 .purpose = v->options.purpose},
        .policy = v->options.policy,
        .need = v->options.need,
        .ocsp_max_age_s = REVOCATION_OCSP_AGE_S,
        .names = &v->options.name,
        .name_count = v->options.has_name ? 1 : 0};
    v->result = (struct judge_result){
        .verdict = {.kind = VERDICT_UNAVAILABLE, .valid_until_s = v->settings.path.now_s}};
}

/* Files first, in the order in which a user would look for the mistake. A chain that is broken has
 * left its reason, and is not judged any more: half of it might look good. */
static int run(struct verify *v)
{
    int (*const steps[])(struct verify *) = {read_trust,     read_anchors, read_crls,
                                             read_responses, read_chain,   list_signers};

    settle(v);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int code = steps[i](v);
        if (code != COMMAND_OK) {
            return code;
        }
    }
    if (reasons_decision(&v->why) == NULL) {
        judge(v);
    }
    return print(v);
}

static void release(struct verify *v)
{
    for (size_t i = 0; i < v->crl_count; i++) {
        crl_release(v->crls[i].crl);
    }
    mem_free(v->crls);
    mem_free(v->readable_crls);
    verify_objects_free(&v->chain);
    verify_objects_free(&v->pool);
    verify_objects_free(&v->signers);
    verify_objects_free(&v->anchors);
    verify_objects_free(&v->responses);
    mem_free(v);
}

static int run_with_library(struct verify *v)
{
    struct fault f;
    int code;

    if (tls_init(&f) != 0) {
        (void)fprintf(stderr, "wardgate verify: cannot begin: %s\n", f.note);
        return COMMAND_INTERNAL;
    }
    code = run(v);
    trust_release(v->trust);
    tls_deinit();
    return code;
}

int cmd_verify(int argc, char **argv)
{
    struct verify *v = mem_new(1, sizeof(*v));
    struct fault f;
    int code;

    if (v == NULL) {
        return tell_memory();
    }
    if (verify_options_read(argc, argv, &v->options, &f) != 0) {
        (void)fprintf(stderr, "wardgate verify: %s; try 'wardgate verify --help'\n", f.note);
        code = COMMAND_USAGE;
    } else if (v->options.wants_help) {
        code = fputs(help, stdout) < 0 ? COMMAND_INTERNAL : COMMAND_OK;
    } else {
        code = run_with_library(v);
    }
    release(v);
    return code;
}
