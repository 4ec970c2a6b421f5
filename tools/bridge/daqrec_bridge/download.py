"""`stg.download`: a signal stored in the idle device, run from its own memory."""

from __future__ import annotations

from typing import Dict, List

from .errors import bad_argument
from .fields import Fields
from .limits import ChargeMeter, Limit
from .mcsusb import McsUsb, succeed

#: The device's time step, µs.
GRID_US = 20
POINTS = 100_000


class Download:
    """A signal for one channel, checked: nA or µV, µs on the grid, and how often."""

    def __init__(self, fields: Fields, facts: dict, limits: Dict[int, Limit]) -> None:
        self.channel = fields.integer("channel", 0, facts["channels"] - 1)
        self.mode = "voltage" if "amplitudes_uV" in fields else "current"
        name = "amplitudes_uV" if self.mode == "voltage" else "amplitudes_nA"
        most = facts["range_uV" if self.mode == "voltage" else "range_nA"][self.channel]
        self.amplitudes = fields.integers(name, POINTS, -most, most)
        self.durations = fields.integers("durations_us", POINTS, 0, 1 << 40)
        self.repeat = fields.integer("repeat", 1, 0x7FFFFFFF)
        if not self.amplitudes or len(self.amplitudes) != len(self.durations):
            raise bad_argument(
                f"{len(self.amplitudes)} amplitudes, {len(self.durations)} durations"
            )
        # A duration of 0 would be read as the begin or end of a loop.
        if any(duration == 0 or duration % GRID_US for duration in self.durations):
            raise bad_argument(f"durations must be multiples of {GRID_US} µs")
        self._check(limits)

    def _check(self, limits: Dict[int, Limit]) -> None:
        meter = ChargeMeter(self.channel, limits.get(self.channel), self.mode, 1, 1e6, 16)
        scale = 1e6 if self.mode == "current" else 1e3
        for amplitude, duration in zip(self.amplitudes, self.durations):
            if amplitude:
                meter.add(amplitude / scale, duration / 1e6)
            else:
                meter.pause()
        meter.end()

    def send(self, device, library: McsUsb, repeats: List[int]) -> None:
        """``repeats``: of every trigger. Trigger i starts channel i and its sync output."""
        diagonal = library.u32s([1 << place for place in range(len(repeats))])
        succeed(
            "SetupTrigger", device.SetupTrigger,
            library.u32(0), diagonal, diagonal, library.u32s(repeats),
        )
        mode = "SetCurrentMode" if self.mode == "current" else "SetVoltageMode"
        number = library.u32(self.channel)
        succeed(mode, getattr(device, mode), number)
        amplitudes, durations = library.signal(self.amplitudes, self.durations)
        succeed(
            "PrepareAndSendData", device.PrepareAndSendData,
            number, amplitudes, durations, library.destination(self.mode),
        )
