#!/usr/bin/python3
# timeout: 60
"""libmodbus's own load programs against its own servers, with TLS and the gateway between them: random-test writes
and reads back random values, and four bandwidth-clients at once read and write as fast as they can."""
import os
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import examples
from tools import stunnel
from wg import (Gateway, check, device_section, equal, figure, gateway_section, port, scenario, spawn,
                trust_section, wait_for, wait_listens)

MASTERS = 4
ROUNDS = 150  # of each of the three things that a bandwidth-client does; its own number is 100,000


def body():
    if not examples.are_there():
        return
    names = {"random-test": "pump-12", "bandwidth": "monitor-7"}
    servers = {"random-test": "random-test-server", "bandwidth": "bandwidth-server-many-up"}
    entries, text = {}, gateway_section() + trust_section()
    links = {}
    for load, name in names.items():
        server, links[load], entries[load] = port(), port(), port()
        spawn([examples.build(servers[load], [("1502", str(server))])], log=load + "-server.log")
        wait_listens(server)
        text += device_section(name, cert=name, port="tcp:127.0.0.1:%d" % server, protocol="modbus-tcp", unit_map="255",
                               writes="allow", response_timeout="5s", listen="127.0.0.1:%d" % links[load])
    gateway = Gateway(text).start()
    for load, name in names.items():
        gateway.wait_device(name, "port open", lambda d: d["port_open"])
        stunnel("client", entries[load], links[load], "bms", name=name + ".ward.example")
    # A busy machine may be slower than libmodbus's half a second.
    patient = ("    if (modbus_connect(ctx) == -1) {",
               "    modbus_set_response_timeout(ctx, 10, 0);\n    if (modbus_connect(ctx) == -1) {")
    random = examples.build("random-test-client", [("1502", str(entries["random-test"])), patient])
    bandwidth = examples.build("bandwidth-client", [("1502", str(entries["bandwidth"])), patient,
                                                    ("n_loop = 100000", "n_loop = %d" % ROUNDS)])
    began = time.monotonic()
    running = [spawn([random], log="random-test.log")]
    running += [spawn([bandwidth, "tcp"], log="bandwidth-%d.log" % i) for i in range(MASTERS)]
    for load in running:
        wait_for("the load programs are done", lambda one=load: one.poll() is not None, 50, 0.05)
        equal(load.returncode, 0, "exit status of " + load.args[0])
    took = time.monotonic() - began
    with open("random-test.log", encoding="utf-8", errors="replace") as log:
        check(re.search(r"^Test: SUCCESS", log.read(), re.M), "random-test-client found a wrong value")
    done = sum(gateway.device(name)["messages"]["device_to_server"] for name in names.values())
    check(done > MASTERS * ROUNDS * 3, "only %d answers" % done)
    figure("libmodbus's random-test and %d bandwidth-clients at once: %d transactions, %d a second"
           % (MASTERS, done, done / took))
    gateway.stop()


scenario(body)
