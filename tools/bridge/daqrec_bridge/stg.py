"""The stimulator: operations `stg.*` on one STG4000.

Two threads call it. The worker carries out requests; the guard stops. Every vendor call of the
worker holds `_calls` and is refused once `_halted` is set, so that nothing is queued or started
behind a stop; a stop that cannot have the lock within `HANG` goes ahead without it.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
from typing import Callable, Dict, List, Optional, Tuple

from .clock import Clock
from .download import Download
from .errors import BridgeError
from .feeder import Feeder
from .fields import Fields
from .limits import Limit, parse_limits
from .mcsusb import McsUsb, guarded, succeed
from .settings import Settings
from .stdio import log
from .stgsetup import describe, parse_setup, ring_of, set_up

#: Most that may be queued ahead while armed, ms.
QUEUE_MS = 250
#: Seconds the streaming loop needs before a start, says the vendor's manual.
LOOP_START = 1.0
#: Seconds a stop waits for a vendor call of the worker to return, and for another stop.
HANG, STOPS = 0.2, 0.5
#: Seconds beyond what is queued that a graceful stop waits, and between its looks.
GRACE, LOOK = 0.05, 0.005


@contextlib.contextmanager
def _held(lock, seconds: float):
    """Holds a lock if it can be had in time, and says whether; goes on in any case."""
    held = lock.acquire(timeout=seconds)
    try:
        yield held
    finally:
        if held:
            lock.release()


class StimulatorDevice:
    """One stimulator, in one of four states: closed; open (`_device`); configured to stream
    (`_feeder`); loaded with downloads (`_loaded`). The last two may run."""

    kind = "stimulator"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._calls = threading.RLock()
        self._stops = threading.RLock()
        self._halted = threading.Event()
        self._halt_code = "not-armed"
        self._library: Optional[McsUsb] = None
        self._entry = None
        self._device = None
        self._streaming = False
        self._facts: dict = {}
        self._feeder: Optional[Feeder] = None
        self._looping = False
        self._running = 0
        self._repeats: List[int] = []
        self._loaded = 0
        self._limits: Dict[int, Limit] = {}
        self._queue_ms = 0
        self._token: Optional[str] = None
        self.operations = {
            "stg.open": self._open,
            "stg.configure": self._configure,
            "stg.start": self._start,
            "stg.stop": self._stop,
            "stg.feed": self._feed,
            "stg.download": self._download,
        }
        self.refused_after_estop = frozenset(self.operations)

    @property
    def must_stop(self) -> bool:
        """Whether an error of the driver is a fault: something may be going out."""
        return self._running != 0 or self._looping

    # What the server and the guard ask of every device.

    def arm(self, fields: Fields) -> dict:
        limits = parse_limits(fields)
        if not limits:
            raise BridgeError("limit", "a stimulator is not armed without limits")
        self._queue_ms = fields.integer("queue_max_ms", 1, QUEUE_MS)
        self._limits = limits
        if self._feeder is not None:
            self._feeder.set_limits(limits)
        self._token = secrets.token_hex(8)
        self._halted.clear()
        return {"token": self._token}

    def idle(self) -> List[Tuple[str, str]]:
        """Looks at a running device nobody asks. Raises if it is gone."""
        feeder = self._feeder
        if not self._running or self._halted.is_set():
            return []
        try:
            if not self._call("IsConnected", lambda device: device.IsConnected()):
                raise BridgeError("driver", "the stimulator is disconnected")
            found = feeder.watch() if feeder is not None else None
        except BridgeError:
            if self._halted.is_set():
                return []
            raise
        return [("underrun", found)] if found else []

    def emergency_stop(self) -> Tuple[int, int]:
        """Silence at once, whatever is queued. Called by the guard."""
        self._halt("estop")
        with _held(self._stops, STOPS), _held(self._calls, HANG):
            try:
                before = self._clock.now()
                if self._device is not None:
                    self._send_stop(self._device)
                return before, self._clock.now()
            finally:
                self._running = 0

    def after_emergency_stop(self) -> None:
        """The loop ends after the answer has gone out: it takes its time."""
        with _held(self._stops, STOPS):
            self._try("StopLoop", self._end_loop)
            self._feeder = None

    def safe_stop(self, reason: str) -> None:
        """Stop feeding, let what is queued run out, stop, stop the loop, disconnect. Called by the
        guard, or by the worker after an error; never raises; a second call finds nothing to do."""
        self._halt("heartbeat" if reason == "heartbeat" else "not-armed")
        with _held(self._stops, STOPS), _held(self._calls, HANG) as held:
            device = self._device
            if device is None:
                return
            if held:
                self._try("graceful stop", self._drain)
            self._try("SendStop", lambda: self._send_stop(device))
            self._try("StopLoop", self._end_loop)
            self._try("Disconnect", lambda: guarded("Disconnect", device.Disconnect))
            self._forget()

    def release(self) -> None:
        self.safe_stop("exit")

    # The vendor's calls.

    def _call(self, name: str, call: Callable, *arguments):
        """One vendor call of the worker, ``call(device, *arguments)``."""
        with self._calls:
            if self._halted.is_set():
                raise BridgeError(self._halt_code, "stopped: arm first")
            device = self._device
            if device is None:
                raise BridgeError("not-open", "no stimulator is open")
            return guarded(name, call, device, *arguments)

    def _halt(self, code: str) -> None:
        """From here on the worker can make nothing go out."""
        if not self._halted.is_set():
            self._halt_code = code
        self._halted.set()
        self._token = None

    def _forget(self) -> None:
        self._device = None
        self._feeder = None
        self._running = self._loaded = 0
        self._looping = False

    def _drop_device(self) -> None:
        device = self._device
        self._forget()
        if device is not None:
            guarded("Disconnect", device.Disconnect)

    def _try(self, name: str, step: Callable) -> None:
        try:
            step()
        except Exception as error:  # a stop goes on to its next step whatever happens
            log(f"while stopping: {name}: {error}")

    def _send_stop(self, device) -> None:
        every = self._library.u32((1 << self._facts["triggers"]) - 1)
        succeed("SendStop", device.SendStop, every)

    def _end_loop(self) -> None:
        if self._looping and self._device is not None:
            self._looping = False
            succeed("StopLoop", self._device.StopLoop)

    def _drain(self, call: Optional[Callable] = None) -> None:
        """Waits until what is queued has left, at most the queue allowed and a little more. A feed
        ends where its signal is zero, so this cuts no pulse. (SendStop's own STOP_OPTION_SAVESTOP
        needs marks in the sync data, which would disturb the sync line.)"""
        feeder = self._feeder
        if not self._running or feeder is None:
            return
        drained = (lambda: call("GetFramesDone", feeder.drained)) if call else (
            lambda: feeder.drained(self._device)
        )
        deadline = self._clock.now() + int((self._queue_ms / 1000 + GRACE) * 1e9)
        while self._clock.now() < deadline and not drained():
            self._clock.wait(LOOK)

    # Operations.

    def _open(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        serial = fields.raw("serial")
        if not isinstance(serial, int) or isinstance(serial, bool):
            serial = fields.text("serial", 64, default=None)
        self._check_idle()
        with self._calls:
            self._drop_device()
            if self._library is None:
                self._library = McsUsb(self._settings.dll)
            self._entry = self._library.find(None if serial is None else str(serial))
            self._connect(self._library.download_device(), streaming=False)
            try:
                self._facts = describe(self._library, self._device, self._entry)
                # It may still be stimulating for a host that is gone.
                self._send_stop(self._device)
            except BridgeError:
                self._try("Disconnect", self._drop_device)
                raise
        return dict(self._facts), b""

    def _connect(self, device, streaming: bool) -> None:
        self._library.connect(device, self._entry)
        self._device, self._streaming = device, streaming

    def _check_idle(self) -> None:
        if self.must_stop:
            raise BridgeError("busy", "the stimulator is running: stop first")

    def _check_open(self) -> None:
        if self._device is None:
            raise BridgeError("not-open", "no stimulator is open")

    def _check_armed(self, fields: Fields) -> None:
        token = self._token
        if token is None:
            raise BridgeError("not-armed", "arm first")
        if not secrets.compare_digest(fields.text("token", 64).encode(), token.encode()):
            raise BridgeError("token", "not the token of the last arm")

    def _configure(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._check_open()
        self._check_idle()
        triggers = self._facts["triggers"]
        setup = parse_setup(fields, self._facts)
        with self._calls:
            self._drop_device()
            # Some versions allocate one sample less than they are asked for.
            ring = setup["ring_samples"] + 1
            self._connect(self._library.streaming_device(ring), streaming=True)
            try:
                self._send_stop(self._device)
                setup = set_up(self._library, self._device, setup, triggers)
                setup["ring_samples"], unit = ring_of(
                    self._library, self._device, setup["ring_samples"]
                )
            except BridgeError:
                self._try("Disconnect", self._drop_device)
                raise
            self._feeder = Feeder(
                self._library, self._facts, setup, unit, self._limits, self._settings,
                self._clock, self._call,
            )
        return setup, b""

    def _bitmap(self, fields: Fields) -> int:
        self._check_open()
        return fields.integer("triggers", 1, (1 << self._facts["triggers"]) - 1)

    def _start(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._check_armed(fields)
        triggers = self._bitmap(fields)
        feeder = self._feeder
        if feeder is None and triggers & ~self._loaded:
            raise BridgeError("not-open", "configure, or download what these triggers start, first")
        if feeder is not None and not self._looping:
            self._call("StartLoop", self._start_loop)
            self._clock.wait(LOOP_START, self._halted)
        before = self._clock.now()
        self._call("SendStart", self._send_start, triggers)
        return {"at": [before, self._clock.now()]}, b""

    def _start_loop(self, device) -> None:
        self._looping = True
        succeed("StartLoop", device.StartLoop)

    def _send_start(self, device, triggers: int) -> None:
        # Known as running before the call: a stop must not take it for idle.
        self._set_running(self._running | triggers)
        succeed("SendStart", device.SendStart, self._library.u32(triggers))

    def _set_running(self, triggers: int) -> None:
        self._running = triggers
        feeder = self._feeder
        if feeder is not None:
            feeder.running = triggers

    def _stop(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        triggers = self._bitmap(fields)
        if fields.boolean("graceful", default=False):
            self._drain(self._call)
        before = self._clock.now()
        self._call(
            "SendStop",
            lambda device: succeed("SendStop", device.SendStop, self._library.u32(triggers)),
        )
        after = self._clock.now()
        with self._calls:
            self._set_running(self._running & ~triggers)
            if not self._running:
                self._end_loop()
                # What was still queued is lost with the loop: begin again with configure.
                self._feeder = None
        return {"at": [before, after]}, b""

    def _feed(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._check_armed(fields)
        feeder = self._feeder
        if feeder is None:
            raise BridgeError("not-open", "configure first")
        return feeder.feed(fields, blob, self._queue_ms), b""

    def _download(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        self._check_armed(fields)
        self._check_open()
        self._check_idle()
        download = Download(fields, self._facts, self._limits)
        triggers = self._facts["triggers"]
        if download.channel >= triggers:
            raise BridgeError("bad-argument", f"no trigger starts channel {download.channel}")
        with self._calls:
            if self._streaming:
                self._drop_device()
                self._connect(self._library.download_device(), streaming=False)
            if not self._loaded:
                self._repeats = [1] * triggers
            self._repeats[download.channel] = download.repeat
            before = self._clock.now()
            self._call("PrepareAndSendData", download.send, self._library, self._repeats)
            self._loaded |= 1 << download.channel
        return {"at": [before, self._clock.now()]}, b""
