#!/usr/bin/python3
# timeout: 90
"""Orders of a person: a block cuts at once and outlives a restart, others lose nothing; break-glass lets
links up without a verdict for a time; wrong orders say what would be right."""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from echo import Echo
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section,
                wait_for)

CUT_S = 5


def order(gateway, wanted, *words):
    """Give an order; what it said."""
    status, told = gateway.command(*words, seconds=60)
    equal(status, wanted, "exit status of %s (%s)" % (" ".join(words), told))
    return told


def cut(server, gateway, subject, *words):
    """Block: the link of that subject must end soon."""
    links = [s for s in server.links if subject in s.subject and s.ended is None]
    check(links, "there is no link of %s to cut" % subject)
    began = time.monotonic()
    told = order(gateway, 0, "block", *words)
    wait_for("the link is cut", lambda: all(s.ended for s in links), CUT_S)
    check("is blocked; 1 link was cut" in told, "block said %r" % told)
    return time.monotonic() - began


def blocks(server, gateway, echo):
    gateway.wait_state("lost", "up")
    cut(server, gateway, "pump-12", "lost", "--reason", "left in the lift")
    check(gateway.device("lost")["blocked"], "status does not say that the device is blocked")
    equal([(b["kind"], b["value"], b["reason"]) for b in gateway.status()["blocks"]],
          [("device", "lost", "left in the lift")], "the block list")
    check("left in the lift" in gateway.command("status")[1], "the table does not show the block")
    echo.go_on()


def survives(server, gateway, text):
    """The block holds after a restart, from the first link on."""
    count = len([s for s in server.links if "pump-12" in s.subject])
    gateway.stop()
    gateway.write(text)
    gateway.start()
    gateway.wait_state("echo", "up")
    check(gateway.device("lost")["blocked"], "the block is gone after a restart")
    equal(len([s for s in server.links if "pump-12" in s.subject]), count,
          "links of the blocked device after a restart")
    check("lost is not blocked any more" in order(gateway, 0, "unblock", "lost"), "unblock's words")
    gateway.wait_state("lost", "up")


def blocks_a_server(server, gateway):
    """By the serial number that status shows; every device that dials it is cut."""
    serial = gateway.device("lost")["peer_serial"]
    cut_links = [s for s in server.links if s.ended is None]
    told = order(gateway, 0, "block", serial, "--reason", "stolen", "--json")
    equal(json.loads(told)["links_cut"], len(cut_links), "links cut by the server's serial")
    wait_for("all links are cut", lambda: all(s.ended for s in cut_links), CUT_S)
    order(gateway, 0, "unblock", serial)
    gateway.wait_state("lost", "up")
    gateway.wait_state("echo", "up")


def breaks_the_glass(server, gateway, text):
    """Nobody knows whether the server is revoked: only the device that has a grant is let through."""
    os.mkdir("crls")
    gateway.stop()
    gateway.write(text(revocation="hard", crl=os.path.abspath("crls"), check_timeout="1s"))
    gateway.start()
    gateway.wait_fault("lost", "no-verdict")
    gateway.wait_fault("echo", "no-verdict")
    told = order(gateway, 0, "break-glass", "lost", "--for", "1h", "--reason", "the CA is down")
    check("lost: break-glass until 2" in told, "break-glass said %r" % told)
    device = gateway.wait_state("lost", "up")
    check(device["break_glass_until"], "status does not tell of the break-glass")
    equal([g["device"] for g in gateway.status()["grants"]], ["lost"], "the grants")
    check(gateway.device("echo")["state"] != "up", "break-glass let another device through")
    links = [s for s in server.links if s.ended is None]
    equal(len(links), 1, "links under break-glass")
    check("break-glass has ended" in order(gateway, 0, "break-glass", "lost", "--end"), "the end")
    wait_for("the link is cut at its end", lambda: links[0].ended, CUT_S)
    check(gateway.device("lost")["state"] != "up", "up without break-glass")
    order(gateway, 64, "break-glass", "lost", "--end")


def refreshes(gateway):
    """A folder without a CRL is read; what is no CRL is a source that failed."""
    told = order(gateway, 0, "revocation", "refresh")
    check("read; all verdicts are in force" in told, "refresh said %r" % told)
    with open("crls/bad.crl", "w", encoding="ascii") as out:
        out.write("<html>moved</html>")
    told = order(gateway, 69, "revocation", "refresh")
    check("bad.crl" in told, "refresh with a broken file said %r" % told)


def refusals(gateway):
    for code, words, says in (
            (64, ("block", "no-such-device", "--reason", "x"), "no-such-device"),
            (64, ("block", "lost"), "--reason"),
            (64, ("unblock", "lost"), "not blocked"),
            (64, ("break-glass", "nobody", "--for", "2h", "--reason", "x"), "nobody"),
            (64, ("break-glass", "lost", "--for", "2d", "--reason", "x"), "2h"),
            (64, ("revocation", "forget"), "refresh")):
        told = order(gateway, code, *words)
        check(says in told, "%s said %r" % (" ".join(words), told))


def body():
    server = tls.Server(tls.server_context(), on_record=lambda link, got: link.send(got)).start()
    numbers = {"echo": port(), "lost": port()}

    def text(**trust):
        out = gateway_section() + trust_section(**trust)
        out += device_section("echo", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % numbers["echo"],
                              start="always", connect="127.0.0.1:%d" % server.number)
        return out + device_section("lost", port="tcp-listen:127.0.0.1:%d" % numbers["lost"],
                                    start="always", connect="127.0.0.1:%d" % server.number)

    gateway = Gateway(text()).start()
    echo = Echo(numbers["echo"])
    echo.go_on()
    blocks(server, gateway, echo)
    echo.end()
    survives(server, gateway, text())
    refusals(gateway)
    blocks_a_server(server, gateway)
    breaks_the_glass(server, gateway, text)
    refreshes(gateway)
    gateway.stop()


scenario(body)
