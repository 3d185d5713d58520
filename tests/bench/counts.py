"""`make bench-counts`: instructions per message and per handshake, against the numbers that are kept in tests/bench/counts.

The real program runs under callgrind with the bench's load, one link at a time; the difference between N and 3N of
the same work leaves out the start. Instructions are repeatable where seconds are not, but they belong to a compiler,
to libraries and to a processor: numbers are kept for each such place, and elsewhere nothing is compared, which the
last line says. counts.py [--keep]: writes what was counted into the file.
"""
import os
import re
import subprocess
import sys

from parts import Place
from pki import Pki
from proxies import Load, Wardgate

KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts")
TOLERANCE = 0.03
TRIES = 3
OUT = os.path.join(os.path.dirname(os.environ["BENCH_LOAD"]), "counts")
WORKS = (("message there and back", "echo", False, 5000), ("handshake with a server", "links", False, 20),
         ("handshake with a client", "links", True, 20))


class Counted(Wardgate):
    name = "counted"
    result = os.path.join(OUT, "callgrind.out")
    wrap = ("valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=" + result)

    def instructions(self):
        self.stop()
        with open(self.result, encoding="utf-8") as file:
            return int(re.search(r"^summary: (\d+)", file.read(), re.M).group(1))


def count(place, work, to_device, times):
    with place.start(Counted, to_device=to_device) as proxy:
        Load(proxy, work, count=times, at_once=1).result()
        return proxy.instructions()


def measure(place, work, to_device, times):
    return (count(place, work, to_device, 3 * times) - count(place, work, to_device, times)) // (2 * times)


def first_line(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return (done.stdout.decode().splitlines() or ["?"])[0].strip()


def where():
    """What the counts depend on, in one line."""
    with open("build/.flags", encoding="utf-8") as file:
        level = re.findall(r" (-O\S+)", file.read())
    with open("/proc/cpuinfo", encoding="ascii") as file:
        flags = re.search(r"^(?:flags|Features)\s*: (.*)", file.read(), re.M).group(1).split()
    version = first_line(Wardgate.program, "version", "-v")
    with open("build/wolfssl/include/wolfssl/version.h", encoding="ascii") as file:
        wolfssl = re.search(r'LIBWOLFSSL_VERSION_STRING "(.*)"', file.read()).group(1)
    assert version.startswith("wardgate"), version
    return ", ".join(["gcc " + first_line("gcc", "-dumpfullversion") + " " + " ".join(level[-1:]), "wolfSSL " + wolfssl,
                      "libuv " + first_line("pkg-config", "--modversion", "libuv"),
                      first_line("getconf", "GNU_LIBC_VERSION"), os.uname().machine,
                      " ".join(f for f in ("aes", "avx2", "bmi2", "adx", "sha_ni") if f in flags)])


def read_kept():
    kept = {}
    if os.path.exists(KEPT):
        with open(KEPT, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    place, name, number = (part.strip() for part in line.split("|"))
                    kept[place, name] = int(number)
    return kept


def write_kept(kept):
    with open(KEPT, "w", encoding="utf-8") as out:
        out.write("# Instructions that `make bench-counts` compares with: where | what | how many. KEEP=yes writes them.\n")
        for (place, name), number in sorted(kept.items()):
            out.write("%s | %s | %d\n" % (place, name, number))


def main():
    os.makedirs(OUT, exist_ok=True)
    place = Place(Pki(os.path.join(OUT, "pki")), os.path.abspath(OUT))
    here, kept, red = where(), read_kept(), 0
    for name, work, to_device, times in WORKS:
        now = measure(place, work, to_device, times)
        before = kept.get((here, name))
        for _ in range(TRIES - 1):  # on a busy machine more of the clock's ticks fall into the work: the least counts
            if before is not None and now > before * (1 + TOLERANCE):
                now = min(now, measure(place, work, to_device, times))
        if "--keep" in sys.argv or before is None:
            verdict = "kept now" if "--keep" in sys.argv else "no number is kept for this place"
            kept[here, name] = now
        else:
            part = now / before - 1
            red += part > TOLERANCE
            verdict = "%d is kept: %+.1f %%%s" % (before, part * 100, ", RED" if part > TOLERANCE else
                                                  "; better: KEEP=yes writes it" if part < -TOLERANCE else "")
        print("bench-counts: %s: %d instructions; %s" % (name, now, verdict), flush=True)
    if "--keep" in sys.argv:
        write_kept(kept)
    print("bench-counts: " + here)
    sys.exit(1 if red else 0)


if __name__ == "__main__":
    main()
