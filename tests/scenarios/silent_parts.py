#!/usr/bin/python3
# timeout: 110
# alone
"""Who brings evidence is silent, endless, huge or wrong: nobody else's link waits for it. The calm links'
echoes go on while the silent part is silent (by order of events), a link that needs it is refused in time,
refresh and status name the source; and a known peer's handshake is as quick with a dead responder."""
import concurrent.futures
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from badweb import KINDS, SILENT, WRONG, BadWeb, SilentPort
from crowd import Client, Contexts, Devices
from echoes import Echoes
from lab import Lab
from responder import Door, answer, responder_cert
from wg import (Gateway, check, device_section, equal, figure, gateway_section, port, say, scenario, section,
                wait_for)

CALM = 20
HANDSHAKES = 150
ENTRIES = 100000


class Ward:
    def __init__(self):
        self.lab = lab = Lab()
        lab.ward.leaf("peer", "DNS:peer.example", serial=0x2001)
        responder_cert(lab.ward, "signer")
        lab.root.crl("root")
        lab.ward.crl("ward")
        self.devices = Devices(echo=True)
        self.contexts = Contexts(lab, "devices.pem")
        self.context = self.contexts.of("client", "peer", "13")
        self.number = port()
        self.echoes = Echoes(0.1)

    def trust(self, name, crls=(), **keys):
        return section("trust", name, {
            "anchors": self.lab.path("root.pem"), "intermediates": self.lab.path("ward.pem"),
            "revocation": "hard", "check_timeout": "8s", "crl": [self.lab.path("root.crl"), *crls],
            **keys})

    def device(self, name):
        return device_section(
            name, certificate=self.lab.path("device.pem"), key=self.lab.path("device.key"), trust=name,
            allow="dns:peer.example", port=self.devices.add(name), max_links="100",
            listen="127.0.0.1:%d" % self.number, server_name=name + ".case.example")

    def calm(self):
        return self.trust("calm", [self.lab.path("ward.crl")]) + self.device("calm")

    def dial(self, name):
        return Client(self.number, self.context, name + ".case.example")

    def add_calm(self, word):
        names = ["%s-%d" % (word, i) for i in range(CALM)]
        for name in names:
            self.echoes.add(name, self.dial("calm").sock)
        self.echoes.still(names, "calm links")
        return names

    def knock(self, name):
        """A link that needs the bad part: how long until it was refused."""
        began = time.monotonic()
        client = self.dial(name)
        client.hear()
        client.close()
        equal(client.got, b"", "what the peer of %s got" % name)
        return time.monotonic() - began


def bad_sources(ward):
    """Every bad behaviour as CDP and as responder, each with a trust and a device of its own."""
    webs, text = {}, ""
    for kind, content in KINDS.items():
        webs[kind] = web = BadWeb(content, "/%s/" % kind)
        for word, url in web.urls().items():
            name = "%s-%s" % (kind, word)
            text += (ward.trust(name, [url]) if kind == "crl" else ward.trust(name, ocsp=url))
            text += ward.device(name)
    return webs, text


def echoes_go_on(ward, names, silent, what):
    """Three rounds of all the calm links lie wholly within the silence."""
    wait_for("%s is silent" % what, silent, 15)
    for _ in range(3):
        ward.echoes.still(names, "while %s is silent" % what)
    check(silent(), "%s did not stay silent: the order of events says nothing" % what)
    equal({e.ended for e in ward.echoes.of(names)}, {None}, "ends of calm links")


def sources_of(gateway):
    return {source["place"]: source for trust in gateway.status()["trusts"]
            for source in trust["sources"]}


def silence(ward):
    webs, text = bad_sources(ward)
    gateway = Gateway(gateway_section(log_level="info") + ward.calm() + text, name="silence").start()
    names = ward.add_calm("silence")
    parts = ["%s-%s" % (kind, word) for kind in KINDS for word in SILENT + WRONG]
    with concurrent.futures.ThreadPoolExecutor(len(parts) + 1) as pool:
        knocks = {name: pool.submit(ward.knock, name) for name in parts}
        echoes_go_on(ward, names, lambda: all(web.is_silent() for web in webs.values()),
                     "the CDP and the responder")
        took = {name: job.result() for name, job in knocks.items()}
        for name in parts:
            gateway.wait_event("link-failed", name, cause="no-verdict")
        slowest = max(took, key=took.get)
        say("%d links that need a bad part were refused, the last (%s) after %.1f s"
            % (len(parts), slowest, took[slowest]))
        check(took[slowest] < 25, "check_timeout is 8 s, but %s took %.1f s" % (slowest, took[slowest]))
        # A refresh asks them all again, and the calm links go on meanwhile.
        silent = webs["crl"].silent_anew()
        refresh = pool.submit(gateway.command, "revocation", "refresh", seconds=100)
        echoes_go_on(ward, names, silent, "the CDP that refresh asks")
        check(not refresh.done(), "refresh has ended while a source was silent")
        for web in webs.values():
            web.release()
        status, told = refresh.result()
    check(status != 0 and ("/crl/" in told or "/ocsp/" in told), "refresh exits %d and says %r" % (status, told))
    say("refresh says: %s" % told.strip())
    sources = sources_of(gateway)
    for word, url in webs["crl"].urls().items():
        check(sources[url]["trouble"], "status names no trouble of the source %s" % word)
        say("  %-10s %s" % (word, sources[url]["trouble"]))
    equal(sources[ward.lab.path("ward.crl")]["trouble"], None, "trouble of the calm source")
    ward.echoes.still(names, "after the silence")
    grown = gateway.memory_kb()
    figure("silent parts of a PKI, longest stall of the loop: %s ms; memory %d kB"
        % (gateway.status()["gateway"]["stall_ms"], grown))
    gateway.stop()


def silent_proxy(ward):
    proxy = SilentPort()
    text = ward.trust("proxied", ["http://127.0.0.1:9/ward.crl"]) + ward.device("proxied")
    gateway = Gateway(gateway_section(
        log_level="info", fetch_proxy="http://127.0.0.1:%d" % proxy.number) + ward.calm() + text,
        name="proxy").start()
    names = ward.add_calm("proxy")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        knock = pool.submit(ward.knock, "proxied")
        echoes_go_on(ward, names, lambda: bool(proxy.held) and not knock.done(), "the proxy")
        took = knock.result()
    gateway.wait_event("link-failed", "proxied", cause="no-verdict")
    say("behind a silent proxy a link was refused after %.1f s; longest stall %s ms"
        % (took, gateway.status()["gateway"]["stall_ms"]))
    proxy.release()
    gateway.stop()


def big_crl(ward):
    """A right CRL with many entries is read while links echo."""
    lab = ward.lab
    books = lab.ward.fork("crowded")
    with open(books.index(), "a", encoding="ascii") as index:
        for serial in range(1, ENTRIES + 1):
            index.write("R\t361231235959Z\t260101000000Z\t%08X\tunknown\t/CN=x\n" % (0x10000000 + serial))
    books.crl("crowded", number=2, last=-60)
    lab.ward.crl("growing")
    gateway = Gateway(gateway_section(log_level="info")
                      + ward.trust("calm", [lab.path("growing.crl")]) + ward.device("calm"),
                      name="big").start()
    names = ward.add_calm("big")
    before = gateway.status()["gateway"]["stall_ms"]
    ward.echoes.forget_gaps()
    os.replace(lab.path("crowded.crl"), lab.path("growing.crl"))
    began = time.monotonic()
    status, told = gateway.command("revocation", "refresh", seconds=60)
    equal(status, 0, "exit status of refresh (%s)" % told)
    took = time.monotonic() - began
    held = {crl["entries"] for trust in gateway.status()["trusts"] for crl in trust["crls"]}
    check(ENTRIES in held, "status shows CRLs with %r entries" % held)
    ward.echoes.still(names, "with a big CRL")
    figure("a CRL of %d entries was in force after %.2f s; longest gap of an echo %.0f ms, longest stall "
        "of the loop %s ms (before: %s ms)" % (ENTRIES, took, ward.echoes.longest_gap_ms(names),
                                               gateway.status()["gateway"]["stall_ms"], before))
    gateway.stop()


def handshake_ms(ward, name):
    """From the first packet to the first byte through the link."""
    began = time.monotonic()
    client = ward.dial(name)
    client.sock.sendall(b"x")
    client.hear()
    took = time.monotonic() - began
    client.close()
    equal(client.got, b"x", "the echo of %s" % name)
    return 1000 * took


def latency(ward):
    """The same handshakes with the responder up, dead and silent, by turns."""
    good = {0x2001: answer(ward.lab.ward, "peer", "signer")}
    doors = {word: Door() for word in ("up", "dead", "silent")}
    text = "".join(ward.trust(word, ocsp=door.add("/", good)) + ward.device(word)
                   for word, door in doors.items())
    gateway = Gateway(gateway_section(log_level="info") + text, name="latency").start()
    for word in doors:
        handshake_ms(ward, word)  # known from here on
    doors["dead"].stop()
    mute = BadWeb("text/plain", "/mute/")
    doors["silent"].add("/", mute._never)
    asked = doors["up"].count("/")
    took = {word: [] for word in doors}
    for _ in range(HANDSHAKES):
        for word in doors:
            took[word].append(handshake_ms(ward, word))
    p50, p99 = {}, {}
    for word, times in took.items():
        times.sort()
        p50[word], p99[word] = times[len(times) // 2], times[len(times) * 99 // 100 - 1]
        figure("handshake to first byte, responder %-6s p50 %6.2f ms, p99 %6.2f ms (%d)"
            % (word + ":", p50[word], p99[word], HANDSHAKES))
    equal(doors["up"].count("/"), asked, "questions to the responder during the handshakes")
    for word in ("dead", "silent"):
        # The machine's own noise is in the tails of both; what waits for a responder takes far longer.
        check(p50[word] <= 1.1 * p50["up"] + 2 and p99[word] <= 1.1 * p99["up"] + 50,
              "with the responder %s a handshake takes longer" % word)
    mute.release()
    gateway.stop()


def body():
    began = time.monotonic()
    ward = Ward()
    for part in (silence, silent_proxy, big_crl, latency):
        part(ward)
        say("-- %s done at %.1f s" % (part.__name__, time.monotonic() - began))


scenario(body)
