/*
 * Does this processor have the instructions that the TLS library was built to use unasked?
 *
 * Floor 1. No state. On x86-64 the library asks by itself (cpuid), and nothing is needed. On arm64
 * 5.7.2 decides when it is compiled (certs/build-wolfssl.sh): without this question, a program from
 * a better machine would run until its first handshake and then die of SIGILL.
 */
#ifndef WARDGATE_PROCESSOR_H
#define WARDGATE_PROCESSOR_H

#include "protocols/fault.h"

/* Bits of AT_HWCAP on arm64: the kernel's promise to programs, so they never change. */
enum {
    PROCESSOR_AES = 1 << 3,
    PROCESSOR_PMULL = 1 << 4, /* GHASH, the other half of AES-GCM; a processor may have only AES */
    PROCESSOR_SHA2 = 1 << 6,
};

/* What this build uses unasked: bits of the above, 0 for nothing. */
unsigned long processor_needs(void);

/* 0 when `has` (as getauxval(AT_HWCAP) tells it) holds all bits of `needs`. Else FAULT_INTERNAL of
 * FAULT_SIDE_SELF with a note that says what to build instead. */
int processor_check(unsigned long needs, unsigned long has, struct fault *f);

#endif
