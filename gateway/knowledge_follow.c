/* URLs of CRLs in certificates: which of them are followed. */
#include <string.h>

#include "certs/cert_urls.h"
#include "gateway/revocation_private.h"

enum { SOURCES_FOUND_MAX = 64 };

/* The host as the fetcher would read it: a second reader of URLs would be one too many. */
bool knowledge_allows_url(const struct knowledge *k, const char *url)
{
    char host[FETCHER_HOST_MAX];
    uint16_t port = 0;
    if (k->conf == NULL || fetcher_url_host(url, host, &port, NULL) != 0) {
        return false;
    }
    for (size_t i = 0; i < k->conf->fetch_host_count; i++) {
        const struct conf_fetch_host *allowed = &k->conf->fetch_hosts[i];
        if (strcmp(allowed->host, host) == 0 && (allowed->port == 0 || allowed->port == port)) {
            return true;
        }
    }
    return false;
}

/* 1 when a source was added, else 0. */
static size_t knowledge_follow_url(struct knowledge *k, const char *url, bool has_room,
                                   int64_t now_s)
{
    struct source *s = knowledge_find_source(k, url);
    bool is_new = s == NULL && has_room && knowledge_allows_url(k, url);
    if (is_new) {
        s = knowledge_add_source(k, CRL_SOURCE_URL, url);
    }
    if (s == NULL) {
        return 0;
    }
    s->is_found = s->is_found || is_new;
    s->is_wanted = true;
    s->seen_s = now_s;
    return is_new ? 1 : 0;
}

void knowledge_follow(struct knowledge *k, struct span cert, int64_t now_s)
{
    struct cert_urls urls;
    size_t found = 0;
    if (k->conf == NULL || !k->conf->follow_cdp || k->revocation->closing ||
        !cert_urls_read(cert, &urls)) {
        return;
    }
    for (const struct source *s = k->sources; s != NULL; s = s->next) {
        found += s->is_found ? 1 : 0;
    }
    const struct cert_urls_list *lists[] = {&urls.crls, &urls.deltas};
    for (size_t at = 0; at < 2; at++) {
        for (size_t i = 0; i < lists[at]->count; i++) {
            found += knowledge_follow_url(k, lists[at]->urls[i], found < SOURCES_FOUND_MAX, now_s);
        }
    }
}
