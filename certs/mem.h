/*
 * The one door to the heap, so that tests can make the Nth allocation fail.
 *
 * Floor 1 (protocols/ does not allocate). Memory belongs to who asked for it.
 */
#ifndef WARDGATE_MEM_H
#define WARDGATE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* `count` items of `size` bytes, zeroed. NULL when there is no memory, when the product overflows
 * or when either is 0. */
void *mem_new(size_t count, size_t size);

/* Make an array grow: like mem_new(count, size) with the first `old_count` items kept. The old
 * memory is freed on success; on NULL it is untouched. */
void *mem_grow(void *old, size_t old_count, size_t count, size_t size);

/* A copy of a NUL-terminated string; NULL when there is no memory. */
char *mem_text(const char *text);

/* Give back; NULL is fine. */
void mem_free(void *p);

/* Wipe `len` bytes, then give back; NULL is fine. For keys and plain text. */
void mem_wipe_free(void *p, size_t len);

/* As malloc, realloc and free, but through the same door: for a C library that wants an allocator
 * (wolfSSL; see tls_init), and for a text of megabytes that grows. Else our own code uses the
 * functions above. */
void *mem_library_new(size_t size);
void *mem_library_resize(void *old, size_t size);
void mem_library_free(void *p);

/* Tests only: the `nth` allocation from now (1 = the next) and it alone fails. 0 = never.
 * Returns what was left of the countdown before: 0 when it had come to its end, or there was none.
 */
uint32_t mem_fail_nth(uint32_t nth);

#endif
