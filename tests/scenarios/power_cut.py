#!/usr/bin/python3
# timeout: 118
"""The power is cut 1,000 times while the state folder is written, at each step of an update: what is read
afterwards is the old state or the new one, never older than what was said to be on the disk, never damaged."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from wg import ROOT, WARDGATE, check, run, say, scenario

OUT = os.path.dirname(WARDGATE)
SANITIZED = os.path.basename(OUT) == "asan"
ROUNDS = 200 if SANITIZED else 1000
CALLS = ("openat", "write", "fsync", "renameat", "unlinkat", "mkdirat")


def build():
    """tests/tools/power_cut.c with the archives that lie beside the gateway under test."""
    own = os.path.join(ROOT, "build", "wolfssl", "lib", "libwolfssl.a")
    is_system = os.path.basename(OUT) == "system" or not os.path.exists(own)
    command = ["cc", "-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-g", "-I", ROOT, "-o", "power_cut"]
    command += ["-fsanitize=address,undefined"] if SANITIZED else []
    command += [os.path.join(ROOT, "tests", "tools", "power_cut.c")]
    command += [os.path.join(OUT, "lib%s.a" % floor) for floor in ("gateway", "certs", "protocols")]
    command += ["-lwolfssl" if is_system else own, "-luv", "-lm", "-ldl", "-lpthread"]
    command += ["-Wl," + ",".join("--wrap=" + call for call in CALLS)]
    status, told = run(command)
    check(status == 0, "the tool does not compile: " + told)


def body():
    build()
    os.mkdir("state", 0o700)
    status, told = run([os.path.abspath("power_cut"), "state", str(ROUNDS)], seconds=100)
    say(told.strip())
    check(status == 0, told)


scenario(body)
