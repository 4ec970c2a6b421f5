"""McsUsbNet through pythonnet: a stimulator with two rings that move with a clock.

Per channel: the host ring (in samples, one more is asked for and one fewer made, as the vendor's
does) → 1 ms slices → the device ring, kept about half full → the output, one sample a tick once its
trigger runs. What came out is in ``Hardware.put_out``.
"""

from __future__ import annotations

import collections
import ctypes
import json
import sys
import types
from typing import Deque, Dict, List, Tuple


class DotNetError(Exception):
    """A System.Exception as pythonnet passes it."""


class Hardware:
    """What the box holds, whoever is connected to it."""

    def __init__(
        self, clock, channels: int = 4, serial: str = "40123", frames_done: str = "sent",
        frames_buffered: str = "samples",
    ) -> None:
        self.clock = clock
        self.channels = channels
        self.serial = serial
        self.frames_done = frames_done
        self.frames_buffered = frames_buffered
        self.memory = 8_000_000
        self.rate = 50_000
        self.continuous = False
        self.mode = "voltage"
        self.capacity = [50_000] * channels
        self.maps: List[List[int]] = [[0] * channels for _ in range(4)]
        self.connected = False
        self.looping = False
        self.running = 0
        self.stored: Dict[int, tuple] = {}
        #: (output sample since start, channel, code) of every sample that is not zero.
        self.put_out: List[Tuple[int, int, int]] = []
        self.sync_out: List[Tuple[int, int]] = []
        self.starved = 0
        self._log = None
        self.reset(0)

    def watch(self, file) -> None:
        """Writes what comes out to a file as well, with the time."""
        self._log = file

    def reset(self, ring: int) -> None:
        """Empties everything, as making a streaming device does."""
        self.ring = ring
        self.queues = [collections.deque() for _ in range(self.channels)]
        self.sync_queues = [collections.deque() for _ in range(self.channels)]
        self.inside: List[Deque[int]] = [collections.deque() for _ in range(self.channels)]
        self.sync_inside: List[Deque[int]] = [collections.deque() for _ in range(self.channels)]
        self.sent = [0] * self.channels
        self.output = 0
        self._moved = self.clock.now()

    def move(self) -> None:
        """Catches up with the clock, in whole slices of 1 ms."""
        while self.clock.now() - self._moved >= 1_000_000:
            self._moved += 1_000_000
            if self.looping:
                self._slice()

    def _slice(self) -> None:
        step = self.rate // 1000
        for channel in range(self.channels):
            # 2 bytes a sample; the device asks for what keeps its ring half full.
            want = max(0, self.capacity[channel] // 4 - len(self.inside[channel]))
            want += step if self.running >> channel & 1 else 0
            for queue, inside in (
                (self.queues[channel], self.inside[channel]),
                (self.sync_queues[channel], self.sync_inside[channel]),
            ):
                take = min(want, len(queue))
                if queue is self.queues[channel]:
                    self.sent[channel] += take
                for _ in range(take):
                    inside.append(queue.popleft())
        if self.running:
            self._put_out(step)

    def _put_out(self, step: int) -> None:
        for channel in range(self.channels):
            if not self.running >> channel & 1:
                continue
            for place in range(step):
                if not self.inside[channel]:
                    self.starved += 1
                    if not self.continuous:
                        self.running &= ~(1 << channel)
                    break
                level = self.inside[channel].popleft()
                if level:
                    self.put_out.append((self.output + place, channel, level))
                    self._note(self.output + place, channel, level)
                if self.sync_inside[channel] and self.sync_inside[channel].popleft():
                    self.sync_out.append((self.output + place, channel))
        self.output += step

    def _note(self, sample: int, channel: int, level: int) -> None:
        if self._log is not None:
            line = {"sample": sample, "channel": channel, "code": level, "t": self._moved}
            self._log.write(json.dumps(line) + "\n")
            self._log.flush()

    def stop(self, triggers: int) -> None:
        self.move()
        self.running &= ~triggers


class Number(int):
    """System.UInt32 and its like: a call that wants one must not get a plain int."""


def number(name: str, low: int, high: int):
    class Made(Number):
        def __new__(cls, value):
            assert low <= value <= high, f"{name}({value})"
            return super().__new__(cls, value)

    Made.__name__ = name
    return Made


class NetArray(list):
    """A System.Array of one element type."""

    def __init__(self, kind, values) -> None:
        super().__init__(values)
        self.kind = kind


class _ArrayMaker:
    def __getitem__(self, kind):
        return lambda values: NetArray(kind, values)

    @staticmethod
    def CreateInstance(kind, length: int) -> NetArray:
        return NetArray(kind, [0] * length)


def _copy(address, target: NetArray, start: int, length: int) -> None:
    assert target.kind.__name__ == "Int16"
    source = (ctypes.c_int16 * length).from_address(int(address)) if length else ()
    target[start : start + length] = list(source)


def _block_copy(source: NetArray, place: int, target: NetArray, to: int, count: int) -> None:
    assert (place, to, count) == (0, 0, 2 * len(source))
    target[:] = [value & 0xFFFF for value in source]


def make_system() -> types.ModuleType:
    system = types.ModuleType("System")
    for name, low, high in (
        ("UInt16", 0, 0xFFFF), ("Int16", -0x8000, 0x7FFF), ("UInt32", 0, 0xFFFFFFFF),
        ("Int32", -(1 << 31), (1 << 31) - 1), ("UInt64", 0, (1 << 64) - 1),
        ("Int64", -(1 << 63), (1 << 63) - 1),
    ):
        setattr(system, name, number(name, low, high))
    system.IntPtr = int
    system.Array = _ArrayMaker()
    system.Buffer = types.SimpleNamespace(BlockCopy=_block_copy)
    marshal = types.SimpleNamespace(Copy=_copy)
    system.Runtime = types.SimpleNamespace(InteropServices=types.SimpleNamespace(Marshal=marshal))
    assembly = types.SimpleNamespace(LoadFile=lambda path: print("a stray line of the vendor"))
    system.Reflection = types.SimpleNamespace(Assembly=assembly)
    return system


class Basic:
    """CStg200xBasicNet."""

    def __init__(self, hardware: Hardware, recorder) -> None:
        self._hardware = hardware
        self._recorder = recorder

    def __getattr__(self, name: str):
        work = getattr(type(self), "_" + name, None)
        if work is None:
            raise AttributeError(name)

        def call(*arguments):
            plain = [_plain(argument) for argument in arguments]
            return self._recorder.call(name, tuple(plain), lambda: work(self, *arguments))

        return call

    def _Connect(self, entry) -> int:
        if self._hardware.connected:
            return 0xA0000010
        self._hardware.connected = True
        return 0

    def _Disconnect(self) -> None:
        self._hardware.connected = False

    def _IsConnected(self) -> bool:
        return self._hardware.connected

    def _GetStgVersionInfo(self, software, hardware) -> tuple:
        return None, "1.23", "Rev. 4"

    def _GetNumberOfAnalogChannels(self) -> int:
        return self._hardware.channels

    def _GetNumberOfTriggerInputs(self) -> int:
        return self._hardware.channels

    def _GetDACResolution(self) -> int:
        return 14

    def _GetCurrentRangeInNanoAmp(self, channel) -> int:
        assert isinstance(channel, Number)
        return 16_000_000

    def _GetCurrentResolutionInNanoAmp(self, channel) -> int:
        return 2000

    def _GetVoltageRangeInMicroVolt(self, channel) -> int:
        return 8_000_000

    def _GetVoltageResolutionInMicroVolt(self, channel) -> int:
        return 1000

    def _GetTotalMemory(self) -> int:
        return self._hardware.memory

    def _SetCurrentMode(self, *channel) -> None:
        self._hardware.mode = "current"

    def _SetVoltageMode(self, *channel) -> None:
        self._hardware.mode = "voltage"

    def _SetOutputRate(self, rate) -> None:
        self._hardware.rate = int(rate)

    def _GetOutputRate(self) -> int:
        return self._hardware.rate

    def _SendStart(self, triggers) -> None:
        assert isinstance(triggers, Number)
        self._hardware.move()
        self._hardware.running |= int(triggers)

    def _SendStop(self, triggers) -> None:
        assert isinstance(triggers, Number)
        self._hardware.stop(int(triggers))


class Download(Basic):
    """CStg200xDownloadNet."""

    def _SetupTrigger(self, first, channels, syncs, repeats) -> None:
        assert len(channels) == len(syncs) == len(repeats) == self._hardware.channels

    def _PrepareAndSendData(self, channel, amplitudes, durations, destination) -> None:
        assert amplitudes.kind.__name__ == "Int32" and durations.kind.__name__ == "UInt64"
        self._hardware.stored[int(channel)] = (list(amplitudes), list(durations), destination)


class Streaming(Basic):
    """CStg200xStreamingNet."""

    def __init__(self, hardware: Hardware, recorder, ring) -> None:
        super().__init__(hardware, recorder)
        assert isinstance(ring, Number)
        hardware.reset(int(ring) - 1)

    def _EnableContinousMode(self) -> None:
        self._hardware.continuous = True

    def _DisableContinousMode(self) -> None:
        self._hardware.continuous = False

    def _SetCapacity(self, capacity) -> None:
        assert capacity.kind.__name__ == "UInt32"
        self._hardware.capacity = [int(value) for value in capacity]

    def _GetCapacity(self, _) -> NetArray:
        return NetArray(int, self._hardware.capacity)

    def _SetupTrigger(self, channels, syncs, digitals, autostart, threshold) -> None:
        maps = [channels, syncs, digitals, autostart, threshold]
        assert all(one.kind.__name__ == "UInt32" for one in maps)
        self._hardware.maps = [[int(value) for value in one] for one in maps[:4]]

    def _GetTrigger(self, *_) -> tuple:
        return (None, *(NetArray(int, one) for one in self._hardware.maps))

    def _StartLoop(self) -> None:
        self._hardware.move()
        self._hardware.looping = True

    def _StopLoop(self) -> None:
        self._hardware.move()
        self._hardware.looping = False

    def _GetDataQueueSpace(self, channel) -> int:
        self._hardware.move()
        return self._hardware.ring - len(self._hardware.queues[int(channel)])

    def _GetSyncoutQueueSpace(self, channel) -> int:
        self._hardware.move()
        return self._hardware.ring - len(self._hardware.sync_queues[int(channel)])

    def _EnqueueData(self, channel, codes) -> int:
        assert codes.kind.__name__ == "Int16"
        self._hardware.move()
        queue = self._hardware.queues[int(channel)]
        assert len(queue) + len(codes) <= self._hardware.ring, "the ring would overflow"
        queue.extend(codes)
        return 2 * len(codes)

    def _EnqueueSyncout(self, channel, levels) -> int:
        assert levels.kind.__name__ == "UInt16"
        self._hardware.move()
        self._hardware.sync_queues[int(channel)].extend(levels)
        return 0

    def _GetFramesDone(self) -> int:
        hardware = self._hardware
        hardware.move()
        return max(hardware.sent) if hardware.frames_done == "sent" else hardware.output

    def _GetFramesBuffered(self, trigger) -> int:
        hardware = self._hardware
        hardware.move()
        scale = 2 if hardware.frames_buffered == "bytes" else 1
        return len(hardware.inside[int(trigger)]) * scale


class Entry:
    """CMcsUsbListEntryNet."""

    DeviceName = "STG4004"

    def __init__(self, serial: str) -> None:
        self.SerialNumber = serial

    def __str__(self) -> str:
        return f"STG4004 {self.SerialNumber}"


def _plain(argument):
    """For the record: long arrays by their length, sum and ends."""
    if isinstance(argument, NetArray) and len(argument) > 32:
        return ["…", len(argument), sum(argument), argument[0], argument[-1]]
    if isinstance(argument, NetArray):
        return [int(value) for value in argument]
    if isinstance(argument, int):
        return int(argument)
    return argument if isinstance(argument, (str, type(None))) else str(argument)


def install(hardware: Hardware, recorder) -> None:
    """Puts pythonnet and the assembly's namespace where the back end imports them from."""

    class DeviceList:
        def Initialize(self, kind) -> None:
            recorder.call("Initialize", (kind,), lambda: None)

        def GetNumberOfDevices(self) -> int:
            return recorder.call("GetNumberOfDevices", (), lambda: 1)

        def GetUsbListEntry(self, place) -> Entry:
            return Entry(hardware.serial)

    usb = types.ModuleType("Mcs.Usb")
    usb.CMcsUsbListNet = DeviceList
    usb.DeviceEnumNet = types.SimpleNamespace(MCS_STG_DEVICE="stg")
    usb.STG_DestinationEnumNet = types.SimpleNamespace(
        channeldata_current="current", channeldata_voltage="voltage"
    )
    usb.CMcsUsbNet = types.SimpleNamespace(GetErrorText=lambda status: "the device is locked")
    usb.CStg200xDownloadNet = lambda: recorder.call(
        "CStg200xDownloadNet", (), lambda: Download(hardware, recorder)
    )
    usb.CStg200xStreamingNet = lambda ring: recorder.call(
        "CStg200xStreamingNet", (int(ring),), lambda: Streaming(hardware, recorder, ring)
    )
    package = types.ModuleType("Mcs")
    package.Usb = usb
    sys.modules.update(
        {"clr": types.ModuleType("clr"), "System": make_system(), "Mcs": package, "Mcs.Usb": usb}
    )
