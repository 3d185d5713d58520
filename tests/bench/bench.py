"""`make bench`: wardgate and its rivals on the same work, in turn, in one run; a table of ratios and a chart.

bench.py [--rounds N] [--out FOLDER] [PART...]   red only when a run was invalid; figures are judged by people.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time

import parts
from pki import Pki
from proxies import Invalid

ORDER = ("wardgate", "haproxy", "nginx", "stunnel", "socat", "ser2net", "plain")
# What issue 5 asks for: figure, the most that is good, of what ("best": the best rival; "plain": the relay; None: itself).
BARS = (
    ("CPU per new link, device to server (ms)", 1.0, "best"),
    ("CPU per new link, server to device (ms)", 0.35, "best"),
    ("CPU per 256-byte echo, 50 links (us)", 0.9, "best"),
    ("CPU per 256-byte echo, 50 links (us)", 1.25, "plain"),
    ("memory per idle link, 100 links (KB)", 10, None),
    ("memory per idle link, 1000 links (KB)", 10, None),
    ("memory per idle link, 8000 links (KB)", 10, None),
    ("bulk one way (MB/s)", 1.0, "best"),
    ("bulk both ways (MB/s)", 1.0, "best"),
    ("CPU of 8000 idle links (% of a core)", 1, None),
    ("storm: the last of 1,000 is up after (ms)", 1.0, "best"),
    ("storm, server restarted: the last of 1,000 is up after (ms)", 1.0, "best"),
    ("storm: longest stall of the loop, start included (ms)", 50, None),
    ("storm, server restarted: longest stall of the loop, start included (ms)", 50, None),
    ("start with 1000 devices (ms)", 500, None),
    ("RSS with 1 devices (MB)", 8, None),
)


def more_is_better(figure):
    return "MB/s" in figure or "per second" in figure


def best_rival(figure, row):
    """The name of it, or None. row: program to what it had in each round."""
    rivals = {k: statistics.median(v) for k, v in row.items() if k not in ("wardgate", "plain")}
    if not rivals:
        return None
    return (max if more_is_better(figure) else min)(rivals, key=rivals.get)


def number(value):
    return "-" if value is None else "%.0f" % value if abs(value) >= 100 else "%.3g" % value


def ratio(figure, row, to):
    """The median over the rounds: a machine that is slower for a while is so for both of a round."""
    other = "plain" if to == "plain" else best_rival(figure, row)
    if other not in row or "wardgate" not in row:
        return None
    return statistics.median(w / o for w, o in zip(row["wardgate"], row[other])) if all(row[other]) else None


def table(figures):
    """Medians, as Markdown, which is also readable as it is."""
    shown = [p for p in ORDER if any(p in row for row in figures.values())]
    lines = ["| | %s | to the best rival |" % " | ".join(shown), "|---|" + "---:|" * (len(shown) + 1)]
    for figure, row in figures.items():
        part = ratio(figure, row, "best")
        medians = {p: statistics.median(values) for p, values in row.items()}
        lines.append("| %s | %s | %s |" % (figure, " | ".join(number(medians.get(p)) for p in shown),
                                           "" if part is None else "x %.2f" % part))
    return "\n".join(lines)


def bars(figures):
    lines = ["| bar | is | must be | |", "|---|---:|---:|---|"]
    for figure, most, to in BARS:
        row = figures.get(figure, {})
        if "wardgate" not in row:
            continue
        is_now = statistics.median(row["wardgate"]) if to is None else ratio(figure, row, to)
        if is_now is None:
            continue
        up = more_is_better(figure)
        name = {"best": ", to the best rival", "plain": ", to a plain relay", None: ""}[to]
        lines.append("| %s%s | %s | %s %s | %s |" % (
            figure, name, number(is_now), ">=" if up else "<=", number(most),
            "yes" if (is_now >= most if up else is_now <= most) else "NO"))
    return "\n".join(lines)


def chart(medians, path, title):
    try:
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError:
        print("bench: no chart without python3-matplotlib")
        return
    rows = [(f, row) for f, row in medians.items() if len(row) > 1 and "wardgate" in row and row["wardgate"] > 0]
    if not rows:
        return
    _, axes = pyplot.subplots(figsize=(11, 0.62 * len(rows) + 1.5))
    places = {p: i for i, p in enumerate(p for p in ORDER if p != "wardgate")}
    for at, (figure, row) in enumerate(rows):
        for program, value in row.items():
            if program == "wardgate" or value <= 0:
                continue
            part = value / row["wardgate"]
            part = 1 / part if more_is_better(figure) else part
            axes.barh(at + (places[program] - 2.5) * 0.13, part - 1, 0.12, left=1, color="C%d" % places[program],
                      label=program)
    axes.axvline(1, color="black")
    axes.set_xscale("log")
    axes.set_yticks(range(len(rows)), [f for f, _ in rows])
    axes.invert_yaxis()
    axes.set_xlabel("cost or time of the rival, in multiples of wardgate's: right of the line, wardgate is better")
    axes.set_title(title)
    labels = dict(zip(*reversed(axes.get_legend_handles_labels())))
    axes.legend(labels.values(), labels.keys(), loc="best")
    pyplot.savefig(path, bbox_inches="tight", dpi=110)


def processor():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.machine()


def versions():
    commands = {"haproxy": ["haproxy", "-v"], "nginx": ["nginx", "-v"], "stunnel": ["stunnel4", "-version"],
                "ser2net": ["ser2net", "-v"], "socat": ["socat", "-V"]}
    found = {}
    for name, command in commands.items():
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        lines = [line for line in done.stdout.decode(errors="replace").splitlines() if "ersion" in line or "/" in line]
        found[name] = lines[0].strip()[:60] if lines else "?"
    return found


def keep(out, title, figures):
    """The table and all rounds so far, so that a run that is ended early has not been for nothing."""
    text = "%s\n\n%s\n\n%s\n" % (title, table(figures), bars(figures))
    with open(os.path.join(out, "bench.md"), "w", encoding="utf-8") as file:
        file.write(text)
    with open(os.path.join(out, "bench.json"), "w", encoding="utf-8") as file:
        json.dump({"title": title, "versions": versions(), "figures": figures}, file, indent=1)
    return text


def play_round(place, names, figures, invalid):
    for name in names:
        print("bench: %s, %s" % (time.strftime("%H:%M:%S"), name), flush=True)
        try:
            for figure, program, value in parts.PARTS[name](place):
                figures.setdefault(figure, {}).setdefault(program, []).append(value)
        except Invalid as why:
            invalid.append("%s: %s" % (name, why))
            print("bench: INVALID %s" % invalid[-1], flush=True)


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--out", default="build/bench")
    asked.add_argument("parts", nargs="*", choices=[[], *parts.PARTS])
    options = asked.parse_args()
    place = parts.Place(Pki(os.path.join(options.out, "pki")), os.path.abspath(os.path.join(options.out, "run")))
    figures, invalid, text, title = {}, [], "", ""
    try:
        for turn in range(options.rounds):
            print("bench: round %d of %d" % (turn + 1, options.rounds), flush=True)
            play_round(place, options.parts or parts.PARTS, figures, invalid)
            title = "%s, %s, %d rounds" % (time.strftime("%Y-%m-%d"), processor(), turn + 1)
            text = keep(options.out, title, figures)
    except KeyboardInterrupt:
        invalid.append("ended by Ctrl-C; the table is of the rounds before")
    print("\n" + text)
    medians = {f: {p: statistics.median(v) for p, v in row.items()} for f, row in figures.items()}
    chart(medians, os.path.join(options.out, "bench.png"), title)
    for why in invalid:
        print("bench: INVALID: " + why)
    sys.exit(1 if invalid else 0)


if __name__ == "__main__":
    main()
