"""Feeding a configured stimulator: `stg.feed`, its queues, counters and underruns."""

from __future__ import annotations

import array
import sys
from typing import Callable, Dict, List, Optional, Tuple

from .clock import Clock
from .errors import BridgeError, bad_argument
from .fields import Fields
from .limits import ChargeMeter, Limit
from .mcsusb import McsUsb, whole
from .settings import Settings
from .streams import Stream

#: Most samples of one chunk; most chunks of one feed.
CHUNK, CHUNKS = 1 << 20, 64
#: Readings of the frame counters before they are given out as they are.
TRIES = 5
POSITION = 1 << 62


def codes_per_unit(facts: dict, mode: str, channel: int) -> float:
    """Codes per mA, or per mV: a DAC step is 2^(16 − bits) codes."""
    step = 1 << (16 - facts["dac_bits"])
    if mode == "current":
        return step * 1e6 / facts["resolution_nA"][channel]
    return step * 1e3 / facts["resolution_uV"][channel]


class Feeder:
    """The streams of one configuration; a new one begins at sample 0.

    ``call(name, function, *arguments)`` makes a vendor call for the worker, or refuses it.
    """

    def __init__(
        self, library: McsUsb, facts: dict, setup: dict, unit: int, limits: Dict[int, Limit],
        settings: Settings, clock: Clock, call: Callable,
    ) -> None:
        """``unit``: what GetDataQueueSpace counts a sample as."""
        self._library = library
        self._channels = facts["channels"]
        self._triggers = facts["triggers"]
        self._setup = setup
        self._unit = unit
        self._settings = settings
        self._clock = clock
        self._call = call
        self._dry = False
        self._unreported = False
        self.running = 0
        self._streams: Dict[Tuple[str, int], Stream] = {}
        for channel in range(self._channels):
            meter = ChargeMeter(
                channel, limits.get(channel), setup["mode"],
                codes_per_unit(facts, setup["mode"], channel), setup["rate"], facts["dac_bits"],
            )
            self._streams["signal", channel] = Stream(meter)
            self._streams["sync", channel] = Stream(None)

    def set_limits(self, limits: Dict[int, Limit]) -> None:
        for (_, channel), stream in self._streams.items():
            stream.set_limit(limits.get(channel))

    def feed(self, fields: Fields, blob: bytes, queue_ms: int) -> dict:
        """The reply of `stg.feed`."""
        chunks = self._parse(fields, blob)
        counters = self.counters()
        accepted, space = [], []
        for kind, channel, start, codes in chunks:
            taken, free = self._queue(kind, channel, start, codes, counters["done"], queue_ms)
            accepted.append(taken)
            space.append(free)
        underrun, self._unreported = self._unreported, False
        return {
            "accepted": accepted, "space": space, "frames_done": counters["done"],
            "frames_buffered": counters["buffered"], "at": counters["at"],
            "steady": counters["steady"], "underrun": underrun,
        }

    def _parse(self, fields: Fields, blob: bytes) -> List[tuple]:
        """All chunks are understood, and checked for gaps, before the first is queued."""
        chunks, place = [], 0
        ends: Dict[Tuple[str, int], int] = {}
        for entry in fields.objects("chunks", CHUNKS):
            kind = entry.choice("kind", ["signal", "sync"])
            channel = entry.integer("channel", 0, self._channels - 1)
            start = entry.integer("from", 0, POSITION)
            count = entry.integer("count", 0, CHUNK)
            part = blob[place : place + 2 * count]
            if len(part) != 2 * count:
                raise bad_argument("the blob is shorter than its chunks")
            place += 2 * count
            codes = array.array("h", part)
            if sys.byteorder != "little":
                codes.byteswap()
            if kind == "sync" and not set(codes) <= {0, 1}:
                raise bad_argument("a sync sample is 0 or 1")
            end = ends.get((kind, channel), self._streams[kind, channel].fed)
            if start > end:
                raise bad_argument(f"channel {channel}, {kind}: a gap from {end} to {start}")
            ends[kind, channel] = max(end, start + count)
            chunks.append((kind, channel, start, codes))
        if place != len(blob):
            raise bad_argument(f"the chunks hold {place} bytes, the blob {len(blob)}")
        return chunks

    def _queue(
        self, kind: str, channel: int, start: int, codes, done: int, queue_ms: int
    ) -> Tuple[int, int]:
        """Queues what is new and fits: the samples taken, and the room left in the host ring."""
        stream = self._streams[kind, channel]
        free = self._free(kind, channel)
        if start > stream.fed:
            # The chunk before it was cut: this one has to come again.
            return 0, free
        ahead = queue_ms * self._setup["rate"] // 1000 - (stream.fed - done)
        codes = stream.admit(stream.fresh(start, codes), min(free, ahead))
        if not codes:
            return 0, free
        self._call("Enqueue", self._enqueue, kind, channel, codes)
        stream.commit(codes)
        return len(codes), self._free(kind, channel)

    def _enqueue(self, device, kind: str, channel: int, codes) -> None:
        library, count = self._library, len(codes)
        number = library.u32(channel)
        if kind == "signal":
            # "Returns the number of enqueued bytes."
            result = device.EnqueueData(number, library.i16s(codes))
            good = (None, count, 2 * count)
        else:
            # "Returns 0 on success."
            result = device.EnqueueSyncout(number, library.u16s(codes))
            good = (None, 0, count, 2 * count)
        if isinstance(result, bool) or result not in good:
            raise BridgeError("driver", f"queueing {count} {kind} samples gave {result}")

    def _free(self, kind: str, channel: int) -> int:
        name = "GetDataQueueSpace" if kind == "signal" else "GetSyncoutQueueSpace"
        number = self._library.u32(channel)
        space = self._call(name, lambda device: whole(name, getattr(device, name), number))
        if space < 0:
            raise BridgeError("driver", f"{name}({channel}) is {space}")
        return min(self._setup["ring_samples"], space // self._unit)

    # Counters.

    def counters(self) -> dict:
        """`read_counters` by the worker, minding whether a ring has run dry."""
        if not self.running:
            now = self._clock.now()
            return {"done": 0, "buffered": [0] * self._channels, "at": [now, now], "steady": True}
        counters = self._call("GetFramesDone", self.read_counters)
        dry = any(
            counters["buffered"][channel] == 0
            and self._free("signal", channel) >= self._setup["ring_samples"]
            for channel in self._fed_and_running()
        )
        if dry and not self._dry:
            self._unreported = True
        self._dry = dry
        return counters

    def watch(self) -> Optional[str]:
        """Looks at a stream nobody feeds: what has gone wrong since the last look, or None."""
        was_dry = self._dry
        self.counters()
        return "a ring ran dry" if self._dry and not was_dry else None

    def read_counters(self, device) -> dict:
        """Frames that have left and frames buffered, read until they hold still.

        GetFramesDone is documented as "the number of frames already sent to the STG": what has
        left it is less by what it buffers, unless `probe` found otherwise.
        """
        scale = 2 if self._settings.frames_buffered == "bytes" else 1
        for _ in range(TRIES):
            before = self._clock.now()
            first = whole("GetFramesDone", device.GetFramesDone)
            held = [self._buffered(device, trigger) // scale for trigger in range(self._triggers)]
            frames = whole("GetFramesDone", device.GetFramesDone)
            after = self._clock.now()
            if frames == first:
                break
        if frames < 0 or min(held) < 0:
            raise BridgeError("driver", f"GetFramesDone {frames}, GetFramesBuffered {held}")
        going = [count for trigger, count in enumerate(held) if self.running >> trigger & 1]
        done = frames
        if self._settings.frames_done == "sent":
            done = max(0, frames - max(going, default=0))
        return {
            "done": done, "buffered": self._by_channel(held), "at": [before, after],
            "steady": frames == first,
        }

    def _buffered(self, device, trigger: int) -> int:
        number = self._library.u32(trigger)
        return whole("GetFramesBuffered", device.GetFramesBuffered, number)

    def _by_channel(self, held: List[int]) -> List[int]:
        buffered = [0] * self._channels
        for trigger, channels in enumerate(self._setup["channel_map"]):
            for channel in range(self._channels):
                if channels >> channel & 1:
                    buffered[channel] = held[trigger]
        return buffered

    def _fed_and_running(self) -> List[int]:
        going = 0
        for trigger, channels in enumerate(self._setup["channel_map"]):
            if self.running >> trigger & 1:
                going |= channels
        return [
            channel for channel in range(self._channels)
            if going >> channel & 1 and self._streams["signal", channel].fed
        ]

    def drained(self, device) -> bool:
        """Whether all that was queued on running channels has left."""
        fed = [self._streams["signal", channel].fed for channel in self._fed_and_running()]
        return self.read_counters(device)["done"] >= max(fed, default=0)
