#!/usr/bin/env python3
"""Mutated frames and senseless requests, by the million: `python tests/fuzz.py --count 1000000`.

A mutated frame is refused or is a frame; it is never an exception of another kind. A request of any
content is answered with one of the protocol's codes or carried out, no vendor call is made wrongly,
and afterwards the stimulator still stops. Prints the seed; exit code 1 at the first finding.
"""

from __future__ import annotations

import argparse
import array
import io
import json
import os
import random
import struct
import sys
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from daqrec_bridge.errors import BridgeError  # noqa: E402
from daqrec_bridge.fields import Fields  # noqa: E402
from daqrec_bridge.frame import HEADER, LARGEST, BadJSON, FrameError, decode, encode  # noqa: E402
from rig import LIMITS, CircuitRig, StimulatorRig  # noqa: E402

SAMPLES = [
    ({"id": 1, "op": "hello", "proto": 1}, bytes(range(256))),
    ({"id": 2, "op": "clock"}, b""),
    ({"id": 3, "op": "stg.feed", "token": "00", "chunks": [
        {"channel": 0, "kind": "signal", "from": 0, "count": 8}]}, bytes(16)),
    ({"id": 4, "op": "tdt.poll", "latch": 1, "tags": ["lfp_sf"], "buffers": [
        {"data": "lfp", "index": "lfp_i", "cycle": "lfp_c", "from": 0, "max_slots": 9,
         "size": 800}]}, b""),
]
#: What stands where something else was expected.
ODD = [None, True, False, 0, -1, 1, 0.5, 1e308, 1 << 31, 1 << 62, 1 << 70, -(1 << 70), "", "x",
       "lfp", "\ud83d", "x" * 2000, [], [[]], [0] * 100, {}, {"a": 1}, [None], ["lfp"], [1e400]]


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to four changes: bits, bytes, lengths, cuts, repeats."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        place = chance.randrange(len(changed)) if changed else 0
        kind = chance.randrange(7)
        if kind == 0 and changed:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1 and changed:
            changed[place] = chance.randrange(256)
        elif kind == 2:
            del changed[place:]
        elif kind == 3:
            changed[place:place] = chance.randbytes(chance.randrange(1, 9))
        elif kind == 4 and len(changed) >= 16:
            length = chance.choice([0, 1, LARGEST, LARGEST + 1, 0xFFFFFFFF, len(data)])
            struct.pack_into("<I", changed, chance.choice([4, 8]), length)
        elif kind == 5:
            del changed[place : place + chance.randrange(1, 9)]
        elif len(changed) >= 16:
            # A frame whose crc is right whatever it holds.
            struct.pack_into("<I", changed, 12, zlib.crc32(bytes(changed[16:])))
    return bytes(changed)


def frame_once(chance: random.Random) -> None:
    message, blob = chance.choice(SAMPLES)
    data = mutate(encode(message, blob), chance)
    try:
        found = decode(io.BytesIO(data).read)
    except (FrameError, BadJSON):
        return
    if found is None:
        return
    magic, text, rest, crc = HEADER.unpack_from(data)
    payload = data[16 : 16 + text + rest]
    assert magic == b"DQB1" and zlib.crc32(payload) == crc and found[1] == payload[text:]
    assert json.loads(payload[:text]) == found[0]


def twist(value, chance: random.Random):
    """The same thing with one part of it replaced, left out or repeated."""
    if isinstance(value, dict) and value and chance.random() < 0.8:
        key = chance.choice(sorted(value))
        twisted = dict(value)
        if chance.random() < 0.15:
            del twisted[key]
        else:
            twisted[key] = twist(value[key], chance)
        return twisted
    if isinstance(value, list) and value and chance.random() < 0.7:
        place = chance.randrange(len(value))
        return value[:place] + [twist(value[place], chance)] + value[place + 1 :]
    if isinstance(value, int) and not isinstance(value, bool) and chance.random() < 0.5:
        return value + chance.choice([-1, 1, 2, 7, 100])
    return chance.choice(ODD)


def circuit_requests() -> list:
    ring = {"data": "lfp", "index": "lfp_i", "cycle": "lfp_c", "from": 1500, "max_slots": 64,
            "size": 800}
    return [
        ("tdt.open", {"model": "RZ2", "index": 1, "interface": "GB", "circuit": "c.rcx"}, b""),
        ("tdt.run", {}, b""), ("tdt.status", {}, b""),
        ("tdt.get", {"tags": ["lfp_sf", "amp_gain"]}, b""),
        ("tdt.set", {"tags": {"amp_gain": 2.0}}, b""),
        ("tdt.trigger", {"trigger": 1, "mode": "pulse"}, b""),
        ("tdt.poll", {"latch": 1, "buffers": [ring, dict(ring, cycle=None)], "tags": []}, b""),
        ("tdt.write", {"data": "speaker", "from": 300, "type": "f32"}, bytes(64)),
    ]


def stimulator_requests(rig: StimulatorRig) -> list:
    codes = array.array("h", [200] * 10 + [-200] * 10 + [0] * 30).tobytes()
    chunk = {"channel": 0, "kind": "signal", "from": 0, "count": 50}
    token = {"token": rig.token}
    return [
        ("stg.open", {"serial": "40123"}, b""), ("stg.configure", rig.setup(), b""),
        ("stg.feed", {"chunks": [chunk], **token}, codes),
        ("stg.feed", {"chunks": [dict(chunk, kind="sync")], **token}, bytes(100)),
        ("stg.start", {"triggers": 1, **token}, b""),
        ("stg.stop", {"triggers": 1, "graceful": True}, b""),
        ("stg.download", {"channel": 0, "amplitudes_nA": [100_000, -100_000],
                          "durations_us": [200, 200], "repeat": 2, **token}, b""),
    ]


def session(chance: random.Random, requests: int) -> None:
    """One device, asked ``requests`` things of which two thirds make no sense."""
    circuit, stimulator = CircuitRig(), StimulatorRig()
    circuit.open()
    circuit.ask("tdt.run")
    stimulator.ready()
    for _ in range(requests):
        rig = chance.choice([circuit, stimulator])
        if rig is stimulator and chance.random() < 0.05:
            arm = {"ttl_ms": 1000, "limits": LIMITS, "queue_max_ms": 250}
            if answer(lambda fields, _: (rig.device.arm(fields), b""), twist(arm, chance), b""):
                rig.arm()
            continue
        wanted = circuit_requests() if rig is circuit else stimulator_requests(rig)
        name, fields, blob = chance.choice(wanted)
        if chance.random() < 0.67:
            fields = twist(fields, chance)
        if chance.random() < 0.1:
            blob = chance.randbytes(chance.randrange(200))
        answer(rig.device.operations[name], fields, blob)
        rig.clock.wait(0.001)
    stimulator.device.safe_stop("the end")
    assert not stimulator.hardware.running and not stimulator.hardware.connected
    assert circuit.circuit.status & 1


def answer(operation, fields, blob: bytes) -> bool:
    """Carries a request out; whether it was. Its reply must be one that can be framed."""
    try:
        body, reply_blob = operation(Fields(fields), blob)
    except BridgeError as error:
        # The fakes never fail by themselves: a driver's error is a call made wrongly.
        assert error.code != "driver" or "no stimulator" in error.message, error.message
        return False
    encode(body, reply_blob)
    return True


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--count", type=int, default=1_000_000, help="mutated frames")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--requests", type=int, help="senseless requests (default: count / 20)")
    options = words.parse_args()
    chance = random.Random(options.seed)
    print(f"seed {options.seed}, {options.count} frames", flush=True)
    for place in range(options.count):
        frame_once(chance)
        if place % 100_000 == 99_999:
            print(f"{place + 1} frames", flush=True)
    left = options.count // 20 if options.requests is None else options.requests
    while left > 0:
        session(chance, min(left, 500))
        left -= 500
    print("nothing found")
    return 0


if __name__ == "__main__":
    sys.stdout, report = open(os.devnull, "w"), sys.stdout
    print = lambda *words, **options: report.write(" ".join(words) + "\n")  # noqa: E731
    sys.exit(main())
