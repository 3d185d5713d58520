/*
 * Linked into the sanitized unit tests: has the kernel map all of .bss before the leak checker
 * reads it.
 *
 * At the end of each test, each a process of its own, the leak checker looks through every static
 * byte. What no test wrote is not there yet, and page for page that is an exception of the
 * processor: thousands in each test, which took a quarter of its time. Asked for at once they cost
 * next to nothing. A kernel that cannot (before 5.14) leaves it as it was.
 */
#include <stdint.h>
#include <sys/mman.h>

enum { PAGE = 65536 }; /* the biggest that processors have: a multiple of all the others */

/* Set by the linker. */
extern char __bss_start[];
extern char _end[];

/* Runs before the leak checker does: that is called at exit, by what was there first. */
__attribute__((destructor)) static void map_bss(void)
{
    uintptr_t begin = ((uintptr_t)__bss_start + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = (uintptr_t)_end / PAGE * PAGE;

    (void)madvise((void *)begin, end - begin, MADV_POPULATE_READ);
}
