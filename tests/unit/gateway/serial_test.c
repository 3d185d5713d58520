#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/serial.h"
#include "tests/unit/gateway/bench.h"

static const struct conf_line plain_line = {
    .rate = 9600, .data_bits = 8, .parity = CONF_PARITY_NONE, .stop_bits = 1};

/* A driver that is not a pseudo-terminal, and what it does with the settings. The kernel's struct
 * termios2 is not at hand beside <termios.h>, so the layout is written out (asm-generic). */
struct kernel_termios2 {
    uint32_t iflag, oflag, cflag, lflag;
    uint8_t line, cc[19];
    uint32_t ispeed, ospeed;
};

static struct {
    bool is_on;
    struct kernel_termios2 set; /* what was asked for */
    uint32_t rate;              /* 0: as asked */
    uint32_t cflag_lost, iflag_lost;
    bool has_rs485, has_counts;
    uint32_t rs485_flags;
    int unsent, flushes;
    struct serial_icounter_struct counts;
} driver;

static int driver_answer(unsigned long request, void *arg)
{
    switch (request) {
    case 0x802C542A: /* TCGETS2 */
        memcpy(arg, &driver.set, sizeof(driver.set));
        ((struct kernel_termios2 *)arg)->cflag &= ~driver.cflag_lost;
        ((struct kernel_termios2 *)arg)->iflag &= ~driver.iflag_lost;
        if (driver.rate != 0) {
            ((struct kernel_termios2 *)arg)->ospeed = driver.rate;
        }
        return 0;
    case 0x402C542B: /* TCSETS2 */
        memcpy(&driver.set, arg, sizeof(driver.set));
        return 0;
    case TIOCSRS485:
        driver.rs485_flags = ((struct serial_rs485 *)arg)->flags;
        errno = ENOTTY;
        return driver.has_rs485 ? 0 : -1;
    case TIOCGICOUNT:
        memcpy(arg, &driver.counts, sizeof(driver.counts));
        errno = ENOTTY;
        return driver.has_counts ? 0 : -1;
    case TCFLSH:
        driver.flushes++;
        return 0;
    case TIOCOUTQ:
        *(int *)arg = driver.unsent;
        return 0;
    default:
        return 0;
    }
}

/* The C library's own, for everybody but the tests that switch the driver on. */
int ioctl(int fd, unsigned long request, ...)
{
    va_list rest;
    va_start(rest, request);
    void *arg = va_arg(rest, void *);
    va_end(rest);
    if (driver.is_on) {
        return driver_answer(request, arg);
    }
    return (int)syscall(SYS_ioctl, fd, request, arg);
}

int fstat(int fd, struct stat *seen)
{
    int status = fstatat(fd, "", seen, 0x1000 /* AT_EMPTY_PATH */);
    if (driver.is_on && status == 0) {
        seen->st_rdev = makedev(188, 0); /* ttyUSB0 */
    }
    return status;
}

static int open_driver(const struct conf_line *line, struct fault *f)
{
    char path[64];
    int master = bench_open_pty(path, sizeof(path));
    memset(f, 0, sizeof(*f));
    driver.is_on = true;
    int fd = serial_open(path, line, f);
    driver.is_on = false;
    close(master);
    return fd;
}

Test(serial, sets_raw_mode_with_marks_and_no_hang_up_on_close)
{
    char path[64];
    struct fault f;
    struct termios t;
    int master = bench_open_pty(path, sizeof(path));
    int fd = serial_open(path, &plain_line, &f);
    cr_assert_geq(fd, 0);
    cr_assert_eq(tcgetattr(fd, &t), 0);
    cr_expect_eq(t.c_iflag, INPCK | PARMRK);
    cr_expect_eq(t.c_oflag, 0);
    cr_expect_eq(t.c_lflag, 0);
    cr_expect_eq(t.c_cflag & (CLOCAL | CREAD), CLOCAL | CREAD);
    cr_expect_eq(t.c_cflag & HUPCL, 0);
    cr_expect_eq(t.c_cc[VMIN], 1);
    cr_expect_eq(t.c_cc[VTIME], 0);
    cr_expect_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    close(master);
}

Test(serial, discards_what_came_before_it_was_open)
{
    char path[64];
    char got[16];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    int other = open(path, O_RDWR | O_NOCTTY);
    cr_assert_eq(write(master, "old\n", 4), 4);
    close(other);
    int fd = serial_open(path, &plain_line, &f);
    cr_assert_geq(fd, 0);
    cr_expect_eq(read(fd, got, sizeof(got)), -1);
    cr_expect_eq(errno, EAGAIN);
    close(fd);
    close(master);
}

Test(serial, says_which_link_points_to_nothing)
{
    char dir[] = "/tmp/wardgate-serial-XXXXXX";
    char path[96];
    struct fault f;
    cr_assert_not_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/port0", dir);
    cr_expect_eq(serial_open(path, &plain_line, &f), FAULT_OPEN);
    cr_expect_eq(f.side, FAULT_SIDE_DEVICE);
    cr_expect_not_null(strstr(f.note, path));
    cr_expect_not_null(strstr(f.note, "not there"));
    cr_assert_eq(symlink("/nowhere/at/all", path), 0);
    cr_expect_eq(serial_open(path, &plain_line, &f), FAULT_OPEN);
    cr_expect_not_null(strstr(f.note, "link to nothing"));
    unlink(path);
    rmdir(dir);
}

Test(serial, refuses_what_is_no_tty)
{
    struct fault f;
    cr_expect_eq(serial_open("/dev/null", &plain_line, &f), FAULT_OPEN);
    cr_expect_str_eq(f.note, "/dev/null: not a serial port");
}

Test(serial, refuses_a_port_that_another_program_has_locked)
{
    char path[64];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    int other = open(path, O_RDWR | O_NOCTTY);
    cr_assert_eq(flock(other, LOCK_EX | LOCK_NB), 0);
    cr_expect_eq(serial_open(path, &plain_line, &f), FAULT_BUSY);
    cr_expect_not_null(strstr(f.note, path));
    close(other);
    int fd = serial_open(path, &plain_line, &f);
    cr_expect_geq(fd, 0);
    cr_expect_eq(serial_open(path, &plain_line, &f), FAULT_BUSY, "our own lock keeps us out too");
    close(fd);
    close(master);
}

Test(serial, keeps_programs_without_locks_out)
{
    char path[64];
    struct fault f;
    int exclusive = 0;
    int master = bench_open_pty(path, sizeof(path));
    int fd = serial_open(path, &plain_line, &f);
    cr_assert_eq(ioctl(fd, TIOCGEXCL, &exclusive), 0);
    cr_expect_neq(exclusive, 0);
    serial_release(fd);
    cr_assert_eq(ioctl(fd, TIOCGEXCL, &exclusive), 0);
    cr_expect_eq(exclusive, 0);
    close(fd);
    close(master);
}

Test(serial, asks_for_what_the_line_says)
{
    static const struct {
        struct conf_line line;
        tcflag_t cflag, iflag;
    } rows[] = {
        {{300, 7, CONF_PARITY_EVEN, 2, CONF_FLOW_NONE, false}, CS7 | PARENB | CSTOPB, 0},
        {{115200, 8, CONF_PARITY_ODD, 1, CONF_FLOW_RTSCTS, false},
         CS8 | PARENB | PARODD | CRTSCTS,
         0},
        {{12345, 5, CONF_PARITY_MARK, 1, CONF_FLOW_XONXOFF, false},
         CS5 | PARENB | PARODD | CMSPAR,
         IXON | IXOFF},
        {{4000000, 6, CONF_PARITY_SPACE, 1, CONF_FLOW_NONE, false}, CS6 | PARENB | CMSPAR, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fault f;
        int fd = open_driver(&rows[i].line, &f);
        cr_expect_geq(fd, 0, "row %zu: %s", i, f.note);
        cr_expect_eq(driver.set.ospeed, rows[i].line.rate);
        cr_expect_eq(driver.set.cflag & (CSIZE | PARENB | PARODD | CMSPAR | CSTOPB | CRTSCTS),
                     rows[i].cflag, "row %zu", i);
        cr_expect_eq(driver.set.iflag & (IXON | IXOFF), rows[i].iflag, "row %zu", i);
        close(fd);
    }
}

Test(serial, names_the_setting_that_the_driver_refuses)
{
    static const struct conf_line line = {9600, 7, CONF_PARITY_ODD, 2, CONF_FLOW_RTSCTS, false};
    static const struct conf_line soft = {9600, 8, CONF_PARITY_NONE, 1, CONF_FLOW_XONXOFF, false};

    static const struct {
        const struct conf_line *line;
        uint32_t rate, cflag, iflag;
        const char *note;
    } rows[] = {
        {&line, 38400, 0, 0, "rate"},      {&line, 9200, 0, 0, "rate"},
        {&line, 0, CSIZE, 0, "data bits"}, {&line, 0, PARODD, 0, "parity"},
        {&line, 0, PARENB, 0, "parity"},   {&line, 0, CSTOPB, 0, "stop bits"},
        {&line, 0, CRTSCTS, 0, "rtscts"},  {&soft, 0, 0, IXON, "xonxoff"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fault f;
        driver.rate = rows[i].rate;
        driver.cflag_lost = rows[i].cflag;
        driver.iflag_lost = rows[i].iflag;
        cr_expect_eq(open_driver(rows[i].line, &f), FAULT_CONFIG, "row %zu", i);
        cr_expect_not_null(strstr(f.note, rows[i].note), "row %zu: %s", i, f.note);
    }
}

Test(serial, takes_a_rate_that_the_hardware_rounds)
{
    struct fault f;
    driver.rate = 9615; /* 3 MHz / 312 */
    int fd = open_driver(&plain_line, &f);
    cr_expect_geq(fd, 0);
    close(fd);
}

Test(serial, never_fails_on_a_pseudo_terminal_for_its_line)
{
    static const struct conf_line odd = {31250, 7, CONF_PARITY_ODD, 2, CONF_FLOW_RTSCTS, false};
    char path[64];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    int fd = serial_open(path, &odd, &f);
    cr_expect_geq(fd, 0);
    close(fd);
    close(master);
}

Test(serial, turns_rs485_on_or_says_that_there_is_none)
{
    static const struct conf_line line = {19200, 8, CONF_PARITY_EVEN, 1, CONF_FLOW_RS485, false};
    struct fault f;
    cr_expect_eq(open_driver(&line, &f), FAULT_CONFIG);
    cr_expect_not_null(strstr(f.note, "RS-485"));
    driver.has_rs485 = true;
    int fd = open_driver(&line, &f);
    cr_expect_geq(fd, 0);
    cr_expect_neq(driver.rs485_flags & SER_RS485_ENABLED, 0);
    close(fd);
}

Test(serial, adds_the_drivers_counters_up)
{
    uint32_t count = 77;
    driver.is_on = true;
    cr_expect_not(serial_take_count(0, &count));
    cr_expect_eq(count, 77);
    driver.has_counts = true;
    driver.counts.frame = 1;
    driver.counts.overrun = 20;
    driver.counts.parity = 300;
    driver.counts.brk = 4000;
    driver.counts.buf_overrun = 50000;
    cr_expect(serial_take_count(0, &count));
    cr_expect_eq(count, 54321);
}

Test(serial, counts_what_is_not_on_the_line_yet)
{
    driver.is_on = true;
    cr_expect_eq(serial_count_unsent(0), 0);
    driver.unsent = 300;
    cr_expect_eq(serial_count_unsent(0), 300);
}

Test(serial, release_drops_output_only_when_closing_would_wait_for_it)
{
    driver.is_on = true;
    serial_release(0);
    cr_expect_eq(driver.flushes, 0);
    driver.unsent = 1;
    serial_release(0);
    cr_expect_eq(driver.flushes, 1);
}

Test(serial, sees_that_the_port_is_gone)
{
    char path[64];
    struct fault f;
    int master = bench_open_pty(path, sizeof(path));
    int fd = serial_open(path, &plain_line, &f);
    cr_expect_not(serial_is_gone(fd));
    close(master);
    cr_expect(serial_is_gone(fd));
    close(fd);
}
