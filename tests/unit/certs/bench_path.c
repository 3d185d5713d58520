#include "tests/unit/certs/bench_path.h"

#include <string.h>

#include <criterion/criterion.h>

struct bench_path bench_path;

void bench_path_set_up(void)
{
    bench_path.root = (struct forge){.subject = "Root", .issuer = "Root", .is_ca = true};
    bench_path.ca = (struct forge){.subject = "CA", .issuer = "Root", .key = 1, .is_ca = true};
    bench_path.leaf = (struct forge){.subject = "pump", .issuer = "CA", .key = 9, .signer = 1};
    bench_path.settings = (struct path_settings){.now_s = BENCH_PATH_NOW_S, .purpose = PATH_SERVER};
}

bool bench_path_validate(void)
{
    struct span anchor = forge_cert(&bench_path.root);
    struct span ca = forge_cert(&bench_path.ca);
    struct path_input in = {.leaf = forge_cert(&bench_path.leaf),
                            .pool = &ca,
                            .pool_count = 1,
                            .anchors = &anchor,
                            .anchor_count = 1};

    bench_path.why.count = 0;
    return path_validate(&in, &bench_path.settings, &bench_path.found, &bench_path.why);
}

void bench_path_good(void)
{
    bool is_good = bench_path_validate();

    cr_assert(is_good, "%s", is_good ? "" : reasons_decision(&bench_path.why));
    cr_assert_eq(bench_path.found.count, 3);
}

void bench_path_refused(const char *text)
{
    cr_assert_not(bench_path_validate(), "accepted, but must be refused: %s", text);
    cr_assert_not_null(reasons_decision(&bench_path.why), "%s", text);
    cr_assert_not_null(strstr(reasons_decision(&bench_path.why), text), "%s; got: %s", text,
                       reasons_decision(&bench_path.why));
}
