/*
 * Memory for the big buffers of tests: zeroed, and only what is touched is really there.
 *
 * Such a buffer must not be static. At the end of each test, each a process of its own, the leak
 * checker looks through every static byte of the binary: with 150 MB of buffers that took most of
 * the time under AddressSanitizer. It does not look here, so no pointer to the heap belongs here.
 */
#ifndef WARDGATE_TESTS_PAGES_H
#define WARDGATE_TESTS_PAGES_H

#include <stddef.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

/* len bytes, for as long as the test runs. Fails the test when there are none. */
static inline void *pages_take(size_t len)
{
    void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(pages != MAP_FAILED);
    return pages;
}

#endif
