#include <jansson.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "certs/mem.h"
#include "gateway/status.h"

static struct snapshot_device device;
static struct snapshot_link both[2];

static struct snapshot sample(void)
{
    both[0] = (struct snapshot_link){.state = "handshake", .peer = "10.0.0.8:1"};
    both[1] = (struct snapshot_link){.state = "up",
                                     .peer = "10.0.0.9:2",
                                     .peer_subject = "CN=bms\xff",
                                     .peer_serial = "0B",
                                     .tls = "TLSv1.3",
                                     .suite = "TLS_AES_128_GCM_SHA256",
                                     .verdict = "not checked",
                                     .evidence = "CRL 2D",
                                     .verdict_until_s = 1772433000,
                                     .since_s = 1772346600};
    device = (struct snapshot_device){
        .name = "pump-12",
        .description = "Infusion pump, bed 12",
        .port = "serial:/dev/ttyUSB0",
        .protocol = "modbus-rtu",
        .state = "up",
        .words = "linked; device silent 42 s",
        .port_open = true,
        .since_s = 1772346600,
        .revocation_off = true,
        .certificate = {.subject = "CN=pump-12", .serial = "0A", .not_after_s = 1772433000},
        .days_left = 1,
        .own_verdict = "good",
        .own_evidence = "CRL 1C",
        .own_until_s = 1772433000,
        .break_glass_until_s = 1772346700,
        .is_blocked = true,
        .device_to_server_bytes = 12,
        .device_to_server_messages = 3,
        .server_to_device_bytes = 34,
        .server_to_device_messages = 4,
        .lost_bytes = 5,
        .junk_bytes = 6,
        .line_errors = 7,
        .sessions = 8,
        .refusals = 9,
        .link_count = 2,
        .link_total = 3,
        .links = both,
    };
    return (struct snapshot){.name = "ward-3b",
                             .version = "0.1.0",
                             .generation = 2,
                             .loaded_at_s = 1772346000,
                             .now_s = 1772346660,
                             .clock = "synced",
                             .clock_trusted = true,
                             .stall_ms = 7,
                             .unchecked = 2,
                             .devices = &device,
                             .device_count = 1};
}

static char *text_of(const struct snapshot *s)
{
    struct status_text text = {.text = NULL};
    status_begin(&text, s);
    status_add_devices(&text, s);
    return status_take(&text);
}

static json_t *json_of(const struct snapshot *s)
{
    char *text = text_of(s);
    cr_assert_not_null(text);
    json_t *root = json_loads(text, 0, NULL);
    cr_assert_not_null(root, "%s", text);
    mem_free(text);
    return root;
}

static const char *text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    cr_assert_not_null(text, "%s is missing", key);
    return text;
}

static json_int_t number_at(json_t *object, const char *key)
{
    cr_assert(json_is_integer(json_object_get(object, key)), "%s is missing", key);
    return json_integer_value(json_object_get(object, key));
}

Test(status, tells_the_gateway)
{
    struct snapshot s = sample();
    json_t *root = json_of(&s);
    json_t *gateway = json_object_get(root, "gateway");
    cr_expect_str_eq(text_at(gateway, "name"), "ward-3b");
    cr_expect_str_eq(text_at(gateway, "version"), "0.1.0");
    cr_expect_eq(number_at(gateway, "generation"), 2);
    cr_expect_str_eq(text_at(gateway, "loaded_at"), "2026-03-01T06:20:00Z");
    cr_expect_str_eq(text_at(gateway, "now"), "2026-03-01T06:31:00Z");
    cr_expect_str_eq(text_at(gateway, "clock"), "synced");
    cr_expect(json_is_true(json_object_get(gateway, "clock_trusted")));
    cr_expect_eq(number_at(gateway, "stall_ms"), 7);
    cr_expect_eq(number_at(gateway, "unchecked"), 2);
    json_decref(root);
}

Test(status, tells_everything_of_a_device)
{
    struct snapshot s = sample();
    json_t *root = json_of(&s);
    json_t *d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_str_eq(text_at(d, "name"), "pump-12");
    cr_expect_str_eq(text_at(d, "description"), "Infusion pump, bed 12");
    cr_expect_str_eq(text_at(d, "port"), "serial:/dev/ttyUSB0");
    cr_expect_str_eq(text_at(d, "protocol"), "modbus-rtu");
    cr_expect_str_eq(text_at(d, "state"), "up");
    cr_expect_str_eq(text_at(d, "words"), "linked; device silent 42 s");
    cr_expect_str_eq(text_at(d, "since"), "2026-03-01T06:30:00Z");
    cr_expect_str_eq(text_at(d, "revocation"), "off");
    cr_expect(json_is_true(json_object_get(d, "port_open")));
    cr_expect(json_is_null(json_object_get(d, "last_fault")));
    json_t *certificate = json_object_get(d, "certificate");
    cr_expect_str_eq(text_at(certificate, "subject"), "CN=pump-12");
    cr_expect_str_eq(text_at(certificate, "serial"), "0A");
    cr_expect_str_eq(text_at(certificate, "not_after"), "2026-03-02T06:30:00Z");
    cr_expect_eq(number_at(certificate, "days_left"), 1);
    cr_expect_str_eq(text_at(certificate, "verdict"), "good");
    cr_expect_str_eq(text_at(certificate, "evidence"), "CRL 1C");
    cr_expect_str_eq(text_at(certificate, "verdict_until"), "2026-03-02T06:30:00Z");
    cr_expect(json_is_true(json_object_get(d, "blocked")));
    cr_expect_str_eq(text_at(d, "break_glass_until"), "2026-03-01T06:31:40Z");
    json_decref(root);
}

Test(status, says_the_mode_of_revocation_and_off_above_all)
{
    struct snapshot s = sample();
    device.revocation = "grace";
    json_t *root = json_of(&s);
    json_t *d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_str_eq(text_at(d, "revocation"), "grace");
    json_decref(root);
    device.revocation = NULL;
    device.revocation_off = false;
    root = json_of(&s);
    d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_str_eq(text_at(d, "revocation"), "on");
    json_decref(root);
}

Test(status, tells_the_counters_of_both_directions)
{
    struct snapshot s = sample();
    json_t *root = json_of(&s);
    json_t *d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_eq(number_at(json_object_get(d, "bytes"), "device_to_server"), 12);
    cr_expect_eq(number_at(json_object_get(d, "bytes"), "server_to_device"), 34);
    cr_expect_eq(number_at(json_object_get(d, "messages"), "device_to_server"), 3);
    cr_expect_eq(number_at(json_object_get(d, "messages"), "server_to_device"), 4);
    cr_expect_eq(number_at(d, "lost_bytes"), 5);
    cr_expect_eq(number_at(d, "junk_bytes"), 6);
    cr_expect_eq(number_at(d, "line_errors"), 7);
    cr_expect_eq(number_at(d, "sessions"), 8);
    cr_expect_eq(number_at(d, "refusals"), 9);
    json_decref(root);
}

Test(status, shows_the_peer_of_the_link_that_is_up)
{
    struct snapshot s = sample();
    json_t *root = json_of(&s);
    json_t *d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_str_eq(text_at(d, "peer"), "10.0.0.9:2");
    cr_expect_str_eq(text_at(d, "peer_subject"), "CN=bms\\xff");
    cr_expect_str_eq(text_at(d, "peer_serial"), "0B");
    cr_expect_str_eq(text_at(d, "tls"), "TLSv1.3");
    cr_expect_str_eq(text_at(d, "verdict"), "not checked");
    cr_expect_str_eq(text_at(d, "evidence"), "CRL 2D");
    cr_expect_str_eq(text_at(d, "verdict_until"), "2026-03-02T06:30:00Z");
    cr_expect_eq(number_at(d, "link_total"), 3);
    json_t *links = json_object_get(d, "links");
    cr_expect_eq(json_array_size(links), 2);
    cr_expect_str_eq(text_at(json_array_get(links, 0), "state"), "handshake");
    cr_expect_str_eq(text_at(json_array_get(links, 1), "suite"), "TLS_AES_128_GCM_SHA256");
    json_decref(root);
}

Test(status, shows_the_first_link_when_none_is_up_and_nothing_without_links)
{
    struct snapshot s = sample();
    device.link_count = 1;
    json_t *root = json_of(&s);
    cr_expect_str_eq(text_at(json_array_get(json_object_get(root, "devices"), 0), "peer"),
                     "10.0.0.8:1");
    json_decref(root);
    device.link_count = 0;
    root = json_of(&s);
    cr_expect_str_eq(text_at(json_array_get(json_object_get(root, "devices"), 0), "peer"), "");
    json_decref(root);
}

Test(status, tells_the_last_fault_with_its_side)
{
    struct snapshot s = sample();
    fault_set(&device.last_fault, FAULT_GONE, FAULT_SIDE_DEVICE, "/dev/ttyUSB0", NULL);
    device.last_fault_at_s = 1772346600;
    json_t *root = json_of(&s);
    json_t *f = json_object_get(json_array_get(json_object_get(root, "devices"), 0), "last_fault");
    cr_expect_str_eq(text_at(f, "code"), "gone");
    cr_expect_str_eq(text_at(f, "side"), "device");
    cr_expect_str_eq(text_at(f, "note"), "/dev/ttyUSB0");
    cr_expect_str_eq(text_at(f, "at"), "2026-03-01T06:30:00Z");
    cr_expect_gt(json_string_length(json_object_get(f, "text")), 0);
    json_decref(root);
}

Test(status, fails_whole_when_there_is_no_memory)
{
    struct snapshot s = sample();
    uint32_t failed = 0;
    for (uint32_t nth = 1; nth < 200; nth++) {
        mem_fail_nth(nth);
        char *text = text_of(&s);
        bool was_short = mem_fail_nth(0) == 0;
        cr_expect_eq(text == NULL, was_short, "allocation %u", nth);
        mem_free(text);
        failed += was_short;
    }
    cr_expect_gt(failed, 0);
    cr_expect_lt(failed, 199);
}

/* As the desk makes it: some devices now, some later, in the end none. */
Test(status, is_the_same_text_in_however_many_parts)
{
    struct snapshot s = sample();
    struct snapshot_device devices[3] = {device, device, device};
    s.devices = devices;
    s.device_count = 3;
    char *whole = text_of(&s);
    struct status_text text = {.text = NULL};
    status_begin(&text, &s);
    for (size_t i = 0; i <= 3; i++) {
        s.devices = &devices[i];
        s.device_count = i < 3;
        status_add_devices(&text, &s);
    }
    char *parts = status_take(&text);
    cr_expect_str_eq(parts, whole);
    json_t *root = json_loads(parts, 0, NULL);
    cr_expect_eq(json_array_size(json_object_get(root, "devices")), 3);
    json_decref(root);
    mem_free(parts);
    mem_free(whole);
}

Test(status, begins_anew_and_can_be_forgotten)
{
    struct snapshot s = sample();
    struct status_text text = {.text = NULL};
    status_begin(&text, &s);
    status_add_devices(&text, &s);
    s.device_count = 0;
    status_begin(&text, &s);
    char *none = status_take(&text);
    cr_assert_not_null(none);
    cr_expect_not_null(strstr(none, "\"devices\":[]}\n"));
    mem_free(none);
    status_begin(&text, &s);
    status_forget(&text);
    cr_expect_null(text.text);
}

/* What is in it: status_modbus_test.c. */
Test(status, tells_of_modbus_only_where_it_is_spoken)
{
    struct snapshot s = sample();
    json_t *root = json_of(&s);
    json_t *d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_null(json_object_get(d, "side"));
    cr_expect_null(json_object_get(json_array_get(json_object_get(d, "links"), 1), "roles"));
    json_decref(root);
    device.has_bus = true;
    device.links[1].is_master = true;
    root = json_of(&s);
    d = json_array_get(json_object_get(root, "devices"), 0);
    cr_expect_str_eq(text_at(d, "side"), "unit");
    cr_expect_eq(number_at(json_array_get(json_object_get(d, "links"), 1), "requests"), 0);
    json_decref(root);
}
