"""`python -m daqrec_bridge probe`: measures on a rig what no manual settles, and writes JSON.

Its member ``settings`` is what the session (`pack_order`) and `--settings` (`frames_done`,
`frames_buffered`) want to know; ``measured`` is what that was concluded from.
"""

from __future__ import annotations

import argparse
import array
import json
import platform
import statistics
import sys
import time
from typing import Callable, List, Optional

from . import __version__
from .clock import Clock
from .errors import BridgeError
from .mcsusb import McsUsb, guarded, succeed, whole
from .rpcox import Processor
from .settings import Settings
from .stdio import log
from .stgsetup import MAPS, describe
from .tdt import MODELS, SETTLE

#: Levels the circuit's `probe_x` is set to: within int16, and beyond it.
LEVEL, BEYOND = 100, 40_000
REPEATS = 50
RING, CAPACITY_BYTES, RATE = 2500, 10_000, 50_000
#: Seconds the device's ring is given to fill, and of output that are watched.
FILL, WATCH = 0.5, 1.0


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(
        prog="daqrec_bridge probe", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    words.add_argument("--device", choices=["tdt", "stg"], required=True)
    words.add_argument("-o", "--output", help="the JSON file (default: standard output)")
    tdt = words.add_argument_group("tdt")
    tdt.add_argument("--model", choices=sorted(MODELS), default="RZ2")
    tdt.add_argument("--index", type=int, default=1)
    tdt.add_argument("--interface", choices=["GB", "USB"], default="GB")
    tdt.add_argument("--circuit", help="the .rcx of README.md: +probe_x and -probe_x, as int16")
    tdt.add_argument("--data", default="probe", help="its data tag; _i is its index")
    stg = words.add_argument_group("stg")
    stg.add_argument("--serial")
    stg.add_argument("--dll")
    stg.add_argument(
        "--outputs-open", action="store_true",
        help="nothing is connected to the outputs (only zeros are put out, but nobody promises)",
    )
    return words


def main(arguments: List[str], clock: Optional[Clock] = None) -> int:
    words = parser().parse_args(arguments)
    if words.device == "stg" and not words.outputs_open:
        log("take everything off the outputs, then say --outputs-open")
        return 64
    if words.device == "tdt" and not words.circuit:
        log("--circuit is needed: README.md says how it is made")
        return 64
    try:
        probe = probe_tdt if words.device == "tdt" else probe_stg
        found = probe(words, clock or Clock())
    except BridgeError as error:
        log(f"{error.code}: {error.message}")
        return 69
    found = {
        "bridge": __version__, "platform": platform.platform(), "device": words.device,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **found,
    }
    text = json.dumps(found, indent=2) + "\n"
    if words.output:
        with open(words.output, "w", encoding="utf-8") as file:
            file.write(text)
    else:
        sys.stdout.write(text)
    return 0


# TDT.


def probe_tdt(words: argparse.Namespace, clock: Clock) -> dict:
    """The order of samples in a slot, what becomes of a value that is too large, and latencies."""
    processor = Processor()
    processor.connect(MODELS[words.model], words.interface, words.index)
    processor.load(words.circuit, None)
    processor.run()
    try:
        clock.wait(SETTLE)
        tags = {name: processor.tag_type(name) for name in processor.tag_names()}
        level = _halves(processor, words.data, LEVEL, clock)
        beyond = _halves(processor, words.data, BEYOND, clock)
        order, overflow = _pack_order(level), _overflow(level, beyond)
        return {
            "settings": {"pack_order": order, "overflow": overflow},
            "measured": {
                "halves_of_100": level, "halves_of_40000": beyond, "fs": processor.rate(),
                "tag_types": tags, "cycle_usage": processor.cycle_usage(),
                "latency_ms": _latencies(processor, words.data, clock),
            },
        }
    finally:
        processor.halt()


def _halves(processor: Processor, data: str, level: int, clock: Clock) -> List[int]:
    """The low and the high half of the newest slot, once ``level`` has filled the ring."""
    if not processor.set(data + "_x", level):
        raise BridgeError("no-such-tag", f"SetTagVal('{data}_x') failed: see README.md")
    size = processor.tag_size(data)
    clock.wait(0.05 + size / processor.rate())
    newest = (int(processor.value(data + "_i")) - 1) % size
    return list(array.array("h", processor.words(data, newest, 1)))


def _pack_order(level: List[int]) -> Optional[str]:
    """Channel 1 stores +x, channel 2 −x."""
    return {(LEVEL, -LEVEL): "lsb", (-LEVEL, LEVEL): "msb"}.get(tuple(level))


def _overflow(level: List[int], beyond: List[int]) -> Optional[str]:
    first = beyond[0] if level[0] == LEVEL else beyond[1]
    return {32767: "saturate", BEYOND - 65536: "wrap"}.get(first)


def _latencies(processor: Processor, data: str, clock: Clock) -> dict:
    count = min(1024, processor.tag_size(data))
    return {
        "GetTagVal": _timed(lambda: processor.value(data + "_i"), clock),
        "SoftTrg": _timed(lambda: processor.soft_trigger(1), clock),
        "ReadTagVEX of 1 word": _timed(lambda: processor.words(data, 0, 1), clock),
        f"ReadTagVEX of {count} words": _timed(lambda: processor.words(data, 0, count), clock),
    }


def _timed(call: Callable, clock: Clock) -> dict:
    times = []
    for _ in range(REPEATS):
        before = clock.now()
        call()
        times.append((clock.now() - before) / 1e6)
    return {"min": min(times), "median": statistics.median(times), "max": max(times)}


# STG. Only zeros are fed.


def probe_stg(words: argparse.Namespace, clock: Clock) -> dict:
    """What the rings hold and what the counters count."""
    library = McsUsb(words.dll or Settings().dll)
    entry = library.find(words.serial)
    device = library.download_device()
    library.connect(device, entry)
    try:
        facts = describe(library, device, entry)
        rates = [_rate(library, device, rate) for rate in (10_000, RATE)]
    finally:
        guarded("Disconnect", device.Disconnect)
    device = library.streaming_device(RING)
    library.connect(device, entry)
    try:
        found = _Rings(library, device, facts["triggers"], clock).measure()
    finally:
        every = library.u32((1 << facts["triggers"]) - 1)
        for name, stop in (
            ("SendStop", lambda: device.SendStop(every)),
            ("StopLoop", device.StopLoop),
            ("Disconnect", device.Disconnect),
        ):
            try:
                guarded(name, stop)
            except BridgeError as error:
                log(error.message)
    found["measured"].update({"facts": facts, "rates": rates})
    return found


def _rate(library: McsUsb, device, rate: int) -> dict:
    succeed("SetOutputRate", device.SetOutputRate, library.u32(rate))
    return {"asked": rate, "read_back": whole("GetOutputRate", device.GetOutputRate)}


class _Rings:
    """Feeds zeros on channel 0 and watches the counters."""

    def __init__(self, library: McsUsb, device, triggers: int, clock: Clock) -> None:
        self._library = library
        self._device = device
        self._triggers = triggers
        self._clock = clock
        self._channel = library.u32(0)
        self._fed = 0
        self._returned: Optional[int] = None

    def measure(self) -> dict:
        library, device = self._library, self._device
        succeed("SetCurrentMode", device.SetCurrentMode)
        succeed("EnableContinousMode", device.EnableContinousMode)
        succeed("SetCapacity", device.SetCapacity, library.u32s([CAPACITY_BYTES] * self._triggers))
        diagonal = [1 << trigger for trigger in range(self._triggers)]
        maps = {name: diagonal for name in MAPS}
        maps["autostart"] = [0] * self._triggers
        thresholds = library.u32s([10] * self._triggers)
        succeed(
            "SetupTrigger", device.SetupTrigger,
            *(library.u32s(maps[name]) for name in MAPS), thresholds,
        )
        succeed("SetOutputRate", device.SetOutputRate, library.u32(RATE))
        empty = self._space()
        unit = 2 if empty >= 2 * (RING - 1) else 1
        self._fill(unit)
        succeed("StartLoop", device.StartLoop)
        self._keep_full(unit, 1.0 + FILL)
        # At rest: what has been pulled is in the device's ring, and nothing has left it.
        pulled = self._fed - (empty - self._space()) // unit
        done, buffered = self._done(), self._buffered()
        began = self._clock.now()
        succeed("SendStart", device.SendStart, library.u32(1))
        self._keep_full(unit, WATCH)
        seconds, advance = (self._clock.now() - began) / 1e9, self._done() - done
        self._clock.wait(FILL)
        starved = self._done()
        self._clock.wait(FILL)
        return {
            "settings": {
                "frames_done": _nearest(done, {"sent": pulled, "output": 0}),
                "frames_buffered": _nearest(buffered, {"samples": pulled, "bytes": 2 * pulled}),
            },
            "measured": {
                "ring_asked": RING, "ring_made": empty // unit,
                "queue_space_counts": "samples" if unit == 1 else "bytes",
                "enqueue_of_100_returned": self._returned,
                "capacity_bytes": CAPACITY_BYTES, "samples_pulled_at_rest": pulled,
                "bytes_per_sample_if_half_full": CAPACITY_BYTES / (2 * pulled) if pulled else None,
                "frames_done_at_rest": done, "frames_buffered_at_rest": buffered,
                "frames_done_per_second": advance / seconds,
                "frames_done_while_starved": self._done() - starved,
            },
        }

    def _space(self) -> int:
        return whole("GetDataQueueSpace", self._device.GetDataQueueSpace, self._channel)

    def _done(self) -> int:
        return whole("GetFramesDone", self._device.GetFramesDone)

    def _buffered(self) -> int:
        return whole("GetFramesBuffered", self._device.GetFramesBuffered, self._channel)

    def _fill(self, unit: int) -> None:
        while self._space() // unit >= 100:
            zeros = self._library.i16s(array.array("h", bytes(200)))
            self._returned = guarded("EnqueueData", self._device.EnqueueData, self._channel, zeros)
            self._fed += 100

    def _keep_full(self, unit: int, seconds: float) -> None:
        end = self._clock.now() + int(seconds * 1e9)
        while self._clock.now() < end:
            self._fill(unit)
            self._clock.wait(0.005)


def _nearest(value: int, meanings: dict) -> Optional[str]:
    """The meaning whose value is within a tenth of the largest, or None: not settled."""
    reach = max(abs(meant) for meant in meanings.values()) / 10
    name, meant = min(meanings.items(), key=lambda item: abs(item[1] - value))
    return name if reach and abs(meant - value) <= reach else None
