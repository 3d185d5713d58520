#include "gateway/store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/mem.h"

/* Who wants to hear the end of a job. */
struct waiter {
    struct waiter *next;
    void (*on_done)(void *owner, const struct fault *f);
    void *owner;
};

/* One name that is to be written or removed. */
struct job {
    struct job *next;
    struct waiter *waiters;
    char name[STORE_NAME_MAX];
    bool is_removal;
    uint8_t *content;
    size_t len;
    struct fault fault; /* set at the beginning: refused, the disk is not touched */
};

struct store {
    struct io *io;
    int folder_fd, lock_fd;
    uv_work_t work; /* one at a time: writes follow each other */
    struct job *running;
    struct job *first; /* waits */
    bool telling;      /* within the owners' on_done */
    bool closing, ending;
    void (*on_closed)(void *owner);
    void *owner;
};

static int open_fault(struct fault *f, enum fault_code code, const char *folder, const char *why)
{
    (void)fault_set(f, code, FAULT_SIDE_SELF, "state folder ", folder);
    fault_add(f, ": ");
    fault_add(f, why);
    return code;
}

static int open_folder(struct store *s, const char *folder, struct fault *f)
{
    struct stat st;
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return open_fault(f, FAULT_OPEN, folder, strerror(errno));
    }
    /* The folder itself may be a symbolic link: systemd makes it one for DynamicUser. */
    s->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->folder_fd < 0 || fstat(s->folder_fd, &st) != 0) {
        return open_fault(f, FAULT_OPEN, folder, strerror(errno));
    }
    /* Who can write here can take a block out of the list: a checksum does not stop him. */
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return open_fault(f, FAULT_OPEN, folder, "others may write in it (chmod 700)");
    }
    return 0;
}

/* Two gateways that write in one folder would overwrite each other's newest marks. */
static int take_lock(struct store *s, const char *folder, struct fault *f)
{
    s->lock_fd = openat(s->folder_fd, ".lock",
                        O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        return open_fault(f, FAULT_OPEN, folder, strerror(errno));
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    if (errno != EWOULDBLOCK) {
        return open_fault(f, FAULT_OPEN, folder, strerror(errno));
    }
    return open_fault(f, FAULT_BUSY, folder, "another wardgate uses it");
}

struct store *store_open(struct io *io, const char *folder, struct fault *f)
{
    struct store *s = mem_new(1, sizeof(*s));
    if (s == NULL) {
        (void)fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, NULL, NULL);
        return NULL;
    }
    s->io = io;
    s->folder_fd = -1;
    s->lock_fd = -1;
    s->work.data = s;
    if (open_folder(s, folder, f) != 0 || take_lock(s, folder, f) != 0) {
        store_free(s);
        return NULL;
    }
    return s;
}

/* ---- reading ---- */

struct walk {
    const struct store *store;
    const char *prefix;
    void (*on_file)(void *owner, const char *name, struct span content);
    void (*on_damaged)(void *owner, const char *name, const char *why);
    void *owner;
};

static void tell_damaged(const struct walk *w, const char *name, const char *why)
{
    if (w->on_damaged != NULL) {
        w->on_damaged(w->owner, name, why);
    }
}

static void load_name(const struct walk *w, const char *name)
{
    struct store_file file;
    switch (store_file_read(w->store->folder_fd, name, &file)) {
    case STORE_FILE_GOOD:
        w->on_file(w->owner, name, file.content);
        mem_free(file.bytes);
        break;
    case STORE_FILE_NONE:
        break;
    case STORE_FILE_DAMAGED:
        /* That it stays where it is, on a folder that is read-only, is told every time. */
        (void)store_file_set_aside(w->store->folder_fd, name);
        tell_damaged(w, name, file.why);
        break;
    case STORE_FILE_UNREADABLE:
        tell_damaged(w, name, file.why);
        break;
    }
}

/* A folder below the state folder, or itself (sub ""): NULL when it is none. */
static DIR *open_entries(const struct store *s, const char *sub)
{
    int fd = openat(s->folder_fd, sub[0] == '\0' ? "." : sub,
                    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL && fd >= 0) {
        (void)close(fd); /* nothing was written */
    }
    return dir;
}

/* The files of one folder. */
static void load_folder(const struct walk *w, const char *sub)
{
    DIR *dir = open_entries(w->store, sub);
    for (const struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        char name[2 * sizeof(e->d_name)];
        (void)snprintf(name, sizeof(name), "%s%s%s", sub, sub[0] == '\0' ? "" : "/", e->d_name);
        if (strncmp(name, w->prefix, strlen(w->prefix)) != 0) {
            continue;
        }
        if (store_file_is_leftover(name)) {
            (void)store_file_remove(w->store->folder_fd, name, NULL); /* it is in nobody's way */
        } else if (store_file_is_name(name)) {
            load_name(w, name);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir); /* nothing was written */
    }
}

void store_load(struct store *s, const char *prefix,
                void (*on_file)(void *owner, const char *name, struct span content),
                void (*on_damaged)(void *owner, const char *name, const char *why), void *owner)
{
    const struct walk w = {s, prefix, on_file, on_damaged, owner};
    load_folder(&w, "");
    DIR *dir = open_entries(s, "");
    for (const struct dirent *e = dir == NULL ? NULL : readdir(dir); e != NULL; e = readdir(dir)) {
        if (store_file_is_name(e->d_name)) {
            load_folder(&w, e->d_name); /* of what is no folder nothing comes */
        }
    }
    if (dir != NULL) {
        (void)closedir(dir); /* nothing was written */
    }
}

/* ---- writing ---- */

static void free_job(struct job *job)
{
    while (job->waiters != NULL) {
        struct waiter *next = job->waiters->next;
        mem_free(job->waiters);
        job->waiters = next;
    }
    mem_free(job->content);
    mem_free(job);
}

/* On a worker: touches only the job and the folder. */
static void do_job(uv_work_t *work)
{
    const struct store *s = work->data;
    struct job *job = s->running;
    if (job->fault.code != FAULT_NONE) {
        return;
    }
    if (job->is_removal) {
        (void)store_file_remove(s->folder_fd, job->name, &job->fault); /* the fault says it */
    } else {
        (void)store_file_write(s->folder_fd, job->name, span_of(job->content, job->len),
                               &job->fault); /* as above */
    }
}

static void on_job(uv_work_t *work, int status);

static void start_next(struct store *s)
{
    if (s->running != NULL || s->first == NULL) {
        return;
    }
    s->running = s->first;
    s->first = s->running->next;
    s->running->next = NULL;
    int status = uv_queue_work(&s->io->loop, &s->work, do_job, on_job);
    assert(status == 0); /* refuses nothing but a missing function */
    (void)status;
}

static void do_nothing(uv_work_t *work)
{
    (void)work;
}

static void on_end(uv_work_t *work, int status)
{
    struct store *s = work->data;
    (void)status; /* never cancelled */
    s->on_closed(s->owner);
}

/* The farewell goes through the loop, too: never from within store_close. */
static void end_when_idle(struct store *s)
{
    if (!s->closing || s->ending || s->telling || store_is_busy(s)) {
        return;
    }
    s->ending = true;
    int status = uv_queue_work(&s->io->loop, &s->work, do_nothing, on_end);
    assert(status == 0); /* as in start_next */
    (void)status;
}

static void on_job(uv_work_t *work, int status)
{
    struct store *s = work->data;
    struct job *job = s->running;
    (void)status; /* never cancelled */
    s->running = NULL;
    start_next(s);
    s->telling = true;
    for (const struct waiter *w = job->waiters; w != NULL; w = w->next) {
        w->on_done(w->owner, job->fault.code == FAULT_NONE ? NULL : &job->fault);
    }
    s->telling = false;
    free_job(job);
    end_when_idle(s);
}

/* A job for the name, with one who waits for it; NULL: no memory. */
static struct job *new_job(const char *name, struct span content, const struct waiter *waiter)
{
    struct job *job = mem_new(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    (void)snprintf(job->name, sizeof(job->name), "%s", name);
    if (!store_file_is_name(name)) {
        (void)fault_set(&job->fault, FAULT_INTERNAL, FAULT_SIDE_SELF,
                        "not a name for the state folder: ", name);
    } else if (content.len > STORE_FILE_CONTENT_MAX) {
        (void)fault_set(&job->fault, FAULT_TOO_LONG, FAULT_SIDE_SELF,
                        "too much for the state folder: ", name);
    } else if (content.len > 0) {
        job->content = mem_new(content.len, 1);
        struct room room = room_of(job->content, job->content == NULL ? 0 : content.len);
        if (!room_put(&room, content)) {
            free_job(job);
            return NULL;
        }
        job->len = content.len;
    }
    if (waiter->on_done != NULL) {
        job->waiters = mem_new(1, sizeof(*job->waiters));
        if (job->waiters == NULL) {
            free_job(job);
            return NULL;
        }
        *job->waiters = *waiter;
    }
    return job;
}

/* In the place of one that waits under the same name: who waits for that waits for this now. */
static bool put_in_place(struct store *s, struct job *job)
{
    struct job **at = &s->first;
    while (*at != NULL &&
           ((*at)->fault.code != FAULT_NONE || strcmp((*at)->name, job->name) != 0)) {
        at = &(*at)->next;
    }
    struct job *old = *at;
    if (old == NULL || job->fault.code != FAULT_NONE) {
        return false;
    }
    struct waiter **last = &old->waiters;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = job->waiters;
    job->waiters = old->waiters;
    old->waiters = NULL;
    job->next = old->next;
    *at = job;
    free_job(old);
    return true;
}

static void enqueue(struct store *s, struct job *job)
{
    if (!put_in_place(s, job)) {
        struct job **at = &s->first;
        while (*at != NULL) {
            at = &(*at)->next;
        }
        *at = job;
    }
    start_next(s);
}

bool store_put(struct store *s, const char *name, struct span content,
               void (*on_done)(void *owner, const struct fault *f), void *owner)
{
    const struct waiter waiter = {.on_done = on_done, .owner = owner};
    struct job *job = s->closing ? NULL : new_job(name, content, &waiter);
    if (job == NULL) {
        return false;
    }
    enqueue(s, job);
    return true;
}

bool store_remove(struct store *s, const char *name)
{
    const struct waiter nobody = {.on_done = NULL};
    struct job *job = s->closing ? NULL : new_job(name, span_of(NULL, 0), &nobody);
    if (job == NULL) {
        return false;
    }
    job->is_removal = true;
    enqueue(s, job);
    return true;
}

bool store_is_busy(const struct store *s)
{
    return s->running != NULL || s->first != NULL;
}

void store_close(struct store *s, void (*on_closed)(void *owner), void *owner)
{
    assert(!s->closing);
    s->closing = true;
    s->on_closed = on_closed;
    s->owner = owner;
    end_when_idle(s);
}

void store_free(struct store *s)
{
    if (s == NULL) {
        return;
    }
    assert(!store_is_busy(s));
    if (s->lock_fd >= 0) {
        (void)close(s->lock_fd); /* nothing was written; the lock goes with it */
    }
    if (s->folder_fd >= 0) {
        (void)close(s->folder_fd); /* nothing was written */
    }
    mem_free(s);
}
