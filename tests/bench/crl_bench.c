/* What a CRL costs: crl_bench FILE.crl (DER). Prints the time to read it, the index's bytes an
 * entry and the time of a look-up, for listed serial numbers and for others. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certs/crl_inside.h"

enum { ROUNDS = 3, LOOKUPS = 1000000 };

/* Of this process: the machine may be busy with other things. */
static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct span read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long len;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(path);
        exit(1);
    }
    len = ftell(file);
    rewind(file);
    bytes = malloc((size_t)len);
    if (bytes == NULL || fread(bytes, 1, (size_t)len, file) != (size_t)len) {
        perror(path);
        exit(1);
    }
    (void)fclose(file);
    return span_of(bytes, (size_t)len);
}

/* Nanoseconds of one look-up, in random order. `change`: 0 asks for listed serial numbers, another
 * value for numbers that differ from them in these bits. */
static double time_lookups(const struct crl *c, uint8_t change, size_t *found)
{
    struct crl_entry *asked = malloc(LOOKUPS * sizeof(*asked));
    uint64_t random = 88172645463325252U;
    double start;

    if (asked == NULL) {
        exit(1);
    }
    for (unsigned i = 0; i < LOOKUPS; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        asked[i] = c->table.entries[random % c->table.count];
        asked[i].serial[1] ^= change;
    }
    *found = 0;
    start = now_s();
    for (unsigned i = 0; i < LOOKUPS; i++) {
        struct span serial = span_of(asked[i].serial, asked[i].serial_len);
        *found += crl_table_find(c, serial, c->head.issuer) != NULL;
    }
    start = now_s() - start;
    free(asked);
    return start * 1e9 / LOOKUPS;
}

int main(int argc, char **argv)
{
    struct span der = argc == 2 ? read_all(argv[1]) : span_of(NULL, 0);
    struct crl *c = NULL;
    double best = 0;
    size_t index;
    size_t hits;
    size_t misses;
    double hit_ns;
    double miss_ns;

    for (unsigned i = 0; i < ROUNDS; i++) {
        struct fault f;
        double start = now_s();
        fault_clear(&f);
        crl_release(c);
        c = crl_new(der, &f);
        if (c == NULL || c->table.count == 0) {
            (void)fprintf(stderr, "usage: crl_bench FILE.crl: %s\n", f.note);
            return 1;
        }
        best = i == 0 || now_s() - start < best ? now_s() - start : best;
    }
    index = c->table.count * sizeof(c->table.entries[0]) +
            (c->table.part_count + 1) * sizeof(c->table.firsts[0]);
    hit_ns = time_lookups(c, 0, &hits);
    miss_ns = time_lookups(c, 0x40, &misses);
    (void)printf(
        "wardgate: %zu entries in %.3f s of CPU, %.1f bytes an entry, look-up %.0f ns (listed, "
        "%zu found), %.0f ns (other, %zu found)\n",
        c->table.count, best, (double)index / (double)c->table.count, hit_ns, hits, miss_ns,
        misses);
    crl_release(c);
    return 0;
}
