#include "gateway/status_modbus.h"

#include "gateway/jsontext.h"

static json_t *requests_object(const struct snapshot_requests *r)
{
    json_t *object = json_object();
    if (!jsontext_set_count(object, "sent", r->sent) ||
        !jsontext_set_count(object, "answered", r->answered) ||
        !jsontext_set_count(object, "denied", r->denied) ||
        !jsontext_set_count(object, "malformed", r->malformed) ||
        !jsontext_set_count(object, "busy", r->busy) ||
        !jsontext_set_count(object, "unavailable", r->unavailable) ||
        !jsontext_set_count(object, "no_answer", r->no_answer)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *writes_object(const struct snapshot_writes *w)
{
    json_t *object = json_object();
    if (!jsontext_set_count(object, "sent", w->sent) ||
        !jsontext_set_count(object, "confirmed", w->confirmed) ||
        !jsontext_set_count(object, "refused", w->refused) ||
        !jsontext_set_count(object, "unknown", w->unknown) ||
        !jsontext_set_count(object, "never_sent", w->unsent)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *lease_object(const struct snapshot_device *d)
{
    if (d->lease_holder[0] == '\0') {
        return json_null();
    }
    json_t *object = json_object();
    if (!jsontext_set(object, "holder", d->lease_holder) ||
        !jsontext_set_time(object, "until", d->lease_until_s)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *silent_array(const struct snapshot_device *d)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < d->silent_total && i < SNAPSHOT_SILENT_MAX; i++) {
        json_t *object = json_object();
        bool is_made = jsontext_set_count(object, "unit", d->silent[i].unit) &&
                       jsontext_set_number(object, "again_in_s", d->silent[i].again_in_s);
        if (!is_made || json_array_append_new(array, json_incref(object)) != 0) {
            json_decref(array);
            array = NULL;
        }
        json_decref(object);
    }
    return array;
}

/* The device is asked. */
static bool set_unit(json_t *object, const struct snapshot_device *d)
{
    return json_object_set_new(object, "writes", writes_object(&d->writes)) == 0 &&
           json_object_set_new(object, "write_lease", lease_object(d)) == 0 &&
           json_object_set_new(object, "silent_units", silent_array(d)) == 0 &&
           jsontext_set_count(object, "collisions", d->collisions);
}

bool status_modbus_set(json_t *device, const struct snapshot_device *d)
{
    if (!d->has_bus && !d->is_master) {
        return true;
    }
    return jsontext_set(device, "side", d->is_master ? "master" : "unit") &&
           json_object_set_new(device, "requests", requests_object(&d->requests)) == 0 &&
           jsontext_set_count(device, "late_answers", d->late_answers) &&
           (d->is_master ? jsontext_set_count(device, "masters", d->masters) : set_unit(device, d));
}

bool status_modbus_set_link(json_t *link, const struct snapshot_link *l)
{
    /* "" is a master that has none, null one that needs none. */
    return !l->is_master || (jsontext_set(link, "roles", l->has_rules ? l->roles : NULL) &&
                             jsontext_set(link, "role", l->role) &&
                             jsontext_set(link, "role_fault", l->role_fault) &&
                             jsontext_set_count(link, "requests", l->requests) &&
                             jsontext_set_count(link, "denied", l->denied) &&
                             jsontext_set_count(link, "failed", l->failed));
}
