"""The rows of the revocation matrix: for each an evidence, made by openssl, and what must come of it."""
from lab import MUST_SERIAL, SERIAL
from responder import Door, Live, answer, error

DAY, HOUR = 86400, 3600
# What becomes of a link under hard, grace and soft: "!cause", or the verdict with which it is up; several
# words: any of them.
GOOD = ("good", "good", "good")
REVOKED = ("!revoked", "!revoked", "!revoked")
NOTHING = ("!no-verdict", "!no-verdict", "unavailable")
UNKNOWN = ("!no-verdict", "!no-verdict", "unknown")
GRACE = ("!no-verdict", "stale", "stale")
OVER = ("!no-verdict", "!no-verdict", "stale")
NO_EKU = "no id-kp-OCSPSigning"


def never(*causes):
    return (" ".join("!" + cause for cause in causes),) * 3


class Row:
    """name; what must come of it; crls, ocsp: the sources of its trust, which has these intermediates and
    crl_signers; cert: what the peer shows;
    roles: s the gateway dials a server, c a client dials it; staple: what the server staples; later: what
    must come of it after the evidence has changed; why: what the log says of an answer that is no
    information, so that it is refused for the reason of its row."""

    def __init__(self, name, want, crls=("root-none",), **more):
        self.name, self.want, self.crls = name, want, crls
        self.ocsp, self.cert, self.nonce, self.anchor = None, "peer", "optional", "root"
        self.intermediates, self.crl_signers = None, None
        self.note, self.roles, self.staple, self.later, self.why = "", "sc", None, None, None
        self.__dict__.update(more)

    def words(self):
        """What must come of it, for people."""
        if self.want[0] == self.want[2] and self.want[0] == self.want[1]:
            return "always " + self.want[0].replace("!", "refused: ")
        return ", ".join("%s %s" % pair for pair in zip(
            ("hard", "grace", "soft"), (w.replace("!", "refused: ") for w in self.want)))


def add_crls(lab):
    """Every CRL of the rows."""
    root, ward = lab.root, lab.ward
    root.crl("root-none")
    root.fork("root-lost").revoke("lost").crl("root-lost")
    lab.lost.crl("lost-none")
    lab.limited.crl("limited-none")
    ward.crl("none", number=5)
    ward.crl("none-expired", number=5, last=-DAY, following=-HOUR)
    ward.crl("none-old", number=5, last=-9 * DAY, following=-3 * DAY)
    ward.crl("none-future", number=5, last=HOUR, following=DAY)
    ward.crl("none-delta", number=6, base=5)
    ward.crl("none-only-ca", number=5, kind="only_ca")
    ward.crl("none-critical", number=5, kind="unknown_critical")
    ward.crl("none-older", number=4, last=-2 * HOUR)
    lab.broken("none-broken", "none")
    revoked = ward.fork("ward-revoked").revoke("peer", "keyCompromise")
    revoked.crl("revoked", number=5)
    revoked.crl("revoked-newer", number=9, last=-60)
    revoked.crl("revoked-expired", number=5, last=-9 * DAY, following=-3 * DAY)
    revoked.crl("revoked-delta", number=6, base=5)
    ward.fork("ward-hold").revoke("peer", "certificateHold").crl("hold", number=5)
    ward.fork("ward-lift").revoke("peer", "removeFromCRL").crl("lift-delta", number=6, base=5)
    ward.crl("none-by-signer", number=5, by="crl-signer")
    revoked.crl("revoked-by-signer", number=5, by="crl-signer")
    ward.crl("none-by-root-signer", number=5, by="root-crl-signer")
    root.fork("root-signer").revoke("root-crl-signer").crl("root-revokes-signer")
    lab.twin.crl("twin", number=5)
    lab.fake.crl("fake", number=5)


def _crl_rows():
    yield Row("good", GOOD, ("root-none", "none"))
    yield Row("revoked", REVOKED, ("root-none", "revoked"))
    yield Row("hold", REVOKED, ("root-none", "hold"))
    yield Row("hold-lifted", GOOD, ("root-none", "hold", "lift-delta"), note="delta on its base")
    yield Row("delta-revokes", REVOKED, ("root-none", "none", "revoked-delta"))
    yield Row("cert-expired", never("expired"), ("root-none", "none"), cert="expired")
    yield Row("cert-not-yet", never("not-yet-valid"), ("root-none", "none"), cert="notyet")
    yield Row("crl-missing", NOTHING)
    yield Row("crl-of-root-missing", NOTHING, ("none",), note="every level needs a status")
    yield Row("crl-expired", GRACE, ("root-none", "none-expired"), note="an hour ago, grace 24h")
    yield Row("crl-expired-long", OVER, ("root-none", "none-old"), note="3 days ago, grace 24h")
    yield Row("crl-expired-revokes", REVOKED, ("root-none", "revoked-expired"))
    yield Row("crl-future", NOTHING, ("root-none", "none-future"))
    yield Row("crl-tampered", NOTHING, ("root-none", "none-broken"))
    yield Row("delta-as-full", NOTHING, ("root-none", "none-delta"))
    yield Row("idp-only-ca", NOTHING, ("root-none", "none-only-ca"))
    yield Row("crl-critical", NOTHING, ("root-none", "none-critical"))
    yield Row("same-dn-crl", NOTHING, ("root-none", "twin"), note="a valid CA of the same name")
    yield Row("same-dn-hides", REVOKED, ("root-none", "revoked", "twin"))
    yield Row("fake-dn-crl", NOTHING, ("root-none", "fake"), note="a CA nobody trusts, same name")
    yield Row("sub-ca-revoked", REVOKED, ("root-lost", "lost-none"), cert="of-lost")
    yield Row("eku-wrong", never("wrong-usage"), ("root-none", "none"), cert="mail")
    yield Row("eku-missing", GOOD, ("root-none", "none"), cert="noeku",
              note="EKU is asked only where there is one (RFC 5280 4.2.1.12)")
    yield Row("must-staple-crl", ("!no-verdict", "!no-verdict", "good"), ("root-none", "none"),
              cert="must", note="the certificate demands an OCSP answer; soft does not ask")
    yield Row("ip-constraint", never("bad-certificate", "untrusted", "no-verdict"),
              ("root-none", "limited-none"), cert="outside")


def _signer_rows():
    """CRLs that a certificate apart from the CA's own has signed (RFC 5280 6.3.3 (f))."""
    named = {"intermediates": "ward", "crl_signers": "crl-signer"}
    yield Row("crl-signer", GOOD, ("root-none", "none-by-signer"), **named)
    yield Row("crl-signer-revokes", REVOKED, ("root-none", "revoked-by-signer"), **named)
    yield Row("crl-signer-unnamed", NOTHING, ("root-none", "none-by-signer"), intermediates="ward",
              note="no crl_signers")
    yield Row("crl-signer-of-root", GOOD, ("root-none", "none-by-root-signer"),
              crl_signers="root-crl-signer", note="only the peer shows its CA")
    yield Row("crl-signer-revoked", NOTHING, ("root-revokes-signer", "none-by-root-signer"),
              crl_signers="root-crl-signer", note="the root has revoked the signer")


def _changing_rows():
    """Rows whose evidence changes while the gateway runs; `later` is their second life."""
    yield Row("live-revoked", GOOD, ("root-none", "live"), later=REVOKED, note="then the CA revokes")
    yield Row("crl-rollback", REVOKED, ("root-none", "rolled"), later=REVOKED,
              note="then an older CRL without it")
    yield Row("anchor-removed", GOOD, ("root-none", "none"), anchor="moved",
              note="then another anchor, reload", later=never("untrusted", "no-verdict"))


def _ocsp_rows(lab, door, live):
    ward = lab.ward
    revoked = ward.fork("ocsp-revoked").revoke("peer", "keyCompromise")

    def at(name, der):
        return door.add("/" + name, {SERIAL: der, MUST_SERIAL: der})

    def row(name, want, der, **more):
        return Row(name, want, ocsp=at(name, der), **more)

    good = answer(ward, "peer", "signer")
    bad = answer(ward, "peer", "signer", books=revoked)
    yield row("ocsp-good", GOOD, good)
    yield row("ocsp-revoked", REVOKED, bad)
    yield row("ocsp-unknown", UNKNOWN, answer(ward, "peer", "signer", books=lab.lost))
    yield row("ocsp-by-ca", GOOD, answer(ward, "peer", "ward", more=["-resp_no_certs"]))
    yield row("must-staple-ocsp", GOOD, answer(ward, "must", "signer"), cert="must")
    yield Row("ocsp-live", GOOD, ocsp=live["good"].url(), nonce="required",
              note="openssl ocsp -port, nonce required")
    yield Row("ocsp-live-revoked", REVOKED, ocsp=live["revoked"].url(), nonce="required")
    yield row("ocsp-crl-disagree", REVOKED, bad, crls=("root-none", "none"))
    yield row("crl-ocsp-disagree", REVOKED, good, crls=("root-none", "revoked"))
    yield Row("ocsp-down", NOTHING, ocsp="http://127.0.0.1:%d/" % live["nobody"],
              why="can not be reached")
    yield row("ocsp-try-later", NOTHING, error(3), why="tryLater")
    yield row("ocsp-unauthorized", NOTHING, error(6), why="unauthorized")
    yield row("ocsp-tampered", NOTHING, answer(ward, "peer", "signer", more=["-badsig"]),
              why="signature is wrong")
    for name, signer, why, note in (
            ("rogue-signer", "longer", NO_EKU, "signed by another peer of the CA"),
            ("self-signed", "peer", NO_EKU, "signed by the peer itself"),
            ("no-eku-signer", "idle-signer", NO_EKU, ""),
            ("v1-signer", "v1-signer", NO_EKU, "no extensions, made without the CA's key"),
            ("late-signer", "late-signer", "not valid now", "the signer's certificate is over"),
            ("other-ca-signer", "other-signer", "not issued by the CA", ""),
            ("fake-ca", "fake", "signature is wrong", "signed by a CA of the same name")):
        yield row("ocsp-" + name, NOTHING, answer(ward, "peer", signer), why=why, note=note)
    for name, der, note in (
            ("other-serial", answer(ward, "noeku", "signer"), ""),
            ("prefix-longer", answer(ward, "longer", "signer"), ""),
            ("prefix-shorter", answer(ward, "shorter", "signer"), ""),
            ("same-dn-issuer", answer(ward, "peer", "signer", asks=lab.twin), "the twin's key")):
        yield row("ocsp-" + name, NOTHING, der, why="about another certificate", note=note)
    yield row("ocsp-old", NOTHING, answer(ward, "peer", "signer", at="-3d", life=("-nmin", "60")),
              why="nextUpdate has passed")
    yield row("ocsp-future", NOTHING, answer(ward, "peer", "signer", at="+1d"), why="in the future")
    yield row("ocsp-no-next", GOOD, answer(ward, "peer", "signer", life=()),
              note="no nextUpdate, made just now")
    yield row("ocsp-no-next-old", NOTHING, answer(ward, "peer", "signer", life=(), at="-3h"),
              why="too old", note="no nextUpdate, over the longest age")
    yield row("ocsp-nonce-wrong", NOTHING, answer(ward, "peer", "signer", nonce=True),
              why="nonce is not ours")
    yield row("ocsp-nonce-missing", NOTHING, good, nonce="required", why="has no nonce")
    # Such an answer can do no harm either.
    yield row("ocsp-self-revoked", REVOKED, answer(ward, "peer", "peer"), why=NO_EKU,
              crls=("root-none", "revoked"))
    yield row("ocsp-bad-news-forged", GOOD, answer(ward, "peer", "longer", books=revoked),
              why=NO_EKU, crls=("root-none", "none"), note="a forger cannot revoke")


def _staple_rows(lab, is_asked):
    forged = answer(lab.ward, "peer", "peer")
    yield Row("staple-good", GOOD if is_asked else NOTHING, roles="s",
              staple=answer(lab.ward, "peer", "signer"),
              note="the only evidence" if is_asked else "this TLS library hands out no staples")
    yield Row("staple-forged", NOTHING, roles="s", staple=forged, note="signed by the server itself")
    yield Row("staple-forged-revoked", REVOKED, ("root-none", "revoked"), roles="s", staple=forged)
    yield Row("staple-other-serial", NOTHING, roles="s", staple=answer(lab.ward, "noeku", "signer"))


def make(lab, dead_port, is_staple_asked):
    """The rows, and the door that serves their answers. dead_port: nobody listens there."""
    add_crls(lab)
    ward = lab.ward
    live = {"good": Live(ward, "signer"), "nobody": dead_port,
            "revoked": Live(ward, "signer", ward.fork("live-revoked").revoke("peer"))}
    door = Door()
    return [*_crl_rows(), *_signer_rows(), *_changing_rows(), *_ocsp_rows(lab, door, live),
            *_staple_rows(lab, is_staple_asked)], door
