#!/usr/bin/python3
# timeout: 60
"""Reload: broken input keeps the old state, one changed device restarts while another goes on, new
certificate files serve the next link."""
import shutil
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from echo import Echo
from wg import (Gateway, check, device_section, equal, gateway_section, pki, port, scenario,
                trust_section, wait_for)


def body():
    server = tls.Server(tls.server_context(), on_record=lambda link, got: link.send(got)).start()
    ports = {"echo": port(), "changed": port(), "new": port()}
    for kind in ("pem", "key"):
        shutil.copy(pki("pump-12." + kind), "changed." + kind)

    def text(gap="10m", more=""):
        out = gateway_section() + trust_section()
        out += device_section("echo", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % ports["echo"],
                              connect="127.0.0.1:%d" % server.number)
        out += device_section("changed", port="tcp-listen:127.0.0.1:%d" % ports["changed"],
                              connect="127.0.0.1:%d" % server.number, start="always",
                              idle_timeout=gap, certificate=os.path.abspath("changed.pem"),
                              key=os.path.abspath("changed.key"))
        return out + more

    gateway = Gateway(text()).start()
    gateway.wait_state("changed", "up")
    echo = Echo(ports["echo"])
    echo.go_on()
    equal(gateway.status()["gateway"]["generation"], 1, "generation at start")

    gateway.write(text(gap="nonsense"))
    status, told = gateway.command("reload")
    check(status == 78 and "nonsense" in told + gateway.log(),
          "reload of a broken file: exit %d, told %r" % (status, told))
    gateway.hangup()
    gateway.wait_log("(?i)nonsense")
    equal(gateway.status()["gateway"]["generation"], 1, "generation after broken reloads")
    equal(len(gateway.status()["devices"]), 2, "devices after broken reloads")
    echo.go_on()

    sessions = gateway.device("changed")["sessions"]
    gateway.write(text(gap="11m"))
    status, told = gateway.command("reload")
    equal(status, 0, "exit status of reload (%s)" % told)
    wait_for("generation 2", lambda: gateway.status()["gateway"]["generation"] == 2)
    gateway.wait_device("changed", "up again", lambda d: d["state"] == "up" and (
        d["sessions"] == 1 or d["sessions"] > sessions))
    equal(len([s for s in server.links if "pump-12" in s.subject]), 2, "links of the changed device")
    echo.go_on()

    # New files under the same names: the link that is up stays, the next one uses them.
    before = gateway.device("changed")["certificate"]["serial"]
    for kind in ("pem", "key"):
        shutil.copy(pki("pump-12-rsa." + kind), "changed." + kind)
    gateway.hangup()
    wait_for("generation 3", lambda: gateway.status()["gateway"]["generation"] == 3)
    echo.go_on()
    links = [s for s in server.links if "pump-12" in s.subject]
    equal(len(links), 2, "links after new certificate files")
    check(links[-1].ended is None, "the link was cut for new certificate files")
    links[-1].close()
    wait_for("the next link of the device",
             lambda: len([s for s in server.links if "pump-12" in s.subject]) == 3)
    now = [s for s in server.links if "pump-12" in s.subject][-1].sock.getpeercert()
    serial = now["serialNumber"].lstrip("0")
    check(serial != before.lstrip("0"), "the next link still showed the old certificate")
    equal(gateway.device("changed")["certificate"]["serial"].lstrip("0"), serial,
          "serial in status after new files")

    # A device more, then one less.
    gateway.write(text(gap="11m", more=device_section(
        "new", cert="analyser-3", port="tcp-listen:127.0.0.1:%d" % ports["new"], start="always",
        connect="127.0.0.1:%d" % server.number)))
    equal(gateway.command("reload")[0], 0, "reload with one device more")
    gateway.wait_state("new", "up")
    gateway.write(text(gap="11m"))
    equal(gateway.command("reload")[0], 0, "reload with one device less")
    wait_for("the device is gone", lambda: len(gateway.status()["devices"]) == 2)
    wait_for("its link is closed", lambda: all(
        s.ended for s in server.links if "analyser" in s.subject))
    echo.go_on()
    equal(len([s for s in server.links if "monitor-7" in s.subject]), 1, "links of the other device")
    echo.end()
    gateway.stop()


scenario(body)
