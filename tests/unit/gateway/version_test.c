#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/version.h"
#include "tests/unit/gateway/capture.h"

static struct capture out;

static const char *printed(bool is_verbose)
{
    capture_start(&out, STDOUT_FILENO);
    cr_expect_eq(version_print(stdout, is_verbose), 0);
    return capture_end(&out);
}

Test(version, is_one_line)
{
    cr_expect_str_eq(printed(false), "wardgate " WARDGATE_VERSION "\n");
}

Test(version, tells_libraries_algorithms_licence_and_limits)
{
    static const char *const parts[] = {
        "wolfSSL    5.",
        "Debian source package 5.",
        "libuv      1.",
        "libmodbus  3.",
        "jansson    2.",
        "inih ",
        "libcurl    7.",
        "TLS13-AES256-GCM-SHA384",
        "X25519",
        "GPL-3.0-or-later",
        "not an alarm path",
    };
    const char *text = printed(true);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        cr_expect_not_null(strstr(text, parts[i]), "%s is missing in %s", parts[i], text);
    }
}

Test(version, says_when_it_cannot_be_written)
{
    FILE *full = fopen("/dev/full", "w");
    cr_assert_not_null(full);
    cr_expect_eq(version_print(full, true), -1);
    (void)fclose(full);
}
