#include "protocols/fault.h"

#include <stdbool.h>
#include <string.h>

enum { SIDES = FAULT_SIDE_SELF + 1, CODES = 1 - FAULT_LAST };

/* The word is for machines and never changes; the sentences are for a technician beside the device.
 * by[FAULT_SIDE_NONE] serves every side that has no sentence of its own. */
struct fault_row {
    const char *word;
    const char *by[SIDES];
};

#define NONE          [FAULT_SIDE_NONE]
#define DEVICE        [FAULT_SIDE_DEVICE]
#define SERVER        [FAULT_SIDE_SERVER]
#define CERTIFICATE   [FAULT_SIDE_CERTIFICATE]
#define CONFIGURATION [FAULT_SIDE_CONFIGURATION]
#define SELF          [FAULT_SIDE_SELF]

static const struct fault_row rows[CODES] = {
    [-FAULT_NONE] = {"none", {NONE = "no fault"}},
    [-FAULT_OPEN] = {"cannot-open",
                     {NONE = "port or file cannot be opened",
                      DEVICE = "device port cannot be opened",
                      SERVER = "address for the server cannot be opened",
                      CERTIFICATE = "certificate file cannot be opened",
                      CONFIGURATION = "configuration file cannot be opened",
                      SELF = "gateway cannot open its own port or file"}},
    [-FAULT_BUSY] = {"busy",
                     {NONE = "port is in use by another program",
                      DEVICE = "device port is in use by another program",
                      SERVER = "address for the server is in use by another program",
                      SELF = "gateway's own address is in use by another program"}},
    [-FAULT_GONE] = {"gone",
                     {NONE = "unplugged", DEVICE = "device unplugged",
                      SERVER = "connection to the server is gone"}},
    [-FAULT_CLOSED] = {"closed",
                       {NONE = "connection closed", DEVICE = "device closed the connection",
                        SERVER = "server closed the connection",
                        SELF = "gateway closed the connection"}},
    [-FAULT_RESET] = {"reset",
                      {NONE = "connection was reset", DEVICE = "device reset the connection",
                       SERVER = "server reset the connection"}},
    [-FAULT_TRUNCATED] = {"truncated",
                          {NONE = "connection broke off in the middle",
                           DEVICE = "device broke the connection off",
                           SERVER = "server broke the connection off without a farewell"}},
    [-FAULT_REFUSED] = {"connection-refused",
                        {NONE = "nobody listens at that address",
                         DEVICE = "device does not listen at its address",
                         SERVER = "server does not listen at its address"}},
    [-FAULT_UNREACHABLE] = {"unreachable",
                            {NONE = "no way to that address",
                             DEVICE = "no way to the device through the network",
                             SERVER = "no way to the server through the network"}},
    [-FAULT_RESOLVE] = {"unresolved",
                        {NONE = "name has no address", DEVICE = "name of the device has no address",
                         SERVER = "name of the server has no address"}},
    [-FAULT_TIMEOUT] = {"timeout",
                        {NONE = "no answer in time", DEVICE = "device did not answer in time",
                         SERVER = "server did not answer in time",
                         SELF = "gateway did not finish in time"}},
    [-FAULT_SOURCE] = {"source-not-allowed",
                       {NONE = "connection from an address that is not allowed",
                        DEVICE = "device connected from an address that is not allowed",
                        SERVER = "server connected from an address that is not allowed"}},
    [-FAULT_FRAME] = {"bad-frame",
                      {NONE = "bytes that break the protocol",
                       DEVICE = "device sent bytes that break the protocol",
                       SERVER = "server sent bytes that break the protocol"}},
    [-FAULT_TOO_LONG] = {"too-long",
                         {NONE = "message longer than max_frame",
                          DEVICE = "device sent a message longer than max_frame",
                          SERVER = "server sent a message longer than max_frame"}},
    [-FAULT_IO] = {"io-error",
                   {NONE = "reading or writing failed",
                    DEVICE = "reading from or writing to the device failed",
                    SERVER = "reading from or writing to the server failed",
                    CERTIFICATE = "certificate file cannot be read",
                    CONFIGURATION = "configuration file cannot be read",
                    SELF = "gateway cannot read or write its own files"}},
    [-FAULT_TLS] = {"tls-error",
                    {NONE = "TLS failed: protocol broken or nothing in common",
                     SERVER = "TLS with the server failed: protocol broken or nothing in common",
                     SELF = "gateway's TLS failed"}},
    [-FAULT_TLS_VERSION] = {"tls-version",
                            {NONE = "no common TLS version",
                             SERVER = "server speaks no TLS version that is allowed here"}},
    [-FAULT_NO_CERT] = {"no-certificate",
                        {NONE = "no certificate was shown", SERVER = "server showed no certificate",
                         CERTIFICATE = "peer showed no certificate",
                         CONFIGURATION = "no certificate is configured"}},
    [-FAULT_UNTRUSTED] = {"untrusted",
                          {NONE = "certificate comes from nobody who is trusted here",
                           SERVER = "server's certificate comes from nobody who is trusted here"}},
    [-FAULT_EXPIRED] = {"expired",
                        {NONE = "certificate has expired",
                         SERVER = "server's certificate has expired",
                         CONFIGURATION = "configured certificate has expired",
                         SELF = "gateway's own certificate has expired"}},
    [-FAULT_NOT_YET] = {"not-yet-valid",
                        {NONE = "certificate is not valid yet; is the clock right?",
                         SERVER = "server's certificate is not valid yet; is the clock right?",
                         CONFIGURATION =
                             "configured certificate is not valid yet; is the clock right?",
                         SELF = "gateway's own certificate is not valid yet; is the clock right?"}},
    [-FAULT_NAME] = {"wrong-name",
                     {NONE = "certificate does not carry a name that is allowed",
                      SERVER = "server's certificate does not carry a name that is allowed"}},
    [-FAULT_USAGE] = {"wrong-usage",
                      {NONE = "certificate was not issued for this use",
                       SERVER = "server's certificate was not issued for this use",
                       CONFIGURATION = "configured certificate was not issued for this use",
                       SELF = "gateway's own certificate was not issued for this use"}},
    [-FAULT_BAD_CERT] = {"bad-certificate",
                         {NONE = "certificate or its chain is wrong",
                          SERVER = "server's certificate or its chain is wrong",
                          CONFIGURATION = "configured certificate or its chain is wrong",
                          SELF = "gateway's own certificate or its chain is wrong"}},
    [-FAULT_OWN_REFUSED] = {"own-certificate-refused",
                            {NONE = "our certificate was refused",
                             SERVER = "server refused our certificate",
                             CERTIFICATE = "our certificate was refused by the server"}},
    [-FAULT_NO_DEVICE] = {"no-such-device",
                          {NONE = "asked for a device that is not here",
                           SERVER = "server asked for a device that is not here"}},
    [-FAULT_REVOKED] = {"revoked",
                        {NONE = "certificate is revoked",
                         SERVER = "server's certificate is revoked",
                         SELF = "gateway's own certificate is revoked"}},
    [-FAULT_KEY] = {"key-unusable",
                    {NONE = "private key cannot be used",
                     CERTIFICATE = "private key cannot be used, or does not fit the certificate",
                     CONFIGURATION = "configured private key cannot be used",
                     SELF = "gateway cannot use its private key"}},
    [-FAULT_CONFIG] = {"configuration-wrong",
                       {NONE = "configuration is wrong",
                        DEVICE = "device's settings do not fit its port"}},
    [-FAULT_REPLACED] = {"replaced",
                         {NONE = "a newer connection took over",
                          DEVICE = "device connected anew, the newer connection took over",
                          SERVER = "server connected anew, the newer connection took over"}},
    [-FAULT_IDLE] = {"idle",
                     {NONE = "nothing was sent for too long", DEVICE = "device silent for too long",
                      SERVER = "server silent for too long"}},
    [-FAULT_STOPPED] = {"stopped",
                        {NONE = "stopped on request",
                         CONFIGURATION = "stopped because the configuration changed",
                         SELF = "gateway was told to stop"}},
    [-FAULT_MEMORY] = {"out-of-memory", {NONE = "gateway is out of memory"}},
    [-FAULT_INTERNAL] = {"internal-error", {NONE = "internal error of the gateway"}},
    [-FAULT_LIMIT] = {"too-many",
                      {NONE = "more connections than allowed",
                       DEVICE = "device opened more connections than allowed",
                       SERVER = "server opened more connections than allowed"}},
    [-FAULT_NO_VERDICT] = {"no-verdict",
                           {NONE = "nobody can tell whether the certificate is revoked"}},
    [-FAULT_BLOCKED] = {"blocked",
                        {NONE = "blocked here by an operator",
                         CERTIFICATE = "certificate is blocked here by an operator",
                         SELF = "device is blocked here by an operator"}},
    [-FAULT_STRANGER] = {"stranger",
                         {NONE = "another device than the expected one",
                          DEVICE = "another device is on the port"}},
    [-FAULT_NO_IDENTITY] = {"unidentified",
                            {NONE = "device has not said who it is",
                             DEVICE = "device has not said who it is"}},
};

static const char *const side_words[SIDES] = {
    NONE = "none",
    DEVICE = "device",
    SERVER = "server",
    CERTIFICATE = "certificate",
    CONFIGURATION = "configuration",
    SELF = "self",
};

/* NULL for what is no code: a fault may come from memory that somebody forgot to fill. */
static const struct fault_row *find_row(enum fault_code code)
{
    if (code > FAULT_NONE || code < FAULT_LAST) {
        return NULL;
    }
    return &rows[-(int)code];
}

static bool is_side(enum fault_side side)
{
    return (unsigned)side < SIDES;
}

/* Appends as much of the text as fits behind `used` characters; returns how many are used then. */
static size_t put_text(char note[FAULT_NOTE_MAX], size_t used, const char *text)
{
    size_t left = FAULT_NOTE_MAX - 1 - used;
    size_t len = text == NULL ? 0 : strnlen(text, left);
    if (len > 0) {
        memcpy(note + used, text, len);
    }
    note[used + len] = '\0';
    return used + len;
}

int fault_set(struct fault *f, enum fault_code code, enum fault_side side, const char *a,
              const char *b)
{
    if (f != NULL) {
        /* A caller that wraps a fault passes its old note in a or b: made aside, then moved. */
        struct fault made = {.code = code, .side = side};
        size_t used = put_text(made.note, 0, a);
        (void)put_text(made.note, used, b); /* how long it became is of no use here */
        *f = made;
    }
    return code;
}

void fault_add(struct fault *f, const char *text)
{
    if (f != NULL) {
        (void)put_text(f->note, strnlen(f->note, FAULT_NOTE_MAX - 1), text); /* as above */
    }
}

void fault_clear(struct fault *f)
{
    *f = (struct fault){.code = FAULT_NONE, .side = FAULT_SIDE_NONE};
}

const char *fault_code_name(enum fault_code code)
{
    const struct fault_row *row = find_row(code);
    return row == NULL ? "unknown" : row->word;
}

const char *fault_side_name(enum fault_side side)
{
    return is_side(side) ? side_words[side] : "unknown";
}

const char *fault_text(const struct fault *f)
{
    const struct fault_row *row = find_row(f->code);
    if (row == NULL) {
        return "unknown fault";
    }
    const char *text = is_side(f->side) ? row->by[f->side] : NULL;
    return text == NULL ? row->by[FAULT_SIDE_NONE] : text;
}
