"""Every call of a vendor's library, in order, and the faults it is told to have."""

from __future__ import annotations

import json
import threading
from typing import Dict, List, Optional


class Recorder:
    """``calls`` holds [name, arguments…]. A JSON line goes to ``path`` as well, with the time."""

    def __init__(self, clock, path: Optional[str] = None) -> None:
        self.calls: List[list] = []
        self._clock = clock
        self._file = open(path, "a", encoding="utf-8") if path else None
        self._lock = threading.Lock()
        self._faults: Dict[str, list] = {}
        #: Nanoseconds each call takes, by name; None for the rest.
        self.costs: Dict[Optional[str], int] = {}

    def fault(self, name: str, outcome, skip: int = 0, times: Optional[int] = None) -> None:
        """After ``skip`` more calls, for ``times`` calls (None: for good), ``name`` gives
        ``outcome``: a value, an exception to raise, or a function to call."""
        self._faults[name] = [outcome, skip, times]

    def mend(self, name: str) -> None:
        self._faults.pop(name, None)

    def call(self, name: str, arguments: tuple, work):
        with self._lock:
            self.calls.append([name, *arguments])
            if self._file:
                line = {"call": name, "arguments": arguments, "t": self._clock.now()}
                self._file.write(json.dumps(line, default=str) + "\n")
                self._file.flush()
        cost = self.costs.get(name, self.costs.get(None, 0))
        if cost:
            self._clock.wait(cost / 1e9)
        fault = self._faults.get(name)
        if fault is not None:
            if fault[1] > 0:
                fault[1] -= 1
            elif fault[2] is None or fault[2] > 0:
                if fault[2] is not None:
                    fault[2] -= 1
                return _happen(fault[0])
        return work()

    def names(self) -> List[str]:
        return [call[0] for call in self.calls]

    def of(self, name: str) -> List[list]:
        return [call[1:] for call in self.calls if call[0] == name]

    def clear(self) -> None:
        self.calls.clear()


def _happen(outcome):
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome() if callable(outcome) else outcome
