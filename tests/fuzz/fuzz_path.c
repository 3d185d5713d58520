/* Path validation: a byte of settings, then certificates behind each other: leaf, anchor, CAs. */
#include <stdlib.h>

#include "certs/constraints.h"
#include "certs/der.h"
#include "certs/path_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* The checks alone, over whatever the certificates say: signatures would stop the fuzzer early. */
static void check(const struct span *certs, size_t count, const struct path_settings *settings)
{
    static struct chain_cert read[PATH_MAX_CERTS];
    const struct chain_cert *path[PATH_MAX_CERTS];
    unsigned work = CONSTRAINTS_WORK_MAX;
    const struct path_settings any = {.now_s = settings->now_s,
                                      .purpose = PATH_ANY,
                                      .allows = settings->allows,
                                      .allows_loose_cas = true};
    for (size_t i = 0; i < count; i++) {
        if (!chain_cert_read(certs[i], &read[i])) {
            return;
        }
        path[i] = &read[i];
    }
    if (count > 1 && path_check(path, count, settings, &work, NULL)) {
        work = CONSTRAINTS_WORK_MAX;
        require(path_check(path, count, &any, &work, NULL)); /* a rule less refuses no more */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reasons why;
    struct span input = span_of(data, size);
    struct span certs[PATH_MAX_CERTS];
    size_t count = 0;
    struct path found;
    uint8_t flags = 0;
    (void)span_take_u8(&input, &flags); /* no byte, no certificate */
    struct path_settings settings = {.now_s = 1700000000,
                                     .purpose = (enum path_purpose)(flags % 3),
                                     .allows_loose_cas = flags > 127};
    while (count < PATH_MAX_CERTS && der_take_whole(&input, &certs[count])) {
        count++;
    }
    check(certs, count, &settings);
    if (count < 2) {
        return 0;
    }
    why.count = 0;
    struct path_input in = {certs[0], &certs[2], count - 2, &certs[1], 1};
    bool is_good = path_validate(&in, &settings, &found, &why);
    require(is_good == (reasons_decision(&why) == NULL) && why.count > 0);
    require(!is_good || (found.count >= 2 && span_equal(found.certs[found.count - 1], certs[1])));
    return 0;
}
