"""The circuit: operations `tdt.*` on one TDT processor.

The circuit is never halted because a host went away: a new bridge attaches, and its ring is the
only thing that may lose samples.
"""

from __future__ import annotations

import array
import math
import os
import sys
import tempfile
from typing import Dict, List, Optional, Tuple

from .clock import Clock
from .errors import BridgeError, bad_argument
from .fields import Fields
from .frame import LARGEST
from .limits import parse_limits
from .rings import Ring, count_of
from .rpcox import TRIGGER_MODES, Processor

#: Connect… methods of RPco.X, by model. An RP2.1 is connected as an RP2.
MODELS = {
    name: name
    for name in "RP2 RL2 RA16 RV8 RM1 RM2 RX5 RX6 RX7 RX8 RX9 RZ2 RZ3 RZ4 RZ5 RZ6".split()
}
MODELS["RP2.1"] = "RP2"
CONNECTED, LOADED, RUNNING = 1, 2, 4
BUFFER = 68
#: Seconds a circuit takes to settle after Run.
SETTLE = 0.25
#: Room for the JSON of a poll's reply; the rest of a frame is words.
JSON_ROOM = 1 << 20
BUFFERS, TAGS = 64, 256
POSITION = 1 << 62


class CircuitDevice:
    """One processor. Every method but the stops is called by the worker thread."""

    kind = "circuit"
    must_stop = False
    refused_after_estop = frozenset(["tdt.set", "tdt.trigger", "tdt.write", "tdt.run"])

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._processor: Optional[Processor] = None
        self._sizes: Dict[str, int] = {}
        self.operations = {
            "tdt.open": self._open,
            "tdt.run": self._run,
            "tdt.halt": self._halt,
            "tdt.status": lambda fields, blob: (self._health(), b""),
            "tdt.get": self._get,
            "tdt.set": self._set,
            "tdt.trigger": self._trigger,
            "tdt.poll": self._poll,
            "tdt.write": self._write,
        }

    # What the server and the guard ask of every device.

    def arm(self, fields: Fields) -> dict:
        """A circuit has a heart-beat and nothing to limit: no token."""
        parse_limits(fields)
        return {}

    def idle(self) -> list:
        return []

    def emergency_stop(self) -> Tuple[int, int]:
        """Nothing to silence; what makes output is refused from now on, reading goes on."""
        now = self._clock.now()
        return now, now

    def after_emergency_stop(self) -> None:
        pass

    def safe_stop(self, reason: str) -> None:
        """The circuit runs on (see the module)."""

    def release(self) -> None:
        self._processor = None

    # Operations.

    def _device(self) -> Processor:
        if self._processor is None:
            raise BridgeError("not-open", "no circuit is open")
        return self._processor

    def _open(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        model = fields.choice("model", sorted(MODELS))
        index = fields.integer("index", 1, 64)
        interface = fields.choice("interface", ["GB", "USB"], default="GB")
        path = fields.text("circuit", 1024, default=None)
        rate_code = fields.number("rate_code", 0, 6, default=None)
        attach = fields.boolean("attach", default=False)
        if path is None and not blob and not attach:
            raise bad_argument("circuit or a blob with the .rcx is needed")
        self.release()
        processor = Processor()
        processor.connect(MODELS[model], interface, index)
        kept = None
        try:
            if blob:
                path = kept = _store(blob)
            if attach:
                self._attach(processor, path)
            else:
                processor.zbus_trigger("A", "low")
                processor.zbus_trigger("B", "low")
                processor.load(path, rate_code)
                processor.zbus_trigger("A", "low")
                processor.zbus_trigger("B", "low")
        finally:
            if kept is not None:
                os.unlink(kept)
        tags = _list_tags(processor)
        self._sizes = {tag["name"]: tag["size"] for tag in tags}
        self._processor = processor
        return {"fs": processor.rate(), "tags": tags, **self._health()}, b""

    def _attach(self, processor: Processor, path: Optional[str]) -> None:
        """Triggers stay as they are: a circuit in mid-recording may hang on one being high."""
        status = processor.status()
        if status & RUNNING == 0:
            raise BridgeError("not-running", f"no circuit is running (status {status})")
        if path is not None:
            processor.describe(path)

    def _health(self) -> dict:
        processor = self._device()
        return {"status": processor.status(), "cycle_usage": processor.cycle_usage()}

    def _run(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._device().run()
        self._clock.wait(SETTLE)
        return self._health(), b""

    def _halt(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._device().halt()
        return self._health(), b""

    def _get(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._device()
        return {"values": self._values(fields.texts("tags", TAGS))}, b""

    def _values(self, tags: List[str]) -> list:
        for tag in tags:
            self._scalar(tag)
        return [_finite(self._device().value(tag)) for tag in tags]

    def _set(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        processor = self._device()
        values = {}
        for tag, value in fields.members("tags", TAGS).items():
            self._scalar(tag)
            values[tag] = Fields({tag: value}, "tags").number(tag, -3.4e38, 3.4e38)
        return {"ok": [processor.set(tag, value) for tag, value in values.items()]}, b""

    def _trigger(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._device()
        mode = fields.choice("mode", sorted(TRIGGER_MODES), default="pulse")
        return {"at": self._fire(_trigger_of(fields.raw("trigger")), mode)}, b""

    def _fire(self, trigger, mode: str = "pulse") -> List[int]:
        processor = self._device()
        if isinstance(trigger, int) and mode != "pulse":
            raise bad_argument("a software trigger can only pulse")
        before = self._clock.now()
        if isinstance(trigger, int):
            processor.soft_trigger(trigger)
        else:
            processor.zbus_trigger(trigger, mode)
        return [before, self._clock.now()]

    def _poll(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        processor = self._device()
        latch = None if fields.raw("latch") is None else _trigger_of(fields.raw("latch"))
        wanted = [self._wanted(entry) for entry in fields.objects("buffers", BUFFERS, default=[])]
        tags = fields.texts("tags", TAGS, default=[])
        rings = [ring for ring, _, _ in wanted]
        first, at = self._positions(rings, latch)
        values = self._values(tags)
        room = (LARGEST - JSON_ROOM) // 4
        replies, arrays, words = [], [], []
        for (ring, asked, most), (index, cycle) in zip(wanted, first):
            start, count = ring.pending(asked, index, cycle)
            count = min(count, most, room)
            room -= count
            words.append(ring.words(processor, start, count))
            arrays.append({"name": ring.data, "type": "i32", "count": count})
            replies.append({"index": index, "cycle": cycle, "from": start, "count": count})
        second, at2 = self._positions(rings, latch)
        for reply, (index, cycle) in zip(replies, second):
            reply["index2"], reply["cycle2"] = index, cycle
        body = {"buffers": replies, "at": at, "at2": at2, "values": values, "arrays": arrays}
        return body, b"".join(words)

    def _wanted(self, entry: Fields) -> Tuple[Ring, int, int]:
        """A ring, the first slot asked for, and the most that are."""
        data, index = entry.text("data"), entry.text("index")
        cycle = entry.text("cycle", default=None)
        longest = self._size_of(data)
        self._scalar(index)
        if cycle is not None:
            self._scalar(cycle)
        ring = Ring(data, index, cycle, entry.integer("size", 1, longest))
        return ring, entry.integer("from", 0, POSITION), entry.integer("max_slots", 0, POSITION)

    def _positions(self, rings: List[Ring], latch) -> Tuple[list, List[int]]:
        """Index and cycle of every ring, and the bracket of the latch (without one, of reading them
        all)."""
        before = self._clock.now()
        at = None if latch is None else self._fire(latch)
        positions = [ring.position(self._device(), latched=latch is not None) for ring in rings]
        return positions, at or [before, self._clock.now()]

    def _write(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        processor = self._device()
        start = fields.integer("from", 0, POSITION)
        kind = fields.choice("type", ["f32", "i32"])
        ring = self._output(fields)
        if not blob or len(blob) % 4:
            raise bad_argument(f"the blob has {len(blob)} bytes, not whole slots")
        values = array.array("f" if kind == "f32" else "i", blob)
        if sys.byteorder != "little":
            values.byteswap()
        index, cycle = self._play_position(ring)
        count = min(len(values), ring.size)
        if cycle is not None:
            # What is not yet played stays: at most one ring ahead of the position.
            count = max(0, min(count, cycle * ring.size + index + ring.size - start))
        before = self._clock.now()
        ring.write(processor, start, kind, values[:count])
        after = self._clock.now()
        index, cycle = self._play_position(ring)
        return {"index": index, "cycle": cycle, "written": count, "at": [before, after]}, b""

    def _output(self, fields: Fields) -> Ring:
        """The ring to write to. The request may name its size and tags; else they are those that
        the data tag's name implies, where the circuit has them."""
        data = fields.text("data")
        longest = self._size_of(data)
        size = fields.integer("size", 1, longest, default=None)
        if size is None and data + "_n" in self._sizes:
            size = count_of(self._device(), data + "_n", longest)
            if size == 0:
                raise BridgeError("read-failed", f"{data}_n is 0")
        index = fields.text("index", default=data + "_i")
        cycle = fields.text("cycle", default=data + "_c")
        return Ring(data, index, cycle if cycle in self._sizes else None, size or longest)

    def _play_position(self, ring: Ring) -> Tuple[Optional[int], Optional[int]]:
        if ring.index not in self._sizes:
            return None, None
        return ring.position(self._device(), latched=False)

    def _size_of(self, tag: str) -> int:
        size = self._sizes.get(tag)
        if size is None:
            raise BridgeError("no-such-tag", f"the circuit has no tag {tag!r}")
        if size < 1:
            raise BridgeError("driver", f"GetTagSize({tag!r}) is {size}")
        return size

    def _scalar(self, tag: str) -> None:
        if self._size_of(tag) != 1:
            raise bad_argument(f"{tag!r} is a buffer, not a scalar")


def _trigger_of(value: object):
    if value in ("A", "B"):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10:
        return value
    raise bad_argument('a trigger is 1 … 10, "A" or "B"')


def _finite(value: float) -> Optional[float]:
    return value if math.isfinite(value) else None


def _list_tags(processor: Processor) -> List[dict]:
    return [
        {"name": name, "type": processor.tag_type(name), "size": processor.tag_size(name)}
        for name in processor.tag_names()
        if name and not name.startswith("%")
    ]


def _store(blob: bytes) -> str:
    handle, path = tempfile.mkstemp(suffix=".rcx")
    with os.fdopen(handle, "wb") as file:
        file.write(blob)
    return path
