/*
 * Certificates of our own files: what holds for each, and how a refusal is told.
 *
 * Floor 1, pure. The files of an identity, of a trust's anchors and intermediates, and of CRL
 * signers have rules of their own, too; those stand where these files are read.
 */
#ifndef WARDGATE_CERT_FILE_H
#define WARDGATE_CERT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "certs/cert.h"
#include "protocols/fault.h"

/* "PATH: WHY", side certificate. Returns the code. */
int cert_file_refuse(struct fault *f, enum fault_code code, const char *path, const char *why);

/* "PATH: SUBJECT WHY": why begins with a blank. Returns FAULT_BAD_CERT. */
int cert_file_refuse_view(struct fault *f, const char *path, const struct cert_view *view,
                          const char *why);

/* Its time and its strength. */
struct cert_file_rules {
    const char *path;
    int64_t now_s;   /* Unix time */
    unsigned allows; /* SIGNATURE_ALLOWS_ bits (certs/signature.h) */
    bool is_anchor;  /* trusted for being there: nobody relies on the hash that it signed itself */
};

/* 0; FAULT_EXPIRED; FAULT_NOT_YET; or FAULT_BAD_CERT for a weak key, or a weak hash under it. */
int cert_file_check(const struct cert_file_rules *rules, const struct cert_view *view,
                    struct fault *f);

#endif
