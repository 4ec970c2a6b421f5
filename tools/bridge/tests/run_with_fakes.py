#!/usr/bin/env python3
"""Serves the bridge protocol on stdio with the vendors' libraries replaced by behaving fakes.

    python tests/run_with_fakes.py --device tdt --fs 24414.0625 --log calls.jsonl
    python tests/run_with_fakes.py --device stg --put-out output.jsonl

The rings move in real time. The circuit has an input ring `lfp` (16 channels of int16; lfp_i,
lfp_c, lfp_n, lfp_sf, lfp_d; channel c stores at tick n the code n + 1000·c wrapped to int16), an
output ring `speaker` and a scalar `amp_gain`. The stimulator is an STG4004 of 4 channels, 14 bit, 2 µA
steps. All but the libraries is the program that is shipped.
"""

from __future__ import annotations

import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from daqrec_bridge import __main__ as bridge  # noqa: E402
from daqrec_bridge import stg  # noqa: E402
from daqrec_bridge.clock import Clock  # noqa: E402
from fakes import com, net  # noqa: E402
from fakes.recorder import Recorder  # noqa: E402


def parse() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--device", choices=["tdt", "stg"], required=True)
    words.add_argument("--log", help="append every vendor call to this file, a JSON line each")
    words.add_argument("--fs", type=float, default=24414.0625, help="ticks a second")
    words.add_argument("--slots", type=int, default=65536, help="the most lfp can hold")
    words.add_argument("--sf", type=float, default=1.0, help="scaling factor of lfp")
    words.add_argument(
        "--latch", default="1", help="trigger that latches lfp_i and lfp_c, or none (default 1)"
    )
    words.add_argument("--state", help="file by which a running circuit outlives this process")
    words.add_argument("--channels", type=int, default=4, help="of the stimulator")
    words.add_argument("--serial", default="40123")
    words.add_argument("--frames-done", choices=["sent", "output"], default="sent")
    words.add_argument("--put-out", help="append what the stimulator puts out, if it is not zero")
    words.add_argument("--settings")
    words.add_argument(
        "--loop-start", type=float, help="seconds a start waits for its loop (shipped: 1)"
    )
    words.add_argument(
        "--cost-ms", type=float, default=0, help="time each vendor call takes"
    )
    words.add_argument(
        "--fault", action="append", default=[], metavar="CALL=WHAT[@SKIP]",
        help="after SKIP calls CALL gives WHAT: JSON, `raise`, `hang` or `crash`",
    )
    return words.parse_args()


class Hang:
    def __call__(self) -> None:
        Clock().wait(3600)


def add_fault(recorder: Recorder, text: str) -> None:
    name, _, rest = text.partition("=")
    what, _, skip = rest.partition("@")
    outcomes = {
        "raise": net.DotNetError(f"{name}: the device is gone"),
        "hang": Hang(),
        # Not an Exception: passes every handler that minds the vendor's.
        "crash": KeyboardInterrupt(f"{name} crashed"),
    }
    recorder.fault(name, outcomes[what] if what in outcomes else json.loads(what), int(skip or 0))


def main() -> int:
    options = parse()
    clock = Clock()
    recorder = Recorder(clock, options.log)
    recorder.costs[None] = int(options.cost_ms * 1e6)
    for fault in options.fault:
        add_fault(recorder, fault)
    latch = None if options.latch == "none" else int(options.latch)
    com.install(
        com.Circuit(clock, options.fs, options.slots, latch, options.sf, options.state), recorder
    )
    hardware = net.Hardware(clock, options.channels, options.serial, options.frames_done)
    if options.put_out:
        hardware.watch(open(options.put_out, "a", encoding="utf-8"))
    net.install(hardware, recorder)
    if options.loop_start is not None:
        stg.LOOP_START = options.loop_start
    arguments = ["--device", options.device]
    if options.settings:
        arguments += ["--settings", options.settings]
    return bridge.main(arguments)


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)
