"""A back end on fakes and virtual time, asked directly."""

from __future__ import annotations

import array
import struct

from daqrec_bridge.fields import Fields
from daqrec_bridge.settings import Settings
from daqrec_bridge.stg import StimulatorDevice
from daqrec_bridge.tdt import CircuitDevice
from fakes import com, net
from fakes.recorder import Recorder
from fakes.virtual import VirtualClock

LIMITS = [{"channels": [0, 1, 2, 3], "max_mA": 0.2, "max_charge_nC": 40}]


class CircuitRig:
    """A circuit at 1000 ticks a second: 8000 slots of `lfp` a second."""

    def __init__(self, rate: float = 1000.0, slots: int = 800, latch=1) -> None:
        self.clock = VirtualClock()
        self.recorder = Recorder(self.clock)
        self.circuit = com.Circuit(self.clock, rate, slots, latch)
        com.install(self.circuit, self.recorder)
        self.device = CircuitDevice(self.clock)

    def ask(self, operation: str, blob: bytes = b"", **fields):
        return self.device.operations[operation](Fields(fields), blob)

    def open(self, **fields):
        request = {"model": "RZ2", "index": 1, "interface": "GB", "circuit": "C:\\icms.rcx"}
        return self.ask("tdt.open", **{**request, **fields})[0]

    def poll(self, start: int, latch=1, most: int = 1 << 20, size: int = 800, **ring):
        request = {
            "data": "lfp", "index": "lfp_i", "cycle": "lfp_c", "from": start, "max_slots": most,
            "size": size, **ring,
        }
        body, blob = self.ask("tdt.poll", latch=latch, buffers=[request], tags=[])
        words = list(struct.unpack(f"<{len(blob) // 4}i", blob))
        return body["buffers"][0], words, body


class StimulatorRig:
    """A stimulator of 4 channels at 50 kHz."""

    def __init__(self, frames_done: str = "sent", frames_buffered: str = "samples") -> None:
        self.clock = VirtualClock()
        self.recorder = Recorder(self.clock)
        self.hardware = net.Hardware(
            self.clock, frames_done=frames_done, frames_buffered=frames_buffered
        )
        net.install(self.hardware, self.recorder)
        self.clock.watchers.append(lambda now: self.hardware.move())
        self.device = StimulatorDevice(Settings(frames_done, frames_buffered), self.clock)
        self.token = None

    def ask(self, operation: str, blob: bytes = b"", **fields):
        if self.token and operation in ("stg.start", "stg.feed", "stg.download"):
            fields.setdefault("token", self.token)
        return self.device.operations[operation](Fields(fields), blob)[0]

    def arm(self, **fields):
        request = {"ttl_ms": 1000, "limits": LIMITS, "queue_max_ms": 250, **fields}
        self.token = self.device.arm(Fields(request))["token"]

    def setup(self, **fields):
        setup = {
            "mode": "current", "rate": 50_000, "capacity_bytes": [10_000] * 4,
            "ring_samples": 2500, "channel_map": [1, 2, 4, 8], "sync_map": [1, 2, 4, 8],
            "digout_map": [1, 2, 4, 8], "autostart": [0] * 4, "callback_percent": 10,
            "continuous": True,
        }
        return {**setup, **fields}

    def ready(self, **fields):
        self.ask("stg.open")
        self.ask("stg.configure", **self.setup(**fields))
        self.arm()
        return self

    def feed(self, *chunks):
        """Chunks of (channel, kind, from, codes)."""
        wire, blob = [], b""
        for channel, kind, start, codes in chunks:
            wire.append({"channel": channel, "kind": kind, "from": start, "count": len(codes)})
            blob += array.array("h", codes).tobytes()
        return self.ask("stg.feed", blob=blob, chunks=wire)

    def run(self, samples: int = 2500):
        """Prefills zeros and starts channel 0."""
        self.feed((0, "signal", 0, [0] * samples))
        self.ask("stg.start", triggers=1)
        self.recorder.clear()
        return self
