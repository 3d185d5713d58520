#include "gateway/port_holder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_MAX_HERE = 256, NAME_MAX_HERE = 64, PROC_PATH_MAX = 320 };

/* What /proc calls the process; "a program" when it does not say. */
static void find_name(long pid, char name[NAME_MAX_HERE])
{
    char path[PROC_PATH_MAX];
    (void)snprintf(path, sizeof(path), "/proc/%ld/comm", pid);
    FILE *file = fopen(path, "r");
    bool has_name = file != NULL && fgets(name, NAME_MAX_HERE, file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!has_name) {
        (void)snprintf(name, NAME_MAX_HERE, "a program");
    }
    name[strcspn(name, "\n")] = '\0';
}

/* "1: FLOCK  ADVISORY  WRITE 812 00:05:345 0 EOF": 812 when the inode is ours; else 0. */
static long holder_in_line(char *line, ino_t inode)
{
    char *at = strstr(line, "FLOCK");
    char wanted[NAME_MAX_HERE];
    if (at == NULL) {
        return 0;
    }
    at += strcspn(at, "0123456789");
    char *end = NULL;
    long pid = strtol(at, &end, 10);
    (void)snprintf(wanted, sizeof(wanted), ":%ju ", (uintmax_t)inode);
    return strstr(end, wanted) != NULL ? pid : 0;
}

/* Who has locked it: everybody may see that. */
static long find_locker(const struct stat *port)
{
    char line[LINE_MAX_HERE];
    long pid = 0;
    FILE *locks = fopen("/proc/locks", "r");
    while (locks != NULL && pid == 0 && fgets(line, sizeof(line), locks) != NULL) {
        pid = holder_in_line(line, port->st_ino);
    }
    if (locks != NULL) {
        (void)fclose(locks);
    }
    return pid;
}

static bool has_open(const char *pid, const struct stat *port)
{
    char path[PROC_PATH_MAX];
    bool found = false;
    (void)snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
    DIR *folder = opendir(path);
    const struct dirent *entry = NULL;
    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        struct stat seen;
        found = fstatat(dirfd(folder), entry->d_name, &seen, 0) == 0 && S_ISCHR(seen.st_mode) &&
                seen.st_rdev == port->st_rdev;
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return found;
}

/* Who has it open, as far as we may see: without a lock, a port can still be taken (TIOCEXCL). */
static long find_opener(const struct stat *port)
{
    long found = 0;
    DIR *proc = opendir("/proc");
    const struct dirent *entry = NULL;
    while (proc != NULL && found == 0 && (entry = readdir(proc)) != NULL) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 0 && pid != (long)getpid() && has_open(entry->d_name, port)) {
            found = pid;
        }
    }
    if (proc != NULL) {
        (void)closedir(proc);
    }
    return found;
}

static void tell_holder(const char *path, char *why)
{
    char name[NAME_MAX_HERE];
    struct stat port;
    long pid = 0;
    if (stat(path, &port) == 0) {
        pid = find_locker(&port);
        pid = pid != 0 ? pid : find_opener(&port);
    }
    if (pid == 0) {
        (void)snprintf(why, PORT_HOLDER_WHY_MAX, "%.120s is held by another program", path);
        return;
    }
    find_name(pid, name);
    (void)snprintf(why, PORT_HOLDER_WHY_MAX, "%.120s is held by %s, process %ld", path, name, pid);
}

int port_holder_take(const char *path, char *why)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        if (errno == EBUSY) {
            tell_holder(path, why);
        } else {
            (void)snprintf(why, PORT_HOLDER_WHY_MAX, "%.120s: %s", path, strerror(errno));
        }
        return -1;
    }
    if (isatty(fd) == 0) {
        (void)snprintf(why, PORT_HOLDER_WHY_MAX, "%.120s is no serial port", path);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        tell_holder(path, why);
    } else {
        return fd;
    }
    (void)close(fd);
    return -1;
}
