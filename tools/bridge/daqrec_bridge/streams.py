"""How far each stream of a stimulator has been fed, and what it may still take."""

from __future__ import annotations

from typing import Optional

from .limits import ChargeMeter, Limit


class Stream:
    """One channel's signal or sync line; positions count samples since `stg.configure`."""

    def __init__(self, meter: Optional[ChargeMeter]) -> None:
        self.fed = 0
        self._meter = meter

    def set_limit(self, limit: Optional[Limit]) -> None:
        if self._meter is not None:
            self._meter.limit = limit

    def fresh(self, start: int, codes):
        """The part of ``codes``, whose first sample is ``start``, that was not taken before."""
        return codes[self.fed - start :]

    def admit(self, codes, room: int):
        """As many of ``codes`` as fit into ``room``, ending where a signal is zero, so that a ring
        running dry never cuts a pulse. Raises `limit` if any of them, fitting or not, is beyond
        it. `commit` what was really taken."""
        if self._meter is None:
            return codes[: max(0, room)]
        self._meter.copy().take(codes)
        count = min(len(codes), max(0, room))
        if count < len(codes):
            while count > 0 and codes[count - 1] != 0:
                count -= 1
        return codes[:count]

    def commit(self, codes) -> None:
        if self._meter is not None:
            self._meter.take(codes)
        self.fed += len(codes)
