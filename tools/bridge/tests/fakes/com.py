"""TDT's COM objects: a processor with one circuit whose ring moves with a clock.

The ring `lfp` holds 16 channels of int16, two to a slot, first channel in the low half; channel c
stores, at tick n, the code n + 1000·c wrapped to 16 bits. `speaker` is an output ring whose index
moves with the ticks too.
"""

from __future__ import annotations

import array
import os
import struct
import sys
import types
from typing import Optional

CHANNELS = 16
WORDS = CHANNELS // 2
LATCHED = {"lfp_i": "lfp", "lfp_c": "lfp"}


def code(tick: int, channel: int) -> int:
    return ((tick + 1000 * channel + 0x8000) & 0xFFFF) - 0x8000


def word(slot: int, decimation: int = 1, msb: bool = False) -> int:
    """The signed 32-bit word at an absolute slot."""
    tick, pair = divmod(slot, WORDS)
    low, high = (code(tick * decimation, 2 * pair + one) & 0xFFFF for one in (0, 1))
    if msb:
        low, high = high, low
    return struct.unpack("<i", struct.pack("<HH", low, high))[0]


def ramp() -> array.array:
    """The words of 65536 ticks, after which the codes repeat."""
    codes = array.array("h", (code(tick, 0) for tick in range(65536)))
    samples = array.array("h", bytes(2 * 65536 * CHANNELS))
    for channel in range(CHANNELS):
        turn = 1000 * channel % 65536
        samples[channel::CHANNELS] = codes[turn:] + codes[:turn]
    return array.array("i", samples.tobytes())


class ComError(Exception):
    """pywintypes.com_error."""


class Circuit:
    """What the hardware holds, whoever is connected to it.

    ``state`` is a file that outlives the process: a circuit running by it is found running again.
    """

    def __init__(
        self, clock, rate: float = 24414.0625, slots: int = 65536,
        latch: Optional[int] = 1, scale: float = 1.0, state: Optional[str] = None,
    ) -> None:
        self.clock = clock
        self.rate = rate
        self.latch = latch
        self._state = state
        self.sizes = {"lfp": slots, "speaker": 4096, "probe": 4096}
        self.values = {
            "lfp_n": float(slots), "lfp_sf": scale, "lfp_d": 1.0, "amp_gain": 1.0,
            "speaker_n": 4096.0, "probe_x": 0.0, "probe_n": 4096.0, "%hidden": 0.0,
        }
        self.integers = {"lfp_n", "lfp_d", "speaker_n", "probe_n"}
        self.computed = ["lfp_i", "lfp_c", "speaker_i", "speaker_c", "probe_i"]
        self.latched = {"lfp_i": 0.0, "lfp_c": 0.0}
        self.status = 0
        self.began: Optional[int] = None
        self.ended: Optional[int] = None
        self.spoken = {}
        self.overflow_wraps = False
        self.msb = False
        self._ramp = ramp()
        if state and os.path.exists(state):
            with open(state, encoding="utf-8") as file:
                self.began = int(file.read())
            self.status = 7

    def run(self) -> None:
        self.began, self.ended = self.clock.now(), None
        self.status = 7
        if self._state:
            with open(self._state, "w", encoding="utf-8") as file:
                file.write(str(self.began))

    def halt(self) -> None:
        if self.began is not None and self.ended is None:
            self.ended = self.clock.now()
        self.status &= ~4
        if self._state and os.path.exists(self._state):
            os.unlink(self._state)

    def load(self) -> None:
        self.began = self.ended = None
        self.latched = {"lfp_i": 0.0, "lfp_c": 0.0}
        self.status = 3

    def ticks(self) -> int:
        if self.began is None:
            return 0
        now = self.clock.now() if self.ended is None else self.ended
        return int((now - self.began) * self.rate / 1e9)

    def position(self, ring: str) -> int:
        if ring == "lfp":
            return self.ticks() // max(1, int(self.values["lfp_d"])) * WORDS
        return self.ticks()

    def size(self, ring: str) -> int:
        return int(self.values[ring + "_n"])

    def live(self, tag: str) -> float:
        ring, _, kind = tag.rpartition("_")
        cycle, index = divmod(self.position(ring), self.size(ring))
        return float(cycle if kind == "c" else index)

    def value(self, tag: str) -> float:
        """As float32 travels."""
        if tag in LATCHED and self.latch is not None:
            value = self.latched[tag]
        elif tag in self.computed:
            value = self.live(tag)
        else:
            value = self.values.get(tag, 0.0)
        return struct.unpack("<f", struct.pack("<f", value))[0]

    def fire(self, number: int) -> None:
        if number == self.latch:
            self.latched = {tag: self.live(tag) for tag in LATCHED}

    def words(self, tag: str, offset: int, count: int) -> tuple:
        """What the memory holds now: the last slot written at each place."""
        if tag == "speaker":
            return tuple(self.spoken.get(offset + place, 0) for place in range(count))
        if tag == "probe":
            return (self._probe_word(),) * count
        # Before the index lies this lap, from it on the one before.
        lap, index = divmod(self.position("lfp"), self.size("lfp"))
        begin = lap * self.size("lfp") + offset
        new = min(count, max(0, index - offset))
        old = self._span(begin + new - self.size("lfp"), count - new)
        return tuple(self._span(begin, new) + old)

    def _span(self, slot: int, count: int) -> array.array:
        """Successive slots; those before the circuit ran are 0."""
        if slot < 0:
            return array.array("i", bytes(4 * count))
        decimation = int(self.values["lfp_d"])
        if decimation != 1 or self.msb:
            wanted = range(slot, slot + count)
            return array.array("i", (word(one, decimation, self.msb) for one in wanted))
        words = array.array("i")
        while len(words) < count:
            place = (slot + len(words)) % len(self._ramp)
            words += self._ramp[place : place + count - len(words)]
        return words

    def _probe_word(self) -> int:
        value = round(self.values["probe_x"])
        halves = [self._stored(value), self._stored(-value)]
        if self.msb:
            halves.reverse()
        return struct.unpack("<i", struct.pack("<HH", *halves))[0]

    def _stored(self, value: int) -> int:
        if not self.overflow_wraps:
            value = max(-32768, min(32767, value))
        return value & 0xFFFF


class Processor:
    """RPco.X. Calls by name return what the driver returns: 1, 0, a number or a text."""

    def __init__(self, circuit: Circuit, recorder) -> None:
        self._circuit = circuit
        self._recorder = recorder
        self._oleobj_ = Typed(self)

    def __getattr__(self, name: str):
        if name.startswith("Connect") and name != "Connect":
            return lambda interface, index: self._do(name, (interface, index), self._connect)
        work = getattr(type(self), "_" + name, None)
        if work is None:
            raise AttributeError(f"<unknown>.{name}")
        return lambda *arguments: self._do(name, arguments, lambda: work(self, *arguments))

    def _do(self, name: str, arguments: tuple, work):
        return self._recorder.call(name, arguments, work)

    def _connect(self) -> int:
        self._circuit.status |= 1
        return 1

    def _Halt(self) -> int:
        self._circuit.halt()
        return 1

    def _ClearCOF(self) -> int:
        self._circuit.status &= 1
        return 1

    def _LoadCOF(self, path: str) -> int:
        self._circuit.load()
        return 1

    def _LoadCOFsf(self, path: str, rate: float) -> int:
        self._circuit.load()
        return 1

    def _ReadCOF(self, path: str) -> int:
        return 1

    def _Run(self) -> int:
        self._circuit.run()
        return 1

    def _GetStatus(self) -> int:
        return self._circuit.status

    def _GetCycUse(self) -> int:
        return 12

    def _GetSFreq(self) -> float:
        return self._circuit.rate

    def _GetError(self) -> str:
        return "device not responding"

    def _names(self) -> list:
        return sorted([*self._circuit.sizes, *self._circuit.values, *self._circuit.computed])

    def _GetNumOf(self, kind: str) -> int:
        return len(self._names()) if kind == "ParTag" else 0

    def _GetNameOf(self, kind: str, place: int) -> str:
        return self._names()[place - 1]

    def _GetTagType(self, tag: str) -> int:
        if tag in self._circuit.sizes:
            return 68
        if tag in self._circuit.computed:
            return 65 if tag in LATCHED else 73
        if tag in self._circuit.values:
            return 73 if tag in self._circuit.integers else 83
        return 0

    def _GetTagSize(self, tag: str) -> int:
        if tag in self._circuit.sizes:
            return self._circuit.sizes[tag]
        return 1 if tag in self._circuit.values or tag in self._circuit.computed else 0

    def _GetTagVal(self, tag: str) -> float:
        return self._circuit.value(tag)

    def _SetTagVal(self, tag: str, value: float) -> int:
        if tag not in self._circuit.values:
            return 0
        self._circuit.values[tag] = value
        return 1

    def _SoftTrg(self, number: int) -> int:
        self._circuit.fire(number)
        return 1

    def _ReadTagVEX(self, tag, offset, count, source, target, channels) -> tuple:
        assert (source, target, channels) == ("I32", "I32", 1)
        assert 0 <= offset and offset + count <= self._circuit.sizes[tag]
        return (self._circuit.words(tag, offset, count),)

    def _WriteTagV(self, tag, offset, values) -> int:
        assert offset + len(values) <= self._circuit.sizes[tag]
        for place, value in enumerate(values):
            self._circuit.spoken[offset + place] = struct.unpack("<i", struct.pack("<f", value))[0]
        return 1

    def _WriteTagVEX(self, tag, offset, kind, values) -> int:
        assert kind == "I32" and offset + len(values) <= self._circuit.sizes[tag]
        for place, value in enumerate(values):
            self._circuit.spoken[offset + place] = int(value)
        return 1


#: Result type and argument types, as RPcoX.ocx declares them.
SIGNATURES = {
    "ReadTagVEX": ((12, 0), (8, 3, 3, 8, 8, 3)),
    "WriteTagV": ((3, 0), (8, 3, 0x2005)),
    "WriteTagVEX": ((3, 0), (8, 3, 8, 0x2005)),
}


class Typed:
    """The dispatch interface beneath win32com's wrapper."""

    def __init__(self, processor: Processor) -> None:
        self._processor = processor

    def GetIDsOfNames(self, lcid: int, name: str) -> str:
        assert lcid == 0
        return name

    def InvokeTypes(self, name, lcid, flags, result, types, *arguments):
        assert (lcid, flags) == (0, 1)
        assert SIGNATURES[name] == (result, tuple(kind for kind, _ in types))
        assert len(arguments) == len(types)
        return getattr(self._processor, name)(*arguments)


class Bus:
    """ZBUS.x. The triggers' return value says nothing."""

    def __init__(self, recorder) -> None:
        self._recorder = recorder

    def ConnectZBUS(self, interface: str) -> int:
        return self._recorder.call("ConnectZBUS", (interface,), lambda: 1)

    def zBusTrigA(self, rack: int, mode: int, delay: int) -> int:
        return self._recorder.call("zBusTrigA", (rack, mode, delay), lambda: 0)

    def zBusTrigB(self, rack: int, mode: int, delay: int) -> int:
        return self._recorder.call("zBusTrigB", (rack, mode, delay), lambda: 0)


def install(circuit: Circuit, recorder) -> None:
    """Puts win32com where the back end imports it from."""

    def dispatch(name: str):
        print(f"a stray line of the vendor: making {name}")
        return {"RPco.X": lambda: Processor(circuit, recorder), "ZBUS.x": lambda: Bus(recorder)}[
            name
        ]()

    client = types.ModuleType("win32com.client")
    client.Dispatch = dispatch
    package = types.ModuleType("win32com")
    package.client = client
    sys.modules["win32com"], sys.modules["win32com.client"] = package, client
