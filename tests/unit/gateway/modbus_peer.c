#include "tests/unit/gateway/modbus_peer.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <modbus/modbus.h>

#include "certs/mem.h"
#include "tests/unit/gateway/bench.h"

enum { PEER_ITEMS = 64, PEER_LOOK_US = 20000 };

struct modbus_peer {
    modbus_t *modbus;
    modbus_mapping_t *map;
    int fd;
    pthread_t thread;
    atomic_bool stopped;
    unsigned served;
};

static void *modbus_peer_run(void *arg)
{
    struct modbus_peer *p = arg;
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];

    while (!atomic_load(&p->stopped)) {
        int len = modbus_receive(p->modbus, query);

        if (len > 0) {
            p->served++;
            (void)modbus_reply(p->modbus, query, len, p->map);
        } else if (len < 0) {
            (void)usleep(1000); /* nobody has the tty open yet, or nothing came */
        }
    }
    return NULL;
}

struct modbus_peer *modbus_peer_start(int unit, char *path, size_t cap)
{
    struct modbus_peer *p = mem_new(1, sizeof *p);

    cr_assert_not_null(p);
    p->fd = bench_open_pty(path, cap);
    cr_assert_eq(fcntl(p->fd, F_SETFL, 0), 0); /* libmodbus waits by select */
    p->modbus = modbus_new_rtu(path, 115200, 'E', 8, 1);
    p->map = modbus_mapping_new(PEER_ITEMS, PEER_ITEMS, PEER_ITEMS, PEER_ITEMS);
    cr_assert(p->modbus != NULL && p->map != NULL);
    for (uint16_t i = 0; i < PEER_ITEMS; i++) {
        p->map->tab_registers[i] = i;
        p->map->tab_input_registers[i] = i;
    }
    cr_assert_eq(modbus_set_slave(p->modbus, unit), 0);
    cr_assert_eq(modbus_set_socket(p->modbus, p->fd), 0);
    (void)modbus_set_response_timeout(p->modbus, 0, PEER_LOOK_US);
    (void)modbus_set_indication_timeout(p->modbus, 0, PEER_LOOK_US);
    cr_assert_eq(pthread_create(&p->thread, NULL, modbus_peer_run, p), 0);
    return p;
}

unsigned modbus_peer_stop(struct modbus_peer *p)
{
    unsigned served = 0;

    atomic_store(&p->stopped, true);
    cr_assert_eq(pthread_join(p->thread, NULL), 0);
    served = p->served;
    modbus_mapping_free(p->map);
    modbus_free(p->modbus);
    close(p->fd);
    mem_free(p);
    return served;
}
