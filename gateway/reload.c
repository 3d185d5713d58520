#include "gateway/reload.h"

#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/jsontext.h"
#include "gateway/log.h"

/* Text of an answer, or NULL: then the client hears "out of memory". Takes root over. */
static void answer(struct control_client *client, json_t *root)
{
    if (client != NULL) {
        char *text = jsontext_dump(root);
        control_answer(client, text);
        mem_free(text);
    }
    json_decref(root);
}

/* {"ok": false, "error": why}, or NULL when there is no memory. */
static json_t *failure_object(const char *why)
{
    json_t *root = json_object();
    if (json_object_set_new(root, "ok", json_false()) != 0 ||
        (why != NULL && !jsontext_set(root, "error", why))) {
        json_decref(root);
        return NULL;
    }
    return root;
}

void reload_refuse(struct control_client *client, const char *why)
{
    const struct log_field fields[] = {LOG_TEXT("why", why)};
    log_event(CONF_LOG_WARNING, NULL, "reload-refused", fields, 1);
    answer(client, failure_object(why));
}

/* The file is wrong: say everything that is, and keep what runs. */
static void tell_problems(struct reload *r)
{
    json_t *root = failure_object(NULL);
    json_t *list = json_array();
    bool is_made = json_object_set_new(root, "problems", list) == 0;
    for (size_t i = 0; i < problems_count(r->problems); i++) {
        const char *text = problems_text(r->problems, i);
        const struct log_field fields[] = {LOG_TEXT("problem", text)};
        log_event(CONF_LOG_ERROR, NULL, "reload-refused", fields, 1);
        is_made = is_made && jsontext_append(list, text);
    }
    if (!is_made) {
        json_decref(root);
        root = NULL;
    }
    answer(r->client, root);
}

static void log_settings_kept(const struct conf_gateway *before, const struct conf_gateway *after)
{
    if (strcmp(before->control, after->control) != 0) {
        const struct log_field fields[] = {LOG_TEXT("key", "control"),
                                           LOG_TEXT("why", "takes effect at the next start")};
        log_event(CONF_LOG_WARNING, NULL, "reload-kept", fields, 2);
    }
}

/* Blocks and marks are where the gateway began: one that went on there under another name would
 * lose at its next start what was blocked since. */
static bool moves_state(struct reload *r)
{
    char wrong[1024];
    const char *before = gateway_settings(r->gateway)->state_dir;
    if (strcmp(before, r->next->gateway.state_dir) == 0) {
        return false;
    }
    (void)snprintf(
        wrong, sizeof(wrong),
        "state_dir can not change while the gateway runs: its blocks and marks are in %s", before);
    problems_add(r->problems, r->next->path, 0, wrong, "a restart with the new one");
    return true;
}

static void swap(struct reload *r)
{
    struct fault f;
    struct conf *next = r->next;
    size_t devices = next->device_count;
    log_settings_kept(gateway_settings(r->gateway), &next->gateway);
    log_warnings(next->warnings);
    r->next = NULL;
    if (gateway_reload(r->gateway, next, &f) != 0) {
        log_fault(CONF_LOG_ERROR, NULL, "reload-refused", &f);
        answer(r->client, failure_object(f.note));
        return;
    }
    const struct conf_gateway *settings = gateway_settings(r->gateway);
    log_setup(settings->log_format, settings->log_level);
    const struct log_field fields[] = {
        LOG_NUMBER("generation", gateway_generation(r->gateway)),
        LOG_NUMBER("devices", devices),
    };
    log_event(CONF_LOG_INFO, NULL, "reload", fields, 2);
    json_t *root = json_object();
    if (json_object_set_new(root, "ok", json_true()) != 0 ||
        !jsontext_set_count(root, "generation", gateway_generation(r->gateway))) {
        json_decref(root);
        root = NULL;
    }
    answer(r->client, root);
}

static void clean_up(struct reload *r)
{
    conf_free(r->next);
    problems_free(r->problems);
    r->next = NULL;
    r->problems = NULL;
    r->before = NULL;
    r->client = NULL;
    r->is_running = false;
}

/* On a thread of the pool: touches only what is the reload's own, and reads what is in force, which
 * stays until this is done. */
static void read_files(uv_work_t *work)
{
    struct reload *r = work->data;
    r->next = conf_load_anew(r->before->path, io_wall_s(), r->before, r->problems);
}

static void on_read(uv_work_t *work, int status)
{
    struct reload *r = work->data;
    (void)status; /* never cancelled */
    struct gateway *gateway = r->gateway;
    if (gateway == NULL) {
        reload_refuse(r->client, "the gateway is stopping");
    } else if (r->next == NULL || moves_state(r)) {
        tell_problems(r);
    } else {
        swap(r);
    }
    clean_up(r);
    if (r->again && gateway != NULL) {
        r->again = false;
        if (reload_start(r, gateway, NULL)) {
            return;
        }
    }
    r->on_done(r->owner);
}

void reload_init(struct reload *r, struct io *io, void (*on_done)(void *owner), void *owner)
{
    r->io = io;
    r->on_done = on_done;
    r->owner = owner;
}

bool reload_start(struct reload *r, struct gateway *gateway, struct control_client *client)
{
    if (r->is_running && client == NULL) {
        r->again = true;
        return false;
    }
    if (r->is_running) {
        reload_refuse(client, "a reload is running already");
        return false;
    }
    r->before = gateway_conf(gateway);
    r->problems = problems_new();
    r->client = client;
    r->gateway = gateway;
    r->work.data = r;
    r->is_running = true;
    if (r->problems == NULL || uv_queue_work(&r->io->loop, &r->work, read_files, on_read) != 0) {
        reload_refuse(client, "out of memory");
        clean_up(r);
        return false;
    }
    return true;
}

void reload_abandon(struct reload *r)
{
    r->gateway = NULL;
}
