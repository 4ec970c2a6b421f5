"""Limits of stimulation, evaluated on the codes that would reach the output.

The host has checked the plan and every signal; this is the last check before the device. It sees a
stream of codes and no periods, so the net charge is followed pulse by pulse: a pulse is over when
what it left behind is within its bound, and must not stay open (see ``REST`` and ``OPEN_PHASES``).
"""

from __future__ import annotations

import itertools
from typing import Dict, Iterable, List, Optional, Tuple

from .errors import BridgeError, bad_argument
from .fields import Fields

#: Seconds of silence after which the charge of a pulse must have been taken back.
REST = 0.25
#: Times the largest phase allowed that may be outstanding while a pulse is still under way.
OPEN_PHASES = 4
#: Share of the largest phase that may be left behind where no bound is given.
NET_SHARE = 0.01
#: Rounding of the sums, relative, and of charges that should cancel, nC.
SLACK = 1e-9
CANCELLED = 1e-6
CHANNELS = 64


class Limit:
    """Bounds of one channel. Amplitudes in mA and mV, charges in nC."""

    def __init__(
        self,
        milliamperes: Optional[float],
        millivolts: Optional[float],
        phase_charge: Optional[float],
        net_charge: Optional[float],
    ) -> None:
        self.milliamperes = milliamperes
        self.millivolts = millivolts
        self.phase_charge = phase_charge
        self.net_charge = net_charge

    def amplitude(self, mode: str) -> Optional[float]:
        return self.milliamperes if mode == "current" else self.millivolts

    def strictest(self, other: "Limit") -> "Limit":
        return Limit(
            _least(self.milliamperes, other.milliamperes),
            _least(self.millivolts, other.millivolts),
            _least(self.phase_charge, other.phase_charge),
            _least(self.net_charge, other.net_charge),
        )


def _least(one: Optional[float], two: Optional[float]) -> Optional[float]:
    given = [value for value in (one, two) if value is not None]
    return min(given) if given else None


def parse_limits(fields: Fields) -> Dict[int, Limit]:
    """``limits`` of `arm`: a list of ``{channels, max_mA, max_mV, max_charge_nC,
    max_net_charge_nC}``. An entry without ``channels`` stands for the channel of its place, null
    for none. Where entries overlap the strictest holds."""
    limits: Dict[int, Limit] = {}
    for place, entry in enumerate(fields.list("limits", CHANNELS, default=[])):
        if entry is None:
            continue
        entry = Fields(entry, f"limits[{place}]")
        limit = Limit(
            entry.number("max_mA", 0, 1000, default=None),
            entry.number("max_mV", 0, 100_000, default=None),
            entry.number("max_charge_nC", 0, 1e9, default=None),
            entry.number("max_net_charge_nC", 0, 1e9, default=None),
        )
        if limit.milliamperes is None and limit.millivolts is None:
            raise bad_argument(f"limits[{place}] needs max_mA or max_mV")
        if "channels" in entry:
            channels = entry.integers("channels", CHANNELS, 0, CHANNELS - 1)
        elif "channel" in entry:
            channels = [entry.integer("channel", 0, CHANNELS - 1)]
        else:
            channels = [place]
        for channel in channels:
            known = limits.get(channel)
            limits[channel] = known.strictest(limit) if known else limit
    return limits


def runs(codes: Iterable[int]) -> List[Tuple[int, int]]:
    """Runs of equal codes, ``(code, count)``."""
    return [(code, len(list(group))) for code, group in itertools.groupby(codes)]


class ChargeMeter:
    """Follows one channel's codes and refuses what is beyond its limit."""

    def __init__(
        self, channel: int, limit: Optional[Limit], mode: str, per_unit: float, rate: float,
        dac_bits: int,
    ) -> None:
        """``per_unit``: codes per mA or mV. ``rate``: samples a second."""
        self._channel = channel
        self.limit = limit
        self._mode = mode
        self._per_unit = per_unit
        self._rate = rate
        # The device drops the bits below a DAC step: judge what it will put out.
        self._mask = ~((1 << (16 - dac_bits)) - 1)
        self._phase = 0.0
        self._net = 0.0
        self._largest = 0.0
        self._rest = 0

    def copy(self) -> "ChargeMeter":
        twin = object.__new__(ChargeMeter)
        twin.__dict__.update(self.__dict__)
        return twin

    def take(self, codes) -> None:
        """Adds an array of codes. Raises `limit`; the meter is then of no further use."""
        if not any(codes):
            self._silence(len(codes))
            return
        for code, count in runs(codes):
            code &= self._mask
            if code == 0:
                self._silence(count)
            else:
                self.add(code / self._per_unit, count / self._rate)

    def add(self, amplitude: float, seconds: float) -> None:
        """Adds a stretch of one amplitude, mA or mV."""
        limit = self._known()
        bound = limit.amplitude(self._mode)
        unit = "mA" if self._mode == "current" else "mV"
        if bound is None:
            raise self._refusal(f"has no limit in {unit}")
        if abs(amplitude) > bound * (1 + SLACK):
            raise self._refusal(f"{amplitude:g} {unit} is beyond {bound:g} {unit}")
        if self._mode == "voltage":
            return
        charge = amplitude * seconds * 1e6
        if self._phase * charge < 0:
            self._end_phase()
        self._rest = 0
        self._phase += charge
        self._net += charge
        most = limit.phase_charge
        if most is None:
            raise self._refusal("has no max_charge_nC")
        if abs(self._phase) > most * (1 + SLACK):
            raise self._refusal(f"a phase of {abs(self._phase):g} nC is beyond {most:g} nC")
        if abs(self._net) > OPEN_PHASES * most + self._allowed():
            raise self._refusal(f"{self._net:g} nC are not taken back")

    def pause(self) -> None:
        """Amplitude zero within a period."""
        self._end_phase()

    def end(self) -> None:
        """Ends the period: what is left must be within the bound."""
        self._end_phase()
        if self._net:
            raise self._refusal(
                f"a net charge of {self._net:g} nC is beyond {self._allowed():g} nC"
            )

    def _known(self) -> Limit:
        if self.limit is None:
            raise self._refusal("has no limits")
        return self.limit

    def _refusal(self, what: str) -> BridgeError:
        return BridgeError("limit", f"channel {self._channel}: {what}")

    def _allowed(self) -> float:
        if self.limit is not None and self.limit.net_charge is not None:
            return self.limit.net_charge * (1 + SLACK) + CANCELLED
        return max(self._largest, abs(self._phase)) * NET_SHARE + CANCELLED

    def _end_phase(self) -> None:
        self._largest = max(self._largest, abs(self._phase))
        if abs(self._net) <= self._allowed():
            self._net = self._largest = 0.0
        self._phase = 0.0

    def _silence(self, count: int) -> None:
        if self._phase:
            self._end_phase()
        self._rest += count
        if self._net and self._rest >= REST * self._rate:
            raise self._refusal(
                f"a net charge of {self._net:g} nC is beyond {self._allowed():g} nC"
            )
