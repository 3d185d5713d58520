#include "gateway/store_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "certs/digest.h"
#include "certs/mem.h"

enum { HEAD_MAX = 128, PATH_ROOM = STORE_NAME_MAX + 16 };

#define MAGIC "wardgate 1 sha256="

const char store_file_no_memory[] = "out of memory";

static const char leftover_end[] = ".tmp";
static const char damaged_end[] = ".damaged";

static bool ends_in(const char *name, const char *end)
{
    size_t len = strlen(name);
    size_t end_len = strlen(end);
    return len >= end_len && strcmp(name + len - end_len, end) == 0;
}

/* The parts of a name may hold only this: nothing that a shell, a file system without case or ".."
 * could make into something else. */
static bool is_part(struct span part)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
    uint8_t byte = '.';
    if (!span_at(part, 0, &byte) || byte == '.') {
        return false;
    }
    while (span_take_u8(&part, &byte)) {
        if (byte == '\0' || strchr(allowed, byte) == NULL) {
            return false;
        }
    }
    return true;
}

bool store_file_is_name(const char *name)
{
    struct span all = span_of_text(name);
    size_t slash = span_find(all, '/');
    if (all.len >= STORE_NAME_MAX || ends_in(name, leftover_end) || ends_in(name, damaged_end)) {
        return false;
    }
    if (slash == all.len) {
        return is_part(all);
    }
    return is_part(span_first(all, slash)) && is_part(span_after(all, slash + 1));
}

bool store_file_is_leftover(const char *name)
{
    char base[STORE_NAME_MAX];
    size_t len = strlen(name);
    if (!ends_in(name, leftover_end) || len >= sizeof(base) + strlen(leftover_end)) {
        return false;
    }
    (void)snprintf(base, sizeof(base), "%.*s", (int)(len - strlen(leftover_end)), name);
    return store_file_is_name(base);
}

/* May run on a worker: strerror would share its memory. */
static int fail(struct fault *f, const char *what, const char *name, int error)
{
    (void)fault_set(f, FAULT_IO, FAULT_SIDE_SELF, what, name);
    fault_add(f, " in the state folder: ");
    fault_add(f, uv_strerror(uv_translate_sys_error(error)));
    return FAULT_IO;
}

/* The name within its own folder. */
static const char *leaf_of(const char *name)
{
    const char *slash = strchr(name, '/');
    return slash == NULL ? name : slash + 1;
}

/* The folder that holds the name; -1 with errno. */
static int open_parent(int folder_fd, const char *name)
{
    char part[STORE_NAME_MAX];
    const char *slash = strchr(name, '/');
    (void)snprintf(part, sizeof(part), "%.*s", slash == NULL ? 1 : (int)(slash - name),
                   slash == NULL ? "." : name);
    return openat(folder_fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A new subfolder is a change of the folder above: it is synced, too. 0, or -1 with errno. */
static int make_parent(int folder_fd, const char *name)
{
    char part[STORE_NAME_MAX];
    const char *slash = strchr(name, '/');
    if (slash == NULL) {
        return 0;
    }
    (void)snprintf(part, sizeof(part), "%.*s", (int)(slash - name), name);
    if (mkdirat(folder_fd, part, 0700) != 0) {
        return errno == EEXIST ? 0 : -1;
    }
    return fsync(folder_fd);
}

/* False when the library could not (no memory). */
static bool make_head(struct span content, char head[HEAD_MAX])
{
    uint8_t digest[DIGEST_LEN];
    char text[DIGEST_TEXT_MAX];
    if (!digest_sha256(content, digest)) {
        return false;
    }
    digest_text(digest, text);
    (void)snprintf(head, HEAD_MAX, MAGIC "%s length=%zu\n", text, content.len);
    return true;
}

/* 0, or -1 with errno. */
static int write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t done = write(fd, bytes.data, bytes.len);
        if (done < 0 && errno != EINTR) {
            return -1;
        }
        bytes = span_after(bytes, done < 0 ? 0 : (size_t)done);
    }
    return 0;
}

/* The temporary file, complete and on the disk; 0, or the errno, and then it is not there. */
static int write_temporary(int parent_fd, const char *temporary, const char *head,
                           struct span content)
{
    /* Whatever has that name (a leftover, a link that somebody put there): it is not opened. */
    if (unlinkat(parent_fd, temporary, 0) != 0 && errno != ENOENT) {
        return errno;
    }
    int fd = openat(parent_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    int error = 0;
    if (write_all(fd, span_of_text(head)) != 0 || write_all(fd, content) != 0 || fsync(fd) != 0) {
        error = errno;
        (void)unlinkat(parent_fd, temporary, 0); /* the first error is the one to tell */
    }
    (void)close(fd); /* all is on the disk, or lost anyway */
    return error;
}

/* 0 or the errno. */
static int replace(int parent_fd, const char *leaf, const char *head, struct span content)
{
    char temporary[PATH_ROOM];
    (void)snprintf(temporary, sizeof(temporary), "%s%s", leaf, leftover_end);
    int error = write_temporary(parent_fd, temporary, head, content);
    if (error != 0) {
        return error;
    }
    if (renameat(parent_fd, temporary, parent_fd, leaf) != 0) {
        error = errno;
        (void)unlinkat(parent_fd, temporary, 0); /* as above */
        return error;
    }
    return fsync(parent_fd) == 0 ? 0 : errno;
}

int store_file_write(int folder_fd, const char *name, struct span content, struct fault *f)
{
    char head[HEAD_MAX];
    if (content.len > STORE_FILE_CONTENT_MAX) {
        return fault_set(f, FAULT_TOO_LONG, FAULT_SIDE_SELF,
                         "too much for the state folder: ", name);
    }
    if (!make_head(content, head)) {
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, NULL, NULL);
    }
    if (make_parent(folder_fd, name) != 0) {
        return fail(f, "cannot make the place of ", name, errno);
    }
    int parent_fd = open_parent(folder_fd, name);
    if (parent_fd < 0) {
        return fail(f, "cannot open the place of ", name, errno);
    }
    int error = replace(parent_fd, leaf_of(name), head, content);
    (void)close(parent_fd); /* nothing was written */
    return error == 0 ? 0 : fail(f, "cannot write ", name, error);
}

int store_file_remove(int folder_fd, const char *name, struct fault *f)
{
    int parent_fd = open_parent(folder_fd, name);
    if (parent_fd < 0) {
        return errno == ENOENT ? 0 : fail(f, "cannot open the place of ", name, errno);
    }
    int error = 0;
    if (unlinkat(parent_fd, leaf_of(name), 0) != 0) {
        error = errno == ENOENT ? 0 : errno;
    } else if (fsync(parent_fd) != 0) {
        error = errno;
    }
    (void)close(parent_fd); /* nothing was written */
    return error == 0 ? 0 : fail(f, "cannot remove ", name, error);
}

enum store_file_state store_file_check(struct span whole, struct span *content, const char **why)
{
    char head[HEAD_MAX];
    struct span magic = span_of_text(MAGIC);
    size_t line = span_find(span_first(whole, HEAD_MAX), '\n') + 1;
    struct span rest = span_after(whole, line);
    if (line > whole.len || !span_equal(span_first(whole, magic.len), magic)) {
        *why = "it does not begin with the line of a state file";
        return STORE_FILE_DAMAGED;
    }
    if (rest.len > STORE_FILE_CONTENT_MAX) {
        *why = "it is too large";
        return STORE_FILE_DAMAGED;
    }
    if (!make_head(rest, head)) {
        *why = store_file_no_memory;
        return STORE_FILE_UNREADABLE;
    }
    /* What the line must be is made anew, and compared: nothing in it has to be understood. */
    if (!span_equal(span_first(whole, line), span_of_text(head))) {
        *why = "its length and checksum do not fit its content, which is cut off or changed";
        return STORE_FILE_DAMAGED;
    }
    *content = rest;
    return STORE_FILE_GOOD;
}

static enum store_file_state unreadable(struct store_file *out, const char *why)
{
    (void)snprintf(out->why, sizeof(out->why), "it cannot be read: %s", why);
    return STORE_FILE_UNREADABLE;
}

static enum store_file_state unreadable_errno(struct store_file *out)
{
    return unreadable(out, uv_strerror(uv_translate_sys_error(errno)));
}

/* Up to the end of the room or of the file; 0, or -1 with errno. */
static int read_all(int fd, struct room *to)
{
    while (room_left(to) > 0) {
        ssize_t got = read(fd, &to->data[to->len], room_left(to));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        to->len += got < 0 ? 0 : (size_t)got;
    }
    return 0;
}

/* A file that grows or shrinks meanwhile has no checksum that fits: it need not be looked after. */
static enum store_file_state read_open(int fd, struct store_file *out)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return unreadable_errno(out);
    }
    if (!S_ISREG(st.st_mode)) {
        return STORE_FILE_NONE;
    }
    if (st.st_size > STORE_FILE_CONTENT_MAX + HEAD_MAX) {
        (void)snprintf(out->why, sizeof(out->why), "it is too large");
        return STORE_FILE_DAMAGED;
    }
    struct room room = room_of(NULL, 0);
    room.cap = (size_t)st.st_size;
    room.data = mem_new(room.cap + 1,
                        1); /* one more: an empty file is damaged, not out of memory */
    if (room.data == NULL) {
        return unreadable(out, store_file_no_memory);
    }
    const char *why = NULL;
    enum store_file_state state = STORE_FILE_UNREADABLE;
    if (read_all(fd, &room) != 0) {
        state = unreadable_errno(out);
    } else {
        state = store_file_check(room_span(&room), &out->content, &why);
    }
    if (why != NULL) {
        (void)snprintf(out->why, sizeof(out->why), "%s", why);
    }
    if (state != STORE_FILE_GOOD) {
        mem_free(room.data);
        return state;
    }
    out->bytes = room.data;
    return state;
}

enum store_file_state store_file_read(int folder_fd, const char *name, struct store_file *out)
{
    *out = (struct store_file){.bytes = NULL};
    int parent_fd = open_parent(folder_fd, name);
    if (parent_fd < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? STORE_FILE_NONE
                                                                     : unreadable_errno(out);
    }
    /* NONBLOCK: a FIFO would wait for its other end. */
    int fd = openat(parent_fd, leaf_of(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    enum store_file_state state = STORE_FILE_NONE;
    if (fd >= 0) {
        state = read_open(fd, out);
        (void)close(fd); /* nothing was written */
    } else if (errno != ENOENT && errno != ELOOP && errno != ENXIO) {
        state = unreadable_errno(out);
    }
    (void)close(parent_fd); /* nothing was written */
    return state;
}

bool store_file_set_aside(int folder_fd, const char *name)
{
    char aside[PATH_ROOM];
    (void)snprintf(aside, sizeof(aside), "%s%s", name, damaged_end);
    return renameat(folder_fd, name, folder_fd, aside) == 0;
}
