/*
 * Cuts the power while the state folder is written, again and again.
 *
 *   power_cut FOLDER ROUNDS
 *
 * Each round a child opens the store of the folder (gateway/store.h), tells what it reads, writes a
 * newer generation of two files and tells when each is said to be on the disk. It is killed
 * (SIGKILL) at its n-th step, n running through all of them: before, after and in the middle of
 * each call that changes the folder. As a kill leaves the kernel's cache alone, what was not synced
 * is spoiled first, as a power cut may do: a file that was not synced is cut at some length, a
 * rename or a new folder that was not synced is undone or not. The next child must read what the
 * last one was told to be on the disk, or something newer; never anything older or damaged.
 *
 * Then, for each step, that call fails instead (disk full): the store must say so once, leave
 * the old content or the new one, and no temporary file.
 *
 * Linked with --wrap for the calls below. Prints one line; exit 0 when all of it held.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/store.h"

enum { NAMES = 2, ROUNDS_PER_FOLDER = 100, CONTENT_MAX = 10000, NAME_ROOM = 64 };

/* What a child tells the parent. */
enum word { WORD_READ, WORD_STARTED, WORD_DONE, WORD_FAILED, WORD_DAMAGED, WORD_STEPS };

struct message {
    enum word word;
    unsigned name;
    uint32_t number; /* generation, or how many steps there were */
};

/* ---- the disk, in the child ---- */

enum mode { MODE_CUT, MODE_FAIL };

/* All was said to be on the disk. */
enum { CUT_AT_END = 1000000 };

static enum mode mode;
static unsigned step, cut_at; /* cut_at 0: never */
static int unsynced_fd = -1;  /* our own hold of the file that was not synced */
static int moved_in = -1;     /* the folder of a rename that was not synced */
static char moved_from[NAME_ROOM], moved_to[NAME_ROOM];
static int made_in = -1; /* the folder of a new folder that was not synced */
static char made[NAME_ROOM];
static bool had_old;
static size_t second_half; /* of a write that was only done in part */

static const char kept_name[] = ".kept"; /* no store looks at it */

int __real_openat(int folder, const char *path, int flags, ...);
int __real_fsync(int fd);
int __real_renameat(int from, const char *old_name, int to, const char *new_name);
int __real_unlinkat(int folder, const char *path, int flags);
int __real_mkdirat(int folder, const char *path, mode_t bits);
ssize_t __real_write(int fd, const void *data, size_t len);
int __wrap_openat(int folder, const char *path, int flags, ...);
int __wrap_fsync(int fd);
int __wrap_renameat(int from, const char *old_name, int to, const char *new_name);
int __wrap_unlinkat(int folder, const char *path, int flags);
int __wrap_mkdirat(int folder, const char *path, mode_t bits);
ssize_t __wrap_write(int fd, const void *data, size_t len);

static void spoil(void)
{
    struct stat st;
    if (unsynced_fd >= 0 && fstat(unsynced_fd, &st) == 0 && st.st_size > 0) {
        (void)ftruncate(unsynced_fd, rand() % st.st_size);
    }
    if (moved_in >= 0 && rand() % 2 == 0) {
        (void)__real_renameat(moved_in, moved_to, moved_in, moved_from);
        if (had_old) {
            (void)__real_renameat(moved_in, kept_name, moved_in, moved_to);
        }
    }
    if (made_in >= 0 && rand() % 2 == 0) {
        char lost[NAME_ROOM];
        (void)snprintf(lost, sizeof(lost), ".lost-%d", (int)getpid());
        (void)__real_renameat(made_in, made, made_in, lost);
    }
}

static void cut(void)
{
    spoil();
    for (;;) {
        (void)kill(getpid(), SIGKILL);
    }
}

/* One moment at which the power may go. True: the call that follows has to fail. */
static bool is_cut(void)
{
    step++;
    if (step != cut_at) {
        return false;
    }
    if (mode == MODE_CUT) {
        cut();
    }
    errno = ENOSPC;
    return true;
}

int __wrap_openat(int folder, const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t bits = (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    if ((flags & O_CREAT) == 0 || path[0] == '.') {
        return __real_openat(folder, path, flags, bits); /* changes nothing that matters */
    }
    if (is_cut()) {
        return -1;
    }
    int fd = __real_openat(folder, path, flags, bits);
    unsynced_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return fd;
}

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
    if (unsynced_fd < 0) {
        return __real_write(fd, data, len); /* a pipe's */
    }
    if (is_cut()) {
        return -1;
    }
    size_t half = len == second_half ? 0 : len / 2;
    if (half == 0 || __real_write(fd, data, half) != (ssize_t)half) {
        second_half = 0;
        return __real_write(fd, data, len);
    }
    second_half = len - half; /* comes with the next call */
    return is_cut() ? -1 : (ssize_t)half;
}

static bool is_same(int a, int b)
{
    struct stat first;
    struct stat second;
    return a >= 0 && fstat(a, &first) == 0 && fstat(b, &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

int __wrap_fsync(int fd)
{
    if (is_cut()) {
        return -1;
    }
    int status = __real_fsync(fd);
    if (is_same(unsynced_fd, fd)) {
        (void)close(unsynced_fd);
        unsynced_fd = -1;
    }
    if (is_same(moved_in, fd)) {
        (void)__real_unlinkat(moved_in, kept_name, 0);
        moved_in = -1;
    }
    if (is_same(made_in, fd)) {
        made_in = -1;
    }
    (void)is_cut(); /* a call that has happened cannot fail any more */
    return status;
}

int __wrap_renameat(int from, const char *old_name, int to, const char *new_name)
{
    if (is_cut()) {
        return -1;
    }
    (void)__real_unlinkat(to, kept_name, 0);
    had_old = linkat(to, new_name, to, kept_name, 0) == 0;
    int status = __real_renameat(from, old_name, to, new_name);
    (void)snprintf(moved_from, sizeof(moved_from), "%s", old_name);
    (void)snprintf(moved_to, sizeof(moved_to), "%s", new_name);
    moved_in = fcntl(to, F_DUPFD_CLOEXEC, 0);
    (void)is_cut();
    return status;
}

int __wrap_unlinkat(int folder, const char *path, int flags)
{
    if (is_cut()) {
        return -1;
    }
    return __real_unlinkat(folder, path, flags);
}

int __wrap_mkdirat(int folder, const char *path, mode_t bits)
{
    if (is_cut()) {
        return -1;
    }
    int status = __real_mkdirat(folder, path, bits);
    if (status == 0) {
        (void)snprintf(made, sizeof(made), "%s", path);
        made_in = fcntl(folder, F_DUPFD_CLOEXEC, 0);
        (void)is_cut();
    }
    return status;
}

/* ---- one run of the store, in the child ---- */

struct run {
    int fd; /* to the parent */
    struct io io;
    struct store *store;
    char names[NAMES][STORE_NAME_MAX];
    uint32_t generation[NAMES];
    unsigned failed, done;
    unsigned next; /* the name to write */
};

static struct run run;
static uint8_t content[CONTENT_MAX];

static void tell(enum word word, unsigned name, uint32_t number)
{
    const struct message m = {.word = word, .name = name, .number = number};
    if (__real_write(run.fd, &m, sizeof(m)) != (ssize_t)sizeof(m)) {
        _exit(3);
    }
}

/* Every generation has another length, and each byte tells which it belongs to. */
static struct span make_content(uint32_t generation)
{
    size_t len = sizeof(generation) + generation * 7919U % (CONTENT_MAX - sizeof(generation));
    memset(content, (int)(generation & 0xffU), len);
    memcpy(content, &generation, sizeof(generation));
    return span_of(content, len);
}

static void on_file(void *owner, const char *name, struct span bytes)
{
    (void)owner;
    for (unsigned i = 0; i < NAMES; i++) {
        uint32_t generation = 0;
        if (strcmp(name, run.names[i]) != 0) {
            continue;
        }
        if (bytes.len < sizeof(generation)) {
            tell(WORD_DAMAGED, i, 0);
            return;
        }
        memcpy(&generation, bytes.data, sizeof(generation));
        run.generation[i] = generation;
        tell(span_equal(bytes, make_content(generation)) ? WORD_READ : WORD_DAMAGED, i, generation);
    }
}

static void on_damaged(void *owner, const char *name, const char *why)
{
    (void)owner;
    (void)fprintf(stderr, "damaged: %s: %s\n", name, why);
    tell(WORD_DAMAGED, 0, 0);
}

static void on_closed(void *owner)
{
    (void)owner;
}

static void put_next(void);

static void on_done(void *owner, const struct fault *f)
{
    (void)owner;
    if (f != NULL) {
        run.failed++;
        tell(WORD_FAILED, run.next, run.generation[run.next]);
    } else {
        tell(WORD_DONE, run.next, run.generation[run.next]);
    }
    run.done++;
    run.next++;
    put_next();
}

static void put_next(void)
{
    if (run.next == NAMES) {
        store_close(run.store, on_closed, NULL);
        return;
    }
    run.generation[run.next]++;
    tell(WORD_STARTED, run.next, run.generation[run.next]);
    if (!store_put(run.store, run.names[run.next], make_content(run.generation[run.next]), on_done,
                   NULL)) {
        _exit(4);
    }
}

static void name_files(char names[NAMES][STORE_NAME_MAX], unsigned round)
{
    (void)snprintf(names[0], STORE_NAME_MAX, "marks");
    (void)snprintf(names[1], STORE_NAME_MAX, "f%u/mark", round / ROUNDS_PER_FOLDER);
}

static void child(const char *folder, unsigned round, int fd)
{
    struct fault f;
    run.fd = fd;
    srand(round);
    name_files(run.names, round);
    if (io_init(&run.io, &f) != 0) {
        _exit(5);
    }
    run.store = store_open(&run.io, folder, &f);
    if (run.store == NULL) {
        (void)fprintf(stderr, "%s\n", f.note);
        _exit(6);
    }
    for (unsigned i = 0; i < NAMES; i++) {
        store_load(run.store, run.names[i], on_file, on_damaged, NULL);
    }
    put_next();
    (void)uv_run(&run.io.loop, UV_RUN_DEFAULT);
    if (cut_at == CUT_AT_END) {
        cut();
    }
    store_free(run.store);
    tell(WORD_STEPS, 0, step);
    _exit(io_deinit(&run.io) == 0 && run.done == NAMES ? 0 : 7);
}

/* ---- the parent, who remembers what has to be there ---- */

struct memory {
    uint32_t least[NAMES]; /* said to be on the disk */
    uint32_t most[NAMES];  /* began to be written */
    unsigned killed, failed, done;
    unsigned steps; /* of the last run that came to its end */
    bool is_wrong;
    bool was_read[NAMES];
};

static void expect(struct memory *m, bool holds, const char *what, const struct message *told)
{
    if (!holds) {
        m->is_wrong = true;
        (void)fprintf(stderr, "%s: name %u, generation %u; on the disk at least %u, at most %u\n",
                      what, told->name, told->number, m->least[told->name], m->most[told->name]);
    }
}

static void hear(struct memory *m, const struct message *told)
{
    unsigned i = told->name;
    switch (told->word) {
    case WORD_READ:
        expect(m, told->number >= m->least[i], "older than what was said to be on the disk", told);
        expect(m, told->number <= m->most[i], "never written", told);
        m->was_read[i] = true;
        m->least[i] = told->number; /* what was read once must not go back either */
        break;
    case WORD_STARTED:
        /* The child reads before it writes: what it did not read has to be new. */
        expect(m, m->was_read[i] || m->least[i] == 0, "gone", told);
        m->most[i] = told->number;
        break;
    case WORD_DONE:
        m->least[i] = told->number;
        m->done++;
        break;
    case WORD_FAILED:
        m->failed++;
        break;
    case WORD_DAMAGED:
        expect(m, false, "damaged", told);
        break;
    case WORD_STEPS:
        m->steps = told->number;
        break;
    }
}

/* Is there a temporary file? After a kill there may be, after a failure not. */
static bool has_leftover(const char *folder, unsigned round)
{
    char names[NAMES][STORE_NAME_MAX];
    bool found = false;
    name_files(names, round);
    for (unsigned i = 0; i < NAMES; i++) {
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/%s.tmp", folder, names[i]);
        found = found || access(path, F_OK) == 0;
    }
    return found;
}

static void play(struct memory *m, const char *folder, unsigned round)
{
    int fds[2];
    struct message told;
    int status = 0;
    memset(m->was_read, 0, sizeof(m->was_read));
    if (round % ROUNDS_PER_FOLDER == 0) {
        m->least[1] = 0; /* another name */
        m->most[1] = 0;
    }
    if (pipe(fds) != 0) {
        exit(2);
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(fds[0]);
        child(folder, round, fds[1]);
    }
    (void)close(fds[1]);
    while (read(fds[0], &told, sizeof(told)) == (ssize_t)sizeof(told)) {
        hear(m, &told);
    }
    (void)close(fds[0]);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        exit(2);
    }
    bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    m->killed += was_killed ? 1 : 0;
    if (!was_killed && (!WIFEXITED(status) || WEXITSTATUS(status) != 0)) {
        (void)fprintf(stderr, "round %u: the child ended with status %d\n", round, status);
        m->is_wrong = true;
    }
}

/* Each call in turn fails. */
static void play_failures(struct memory *m, const char *folder, unsigned *round, unsigned steps)
{
    mode = MODE_FAIL;
    for (unsigned at = 1; at <= steps && !m->is_wrong; at++) {
        unsigned heard = m->failed + m->done;
        cut_at = at;
        play(m, folder, (*round)++);
        if (m->failed + m->done != heard + NAMES || has_leftover(folder, *round - 1)) {
            (void)fprintf(stderr, "step %u failed: not told once, or a temporary file is left\n",
                          at);
            m->is_wrong = true;
        }
    }
    mode = MODE_CUT;
}

int main(int argc, char **argv)
{
    struct memory m = {.killed = 0};
    unsigned round = 0;
    if (argc != 3) {
        return 64;
    }
    unsigned rounds = (unsigned)strtoul(argv[2], NULL, 10);
    (void)setenv("UV_THREADPOOL_SIZE", "1", 1); /* threads are most of what a round costs */
    play(&m, argv[1], round++);                 /* nothing happens: how many steps are there? */
    unsigned steps = m.steps;
    while (m.killed < rounds && round < 2 * rounds && !m.is_wrong) {
        /* Past the end now and then: a leftover or a new folder takes more steps. What makes a new
         * folder comes to its end first. */
        bool is_new = round % ROUNDS_PER_FOLDER == 0;
        cut_at = is_new ? CUT_AT_END : round % (steps + 4) + 1;
        play(&m, argv[1], round++);
    }
    cut_at = 0;
    play(&m, argv[1], round++);
    unsigned killed = m.killed;
    play_failures(&m, argv[1], &round, steps);
    cut_at = 0;
    play(&m, argv[1], round++);
    bool holds = !m.is_wrong && killed >= rounds && m.failed > steps / 2;
    (void)printf("%s: power cut %u times at %u steps of an update; %u calls failed\n",
                 holds ? "good" : "WRONG", killed, steps, m.failed);
    return holds ? 0 : 1;
}
