#include "certs/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the one allocation that a test wants to fail; 0 = none. The only state here. */
static uint32_t countdown;

/* Is it this allocation's turn to fail? */
static bool is_chosen(void)
{
    if (countdown == 0) {
        return false;
    }
    countdown--;
    return countdown == 0;
}

void *mem_new(size_t count, size_t size)
{
    /* calloc(0) may return a pointer that nobody may touch: callers never mean that. */
    if (count == 0 || size == 0 || count > SIZE_MAX / size || is_chosen()) {
        return NULL;
    }
    return calloc(count, size);
}

void *mem_grow(void *old, size_t old_count, size_t count, size_t size)
{
    void *bigger;

    if (old_count > count) {
        return NULL;
    }
    bigger = mem_new(count, size);
    if (bigger == NULL) {
        return NULL;
    }
    if (old != NULL && old_count > 0) {
        memcpy(bigger, old, old_count * size);
    }
    mem_free(old);
    return bigger;
}

char *mem_text(const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = mem_new(len, 1);

    if (copy != NULL) {
        memcpy(copy, text, len);
    }
    return copy;
}

void mem_free(void *p)
{
    free(p);
}

void mem_wipe_free(void *p, size_t len)
{
    if (p != NULL) {
        /* Not memset: the compiler may drop a memset before free. */
        explicit_bzero(p, len);
        free(p);
    }
}

void *mem_library_new(size_t size)
{
    if (is_chosen()) {
        return NULL;
    }
    return malloc(size);
}

void *mem_library_resize(void *old, size_t size)
{
    if (is_chosen()) {
        return NULL;
    }
    return realloc(old, size);
}

void mem_library_free(void *p)
{
    free(p);
}

uint32_t mem_fail_nth(uint32_t nth)
{
    uint32_t left = countdown;

    countdown = nth;
    return left;
}
