/* The places that a certificate names: whatever the bytes are, what comes out can stand in a
 * request line and in a log line. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "certs/cert_urls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct cert_urls_list *list, bool is_read)
{
    assert(list->count <= CERT_URLS_MAX && (is_read || list->count == 0));
    for (size_t i = 0; i < list->count; i++) {
        const char *url = list->urls[i];
        size_t len = strlen(url);
        assert(len > strlen("http://") && len <= CERT_URLS_LEN_MAX);
        assert(strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0);
        for (size_t at = 0; at < len; at++) {
            assert(url[at] > ' ' && url[at] < 0x7F);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cert_urls urls;
    bool is_read = cert_urls_read(span_of(data, size), &urls);

    check(&urls.ocsp, is_read);
    check(&urls.crls, is_read);
    check(&urls.deltas, is_read);
    return 0;
}
