#include <stdio.h>
#include <string.h>
#include <time.h>

#include <criterion/criterion.h>

#include "certs/tls.h"
#include "conf/build.h"
#include "conf/check.h"
#include "conf/credentials.h"
#include "tests/unit/conf/fixture.h"

/* Two devices that differ in what they listen on; the second one's header is in line 12. */
static void expect_two(const char *first, const char *second, const char *said)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n"
                   "[device a]\ncertificate = c\nkey = k\ntrust = t\nprotocol = raw\n%s"
                   "[device b]\ncertificate = c\nkey = k\ntrust = t\nprotocol = raw\n%s",
                   first, second);
    fixture_expect_one(text, said);
}

#define DIALS(address) "connect = h.example:1\nfrom = 10.0.0.9\nport = tcp-listen:" address "\n"
#define LISTENS(address, port)                                                                     \
    "allow = dns:h.example\nport = tcp:10.0.0." port ":1\nlisten = " address "\n"

Test(check_binds, two_devices_cannot_dial_one_address)
{
    expect_two(DIALS("10.0.0.1:2575"), DIALS("10.0.0.1:2575"),
               "t.conf:21: port = tcp-listen:10.0.0.1:2575 needs an address that [device a] "
               "(t.conf:6) listens on; right: an address or port number of its own");
    expect_two(DIALS("10.0.0.1:2575"), DIALS("10.0.0.2:2575"), NULL);
    expect_two(DIALS("10.0.0.1:2575"), DIALS("10.0.0.1:2576"), NULL);
    expect_two(DIALS("[fd00::1]:1"), DIALS("[FD00:0::1]:1"),
               "t.conf:21: port = tcp-listen:[FD00:0::1]:1 needs an address that [device a] "
               "(t.conf:6) listens on; right: an address or port number of its own");
}

Test(check_binds, devices_and_hospital_cannot_share_an_address)
{
    expect_two(DIALS("10.0.0.1:2575"), LISTENS("10.0.0.1:2575", "2"),
               "t.conf:21: listen = 10.0.0.1:2575 needs an address that [device a] (t.conf:6) "
               "listens on; right: an address or port number of its own");
    expect_two(LISTENS("10.0.0.1:2575", "2"), DIALS("10.0.0.1:2575"),
               "t.conf:21: port = tcp-listen:10.0.0.1:2575 needs an address that [device a] "
               "(t.conf:6) listens on; right: an address or port number of its own");
}

Test(check_binds, a_wildcard_leaves_no_room)
{
    expect_two(
        LISTENS("0.0.0.0:802", "1"), LISTENS("10.0.0.1:802", "2"),
        "t.conf:21: listen = 10.0.0.1:802 needs an address that [device a] (t.conf:6) listens "
        "on; right: the same address for both, or another port number");
    expect_two(
        LISTENS("10.0.0.1:802", "1"), LISTENS("0.0.0.0:802", "2"),
        "t.conf:21: listen = 0.0.0.0:802 needs an address that [device a] (t.conf:6) listens "
        "on; right: the same address for both, or another port number");
    expect_two(
        LISTENS("[::]:802", "1"), LISTENS("10.0.0.1:802", "2"),
        "t.conf:21: listen = 10.0.0.1:802 needs an address that [device a] (t.conf:6) listens "
        "on; right: the same address for both, or another port number");
    expect_two(
        LISTENS("[::]:802", "1"), LISTENS("0.0.0.0:802", "2"),
        "t.conf:21: listen = 0.0.0.0:802 needs an address that [device a] (t.conf:6) listens "
        "on; right: the same address for both, or another port number");
    expect_two(
        DIALS("0.0.0.0:802"), LISTENS("10.0.0.1:802", "2"),
        "t.conf:21: listen = 10.0.0.1:802 needs an address that [device a] (t.conf:6) listens "
        "on; right: the same address for both, or another port number");
    expect_two(LISTENS("0.0.0.0:802", "1"), LISTENS("[fd00::1]:802", "2"), NULL);
    expect_two(LISTENS("0.0.0.0:802", "1"), LISTENS("10.0.0.1:803", "2"), NULL);
}

/* ---- Names on a shared address: with certificates of the test PKI ---- */

struct sharing {
    const char *certificate[2];
    const char *more[2]; /* lines for each device */
};

/* What the second of two devices on 127.0.0.1:802 hears; NULL: nothing. */
static void expect_names(const struct sharing *s, const char *said)
{
    struct fixture f;
    char text[4096];
    const char *lines[] = {said, NULL};
    struct fault fault;
    size_t used = 0;
    cr_assert_eq(tls_init(&fault), 0);
    (void)snprintf(text, sizeof(text),
                   "[gateway]\nname = g\n[trust t]\nanchors = root.pem\n"
                   "revocation = off\n");
    for (int i = 0; i < 2; i++) {
        used = strlen(text);
        (void)snprintf(&text[used], sizeof(text) - used,
                       "[device %c]\ncertificate = %s.pem\nkey = %s.key\ntrust = t\n"
                       "protocol = raw\nport = tcp:10.0.0.%d:1\nallow = dns:h.example\n"
                       "listen = 127.0.0.1:802\n%s",
                       'a' + i, s->certificate[i], s->certificate[i], i + 1, s->more[i]);
    }
    fixture_begin(&f);
    struct fixture_text from = {.text = text, .len = strlen(text), .cut = 4096};
    struct reader_source source = {
        .read = fixture_text_read, .from = &from, .file = "t.conf", .dir = fixture_pki("")};
    f.conf.path = pool_text(f.pool, "t.conf");
    cr_assert_eq(reader_read(&f.reader, &source), 0);
    cr_assert_eq(build_conf(&f.conf, &f.reader, f.pool, f.problems, "t.conf"), 0);
    const struct credentials_source now = {.now_s = (int64_t)time(NULL)};
    credentials_load(&f.conf, &f.reader, &now, f.problems);
    struct check check = {&f.conf, &f.reader, f.pool, f.problems};
    check_binds(&check);
    fixture_expect(&f, lines);
    credentials_release(&f.conf);
    fixture_end(&f);
}

Test(check_binds, devices_with_names_of_their_own_share_an_address)
{
    expect_names(&(struct sharing){{"pump-12", "monitor-7"}, {"", ""}}, NULL);
    expect_names(&(struct sharing){{"pump-12", "monitor-7"}, {"server_name = x.example\n", ""}},
                 NULL);
    expect_names(&(struct sharing){{"pump-12-cn", "monitor-7"}, {"server_name = x.example\n", ""}},
                 NULL);
}

Test(check_binds, a_device_on_a_shared_address_needs_a_name)
{
    expect_names(
        &(struct sharing){{"pump-12", "bms-cn"}, {"", ""}},
        "t.conf:21: listen = 127.0.0.1:802 is shared, and the device has no name to choose "
        "it by; right: server_name = NAME, or a certificate with a dNSName");
}

Test(check_binds, names_on_a_shared_address_are_distinct)
{
    expect_names(
        &(struct sharing){{"pump-12", "monitor-7"}, {"", "server_name = PUMP-12.ward.example\n"}},
        "t.conf:21: listen = 127.0.0.1:802 is shared with [device a] (t.conf:6), and so is "
        "PUMP-12.ward.example; right: a name for each device that no other on this address "
        "has");
    expect_names(
        &(struct sharing){{"monitor-7", "monitor-7-rsa"}, {"", ""}},
        "t.conf:21: listen = 127.0.0.1:802 is shared with [device a] (t.conf:6), and so is "
        "monitor-7.ward.example; right: a name for each device that no other on this "
        "address has");
}

Test(check_binds, a_wildcard_name_must_not_reach_another_device)
{
    expect_names(
        &(struct sharing){{"bms-wild", "monitor-7"}, {"", "server_name = x.hospital.example\n"}},
        "t.conf:21: listen = 127.0.0.1:802 is shared with [device a] (t.conf:6), and so is "
        "x.hospital.example; right: a name for each device that no other on this address "
        "has");
    expect_names(&(struct sharing){{"bms-wild", "monitor-7"}, {"", ""}}, NULL);
}
