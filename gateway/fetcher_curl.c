#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "certs/mem.h"
#include "gateway/fetcher_private.h"
#include "gateway/http_fields.h"
#include "gateway/libcurl.h"
#include "gateway/safetext.h"

enum { STATUS_OK = 200, STATUS_NOT_MODIFIED = 304, FIELD_MAX = 400 };

/* ---- the request's header lines ---- */

static bool add_field(struct curl_slist **fields, const char *name, const char *value)
{
    char line[FIELD_MAX];
    int len = snprintf(line, sizeof(line), "%s: %s", name, value);
    if (len < 0 || (size_t)len >= sizeof(line)) {
        return false;
    }
    struct curl_slist *longer = libcurl.slist_append(*fields, line);
    if (longer == NULL) {
        return false;
    }
    *fields = longer;
    return true;
}

static bool is_sendable(const char *tag)
{
    return tag != NULL && http_fields_is_plain(tag, FETCHER_TAG_MAX);
}

bool fetcher_curl_fields(const struct fetch_request *request, struct curl_slist **fields,
                         bool *is_conditional)
{
    struct curl_slist *made = NULL;
    bool is_post = request->body.len > 0;
    bool has_tag = !is_post && is_sendable(request->etag);
    bool has_date = !is_post && is_sendable(request->last_modified);
    /* A cache on the way must not hide a list that was just published. */
    bool is_made = add_field(&made, "Cache-Control", "no-cache");
    is_made = is_made && add_field(&made, "Accept",
                                   request->answer_type != NULL ? request->answer_type : "*/*");
    is_made = is_made && (!is_post || request->body_type == NULL ||
                          add_field(&made, "Content-Type", request->body_type));
    is_made = is_made && (!has_tag || add_field(&made, "If-None-Match", request->etag));
    is_made = is_made &&
              (!has_date || add_field(&made, "If-Modified-Since", request->last_modified));
    if (!is_made) {
        libcurl.slist_free_all(made);
        return false;
    }
    *fields = made;
    *is_conditional = has_tag || has_date;
    return true;
}

void fetcher_curl_free_fields(struct curl_slist *fields)
{
    if (fields != NULL) {
        libcurl.slist_free_all(fields);
    }
}

/* ---- what the answer's head says ---- */

static void set_fault(struct fetch *f, enum fault_code code, const char *why)
{
    if (f->fault.code == FAULT_NONE) {
        fault_set(&f->fault, code, FAULT_SIDE_SERVER, f->at.name, why);
    }
}

/* The value of a header line of the last answer that came once; NULL: none, or several that might
 * contradict each other. Lives until the next call. */
static const char *field_of(const struct fetch *f, const char *name)
{
    struct curl_header *header = NULL;
    if (libcurl.easy_header(f->easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK ||
        header->amount != 1) {
        return NULL;
    }
    return header->value;
}

/* Whoever would send us elsewhere is told by name; where to exactly is for no log. */
static void refuse_redirect(struct fetch *f, long status)
{
    char text[64];
    char host[FETCHER_HOST_MAX];
    const char *location = field_of(f, "Location");
    (void)snprintf(text, sizeof(text), " answered %ld, a redirect", status);
    set_fault(f, FAULT_FRAME, text);
    if (location != NULL && fetcher_url_target(f->at.url, location, host)) {
        char shown[32];
        safetext_cut(shown, sizeof(shown), host);
        fault_add(&f->fault, " to ");
        fault_add(&f->fault, shown);
    }
}

/* Is the answer of the kind that was asked for? Else *f says what it is. */
static bool check_status(struct fetch *f)
{
    long status = 0;
    (void)libcurl.easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status); /* knows this one */
    if (status == STATUS_OK || (status == STATUS_NOT_MODIFIED && f->is_conditional)) {
        return true;
    }
    if (status >= 300 && status < 400 && status != STATUS_NOT_MODIFIED) {
        refuse_redirect(f, status);
        return false;
    }
    char text[64];
    (void)snprintf(text, sizeof(text), " answered %ld", status);
    set_fault(f, FAULT_FRAME, text);
    return false;
}

/* The same for what it says of its body. */
static bool check_body_fields(struct fetch *f)
{
    const char *coding = field_of(f, "Content-Encoding");
    if (coding != NULL && strcasecmp(coding, "identity") != 0) {
        set_fault(f, FAULT_FRAME, " answered with a compressed body, which nobody asked for");
        return false;
    }
    if (f->answer_type != NULL &&
        !http_fields_is_type(field_of(f, "Content-Type"), f->answer_type)) {
        set_fault(f, FAULT_FRAME, " answered with something else than ");
        fault_add(&f->fault, f->answer_type);
        return false;
    }
    return true;
}

static bool check_head(struct fetch *f)
{
    long status = 0;
    if (!check_status(f)) {
        return false;
    }
    (void)libcurl.easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status); /* as above */
    return status == STATUS_NOT_MODIFIED || check_body_fields(f);
}

/* ---- what comes ---- */

/* All header lines together are bounded, whatever libcurl allows for each. */
/* NOLINTNEXTLINE(readability-non-const-parameter): libcurl's type of a callback */
static size_t on_head(char *data, size_t size, size_t count, void *owner)
{
    struct fetch *f = owner;
    (void)data;
    f->head_len += size * count;
    if (f->head_len > FETCHER_HEAD_MAX) {
        set_fault(f, FAULT_TOO_LONG, " answered with too many header lines");
        return 0;
    }
    return size * count;
}

/* Room for `more` bytes. Once the first piece is too small it is made as big as the answer says it
 * is, or may be, in one step: the kernel gives pages only as they are filled, while growing bit by
 * bit would copy megabytes on the loop. */
static bool make_room(struct fetch *f, size_t more)
{
    if (more <= f->body_cap - f->body_len) {
        return true;
    }
    size_t cap = f->max_bytes;
    curl_off_t announced = -1;
    if (f->body_len + more <= FETCHER_FIRST_BYTES && cap > FETCHER_FIRST_BYTES) {
        cap = FETCHER_FIRST_BYTES;
    } else if (libcurl.easy_getinfo(f->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced) ==
                   CURLE_OK &&
               announced > 0 && (uint64_t)announced < cap &&
               (size_t)announced >= f->body_len + more) {
        cap = (size_t)announced;
    }
    uint8_t *bigger = mem_grow(f->body, f->body_len, cap, 1);
    if (bigger == NULL) {
        return false;
    }
    f->body = bigger;
    f->body_cap = cap;
    return true;
}

static size_t on_body(char *data, size_t size, size_t count, void *owner)
{
    struct fetch *f = owner;
    size_t len = size * count;
    if (len == 0) {
        return 0;
    }
    if (f->body_len == 0 && !check_head(f)) {
        return 0; /* an error page is not read */
    }
    if (len > f->max_bytes - f->body_len) {
        set_fault(f, FAULT_TOO_LONG, " answered with more bytes than are allowed");
        return 0;
    }
    if (!make_room(f, len)) {
        fault_set(&f->fault, FAULT_MEMORY, FAULT_SIDE_SELF, f->at.name,
                  ": no memory for its answer");
        return 0;
    }
    struct room to = room_of(f->body, f->body_cap);
    to.len = f->body_len;
    (void)room_put(&to, span_of(data, len)); /* there is room */
    f->body_len = to.len;
    return len;
}

/* ---- a transfer ---- */

static bool set_limits(CURL *easy, const struct fetch *f)
{
    uint64_t now_ms = io_now_ms(f->fetcher->io);
    uint64_t left_ms = f->due_ms > now_ms ? f->due_ms - now_ms : 1;
    /* The deadline is fetcher.c's; libcurl shares this time out among the addresses of a name. */
    return libcurl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)left_ms) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)f->max_bytes) ==
               CURLE_OK &&
           /* An announced length over the bound is refused before a byte came; on_body counts. */
           libcurl.easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L) == CURLE_OK &&
           /* Else libcurl reads in one turn of the loop for as long as the peer is as quick as we
            * are: 50 MB held every link for over a second. */
           libcurl.easy_setopt(easy, CURLOPT_MAX_RECV_SPEED_LARGE, (curl_off_t)FETCHER_BYTES_A_S) ==
               CURLE_OK &&
           /* Without it the end of a transfer waits for a resolver thread: on the loop. */
           libcurl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

/* What is said here although it is libcurl's default guards against another default. Cookies, HSTS,
 * alt-svc, authentication and content codings are off as long as nobody asks for them. */
static bool set_manners(CURL *easy, const struct fetch *f)
{
    return libcurl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
               CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           /* "" and not NULL: else the environment is asked. */
           libcurl.easy_setopt(easy, CURLOPT_PROXY, f->fetcher->proxy) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
           libcurl.easy_setopt(easy, CURLOPT_USERAGENT, "wardgate/" WARDGATE_VERSION) == CURLE_OK;
}

static bool set_request(CURL *easy, struct fetch *f)
{
    bool is_set = libcurl.easy_setopt(easy, CURLOPT_URL, f->at.url) == CURLE_OK &&
                  libcurl.easy_setopt(easy, CURLOPT_PRIVATE, f) == CURLE_OK &&
                  libcurl.easy_setopt(easy, CURLOPT_HTTPHEADER, f->fields) == CURLE_OK &&
                  libcurl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head) == CURLE_OK &&
                  libcurl.easy_setopt(easy, CURLOPT_HEADERDATA, f) == CURLE_OK &&
                  libcurl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
                  libcurl.easy_setopt(easy, CURLOPT_WRITEDATA, f) == CURLE_OK;
    if (is_set && f->post != NULL) {
        /* Not copied: the fetch keeps it for as long. */
        is_set = libcurl.easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
                 libcurl.easy_setopt(easy, CURLOPT_POSTFIELDS, f->post) == CURLE_OK &&
                 libcurl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->post_len) ==
                     CURLE_OK;
    }
    return is_set;
}

bool fetcher_curl_begin(struct fetch *f)
{
    CURL *easy = libcurl.easy_init();
    if (easy == NULL) {
        return false;
    }
    if (!set_limits(easy, f) || !set_manners(easy, f) || !set_request(easy, f) ||
        libcurl.multi_add_handle(f->fetcher->multi, easy) != CURLM_OK) {
        libcurl.easy_cleanup(easy);
        return false;
    }
    f->easy = easy;
    return true;
}

void fetcher_curl_end(struct fetch *f)
{
    if (f->easy != NULL) {
        (void)libcurl.multi_remove_handle(f->fetcher->multi, f->easy); /* it was added */
        libcurl.easy_cleanup(f->easy);
        f->easy = NULL;
    }
}

/* ---- what came of it ---- */

struct failure {
    CURLcode curl;
    enum fault_code code;
    const char *why;
};

/* Our own words: libcurl's may quote what the peer sent. */
static const struct failure failures[] = {
    {CURLE_OPERATION_TIMEDOUT, FAULT_TIMEOUT, " did not answer in time"},
    {CURLE_COULDNT_RESOLVE_HOST, FAULT_RESOLVE, ": its name has no address"},
    {CURLE_COULDNT_RESOLVE_PROXY, FAULT_RESOLVE, ": the proxy's name has no address"},
    {CURLE_PROXY, FAULT_IO, ": the proxy refused"},
    {CURLE_GOT_NOTHING, FAULT_CLOSED, " closed without an answer"},
    {CURLE_PARTIAL_FILE, FAULT_TRUNCATED, " broke its answer off"},
    {CURLE_FILESIZE_EXCEEDED, FAULT_TOO_LONG, " answered with more bytes than are allowed"},
    {CURLE_UNSUPPORTED_PROTOCOL, FAULT_FRAME, " does not speak HTTP/1"},
    {CURLE_WEIRD_SERVER_REPLY, FAULT_FRAME, " does not speak HTTP/1 as it should"},
    {CURLE_BAD_CONTENT_ENCODING, FAULT_FRAME, " does not speak HTTP/1 as it should"},
    {CURLE_PEER_FAILED_VERIFICATION, FAULT_UNTRUSTED, ": its TLS certificate is not trusted"},
    {CURLE_SSL_CONNECT_ERROR, FAULT_TLS, ": TLS failed"},
    {CURLE_SSL_CIPHER, FAULT_TLS, ": TLS failed"},
};

/* The socket's own error tells more than "could not connect". */
static enum fault_code code_of_error(long error, enum fault_code otherwise)
{
    switch (error) {
    case ECONNREFUSED:
        return FAULT_REFUSED;
    case ECONNRESET:
    case EPIPE:
        return FAULT_RESET;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EACCES:
    case EPERM:
        return FAULT_UNREACHABLE;
    case ETIMEDOUT:
        return FAULT_TIMEOUT;
    default: /* of the system: there are many */
        return otherwise;
    }
}

static void judge_socket(struct fetch *f, CURLcode code)
{
    bool is_connect = code == CURLE_COULDNT_CONNECT;
    long error = 0;
    (void)libcurl.easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &error); /* knows this one */
    set_fault(f, code_of_error(error, is_connect ? FAULT_REFUSED : FAULT_RESET),
              is_connect ? " can not be reached" : " broke the connection off");
}

/* libcurl says "out of memory" for a header line that is longer than it keeps, too. */
static void judge_memory(struct fetch *f)
{
    curl_off_t answered_us = 0;
    (void)libcurl.easy_getinfo(f->easy, CURLINFO_STARTTRANSFER_TIME_T, &answered_us); /* as above */
    if (answered_us > 0) {
        set_fault(f, FAULT_TOO_LONG, " answered with a header line that is too long");
    } else {
        fault_set(&f->fault, FAULT_MEMORY, FAULT_SIDE_SELF, f->at.name, ": out of memory");
    }
}

static void judge_failure(struct fetch *f, CURLcode code)
{
    /* An error page may be long, too. */
    if (code == CURLE_FILESIZE_EXCEEDED && !check_status(f)) {
        return;
    }
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR) {
        judge_socket(f, code);
        return;
    }
    if (code == CURLE_OUT_OF_MEMORY) {
        judge_memory(f);
        return;
    }
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (failures[i].curl == code) {
            set_fault(f, failures[i].code, failures[i].why);
            return;
        }
    }
    char text[64];
    (void)snprintf(text, sizeof(text), " can not be fetched (libcurl %d)", (int)code);
    set_fault(f, FAULT_IO, text);
}

static void keep_tag(const struct fetch *f, const char *name, char out[FETCHER_TAG_MAX])
{
    const char *value = field_of(f, name);
    if (value != NULL && http_fields_is_plain(value, FETCHER_TAG_MAX)) {
        memcpy(out, value, strlen(value) + 1);
    }
}

void fetcher_curl_judge(struct fetch *f, int code, struct fetch_result *out)
{
    if (f->fault.code == FAULT_NONE && code != (int)CURLE_OK) {
        judge_failure(f, (CURLcode)code);
    }
    if (f->fault.code == FAULT_NONE) {
        (void)check_head(f); /* an answer without a body was not looked at yet; *f tells */
    }
    *out = (struct fetch_result){.fault = f->fault, .max_age_s = -1, .fetch = f};
    if (f->fault.code != FAULT_NONE) {
        return;
    }
    long status = 0;
    (void)libcurl.easy_getinfo(f->easy, CURLINFO_RESPONSE_CODE, &status); /* as above */
    const char *control = field_of(f, "Cache-Control");
    out->is_unchanged = status == STATUS_NOT_MODIFIED;
    out->max_age_s = control != NULL ? http_fields_max_age(control) : -1;
    keep_tag(f, "ETag", out->etag);
    keep_tag(f, "Last-Modified", out->last_modified);
    if (!out->is_unchanged) {
        out->body = span_of(f->body, f->body_len);
    }
}
