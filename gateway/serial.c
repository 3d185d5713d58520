#include "gateway/serial.h"

/* The kernel's own termios: the C library's cannot say "any rate" (BOTHER), and both in one file
 * clash. Nothing here may include <termios.h>. */
#include <asm/termbits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "protocols/fault.h"

enum {
    /* Linux Documentation/admin-guide/devices.txt: the slave sides of Unix98 pseudo-terminals. */
    PTY_MAJOR_FIRST = 136,
    PTY_MAJOR_LAST = 143,
    /* A UART reads a character right while the rates differ by less than about 5 % in all; half of
     * that belongs to the device. */
    RATE_TOLERANCE_PERCENT = 2,
};

/* What is wrong, in words that say what to do. The path comes first in every note. */
static int serial_refuse(struct fault *f, enum fault_code code, const char *path, const char *why)
{
    fault_set(f, code, FAULT_SIDE_DEVICE, path, ": ");
    fault_add(f, why);
    return code;
}

static int serial_refuse_open(struct fault *f, const char *path, int error)
{
    struct stat seen;
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        /* udev takes its link away with the adapter; a link by hand stays and points nowhere. */
        if (lstat(path, &seen) == 0) {
            return serial_refuse(f, FAULT_OPEN, path,
                                 "link to nothing; is the adapter plugged in?");
        }
        return serial_refuse(f, FAULT_OPEN, path, "not there; is the adapter plugged in?");
    case EACCES:
    case EPERM:
        return serial_refuse(
            f, FAULT_OPEN, path,
            "no permission; the service's user must be in the port's group (dialout)");
    case EBUSY:
        return serial_refuse(f, FAULT_BUSY, path, "another program holds this port exclusively");
    case ENXIO:
    case ENODEV:
    case EIO:
        return serial_refuse(f, FAULT_OPEN, path, "no hardware behind this name");
    default:
        return serial_refuse(f, FAULT_OPEN, path, strerror(error));
    }
}

static int serial_lock(int fd, const char *path, struct fault *f)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        return serial_refuse(f, FAULT_BUSY, path, "another program has locked this port");
    }
    /* Kept out of the answer: root may open the port all the same, so flock decides. */
    (void)ioctl(fd, TIOCEXCL);
    return 0;
}

static bool serial_is_pty(int fd)
{
    struct stat seen;
    return fstat(fd, &seen) == 0 && S_ISCHR(seen.st_mode) &&
           major(seen.st_rdev) >= PTY_MAJOR_FIRST && major(seen.st_rdev) <= PTY_MAJOR_LAST;
}

static tcflag_t serial_size_bits(uint8_t data_bits)
{
    switch (data_bits) {
    case 5:
        return CS5;
    case 6:
        return CS6;
    case 7:
        return CS7;
    default:
        return CS8;
    }
}

static tcflag_t serial_parity_bits(enum conf_parity parity)
{
    switch (parity) {
    case CONF_PARITY_NONE:
        return 0;
    case CONF_PARITY_EVEN:
        return PARENB;
    case CONF_PARITY_ODD:
        return PARENB | PARODD;
    case CONF_PARITY_MARK:
        return PARENB | PARODD | CMSPAR;
    case CONF_PARITY_SPACE:
        return PARENB | CMSPAR;
    }
    return 0;
}

/* Raw mode is the absence of everything, so the settings are made from nothing rather than from
 * what the last user left. */
static struct termios2 serial_make_settings(const struct conf_line *line)
{
    struct termios2 t = {0};
    t.c_iflag = INPCK | PARMRK;
    t.c_cflag = BOTHER | CREAD | CLOCAL | serial_size_bits(line->data_bits) |
                serial_parity_bits(line->parity);
    if (line->stop_bits == 2) {
        t.c_cflag |= CSTOPB;
    }
    if (line->flow == CONF_FLOW_RTSCTS) {
        t.c_cflag |= CRTSCTS;
    }
    if (line->flow == CONF_FLOW_XONXOFF) {
        t.c_iflag |= IXON | IXOFF;
        t.c_cc[VSTART] = 0x11; /* DC1 */
        t.c_cc[VSTOP] = 0x13;  /* DC3 */
    }
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    t.c_ispeed = line->rate;
    t.c_ospeed = line->rate;
    return t;
}

static bool serial_rate_fits(uint32_t asked, uint32_t got)
{
    uint32_t off = asked > got ? asked - got : got - asked;
    return (uint64_t)off * 100 <= (uint64_t)asked * RATE_TOLERANCE_PERCENT;
}

/* TCSETS2 succeeds when anything at all took (termios(3)): only what is read back is sure. */
static const char *serial_find_difference(const struct termios2 *asked, const struct termios2 *got)
{
    tcflag_t c = asked->c_cflag ^ got->c_cflag;
    tcflag_t i = asked->c_iflag ^ got->c_iflag;
    if (!serial_rate_fits(asked->c_ospeed, got->c_ospeed)) {
        return "the driver refuses this rate";
    }
    if ((c & CSIZE) != 0) {
        return "the driver refuses this number of data bits";
    }
    if ((c & (PARENB | PARODD | CMSPAR)) != 0) {
        return "the driver refuses this parity";
    }
    if ((c & CSTOPB) != 0) {
        return "the driver refuses this number of stop bits";
    }
    if ((c & CRTSCTS) != 0) {
        return "the driver refuses rtscts";
    }
    return (i & (IXON | IXOFF)) != 0 ? "the driver refuses xonxoff" : NULL;
}

static int serial_set_line(int fd, const char *path, const struct conf_line *line, struct fault *f)
{
    struct termios2 asked = serial_make_settings(line);
    struct termios2 got;
    if (ioctl(fd, TCGETS2, &got) != 0) {
        const char *why = errno == ENOTTY ? "not a serial port" : "no hardware behind this name";
        return serial_refuse(f, FAULT_OPEN, path, why);
    }
    if (ioctl(fd, TCSETS2, &asked) != 0) {
        return serial_refuse(f, FAULT_CONFIG, path, "the driver refuses the line settings");
    }
    if (ioctl(fd, TCGETS2, &got) != 0) {
        return serial_refuse(f, FAULT_IO, path, strerror(errno));
    }
    const char *why = serial_is_pty(fd) ? NULL : serial_find_difference(&asked, &got);
    return why == NULL ? 0 : serial_refuse(f, FAULT_CONFIG, path, why);
}

static int serial_set_rs485(int fd, const char *path, struct fault *f)
{
    struct serial_rs485 rs = {0};
    rs.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND;
    if (ioctl(fd, TIOCSRS485, &rs) != 0) {
        return serial_refuse(f, FAULT_CONFIG, path,
                             "this driver has no RS-485 mode; leave rs485 out if the adapter turns "
                             "the line around by itself");
    }
    return 0;
}

/* Without it a driver may hand bytes up in lumps of several ms. Many refuse it; nobody asked. */
static void serial_want_low_latency(int fd)
{
    struct serial_struct s = {0};
    if (ioctl(fd, TIOCGSERIAL, &s) == 0) {
        s.flags = (int)((unsigned)s.flags | ASYNC_LOW_LATENCY);
        (void)ioctl(fd, TIOCSSERIAL, &s);
    }
}

static int serial_set_up(int fd, const char *path, const struct conf_line *line, struct fault *f)
{
    int code = serial_lock(fd, path, f);
    if (code == 0) {
        code = serial_set_line(fd, path, line, f);
    }
    if (code == 0 && line->flow == CONF_FLOW_RS485) {
        code = serial_set_rs485(fd, path, f);
    }
    if (code == 0) {
        serial_want_low_latency(fd);
        (void)ioctl(fd, TCFLSH, TCIFLUSH);
    }
    return code;
}

int serial_open(const char *path, const struct conf_line *line, struct fault *f)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return serial_refuse_open(f, path, errno);
    }
    int code = serial_set_up(fd, path, line, f);
    if (code != 0) {
        /* Not after a refused lock: the exclusive mode then belongs to the other program. */
        if (code != FAULT_BUSY) {
            serial_release(fd);
        }
        (void)close(fd);
        return code;
    }
    return fd;
}

size_t serial_count_unsent(int fd)
{
    int count = 0;
    return ioctl(fd, TIOCOUTQ, &count) == 0 && count > 0 ? (size_t)count : 0;
}

void serial_release(int fd)
{
    /* Only when close(2) would wait: on a pseudo-terminal this also drops what was sent already and
     * the other side has not read yet. */
    if (serial_count_unsent(fd) > 0) {
        (void)ioctl(fd, TCFLSH, TCOFLUSH);
    }
    (void)ioctl(fd, TIOCNXCL);
}

bool serial_is_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = 0};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool serial_take_count(int fd, uint32_t *count)
{
    struct serial_icounter_struct now;
    memset(&now, 0, sizeof(now));
    if (ioctl(fd, TIOCGICOUNT, &now) != 0) {
        return false;
    }
    *count = (uint32_t)now.frame + (uint32_t)now.overrun + (uint32_t)now.parity +
             (uint32_t)now.brk + (uint32_t)now.buf_overrun;
    return true;
}
