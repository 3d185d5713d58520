"""What relays kept (lib/relay.py), as a capture file for tshark, and what tshark reads in it."""
import itertools
import struct

from wg import check, run

RAW_IP = 101  # link type: IPv4 packets and nothing before them
NEAR, FAR, FIRST_PORT = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), 40000
SEGMENT = 1400
SYN, ACK, PUSH = 2, 16, 8


def _packet(source, target, seq, ack, flags, data):
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack, 0x50, flags, 0xFFFF, 0, 0) + data
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source[0], target[0]) + tcp


def _connection(near, far, chunks):
    """(moment, packet) of one TCP connection; neighbouring chunks of one direction are one."""
    sent = {True: 1, False: 1}
    begin = chunks[0][0] if chunks else 0
    yield begin, _packet(near, far, 0, 0, SYN, b"")
    yield begin, _packet(far, near, 0, 1, SYN | ACK, b"")
    yield begin, _packet(near, far, 1, 1, ACK, b"")
    for from_near, part in itertools.groupby(chunks, lambda c: c[1]):
        part = list(part)
        data = b"".join(c[2] for c in part)
        ends = (near, far) if from_near else (far, near)
        for at in range(0, len(data), SEGMENT):
            piece = data[at:at + SEGMENT]
            yield part[0][0], _packet(*ends, sent[from_near], sent[not from_near], ACK | PUSH, piece)
            sent[from_near] += len(piece)


def write(path, streams):
    """streams: (chunks, port number of the far end) of each connection; tshark's tcp.stream is its place here."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, RAW_IP))
        for at, (chunks, number) in enumerate(streams):
            for when, packet in _connection((NEAR, FIRST_PORT + at), (FAR, number), chunks):
                out.write(struct.pack("<IIII", int(when), int(when % 1 * 1000000), len(packet), len(packet)) + packet)


def read(path, fields, options, wanted):
    """tshark's fields of each packet that the display filter takes, as {stream: [[text, …], …]}."""
    args = ["tshark", "-r", path, "-Y", wanted, "-T", "fields", "-E", "occurrence=a", "-E", "separator=|"]
    for field in ["tcp.stream"] + fields:
        args += ["-e", field]
    status, told = run(args + list(options), 120)
    check(status == 0, "tshark: " + told)
    found = {}
    for line in told.splitlines():
        stream, bar, rest = line.partition("|")
        if bar and stream.isdigit():
            found.setdefault(int(stream), []).append(rest.split("|"))
    return found
