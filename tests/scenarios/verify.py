#!/usr/bin/python3
# timeout: 120
"""`wardgate verify`: chains, CRLs and OCSP answers that openssl made; what is refused, and by which sentence."""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from wg import WARDGATE, check, device_section, equal, gateway_section, run, say, scenario

NOW = int(time.time())
DAY = 86400

CONF = """\
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = {ca}
{sections}
[names]
commonName = supplied
[root_ext]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[sub_ext]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
certificatePolicies = 1.3.6.1.4.1.99999.1
[server_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:bms.hospital.example,IP:10.3.0.9,URI:urn:hospital:bms
[stapled_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
tlsfeature = status_request
[loose_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = critical,DNS:bms.hospital.example
[ruled_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
certificatePolicies = 1.3.6.1.4.1.99999.1
[mute_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[client_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:pump.hospital.example
[responder_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = ignored
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[checked_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[signer_ext]
basicConstraints = critical,CA:FALSE
keyUsage = critical,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[crl_ext]
authorityKeyIdentifier = keyid
[delta_ext]
authorityKeyIdentifier = keyid
2.5.29.27 = critical,DER:02:01:01
[unknown_ext]
authorityKeyIdentifier = keyid
1.2.3.4.5 = critical,ASN1:NULL
[user_only_ext]
authorityKeyIdentifier = keyid
2.5.29.28 = critical,DER:30:03:81:01:FF
"""

SECTION = """\
[{ca}]
database = {ca}.index
new_certs_dir = .
certificate = {ca}.pem
private_key = {ca}.key
serial = {ca}.serial
crlnumber = {ca}.number
default_md = sha256
default_days = 30
default_crl_days = 7
policy = names
unique_subject = no
"""

AUTHORITIES = ("root", "sub", "lost", "other")


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


def openssl(*words):
    status, text = run(["openssl", *words], 60)
    check(status == 0, "openssl %s: %s" % (" ".join(map(str, words)), text))


def key(name):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key")


def conf(ca):
    with open(ca + ".cnf", "w", encoding="ascii") as file:
        file.write(CONF.format(ca=ca, sections="".join(SECTION.format(ca=c) for c in AUTHORITIES)))
    return ca + ".cnf"


def authority(ca):
    for end, text in (("index", ""), ("serial", "1000\n"), ("number", "01\n")):
        with open("%s.%s" % (ca, end), "w", encoding="ascii") as file:
            file.write(text)
    conf(ca)
    key(ca)


def root(ca):
    authority(ca)
    openssl("req", "-new", "-config", conf(ca), "-subj", "/CN=Test " + ca, "-key", ca + ".key", "-out", ca + ".csr")
    openssl("ca", "-selfsign", "-batch", "-notext", "-config", conf(ca), "-name", ca, "-extensions", "root_ext",
            "-startdate", stamp(NOW - 10 * DAY), "-enddate", stamp(NOW + 60 * DAY), "-keyfile", ca + ".key",
            "-in", ca + ".csr", "-out", ca + ".pem")


def issue(name, ca, kind, begin=NOW - 10 * DAY, until=NOW + 20 * DAY, called=None):
    if not os.path.exists(name + ".key"):
        key(name)
    openssl("req", "-new", "-config", conf(ca), "-subj", "/CN=Test " + (called or name), "-key", name + ".key",
            "-out", name + ".csr")
    openssl("ca", "-batch", "-notext", "-config", conf(ca), "-name", ca, "-extensions", kind + "_ext",
            "-startdate", stamp(begin), "-enddate", stamp(until), "-in", name + ".csr", "-out", name + ".pem")


def crl(name, ca, extensions="crl_ext", begin=NOW - 3600, until=NOW + 5 * DAY, by=None):
    openssl("ca", "-gencrl", "-config", conf(ca), "-name", ca, "-crlexts", extensions,
            "-cert", (by or ca) + ".pem", "-keyfile", (by or ca) + ".key", "-crl_lastupdate", stamp(begin),
            "-crl_nextupdate", stamp(until), "-out", name + ".crl")


def revoke(name, ca):
    openssl("ca", "-config", conf(ca), "-name", ca, "-revoke", name + ".pem", "-crl_reason", "keyCompromise")


def ocsp(name, cert, signer, ca="sub", ndays=5):
    """An answer about `cert`, signed by `signer` as openssl's responder sees the CA's index."""
    openssl("ocsp", "-issuer", ca + ".pem", "-cert", cert + ".pem", "-no_nonce", "-reqout", name + ".req")
    openssl("ocsp", "-index", ca + ".index", "-CA", ca + ".pem", "-rsigner", signer + ".pem",
            "-rkey", signer + ".key", "-ndays", ndays, "-reqin", name + ".req", "-respout", name + ".ocsp")


def join(out, *names):
    with open(out, "wb") as file:
        for name in names:
            with open(name, "rb") as part:
                file.write(part.read())


def make():
    root("root")
    root("other")
    authority("sub")
    authority("lost")
    issue("sub", "root", "sub")
    issue("lost", "root", "sub")
    issue("bms", "sub", "server")
    issue("gone", "sub", "server")
    issue("pump", "sub", "client")
    issue("late", "sub", "server", until=NOW - DAY)
    issue("under", "lost", "server")
    for name in ("stapled", "loose", "ruled", "mute"):
        issue(name, "sub", name)
    issue("responder", "sub", "responder")
    issue("checked", "sub", "checked")
    issue("rogue", "other", "responder")
    issue("signer", "sub", "signer", called="sub")
    crl("sub-early", "sub")
    revoke("gone", "sub")
    revoke("lost", "root")
    for ca in AUTHORITIES:
        crl(ca, ca)
    crl("by-signer", "sub", by="signer")
    crl("sub-expired", "sub", begin=NOW - 9 * DAY, until=NOW - 60)
    crl("sub-future", "sub", begin=NOW + 3600, until=NOW + 9 * DAY)
    crl("sub-delta", "sub", extensions="delta_ext")
    crl("sub-unknown", "sub", extensions="unknown_ext")
    crl("root-users", "root", extensions="user_only_ext")
    ocsp("good", "bms", "responder")
    ocsp("stapled", "stapled", "responder")
    ocsp("by-ca", "bms", "sub")
    ocsp("revoked", "gone", "responder")
    ocsp("by-rogue", "bms", "rogue")
    ocsp("by-checked", "bms", "checked")
    ocsp("sub-status", "sub", "root", ca="root")
    with open("good.ocsp", "rb") as file:
        answer = bytearray(file.read())
    for name, at in (("torn", -1), ("cut", None)):
        with open(name + ".ocsp", "wb") as file:
            body = bytearray(answer)
            if at is None:
                body = body[:len(body) // 2]
            else:
                # The last byte of the signature lies before the responder's certificate.
                place = bytes(answer).rindex(b"\xa0\x82") - 1
                body[place] ^= 1
            file.write(body)
    for name in ("bms", "gone", "pump", "late"):
        join(name + "-chain.pem", name + ".pem", "sub.pem")
    join("under-chain.pem", "under.pem", "lost.pem")
    join("signed-chain.pem", "bms.pem", "sub.pem", "signer.pem")
    join("all.crl", "root.crl", "sub.crl")
    for name in ("bms", "sub", "root"):
        openssl("x509", "-in", name + ".pem", "-outform", "DER", "-out", name + ".der")
    for name in ("root", "sub"):
        openssl("crl", "-in", name + ".crl", "-outform", "DER", "-out", name + "-der.crl")
    with open("garbage", "wb") as file:
        file.write(b"\x30\x82\x01\x00 no certificate, no CRL, no answer")
    with open("broken.pem", "w", encoding="ascii") as file:
        file.write("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n")


ANCHOR = "--anchor root.pem "
CRLS = ANCHOR + "--crl root.crl --crl sub.crl "
BMS = " bms-chain.pem"
OFF, HARD, SOFT, STRICT, RULED, NAMED, SIGNED = ("-c wardgate.conf --trust %s " % name
                                         for name in ("hospital", "hard", "soft", "strict", "ruled", "named", "signed"))
GRACE = "-c wardgate.conf --trust grace --crl root.crl --crl sub-expired.crl "

# Arguments, the exit code, what the last line holds, what some other line holds.
TABLE = [
    # good
    (CRLS + BMS, 0, "accepted: the path is valid and none", "does not list the certificate"),
    (ANCHOR + "--crl all.crl" + BMS, 0, "accepted", ""),
    ("--anchor root.der --crl root-der.crl --crl sub-der.crl --anchor sub.der bms.der", 0, "accepted", ""),
    (CRLS + "--name dns:bms.hospital.example" + BMS, 0, "accepted", "has the name bms.hospital.example"),
    (CRLS + "--name ip:10.3.0.9" + BMS, 0, "accepted", ""),
    (CRLS + "--name uri:urn:hospital:bms" + BMS, 0, "accepted", ""),
    (CRLS + "--purpose client pump-chain.pem", 0, "accepted", ""),
    (CRLS + "--purpose any pump-chain.pem", 0, "accepted", ""),
    (ANCHOR + "--crl root.crl --ocsp-response good.ocsp" + BMS, 0, "accepted", "OCSP answer: good"),
    (ANCHOR + "--crl root.crl --ocsp-response by-ca.ocsp" + BMS, 0, "accepted", ""),
    (ANCHOR + "--ocsp-response good.ocsp --ocsp-response sub-status.ocsp" + BMS, 0, "accepted", ""),
    (ANCHOR + "--crl root.crl --crl sub.crl --ocsp-response by-checked.ocsp" + BMS, 0, "accepted", ""),
    (CRLS + "--crl sub-delta.crl" + BMS, 0, "accepted", ""),
    # revoked beats everything
    (CRLS + " gone-chain.pem", 1, "refused: CRL", "lists the certificate as revoked"),
    (CRLS + "--policy soft gone-chain.pem", 1, "revoked", ""),
    (CRLS + "--crl sub-early.crl gone-chain.pem", 1, "revoked", ""),
    (CRLS + "--ocsp-response revoked.ocsp gone-chain.pem", 1, "revoked", ""),
    (ANCHOR + "--policy soft --ocsp-response revoked.ocsp gone-chain.pem", 1, "revoked", ""),
    (ANCHOR + "--crl root.crl --crl sub-early.crl --ocsp-response revoked.ocsp gone-chain.pem", 1, "revoked", ""),
    (ANCHOR + "--crl root.crl --crl sub-expired.crl gone-chain.pem", 1, "revoked", ""),
    (CRLS + "--crl lost.crl under-chain.pem", 1, "revoked", ""),
    (CRLS + "--crl lost.crl --need leaf under-chain.pem", 1, "revoked", ""),
    (CRLS + "--policy soft under-chain.pem", 1, "revoked", ""),
    # what does not help
    (ANCHOR + BMS, 1, "refused: status unavailable", ""),
    (ANCHOR + "--crl sub.crl" + BMS, 1, "refused: status unavailable", ""),
    (ANCHOR + "--crl root.crl" + BMS, 1, "refused: status unavailable", ""),
    (ANCHOR + "--crl root.crl --crl sub-expired.crl" + BMS, 1, "refused: status stale", "nextUpdate has passed"),
    (ANCHOR + "--crl root.crl --crl sub-future.crl" + BMS, 1, "refused: status unavailable", "thisUpdate lies ahead"),
    (ANCHOR + "--crl root.crl --crl other.crl" + BMS, 1, "refused: status unavailable", "another issuer's"),
    (ANCHOR + "--crl root.crl --crl sub-delta.crl" + BMS, 1, "refused: status unavailable", "delta CRL"),
    (ANCHOR + "--crl root.crl --crl sub-unknown.crl" + BMS, 1, "refused: status unavailable", "critical extension"),
    (ANCHOR + "--crl root-users.crl --crl sub.crl" + BMS, 1, "refused: status unavailable", ""),
    (ANCHOR + "--crl root.crl --crl garbage" + BMS, 1, "refused: status unavailable", "garbage: "),
    (ANCHOR + "--crl root.crl --crl broken.pem" + BMS, 1, "refused: status unavailable", "broken.pem: "),
    (ANCHOR + "--crl root.crl --ocsp-response torn.ocsp" + BMS, 1, "refused: status unavailable", "OCSP answer: "),
    (ANCHOR + "--crl root.crl --ocsp-response cut.ocsp" + BMS, 1, "refused: status unavailable", "OCSP answer: "),
    (ANCHOR + "--crl root.crl --ocsp-response by-rogue.ocsp" + BMS, 1, "refused: status unavailable", "OCSP answer: "),
    (ANCHOR + "--crl root.crl --ocsp-response by-checked.ocsp" + BMS, 1, "refused: status unavailable",
     "its signer has no good status: CN=Test checked"),
    (ANCHOR + "--crl root.crl --ocsp-response revoked.ocsp" + BMS, 1, "refused: status unavailable",
     "about another certificate"),
    (ANCHOR + "--crl root.crl --ocsp-response garbage" + BMS, 1, "refused: status unavailable", "OCSP answer: "),
    # the moment
    (CRLS + "--at %d" % (NOW - 7200) + BMS, 1, "refused: status unavailable", "thisUpdate lies ahead"),
    (CRLS + "--at %d" % (NOW + 6 * DAY) + BMS, 1, "refused: status stale", "nextUpdate has passed"),
    (CRLS + "--at %d" % (NOW - 20 * DAY) + BMS, 1, "refused: ", ""),
    (ANCHOR + "--policy off --at %d late-chain.pem" % (NOW - 2 * DAY), 0, "accepted", ""),
    (ANCHOR + "--crl root.crl --ocsp-response good.ocsp --at %d" % (NOW - 3000) + BMS, 1,
     "refused: status unavailable", "future"),
    # the path, the purpose, the name
    (CRLS + "late-chain.pem", 1, "refused: ", ""),
    (CRLS + "--policy off late-chain.pem", 1, "refused: ", ""),
    (CRLS + "pump-chain.pem", 1, "refused: ", ""),
    (CRLS + "--purpose client" + BMS, 1, "refused: ", ""),
    (CRLS + "--name dns:ris.hospital.example" + BMS, 1, "refused: no name in the certificate", ""),
    (CRLS + "--purpose any --name ip:10.3.0.10" + BMS, 1, "refused: no name in the certificate", ""),
    ("--anchor other.pem --crl root.crl --crl sub.crl" + BMS, 1, "refused: ", ""),
    (CRLS + "bms.pem", 1, "refused: no trust anchor", ""),
    (CRLS + "garbage", 1, "refused: the certificate cannot be read", ""),
    (CRLS + "broken.pem", 1, "refused: broken.pem: broken PEM", ""),
    (CRLS + "sub.key", 1, "refused: sub.key: holds no CERTIFICATE", ""),
    # policies
    (ANCHOR + "--policy soft" + BMS, 0, "accepted: the path is valid; the policy lets", "the policy lets it pass"),
    (ANCHOR + "--policy soft --crl sub-expired.crl --crl root.crl" + BMS, 0, "accepted", "status stale"),
    (ANCHOR + "--policy off" + BMS, 0, "accepted: the path is valid; revocation was not checked", ""),
    (CRLS + "--policy off gone-chain.pem", 0, "revocation was not checked", ""),
    (ANCHOR + "--crl sub.crl --need leaf" + BMS, 0, "accepted: the path is valid and its first", "not required"),
    (ANCHOR + "--crl root.crl --need leaf" + BMS, 1, "refused: status unavailable", ""),
    (ANCHOR + "--ocsp-response by-checked.ocsp --need leaf" + BMS, 0, "accepted", ""),
    # a trust of the configuration
    ("-c wardgate.conf --trust hospital --crl root.crl --crl sub.crl bms.pem", 0, "accepted",
     "judged by trust hospital: revocation off"),
    # its mode, unless --policy is given
    (OFF + "bms.pem", 0, "revocation was not checked", ""),
    (OFF + "--policy hard bms.pem", 1, "refused: status unavailable", "revocation as --policy says"),
    (OFF + "--policy hard --crl root.crl --crl sub.crl gone.pem", 1, "revoked", ""),
    (HARD + "bms.pem", 1, "refused: status unavailable", "judged by trust hard: revocation hard"),
    (HARD + "--crl root.crl --crl sub.crl bms.pem", 0, "accepted: the path is valid and none", ""),
    (HARD + "--policy soft bms.pem", 0, "accepted", "the policy lets it pass"),
    (SOFT + "bms.pem", 0, "accepted", "judged by trust soft: revocation soft"),
    (SOFT + "--policy hard bms.pem", 1, "refused: status unavailable", ""),
    (SOFT + "--crl root.crl --crl sub.crl gone.pem", 1, "revoked", ""),
    # its grace
    (GRACE + "bms.pem", 0, "accepted", "(within its grace time)"),
    (GRACE + "gone.pem", 1, "revoked", ""),
    (GRACE + "--at %d bms.pem" % (NOW + 7200), 1, "refused: status stale", ""),
    (GRACE + "--policy hard bms.pem", 1, "refused: status stale", ""),
    (HARD + "--crl root.crl --crl sub-expired.crl bms.pem", 1, "refused: status stale", ""),
    # its rules for CAs: loose is a trust's default, and strict what there is without one
    (HARD + "--crl root.crl --crl sub.crl loose.pem", 0, "accepted", "ca_profile loose"),
    (STRICT + "--crl root.crl --crl sub.crl bms.pem", 0, "accepted", "ca_profile strict"),
    (STRICT + "--crl root.crl --crl sub.crl loose.pem", 1, "subjectAltName is critical beside a subject", ""),
    (CRLS + "--anchor sub.pem loose.pem", 1, "subjectAltName is critical beside a subject", ""),
    # the certificate policy that it requires
    (RULED + "--crl root.crl --crl sub.crl ruled.pem", 0, "accepted", "a certificate policy is required"),
    (RULED + "--crl root.crl --crl sub.crl bms.pem", 1, "refused: the required policy does not hold", ""),
    # that a leaf names its purpose
    (NAMED + "--policy off bms.pem", 0, "accepted", "wants the leaf's purpose named"),
    (NAMED + "--policy off --purpose client pump.pem", 0, "accepted", ""),
    (NAMED + "--policy off mute.pem", 1, "refused: extendedKeyUsage does not name serverAuth", ""),
    (NAMED + "--policy off --purpose client mute.pem", 1, "refused: extendedKeyUsage does not name clientAuth", ""),
    (OFF + "mute.pem", 0, "accepted", ""),
    (RULED + "--policy off bms.pem", 1, "refused: the required policy does not hold", ""),
    # a CRL that a certificate apart from the CA's own has signed
    (HARD + "--crl root.crl --crl by-signer.crl bms.pem", 1, "refused: status unavailable", "another key of its issuer"),
    (SIGNED + "--crl root.crl --crl by-signer.crl bms.pem", 0, "accepted: the path is valid and none", ""),
    (SIGNED + "--crl root.crl --crl by-signer.crl gone.pem", 1, "revoked", ""),
    (CRLS.replace("sub.crl", "by-signer.crl") + "signed-chain.pem", 0, "accepted", ""),
    (CRLS.replace("sub.crl", "by-signer.crl") + BMS, 1, "refused: status unavailable", "another key of its issuer"),
    # must-staple, and a responder whose clock is ahead
    (CRLS + "--anchor sub.pem stapled.pem", 0, "accepted", ""),
    (HARD + "--crl root.crl --crl sub.crl stapled.pem", 1, "refused: status unavailable", "must-staple"),
    (HARD + "--crl root.crl --ocsp-response stapled.ocsp stapled.pem", 0, "accepted", ""),
    (HARD + "--crl root.crl --ocsp-response good.ocsp --at %d bms.pem" % (NOW - 200), 0, "accepted", ""),
    (ANCHOR + "--crl root.crl --ocsp-response good.ocsp --at %d" % (NOW - 200) + BMS, 1,
     "refused: status unavailable", "future"),
]

USAGE = [
    ("", "the file with the chain is missing"),
    (ANCHOR, "the file with the chain is missing"),
    ("bms-chain.pem", "a trust anchor is missing"),
    (ANCHOR + "bms-chain.pem more.pem", "needless argument more.pem"),
    (ANCHOR + "none.pem", "none.pem: No such file"),
    ("--anchor none.pem" + BMS, "none.pem: No such file"),
    ("--anchor broken.pem" + BMS, "broken.pem: broken PEM"),
    ("--anchor sub.key" + BMS, "sub.key: holds no CERTIFICATE"),
    (ANCHOR + "--crl none.crl" + BMS, "none.crl: No such file"),
    (ANCHOR + "--ocsp-response none.ocsp" + BMS, "none.ocsp: No such file"),
    (ANCHOR + "--crl ." + BMS, "directory"),
    (ANCHOR + "--at yesterday" + BMS, "--at is seconds since 1970"),
    (ANCHOR + "--at -1" + BMS, "--at is seconds since 1970"),
    (ANCHOR + "--purpose printer" + BMS, "--purpose is"),
    (ANCHOR + "--policy lax" + BMS, "--policy is"),
    (ANCHOR + "--need nothing" + BMS, "--need is"),
    (ANCHOR + "--name bms" + BMS, "bms"),
    (ANCHOR + "--crll x" + BMS, "unknown option --crll"),
    ("-c wardgate.conf" + BMS, "--trust is missing"),
    ("-c wardgate.conf --trust lab" + BMS, "has no trust lab"),
    ("-c none.conf --trust hospital" + BMS, "none.conf"),
]


def verify(words):
    return run([WARDGATE, "verify", *words.split()], 20)


def judged():
    for words, code, last, line in TABLE:
        status, text = verify(words)
        lines = text.strip().splitlines()
        equal(status, code, "verify %s\n%s" % (words, text))
        check(last in lines[-1], "verify %s: %r is not in %r\n%s" % (words, last, lines[-1], text))
        check(line in text, "verify %s: no line has %r\n%s" % (words, line, text))
    say("%d chains judged" % len(TABLE))


def usage():
    for words, said in USAGE:
        status, text = verify(words)
        equal(status, 64, "verify %s\n%s" % (words, text))
        check(said in text, "verify %s: %r is not in %r" % (words, said, text))
    say("%d wrong usages refused" % len(USAGE))


def told_in_json():
    for words, accepted, verdict in ((CRLS + BMS, True, "good"), (CRLS + "gone-chain.pem", False, "revoked"),
                                     (ANCHOR + BMS, False, "unavailable"), (CRLS + "garbage", False, "unavailable"),
                                     (ANCHOR + "--policy off" + BMS, True, "not checked")):
        status, text = verify(words + " --json")
        told = json.loads(text)
        equal(status, 0 if accepted else 1, "exit code with --json")
        equal(told["accepted"], accepted, "accepted")
        equal(told["verdict"], verdict, "verdict")
        check(told["decision"], "a decision")
        check(abs(told["at"] - time.time()) < 60, "the moment")
    told = json.loads(verify(CRLS + "--json --crl garbage" + BMS)[1])
    equal([c["subject"] for c in told["certificates"]], ["CN=Test bms", "CN=Test sub", "CN=Test root"], "subjects")
    equal(told["certificates"][0]["issuer"], "CN=Test sub", "issuer")
    check(told["certificates"][0]["serial"].startswith("10"), "serial")
    check(any(c["mark"] == "pass" and "does not list" in c["text"] for c in told["certificates"][0]["checks"]),
          "the CRL's word is among the checks")
    check(any("garbage" in c["text"] for c in told["chain"]), "the garbage is named")
    equal([c["is_readable"] for c in told["evidence"]["crls"]], [True, True, False], "CRLs")
    say("JSON says the same")


# The ways of the other trusts: their `crl` is the gateway's, and is not read here.
TRUSTS = (("hard", ""), ("soft", "revocation = soft\n"), ("grace", "revocation = grace\ngrace = 1h\n"),
          ("strict", "ca_profile = strict\n"), ("ruled", "policy = 1.3.6.1.4.1.99999.1\n"),
          ("named", "require_eku = yes\n"), ("signed", "crl_signers = signer.pem\n"))


def configured():
    join("inter.pem", "sub.pem")
    with open("wardgate.conf", "w", encoding="ascii") as file:
        file.write(gateway_section() + "[trust hospital]\nanchors = root.pem\nintermediates = inter.pem\n"
                   "revocation = off\n" + "".join(
                       "[trust %s]\nanchors = root.pem\nintermediates = inter.pem\n%s"
                       "crl = root.crl, sub.crl\n" % trust for trust in TRUSTS) + device_section(
                       "tcp-1", cert="monitor-7", port="tcp-listen:127.0.0.1:2575",
                       connect="127.0.0.1:2576", protocol="mllp"))


def main():
    make()
    configured()
    judged()
    usage()
    told_in_json()


scenario(main)
