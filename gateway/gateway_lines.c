/* Configurations that devices still borrow from, and the lines that Modbus devices share. */
#include "certs/mem.h"
#include "gateway/gateway_private.h"

struct generation *generation_new(struct conf *conf)
{
    struct generation *gen = mem_new(1, sizeof *gen);
    bool *runs = mem_new(conf->device_count, sizeof *runs);
    if (gen == NULL || runs == NULL) {
        mem_free(runs);
        mem_free(gen);
        return NULL;
    }
    *gen = (struct generation){.conf = conf, .runs = runs, .holders = 1};
    return gen;
}

struct generation *generation_hold(struct generation *gen)
{
    gen->holders++;
    return gen;
}

void generation_release(struct generation *gen)
{
    if (gen == NULL) {
        return;
    }
    gen->holders--;
    if (gen->holders == 0) {
        conf_free(gen->conf);
        mem_free(gen->runs);
        mem_free(gen);
    }
}

static void gateway_on_bus_closed(void *owner)
{
    struct line *line = owner;
    struct gateway *g = line->gateway;
    struct line **slot = &g->lines;
    while (*slot != line) {
        slot = &(*slot)->next;
    }
    *slot = line->next;
    gateway_clear_way(g, &line->port);
    bus_free(line->bus);
    generation_release(line->generation);
    mem_free(line);
    gateway_ask_reap(g);
}

static struct line *gateway_find_line(const struct gateway *g, const struct conf_device *c)
{
    for (struct line *line = g->lines; line != NULL; line = line->next) {
        if (!line->closing && bus_fits(line->bus, c)) {
            return line;
        }
    }
    return NULL;
}

struct line *gateway_join_line(struct gateway *g, const struct conf_device *c)
{
    struct line *line = gateway_find_line(g, c);
    if (line != NULL) {
        line->users++;
        return line;
    }
    line = mem_new(1, sizeof *line);
    if (line == NULL) {
        return NULL;
    }
    line->gateway = g;
    line->bus = bus_new(g->io, c, gateway_on_bus_closed, line);
    if (line->bus == NULL) {
        mem_free(line);
        return NULL;
    }
    line->generation = generation_hold(g->present);
    line->port_text = c->port.text;
    line->users = 1;
    line->next = g->lines;
    g->lines = line;
    return line;
}

void gateway_leave_line(struct line *line)
{
    if (line == NULL) {
        return;
    }
    line->users--;
    if (line->users == 0 && !line->closing) {
        line->closing = true;
        obstacles_put(&line->gateway->obstacles, &line->port, line->port_text);
        bus_close(line->bus);
    }
}
