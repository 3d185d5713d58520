#!/usr/bin/python3
# timeout: 110
"""The revocation matrix: each row of evidence (made by openssl) in both roles, with TLS 1.2 and 1.3, under
hard, grace and soft. What must not pass never passes a byte; status and log name the verdict. Then the
evidence of some rows changes under live links, and the gateway is started again from its state folder."""
import collections
import concurrent.futures
import os
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import matrix
from cells import DEVICE_SAYS, MODES, PEER_SAYS, Case, Seen
from crowd import Client, Contexts, Devices, Servers, StapleServer
from lab import Lab
from wg import (WARDGATE, Gateway, check, device_section, equal, figure, gateway_section, port, run, say, scenario,
                section, wait_for)

# Rows of the specification that cannot be asked here, and why.
NOT_HERE = (("staple, client role", "no TLS library sends a client's staple (TLS 1.3 only, and wolfSSL "
             "has no status_request in its CertificateRequest)"),
            ("resumed session, server role of the peer", "the gateway never offers a session"))


class Matrix:
    def __init__(self):
        self.lab = Lab()
        self.lab.add_deceivers()
        self.lab.add_leaves()
        self.lab.add_signers()
        self.rows, self.door = matrix.make(
            self.lab, port(), "with stapling" in run([WARDGATE, "version", "-v"])[1])
        self.put("live", "none")
        self.put("rolled", "revoked-newer")
        shutil.copy(self.lab.path("root.pem"), self.lab.path("moved.pem"))
        self.devices = Devices(greet=DEVICE_SAYS)
        self.contexts = Contexts(self.lab, "devices.pem")
        self.servers = Servers(self.contexts, "peer", greet=PEER_SAYS)
        self.number = port()
        self.cases = [self.case(Case(row, role, version, mode)) for row in self.rows
                      for role in row.roles for version in ("12", "13") for mode in MODES]

    def put(self, name, as_name):
        """The file of a source gets other contents, at once."""
        shutil.copy(self.lab.path(as_name + ".crl"), self.lab.path(name + ".new"))
        os.rename(self.lab.path(name + ".new"), self.lab.path(name + ".crl"))

    def case(self, case):
        case.port = self.devices.add(case.name)
        self.servers.certs[case.sni] = case.row.cert
        if case.row.staple:
            case.server = StapleServer(self.lab, case.row.cert, case.version, case.row.staple,
                                       PEER_SAYS)
        return case

    # The configuration ---------------------------------------------------------------------------

    def trust(self, row):
        keys = {"anchors": self.lab.path(row.anchor + ".pem"), "revocation": "hard", "tls_min": "1.2",
                "crl": [self.lab.path(crl + ".crl") for crl in row.crls]}
        for key, name in (("intermediates", row.intermediates), ("crl_signers", row.crl_signers)):
            if name:
                keys[key] = self.lab.path(name + ".pem")
        if row.ocsp:
            keys.update(ocsp=row.ocsp, ocsp_nonce=row.nonce)
        return section("trust", row.name, keys)

    def device(self, case):
        keys = {"certificate": self.lab.path("device.pem"), "key": self.lab.path("device.key"),
                "trust": case.row.name, "revocation": case.mode, "allow": "dns:peer.example",
                "port": case.port, "server_name": case.sni, "handshake_timeout": "60s"}
        if case.mode == "grace":
            keys["grace"] = "24h"
        if case.role == "s":
            number = case.server.number if case.server else self.servers.number(case.version)
            # One try is enough: what is refused would only be refused again.
            return device_section(case.name, connect="127.0.0.1:%d" % number, dial_timeout="60s",
                                  retry_min="5m", retry_max="10m", **keys)
        return device_section(case.name, listen="127.0.0.1:%d" % self.number, **keys)

    def text(self):
        return (gateway_section(log_level="info") + "".join(self.trust(row) for row in self.rows)
                + "".join(self.device(case) for case in self.cases))

    # A round: every case once --------------------------------------------------------------------

    def forget(self, is_over=False):
        """What the ends have seen so far is of no interest any more. is_over: the gateway has ended."""
        for case in self.cases:
            self.devices.forget(case.name)
            self.servers.forget(case.sni)
            if case.server and is_over:
                case.server.forget()
            if case.client:
                case.client.close()
                case.client = None

    def dial(self, case, session=None):
        context = self.contexts.of("client", case.row.cert, case.version)
        case.client = Client(self.number, context, case.sni, PEER_SAYS, session)
        case.client.hear(len(DEVICE_SAYS))

    def dial_all(self, cases):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(self.dial, [case for case in cases if case.role == "c"]))

    def peer_got(self, case):
        if case.client:
            return case.client.got
        return case.server.got() if case.server else self.servers.got(case.sni)

    def settle(self, gateway):
        """Until each link is up or was refused, and what is to pass has passed; what was seen then."""
        def is_over():
            seen = Seen(gateway)
            return seen if all(seen.is_decided(case) for case in self.cases) else None

        seen = wait_for("every link is up or refused", is_over, 40, 0.3)

        def has_passed():
            return all(self.devices.got[case.name] and self.peer_got(case) for case in self.cases
                       if seen.was_up(case) and case.must_pass())

        wait_for("what passes has passed", has_passed, 20, 0.1)
        return Seen(gateway)

    def judge(self, seen, cases=None):
        """What is not as it must be, of each row; how many cells let through what must not pass."""
        wrongly = 0
        for row in self.rows:
            mine = [case for case in (cases or self.cases) if case.row is row]
            bad = []
            for case in mine:
                red, is_let_in = case.judge(seen, self.peer_got(case), self.devices.got[case.name])
                bad += red
                wrongly += is_let_in
            if mine:
                say("%-22s %-8s %2d cells, %s%s" % (
                    row.name, "RED" if bad else "ok", len(mine), row.words(),
                    "  (%s)" % row.note if row.note else ""))
            for line in bad:
                self.tell(line)
        self.wrongly += wrongly

    red, wrongly = 0, 0

    def check_answers(self, gateway):
        """Each answer was fetched, and what is no information was refused for the reason of its row."""
        notes = collections.defaultdict(list)
        for line in gateway.log_lines(r"ocsp-failed\b"):
            notes[re.search(r" trust=(\S+)", line).group(1)].append(line)
        for row in self.rows:
            path = "/" + row.name
            if path in self.door.paths and self.door.count(path) == 0:
                self.tell("%s: the responder was never asked" % row.name)
            if row.why and not any(row.why in line for line in notes[row.name]):
                self.tell("%s: the log does not say %r but %r" % (row.name, row.why, notes[row.name]))

    def tell(self, text):
        say("   RED " + text)
        self.red += 1

    # The second life -----------------------------------------------------------------------------

    def changing(self, *names):
        return [case for case in self.cases if case.row.name in names]

    def change(self, gateway):
        """The evidence becomes another one: links that were up end, what was refused stays out."""
        cut, rolled = self.changing("live-revoked", "anchor-removed"), self.changing("crl-rollback")
        before = Seen(gateway)
        up = [case for case in cut if before.is_up(case)]
        for case in cut:
            if case.role == "c" and case.client.sock:
                case.session = case.client.sock.session
            case.ups = len(before.ups(case))
        self.put("live", "revoked-newer")
        self.put("rolled", "none-older")
        status, told = gateway.command("revocation", "refresh", seconds=60)
        say("refresh exits %d: %s" % (status, told.strip()))  # a source that is down is no matter here
        shutil.copy(self.lab.path("other.pem"), self.lab.path("moved.pem"))
        equal(gateway.command("reload", seconds=30)[0], 0, "exit status of `wardgate reload`")
        wait_for("links whose evidence has changed are cut", lambda: all(
            self.was_cut(case, seen) for seen in [Seen(gateway)] for case in up), 15, 0.2)
        self.forget()
        for case in cut + rolled:
            case.want = case.row.later[MODES.index(case.mode)]
            if case.role == "c":
                self.dial(case, case.session)
        seen = Seen(gateway)
        for case in cut + rolled:
            self.judge_again(case, seen)
        # Told when a peer shows the CRL's issuer, which no file of this trust names.
        check(gateway.log_lines("crl-older"), "no alarm tells of the older CRL")
        say("%d live links were cut, none came back, with or without its session" % len(up))

    def was_cut(self, case, seen):
        causes = [word[1:] for word in case.row.later[MODES.index(case.mode)].split()]
        return not seen.is_up(case) and any(e["cause"] in causes + ["replaced", "stopped"]
                                            for e in seen.ends(case))

    def judge_again(self, case, seen):
        got = self.peer_got(case) if case.client or case.role == "s" else b""
        if got or self.devices.got[case.name] or len(seen.ups(case)) > case.ups:
            self.tell("%s: WRONGLY ACCEPTED after the change" % case.name)
            self.wrongly += 1
        if case.client and case.client.was_reused:
            self.tell("%s: its session was resumed" % case.name)


def timed(what, began):
    say("-- %s: %.1f s" % (what, time.monotonic() - began))
    return time.monotonic()


def body():
    at = time.monotonic()
    table = Matrix()
    at = timed("laboratory of %d rows, %d cells" % (len(table.rows), len(table.cases)), at)
    gateway = Gateway(table.text()).start()
    table.dial_all(table.cases)
    table.judge(table.settle(gateway))
    equal(table.servers.reused, 0, "sessions that the gateway resumed")
    table.check_answers(gateway)
    say("longest stall of the loop: %s ms" % gateway.status()["gateway"]["stall_ms"])
    at = timed("first life", at)
    table.change(gateway)
    at = timed("evidence that changes", at)
    stall = gateway.status()["gateway"]["stall_ms"]
    gateway.stop(40)
    table.forget(is_over=True)
    say("-- again, from the state folder:")
    gateway = Gateway(table.text(), name="again").start()
    table.dial_all(table.cases)
    table.judge(table.settle(gateway))
    equal(gateway.log_lines("SECRET"), [], "payload in the log")
    equal(table.servers.reused, 0, "sessions that the gateway resumed")
    gateway.stop(40)
    timed("second life", at)
    for what, why in NOT_HERE:
        say("not asked: %s: %s" % (what, why))
    say("longest stall of the loop: %s ms" % stall)
    figure("revocation: %d cells, %d wrongly accepted" % (2 * len(table.cases), table.wrongly))
    check(table.red == 0, "%d cells are not as they must be" % table.red)


scenario(body)
