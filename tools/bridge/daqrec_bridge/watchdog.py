"""The guard: one thread that owns the heart-beat, the emergency stop and the end of the process.

It waits on a socket that the reader, the worker and the interpreter's C signal handler write to, so
that it acts even while the worker hangs in a vendor call.
"""

from __future__ import annotations

import collections
import os
import select
import signal
import socket
import sys
import threading
from typing import Callable, Deque, Optional

from .clock import Clock
from .errors import BridgeError
from .outbox import Outbox
from .stdio import log

#: Seconds the worker has to leave a vendor call once the device is stopped.
LEAVE = 1.0
#: Seconds an arm waits for an emergency stop that is under way.
SETTLE = 2.0


class Guard:
    """Watches one device.

    ``latch`` is None, ``estop`` or ``heartbeat``: what requests are refused with until `arm`.
    """

    def __init__(self, device, outbox: Outbox, clock: Clock) -> None:
        self._device = device
        self._outbox = outbox
        self._clock = clock
        self._lock = threading.Lock()
        self._jobs: Deque[Callable[[], None]] = collections.deque()
        self._heard = clock.now()
        self._ttl: Optional[int] = None
        self.latch: Optional[str] = None
        self.emergencies = 0
        self._calm = threading.Event()
        self._calm.set()
        self.exit_code: Optional[int] = None
        self.ended = threading.Event()
        self.worker_left = threading.Event()
        self._ear, self._mouth = socket.socketpair()
        self._ear.setblocking(False)
        self._mouth.setblocking(False)
        self._thread = threading.Thread(target=self._watch, name="guard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def catch_signals(self) -> None:
        """To be called from the main thread."""
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
            number = getattr(signal, name, None)
            if number is not None:
                signal.signal(number, lambda _number, _frame: None)
        if sys.platform == "win32":
            from .console import catch_console_close

            catch_console_close(self.end_now)

    def beat(self) -> None:
        """A valid request was heard. One that is read too late, because this process stood still,
        does not make up for what was missed: it is refused, and the guard stops the device."""
        now = self._clock.now()
        if self._ttl is None or now <= self._heard + self._ttl:
            self._heard = now
        else:
            self.latch = self.latch or "heartbeat"
            self._wake()

    def arm(self, ttl_ms: int) -> None:
        """Starts the watchdog afresh and clears the latch."""
        with self._lock:
            self._heard = self._clock.now()
            self._ttl = ttl_ms * 1_000_000
            self.latch = None
        self._wake()

    def settle(self) -> bool:
        """Waits until every emergency stop asked for so far is carried out; whether it is."""
        return self._calm.wait(SETTLE)

    def estop(self, reply: Callable[[dict], None]) -> None:
        """Stops at once, then replies with ``at``. Called by the reader."""
        self._calm.clear()
        self.emergencies += 1
        self.latch = "estop"
        self._post(lambda: self._stop_at_once(reply))

    def end(self, reason: str, code: int, fault: bool = True) -> None:
        """Stops the device and ends the process with ``code``; the first call counts."""
        self._post(lambda: self._end(reason, code, fault))

    def end_now(self, reason: str, code: int) -> None:
        """`end`, returning only when the device is stopped: for a console that is going away."""
        self.end(reason, code)
        self.ended.wait(5)

    def _post(self, job: Callable[[], None]) -> None:
        self._jobs.append(job)
        self._wake()

    def _wake(self) -> None:
        try:
            self._mouth.send(b"\0")
        except BlockingIOError:
            pass

    def _watch(self) -> None:
        while not self.ended.is_set():
            try:
                self._listen()
                while self._jobs:
                    self._jobs.popleft()()
                self._check_heartbeat()
            except Exception as error:  # the guard itself must not die of anything
                log(f"guard: {error!r}")
                self._end(f"guard: {error!r}", 70, True)

    def _listen(self) -> None:
        ready, _, _ = select.select([self._ear], [], [], self._patience())
        for byte in self._ear.recv(4096) if ready else b"":
            if byte:
                name = signal.Signals(byte).name
                self._jobs.append(lambda: self._end(name, 128 + byte, True))
                break

    def _patience(self) -> Optional[float]:
        with self._lock:
            if self._jobs:
                return 0
            if self._ttl is None:
                return None
            return max(0.0, (self._heard + self._ttl - self._clock.now()) / 1e9) + 0.001

    def _check_heartbeat(self) -> None:
        with self._lock:
            if self._ttl is None or self._clock.now() <= self._heard + self._ttl:
                return
            silent = (self._clock.now() - self._heard) // 1_000_000
            self._ttl = None
            self.latch = "heartbeat"
        reason = f"heartbeat: nothing heard for {silent} ms"
        log(reason)
        self._device.safe_stop("heartbeat")
        self.tell("fault", reason)
        self.tell("stopped", reason)

    def _stop_at_once(self, reply: Callable[[dict], None]) -> None:
        try:
            bracket = self._device.emergency_stop()
        except BridgeError as error:
            reply({"error": error.body()})
            # Try every other way: the loop, and letting go of the device.
            self._device.safe_stop("estop")
        else:
            reply({"at": list(bracket)})
            self._device.after_emergency_stop()
        self._calm.set()

    def _end(self, reason: str, code: int, fault: bool) -> None:
        if self.exit_code is not None:
            return
        self.exit_code = code
        log(f"ending: {reason}")
        try:
            self._device.safe_stop(reason)
            if fault:
                self.tell("fault", reason)
            self.tell("stopped", reason)
        finally:
            self.ended.set()
            if not self.worker_left.wait(LEAVE):
                self._outbox.close(0.5)
                log("a vendor call does not return: leaving without it")
                os._exit(code)

    def tell(self, kind: str, message: str) -> None:
        self._outbox.event(kind, message, self._clock.now())
