"""One cell of the revocation matrix, and what the gateway says of all of them at one moment."""
import collections
import re

MODES = ("hard", "grace", "soft")
PEER_SAYS, DEVICE_SAYS = b"SECRET-OF-THE-PEER\n", b"SECRET-OF-THE-DEVICE\n"


class Seen:
    """Status and log, each read once."""

    def __init__(self, gateway):
        self.status = {one["name"]: one for one in gateway.status()["devices"]}
        self.links = collections.defaultdict(list)
        for line in gateway.log().splitlines():
            if re.match(r"(<\d>)?link-", line):
                fields = {key: quoted or plain for key, quoted, plain in
                          re.findall(r' (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line)}
                self.links[fields.get("device")].append((line.split()[0].split(">")[-1], fields))

    def _events(self, case, event):
        return [fields for word, fields in self.links[case.name] if word == event]

    def failures(self, case):
        return self._events(case, "link-failed")

    def ends(self, case):
        return self._events(case, "link-ended")

    def ups(self, case):
        return [e for e in self._events(case, "link-state") if e["state"] == "up"]

    def is_up(self, case):
        return self.status[case.name]["state"] == "up"

    def was_up(self, case):
        return bool(self.ups(case))

    def is_decided(self, case):
        return bool(self.ups(case) or self.failures(case))


class Case:
    """One cell: a [device] section, its peer, and what must come of them."""

    def __init__(self, row, role, version, mode):
        self.row, self.role, self.version, self.mode = row, role, version, mode
        self.name = "%s-%s%s%s" % (row.name, role, version, mode[0])
        self.sni = self.name + ".case.example"
        self.want = row.want[MODES.index(mode)]
        self.port, self.server, self.client, self.session, self.ups = None, None, None, None, 0

    def must_pass(self):
        return not self.want.startswith("!")

    def judge(self, seen, peer_got, device_got):
        """(what is wrong, as text; was something let in that must not)"""
        ask = self._judge_passed if self.must_pass() else self._judge_refused
        red = ["%s: %s" % (self.name, text) for text in ask(seen, peer_got, device_got)]
        passed = seen.is_up(self) or peer_got or device_got
        return red, not self.must_pass() and bool(passed)

    def _judge_passed(self, seen, peer_got, device_got):
        words, device = self.want.split(), seen.status[self.name]
        if device["state"] != "up":
            fault = device["last_fault"] or {}
            yield "not up but %s: %s: %s" % (device["state"], fault.get("code"), fault.get("note"))
            return
        if device["verdict"] not in words:
            yield "status says %r, want %s" % (device["verdict"], self.want)
        told = seen.ups(self)[-1].get("verdict")
        if told not in words:
            yield "the log says %r, want %s" % (told, self.want)
        if DEVICE_SAYS not in peer_got or PEER_SAYS not in device_got:
            yield "up, but nothing passes"

    def _judge_refused(self, seen, peer_got, device_got):
        causes = [word[1:] for word in self.want.split()]
        device = seen.status[self.name]
        if device["state"] == "up" or seen.was_up(self):
            yield "WRONGLY ACCEPTED: the link came up: %r" % seen.ups(self)
        if peer_got or device_got:
            yield "WRONGLY ACCEPTED: peer got %d bytes, device %d" % (len(peer_got), len(device_got))
        told = {e["cause"] for e in seen.failures(self)}
        if not told or not told <= set(causes):
            yield "the log names %r, want %s" % (sorted(told), self.want)
        code = (device["last_fault"] or {}).get("code")
        if code not in causes:
            yield "status names %r, want %s" % (code, self.want)
        bytes_of = device["bytes"]
        if device["sessions"] or bytes_of["device_to_server"] or bytes_of["server_to_device"]:
            yield "status counts %d sessions, %r" % (device["sessions"], bytes_of)
