#include <stdlib.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/fetcher_private.h"
#include "gateway/libcurl.h"
#include "gateway/safetext.h"

/* Never with the URL itself: what can not be read may hold a password anywhere. */
static int refuse(struct fault *f, const char *why)
{
    return fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION, why, NULL);
}

static int refuse_memory(struct fault *f)
{
    return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for a URL", NULL);
}

static int parse(CURLU *parts, const char *url, struct fault *f)
{
    switch (libcurl.url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER)) {
    case CURLUE_OK:
        return 0;
    case CURLUE_OUT_OF_MEMORY:
        return refuse_memory(f);
    case CURLUE_USER_NOT_ALLOWED:
        return refuse(f, "a URL must not carry a user name or password");
    case CURLUE_UNSUPPORTED_SCHEME:
    case CURLUE_BAD_SCHEME:
        return refuse(f, "a URL must begin with http:// or https://");
    default: /* the codes of a library: more may come */
        return refuse(f, "this is not a URL");
    }
}

/* file:, ftp: and their like are well known to libcurl. */
static int check_scheme(CURLU *parts, struct fault *f)
{
    char *scheme = NULL;
    if (libcurl.url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) {
        return refuse_memory(f);
    }
    bool is_web = strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
    libcurl.free(scheme);
    return is_web ? 0 : refuse(f, "a URL must begin with http:// or https://");
}

static void lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

static int read_host(CURLU *parts, char out[FETCHER_HOST_MAX], struct fault *f)
{
    char *host = NULL;
    if (libcurl.url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        return refuse(f, "a URL needs a host");
    }
    struct span name = span_of_text(host);
    uint8_t first = 0;
    if (span_at(name, 0, &first) && first == '[') {
        name = span_first(span_after(name, 1), name.len - 2); /* [::1] */
    }
    int rc = 0;
    if (name.len == 0 || name.len >= FETCHER_HOST_MAX) {
        rc = refuse(f, "the host of a URL is empty or too long");
    } else {
        memcpy(out, name.data, name.len);
        out[name.len] = '\0';
        lower(out);
    }
    libcurl.free(host);
    return rc;
}

static int read_parts(CURLU *parts, struct fetcher_url *out, struct fault *f)
{
    char *port = NULL;
    char *whole = NULL;
    if (libcurl.url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        libcurl.url_get(parts, CURLUPART_URL, &whole, 0) != CURLUE_OK) {
        libcurl.free(port);
        return refuse_memory(f);
    }
    out->port = (uint16_t)strtoul(port, NULL, 10); /* libcurl has seen that it is one */
    out->url = mem_text(whole);
    safetext_cut(out->name, sizeof(out->name), whole);
    libcurl.free(port);
    libcurl.free(whole);
    return out->url != NULL ? 0 : refuse_memory(f);
}

int fetcher_url_read(const char *url, struct fetcher_url *out, struct fault *f)
{
    struct fetcher_url made = {.url = NULL};
    int rc = libcurl_load(LIBCURL_SONAME, f);
    if (rc != 0) {
        return rc;
    }
    CURLU *parts = libcurl.url();
    if (parts == NULL) {
        return refuse_memory(f);
    }
    rc = parse(parts, url, f);
    rc = rc != 0 ? rc : check_scheme(parts, f);
    rc = rc != 0 ? rc : read_host(parts, made.host, f);
    rc = rc != 0 ? rc : read_parts(parts, &made, f);
    if (rc == 0) {
        *out = made;
    }
    libcurl.url_cleanup(parts);
    return rc;
}

int fetcher_url_host(const char *url, char host[FETCHER_HOST_MAX], uint16_t *port, struct fault *f)
{
    struct fetcher_url at = {.url = NULL};
    int rc = fetcher_url_read(url, &at, f);
    if (rc == 0) {
        memcpy(host, at.host, sizeof(at.host));
        *port = at.port;
        mem_free(at.url);
    }
    return rc;
}

bool fetcher_url_target(const char *base, const char *location, char host[FETCHER_HOST_MAX])
{
    if (libcurl_load(LIBCURL_SONAME, NULL) != 0) {
        return false;
    }
    CURLU *parts = libcurl.url();
    bool is_read = parts != NULL && parse(parts, base, NULL) == 0 &&
                   parse(parts, location, NULL) == 0 && check_scheme(parts, NULL) == 0 &&
                   read_host(parts, host, NULL) == 0;
    libcurl.url_cleanup(parts);
    return is_read;
}
