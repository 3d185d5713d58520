/*
 * libcurl, loaded when the first URL is read and not at start.
 *
 * Floor 3; used by the fetcher alone. libcurl brings thirty libraries and an OpenSSL with it:
 * 7 MB and ten milliseconds, which a gateway without URLs shall not pay for. So it is not linked;
 * this table has the functions that the fetcher calls, with libcurl's own types.
 */
#ifndef WARDGATE_LIBCURL_H
#define WARDGATE_LIBCURL_H

#include <curl/curl.h>

#include "protocols/fault.h"

/* The release that is asked for: that of Debian's package libcurl4. */
#define LIBCURL_SONAME "libcurl.so.4"

/* clang-format off */
#define LIBCURL_CALLS(CALL) \
    CALL(global_init) CALL(version_info) CALL(free) \
    CALL(easy_init) CALL(easy_cleanup) CALL(easy_setopt) CALL(easy_getinfo) CALL(easy_header) \
    CALL(multi_init) CALL(multi_cleanup) CALL(multi_setopt) CALL(multi_assign) \
    CALL(multi_add_handle) CALL(multi_remove_handle) CALL(multi_info_read) \
    CALL(multi_socket_action) CALL(slist_append) CALL(slist_free_all) \
    CALL(url) CALL(url_cleanup) CALL(url_get) CALL(url_set)

/* clang-format on */

struct libcurl {
#define LIBCURL_MEMBER(name) __typeof__(curl_##name) *(name);
    LIBCURL_CALLS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
};

/* Written by libcurl_load alone; to be called only after it has returned 0. */
extern struct libcurl libcurl;

/* Load it, unless it is there, and make it ready; it stays until the process ends. `soname` is
 * LIBCURL_SONAME but in a test. 0, or FAULT_IO with *f (which may be NULL) that names the package
 * to install; the next call tries again. */
int libcurl_load(const char *soname, struct fault *f);

#endif
