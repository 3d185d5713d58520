#include "gateway/version.h"

#include <gnu/libc-version.h>
#include <jansson.h>

#include <uv.h>

#include "certs/tls_facts.h"
#include "gateway/fetcher.h"
#include "gateway/modbus_tool.h"

#ifndef WARDGATE_INIH_VERSION
/* inih tells no version to programs; the Makefile asks pkg-config. */
#    define WARDGATE_INIH_VERSION "of Debian"
#endif

static void print_libraries(FILE *to)
{
    char modbus[MODBUS_TOOL_VERSION_MAX];
    (void)fprintf(to, "\nLibraries\n");
    (void)fprintf(to, "  wolfSSL    %s (%s of Debian source package %s)\n", tls_facts_version(),
                  tls_facts_build(), tls_facts_revision());
    (void)fprintf(to, "  libuv      %s\n", uv_version_string());
    (void)fprintf(to, "  libmodbus  %s\n", modbus_tool_library(modbus));
    (void)fprintf(to, "  jansson    %s\n", jansson_version_str());
    const char *libcurl_version = fetcher_library_version();
    (void)fprintf(to, "  libcurl    %s\n",
                  libcurl_version != NULL ? libcurl_version
                                          : "not installed: URLs can not be used");
    (void)fprintf(to, "  inih       %s\n", WARDGATE_INIH_VERSION);
    (void)fprintf(to, "  glibc      %s\n", gnu_get_libc_version());
}

static void print_tls(FILE *to)
{
    char name[TLS_FACTS_NAME_MAX];
    (void)fprintf(to, "\nTLS 1.3, and 1.2 where tls_min = 1.2; mutual always; no resumption\n");
    for (size_t i = 0; tls_facts_suite(i, name) != NULL; i++) {
        (void)fprintf(to, "  suite      %s\n", name);
    }
    (void)fprintf(to, "  groups     %s\n", tls_facts_groups());
    (void)fprintf(to, "  signatures %s\n", tls_facts_signatures());
}

int version_print(FILE *to, bool is_verbose)
{
    (void)fprintf(to, "wardgate %s\n", WARDGATE_VERSION);
    if (is_verbose) {
        print_libraries(to);
        print_tls(to);
        (void)fprintf(to, "\nLicence GPL-3.0-or-later. There is no warranty.\n"
                          "Wardgate is not an alarm path: no alarm may depend on it alone.\n");
    }
    /* One look at the end covers every line above. */
    return fflush(to) == 0 && ferror(to) == 0 ? 0 : -1;
}
