#include "tests/unit/gateway/link_ward.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "conf/text.h"
#include "tests/unit/gateway/folder.h"

static void ward_on_closed(void *owner)
{
    struct ward *w = owner;
    w->closed++;
}

void ward_open(struct ward *w, struct bench *b, struct trust *trust)
{
    static char name[] = "hospital";
    struct fault f = {0};
    memset(w, 0, sizeof(*w));
    w->bench = b;
    (void)snprintf(w->folder, sizeof(w->folder), "/tmp/wardgate-ward-XXXXXX");
    cr_assert_not_null(mkdtemp(w->folder));
    w->section = (struct conf_trust){
        .name = name, .trust = trust, .check_timeout_ms = 500, .canonical = "as it is"};
    w->conf = (struct conf){
        .gateway = {.state_dir = w->folder}, .trusts = &w->section, .trust_count = 1};
    const struct revocation_settings settings = {
        .io = &b->io, .conf = &w->conf, .on_closed = ward_on_closed, .owner = w};
    w->revocation = revocation_new(&settings, &f);
    cr_assert_not_null(w->revocation, "%s", f.note);
    revocation_start(w->revocation);
}

void ward_use_devices(struct ward *w, struct conf_device *devices, size_t count)
{
    pool_free(w->pool);
    w->pool = pool_new();
    w->conf.devices = devices;
    w->conf.device_count = count;
    index_init(&w->conf.by_name, w->pool, count);
    for (size_t i = 0; i < count; i++) {
        cr_assert(index_add(&w->conf.by_name, text_hash(devices[i].name, 0)));
    }
}

void ward_close(struct ward *w)
{
    revocation_close(w->revocation);
    bench_run_until(w->bench, &w->closed, 1);
    revocation_free(w->revocation);
    pool_free(w->pool);
    folder_remove_tree(w->folder);
}
