#!/usr/bin/python3
# timeout: 110
# alone
"""Revocation of links that live: 500 sessions echo in both roles while the CA revokes a peer; then a
device's own certificate is revoked, peers and devices are blocked and unblocked, break-glass is granted, and
the gateway is started again without a network. Independent CA (openssl ca), CDP (nginx), peers (OpenSSL)."""
import concurrent.futures
import os
import resource
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from cdp import Cdp
from crowd import Client, Contexts, Devices, Servers
from echoes import Echoes
from lab import Lab
from responder import Door
from wg import (Gateway, check, device_section, equal, figure, gateway_section, port, say, scenario, section)

CLIENTS, LINKS_IN = 25, 10   # certificates of clients, links of each
SERVERS, LINKS_OUT = 10, 25  # certificates of servers, each with a device of so many connections
LIMIT_S = 5


class Town:
    def __init__(self):
        self.cdp, self.door = Cdp().start(), Door()
        self.lab = lab = Lab()
        places = "crlDistributionPoints = URI:%s\n"
        self.ward = lab.ward
        self.clients = [self.ward.leaf("client-%d" % i, "DNS:peer.example",
                                       more=places % self.cdp.url("ward")) for i in range(CLIENTS)]
        self.servers = [self.ward.leaf("server-%d" % i, "DNS:peer.example",
                                       more=places % self.cdp.url("ward")) for i in range(SERVERS)]
        self.ward.leaf("own", "URI:urn:ward:own", more=places % self.cdp.url("ward"))
        self.ward.leaf("glass", "DNS:peer.example", more="authorityInfoAccess = OCSP;URI:%s\n"
                       % self.door.url("/glass"))
        lab.write("both.pem", lab.read("root.pem") + lab.read("devices.pem"))
        self.number = 0
        self.publish()
        self.cdp.publish("root", lab.root.crl("root"))
        self.devices = Devices(echo=True)
        self.contexts = Contexts(lab, "both.pem")
        self.hospital = Servers(self.contexts, "server-0",
                                on_record=lambda link, got: link.send(got))
        self.hospital.certs = {"out-%d.case.example" % i: "server-%d" % i for i in range(SERVERS)}
        self.listen, self.out_ports = port(), [port() for _ in range(SERVERS)]
        self.echoes = Echoes()

    def publish(self):
        """The CA's newest CRL comes to the CDP."""
        self.number += 1
        self.cdp.publish("ward", self.ward.crl("ward-now", number=self.number, last=-3600 + self.number))

    def revoke(self, *names):
        for name in names:
            self.ward.revoke(name, "keyCompromise")

    def text(self):
        keys = {"certificate": self.lab.path("device.pem"), "key": self.lab.path("device.key"),
                "allow": "dns:peer.example"}
        trust = {"anchors": self.lab.path("root.pem"), "intermediates": self.lab.path("ward.pem"),
                 "revocation": "hard"}
        text = gateway_section(log_level="info")
        # The leaf names its CDP itself; the CRL of the root is configured.
        text += section("trust", "hospital", dict(
            trust, crl=self.cdp.url("root"), follow_cdp="yes",
            fetch_hosts="127.0.0.1:%d" % self.cdp.number))
        text += section("trust", "glass", dict(trust, crl=self.lab.path("root.crl"), ocsp="aia",
                                               fetch_hosts="127.0.0.1:%d" % self.door.number))
        listen = "127.0.0.1:%d" % self.listen
        for name, more in (("many", {}), ("glass", {"trust": "glass"}),
                           ("own", {"certificate": self.lab.path("own.chain.pem"),
                                    "key": self.lab.path("own.key")})):
            text += device_section(name, port=self.devices.add(name), listen=listen, max_links="300",
                                   server_name=name + ".case.example", **dict(keys, **more))
        for i, number in enumerate(self.out_ports):
            text += device_section("out-%d" % i, port="tcp-listen:127.0.0.1:%d" % number,
                                   connect="127.0.0.1:%d" % self.hospital.number("13"),
                                   server_name="out-%d.case.example" % i, start="data",
                                   max_links="100", **keys)
        return text

    # Links ---------------------------------------------------------------------------------------

    def dial(self, device, cert):
        """A hospital client's link to this device."""
        return Client(self.listen, self.contexts.of("client", cert, "13"), device + ".case.example")

    def add_in(self, name, device, cert):
        client = self.dial(device, cert)
        check(client.ended is None, "%s: no handshake: %s" % (name, client.ended))
        self.echoes.add(name, client.sock)

    def add_out(self, name, at):
        sock = socket.create_connection(("127.0.0.1", self.out_ports[at]), timeout=10)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.echoes.add(name, sock)

    def is_refused(self, device, cert):
        """A new link of this peer comes to nothing."""
        client = self.dial(device, cert)
        if client.ended is None:
            try:
                client.sock.sendall(b"SECRET")
            except OSError:
                pass
        client.hear()
        client.close()
        return client.got == b""


def names_in(which):
    return ["in-%d-%d" % (which, i) for i in range(LINKS_IN)]


def names_out(which):
    return ["out-%d-%d" % (which, i) for i in range(LINKS_OUT)]


def fill(town, gateway):
    """All links come up and answer."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(town.add_in, "in-%d-%d" % (c, i), "many", "client-%d" % c)
                for c in range(CLIENTS) for i in range(LINKS_IN)]
        jobs += [pool.submit(town.add_out, "out-%d-%d" % (s, i), s)
                 for s in range(SERVERS) for i in range(LINKS_OUT)]
        for job in jobs:
            job.result()
    town.echoes.still(living(town), "at the start", 40)
    status = gateway.status()
    up = sum(1 for d in status["devices"] for link in d["links"] if link["state"] == "up")
    total = sum(d["link_total"] for d in status["devices"])
    say("%d sessions are up and answer" % total)
    equal(total, CLIENTS * LINKS_IN + SERVERS * LINKS_OUT, "sessions")
    check(up > 0, "status shows no link")
    words = {link["verdict"] for d in status["devices"] for link in d["links"]
             if link["state"] == "up"}
    equal(words, {"good"}, "verdicts of the links")


def living(town):
    return {e.name for e in town.echoes.of() if e.ended is None}


def refresh(gateway):
    status, told = gateway.command("revocation", "refresh", seconds=60)
    equal(status, 0, "exit status of refresh (%s)" % told.strip())
    return told.strip()


def cut(town, gateway, what, gone, order):
    """order() must end the links of `gone`, quickly, and no other one; returns when it did."""
    others = living(town) - set(gone)
    town.echoes.still(living(town), "before " + what)
    town.echoes.forget_gaps()
    began = time.monotonic()
    order()
    ordered = time.monotonic()
    ended = town.echoes.wait_ended(gone, 30)
    town.echoes.still(others, "after " + what)
    figure("%s: %d links closed %.3f s after it began (the order itself took %.3f s); %d others answer, "
           "longest from answer to answer %.0f ms (a pause of 400 in it)" % (
            what, len(gone), ended - began, ordered - began, len(others),
            town.echoes.longest_gap_ms(others)))
    check(ended - began < LIMIT_S, "%s: closing took %.1f s" % (what, ended - began))
    equal(living(town), others, "links that live after " + what)
    equal(gateway.status()["gateway"]["unchecked"], 0, "sessions that could not be re-checked")


def publish_and_refresh(town, gateway):
    town.publish()
    refresh(gateway)


def revoked_peers(town, gateway):
    town.revoke("client-7")
    cut(town, gateway, "a client is revoked", names_in(7), lambda: publish_and_refresh(town, gateway))
    gateway.wait_event("link-ended", "many", cause="revoked", count=LINKS_IN)
    equal({e["cause"] for e in gateway.events("link-ended")}, {"revoked"}, "causes of ended links")
    check(town.is_refused("many", "client-7"), "the revoked client was let in again")
    town.revoke("server-4")
    cut(town, gateway, "a server is revoked", names_out(4), lambda: publish_and_refresh(town, gateway))
    fault = gateway.wait_fault("out-4", "revoked")["last_fault"]
    equal(fault["side"], "certificate", "side of the fault")


def own_certificate(town, gateway):
    links = ["own-%d" % i for i in range(5)]
    for name in links:
        town.add_in(name, "own", "client-1")
    town.echoes.still(links, "links under the device's own certificate")
    town.revoke("own")
    cut(town, gateway, "the device's own certificate is revoked", links,
        lambda: publish_and_refresh(town, gateway))
    seen = gateway.device("own")
    equal((seen["last_fault"]["code"], seen["last_fault"]["side"]), ("revoked", "self"), "fault")
    equal(seen["certificate"]["verdict"], "revoked", "own verdict in the status")
    gateway.wait_log("own-certificate-withdrawn")
    check(town.is_refused("own", "client-1"), "a revoked own certificate was presented")


def block(gateway, what):
    status, told = gateway.command("block", what, "--reason", "lost on ward 3")
    equal(status, 0, "exit status of block (%s)" % told.strip())


def unblock(gateway, what):
    status, told = gateway.command("unblock", what)
    equal(status, 0, "exit status of unblock (%s)" % told.strip())


def blocks(town, gateway):
    serial = town.lab.run("x509", "-in", "client-3.pem", "-noout", "-serial").strip().split("=")[1]
    cut(town, gateway, "a serial number is blocked", names_in(3), lambda: block(gateway, serial))
    check(town.is_refused("many", "client-3"), "a blocked client was let in")
    unblock(gateway, serial)
    town.add_in("in-3-again", "many", "client-3")
    town.echoes.still(["in-3-again"], "unblocked by its serial number")

    cut(town, gateway, "a device is blocked by name", names_out(2), lambda: block(gateway, "out-2"))
    check(gateway.device("out-2")["blocked"], "status does not say that the device is blocked")
    unblock(gateway, "out-2")
    town.add_out("out-2-again", 2)
    town.echoes.still(["out-2-again"], "unblocked by its name")

    finger = town.lab.run("x509", "-in", "client-5.pem", "-noout", "-fingerprint",
                          "-sha256").strip().split("=")[1]
    cut(town, gateway, "a fingerprint is blocked", names_in(5), lambda: block(gateway, finger))


def break_glass(town, gateway):
    """The responder of its trust is dead: hard refuses, break-glass lets in who is not revoked."""
    town.door.stop()
    check(town.is_refused("glass", "glass"), "let in without a verdict")
    gateway.wait_fault("glass", "no-verdict")
    status, told = gateway.command("break-glass", "glass", "--for", "2m", "--reason", "theatre 2")
    equal(status, 0, "exit status of break-glass (%s)" % told.strip())
    town.add_in("glass-1", "glass", "glass")
    town.echoes.still(["glass-1"], "under break-glass")
    gateway.wait_log(r"\bbreak-glass device=glass.*theatre 2")
    gateway.wait_event("verdict-tolerated", "glass", policy="break-glass")
    block(gateway, "glass")
    town.echoes.wait_ended(["glass-1"], LIMIT_S)
    check(town.is_refused("glass", "glass"), "break-glass let in what is blocked")
    unblock(gateway, "glass")
    town.add_in("glass-2", "glass", "glass")
    town.echoes.still(["glass-2"], "under break-glass again")
    equal(gateway.command("break-glass", "glass", "--end")[0], 0, "exit status of break-glass --end")
    town.echoes.wait_ended(["glass-2"], LIMIT_S)
    gateway.wait_log("break-glass-ended")
    check(town.is_refused("glass", "glass"), "let in after break-glass has ended")


def without_network(town, gateway):
    """What was known yesterday is known after a restart, with nobody to ask."""
    gateway.stop()
    town.cdp.stop()
    again = Gateway(town.text(), name="again").start()
    for cert in ("client-0", "client-9"):
        town.add_in(cert + "-offline", "many", cert)
    town.add_out("out-0-offline", 0)
    town.echoes.still(["client-0-offline", "client-9-offline", "out-0-offline"], "without a network")
    equal({link["verdict"] for link in again.device("many")["links"]}, {"good"}, "verdicts offline")
    for cert, why in (("client-7", "revoked"), ("client-5", "blocked")):
        check(town.is_refused("many", cert), "%s was let in after the restart" % why)
    say("restarted without a network: known peers are up, the revoked and the blocked stay out")
    status, told = again.command("revocation", "refresh", seconds=60)
    check(status != 0 and "127.0.0.1:%d" % town.cdp.number in told,
          "refresh with a dead CDP exits %d and says %r" % (status, told))
    again.stop()


def body():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    began = time.monotonic()
    town, stalls = Town(), {}
    gateway = Gateway(town.text()).start()
    say("-- made in %.1f s" % (time.monotonic() - began))
    for part in (fill, revoked_peers, own_certificate, blocks, break_glass):
        part(town, gateway)
        stalls[part.__name__] = gateway.status()["gateway"]["stall_ms"]
        say("-- %s done at %.1f s" % (part.__name__, time.monotonic() - began))
    figure("revocation at 500 links, longest stall of the loop: %s ms at the end, %s ms when all links had come up"
        % (gateway.status()["gateway"]["stall_ms"], stalls["fill"]))
    without_network(town, gateway)


scenario(body)
