"""The bridge's monotonic clock."""

from __future__ import annotations

import threading
import time
from typing import Optional


class Clock:
    """Real time. Tests give the back ends one that they move themselves."""

    def now(self) -> int:
        """Nanoseconds. perf_counter, because Windows' monotonic() steps by 15.6 ms."""
        return time.perf_counter_ns()

    def wait(self, seconds: float, event: Optional[threading.Event] = None) -> bool:
        """Waits, at most until ``event`` is set; whether it was."""
        if event is not None:
            return event.wait(seconds)
        time.sleep(seconds)
        return False
