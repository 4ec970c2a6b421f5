"""The way out: one thread writes frames, so that a host that does not read blocks nobody else."""

from __future__ import annotations

import collections
import threading
from typing import Callable, Deque, Optional

from .frame import encode
from .stdio import write_all

#: Frames waiting. A reply waits for room; an event or an urgent reply does not.
ROOM = 16
#: Frames waiting at most, events and urgent replies included; beyond it they are dropped.
MOST = 64


class Outbox:
    """Frames on their way to the host. ``lost(reason)`` is called once if it stops listening."""

    def __init__(self, descriptor: int, lost: Callable[[str], None]) -> None:
        self._descriptor = descriptor
        self._lost = lost
        self._frames: Deque[bytes] = collections.deque()
        self._changed = threading.Condition()
        self._closed = False
        self._broken: Optional[str] = None
        self._thread = threading.Thread(target=self._write, name="outbox", daemon=True)
        self._thread.start()

    def reply(self, message: dict, blob: bytes = b"") -> None:
        """Queues a reply, and waits while the host is behind."""
        data = encode(message, blob)
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._frames) < ROOM or self._closed or self._broken is not None
            )
            self._frames.append(data)
            self._changed.notify_all()

    def offer(self, message: dict) -> None:
        """Queues behind the others, and never waits: for the reader, which must keep reading."""
        self._push(message, ahead=False)

    def urgent(self, message: dict) -> None:
        """Queues ahead of every reply, and never waits."""
        self._push(message, ahead=True)

    def event(self, kind: str, message: str, now: int) -> None:
        """Says something unasked for, and never waits."""
        self._push({"event": kind, "message": message[:2000], "t": now}, ahead=False)

    def _push(self, message: dict, ahead: bool) -> None:
        data = encode(message)
        with self._changed:
            if len(self._frames) >= MOST:
                return
            if ahead:
                self._frames.appendleft(data)
            else:
                self._frames.append(data)
            self._changed.notify_all()

    def close(self, seconds: float) -> None:
        """Writes out what is queued, for at most ``seconds``."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._closed)
                if not self._frames:
                    return
                data = self._frames.popleft()
                self._changed.notify_all()
            try:
                write_all(self._descriptor, data)
            except OSError as error:
                with self._changed:
                    self._broken = str(error)
                    self._frames.clear()
                    self._changed.notify_all()
                self._lost(f"end of stdout: {error}")
                return
