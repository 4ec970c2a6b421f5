"""A clock that moves when it is told to, or when somebody waits."""

from __future__ import annotations

import threading
from typing import Callable, List, Optional


class VirtualClock:
    def __init__(self) -> None:
        self._now = 1_000_000_000
        #: Called after every step, with the time.
        self.watchers: List[Callable[[int], None]] = []

    def now(self) -> int:
        return self._now

    def wait(self, seconds: float, event: Optional[threading.Event] = None) -> bool:
        if event is not None and event.is_set():
            return True
        self._now += int(seconds * 1e9)
        for watcher in self.watchers:
            watcher(self._now)
        return event is not None and event.is_set()
