"""The protocol: a reader thread, a worker (the main thread, which owns the device) and replies."""

from __future__ import annotations

import platform
import queue
import threading
import traceback
from typing import Optional, Tuple

from . import __version__
from .clock import Clock
from .errors import BridgeError, bad_argument
from .fields import Fields
from .frame import BadJSON, FrameError, decode
from .outbox import Outbox
from .stdio import Input, log
from .watchdog import Guard

PROTOCOL = 1
#: Requests read and not yet answered. The host may have two; beyond this the answer is `busy`.
OUTSTANDING = 8
#: Seconds between looks at a device that nobody asks anything of.
IDLE = 0.05
#: Exit code after a fatal frame or an unhandled exception.
EXIT_FATAL = 70
#: Bounds of a heart-beat, ms.
TTL_MS = (50, 10_000)
#: Operations that are answered whatever is latched.
ALWAYS = frozenset(["hello", "arm", "bye"])


class Server:
    """Serves one device on a pair of descriptors until the host or a fault ends it."""

    def __init__(self, device, source: int, sink: int, clock: Clock) -> None:
        self._device = device
        self._clock = clock
        self._input = Input(source)
        self._requests: "queue.Queue[Tuple[dict, bytes, int, int]]" = queue.Queue()
        self._outbox = Outbox(sink, lambda reason: self.guard.end(reason, 0))
        self.guard = Guard(device, self._outbox, clock)
        self._emergencies = 0
        self._operations = {
            "hello": self._hello,
            "clock": lambda fields, blob: ({}, b""),
            "arm": self._arm,
            "bye": lambda fields, blob: ({}, b""),
            **device.operations,
        }

    def run(self) -> int:
        """Serves until the end; the exit code."""
        self.guard.start()
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        try:
            self._work()
        except BaseException as error:
            log("".join(traceback.format_exception(type(error), error, error.__traceback__)))
            self.guard.end(f"unhandled {error!r}", EXIT_FATAL)
        self.guard.worker_left.set()
        self.guard.ended.wait()
        self._device.release()
        self._outbox.close(0.5)
        return self.guard.exit_code or 0

    # The reader.

    def _read(self) -> None:
        try:
            while not self.guard.ended.is_set():
                try:
                    frame = decode(self._input.read)
                except BadJSON as error:
                    self._refuse(None, BridgeError("bad-frame", str(error)))
                    continue
                if frame is None:
                    self.guard.end("end of stdin", 0)
                    return
                self._receive(*frame)
        except FrameError as error:
            self._refuse(None, BridgeError("bad-frame", str(error), fatal=True))
            self.guard.end(f"bad-frame: {error}", EXIT_FATAL)
        except Exception as error:
            self.guard.end(f"reader: {error!r}", EXIT_FATAL)

    def _receive(self, message: dict, blob: bytes) -> None:
        now = self._clock.now()
        number, operation = message.get("id"), message.get("op")
        if isinstance(number, bool) or not isinstance(number, int) or abs(number) >= 1 << 63:
            self._refuse(None, BridgeError("bad-frame", "id must be a whole number"))
        elif operation == "estop":
            self.guard.beat()
            self.guard.estop(lambda body: self._answer_at_once(number, now, body))
        elif not isinstance(operation, str) or operation not in self._operations:
            self._refuse(number, BridgeError("unknown-op", f"no operation {str(operation)[:80]!r}"))
        else:
            self.guard.beat()
            if self._requests.qsize() >= OUTSTANDING and operation != "bye":
                self._refuse(number, BridgeError("busy", f"{OUTSTANDING} requests are waiting"))
            else:
                self._requests.put((message, blob, now, self.guard.emergencies))

    def _refuse(self, number: Optional[int], error: BridgeError) -> None:
        """The reader's way to fail: it must never wait, or it would not hear an `estop`."""
        self._outbox.offer({"id": number, "error": error.body()})

    def _answer_at_once(self, number: int, received: int, body: dict) -> None:
        if "error" in body:
            self._outbox.urgent({"id": number, **body})
        else:
            self._outbox.urgent({"id": number, "t": [received, self._clock.now()], **body})

    # The worker.

    def _work(self) -> None:
        while not self.guard.ended.is_set():
            try:
                message, blob, received, emergencies = self._requests.get(timeout=IDLE)
            except queue.Empty:
                self._look()
                continue
            if self.guard.exit_code is not None:
                break
            self._emergencies = emergencies
            self._serve(message, blob, received)
            if message["op"] == "bye":
                break

    def _look(self) -> None:
        """Asks an idle device how it is."""
        try:
            for kind, text in self._device.idle():
                self.guard.tell(kind, text)
        except BridgeError as error:
            self._fault(error)

    def _serve(self, message: dict, blob: bytes, received: int) -> None:
        number, name = message["id"], message["op"]
        try:
            body, reply_blob = self._perform(name, Fields(message), blob)
        except BridgeError as error:
            self._fail(number, error)
            if error.code == "driver" and self._device.must_stop:
                self._fault(error)
            if error.fatal:
                self.guard.end(f"{error.code}: {error.message}", EXIT_FATAL)
        except Exception as error:
            self._fail(number, BridgeError("driver", f"unhandled {error!r}"[:500], fatal=True))
            raise
        else:
            reply = {"id": number, "t": [received, self._clock.now()], **body}
            self._outbox.reply(reply, reply_blob)
            if name == "bye":
                self.guard.end("bye", 0, fault=False)

    def _perform(self, name: str, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        latch = self.guard.latch
        if latch == "heartbeat" and name not in ALWAYS:
            raise BridgeError("heartbeat", "the heart-beat was missed: arm first")
        if latch == "estop" and name in self._device.refused_after_estop:
            raise BridgeError("estop", "stopped by estop: arm first")
        return self._operations[name](fields, blob)

    def _fault(self, error: BridgeError) -> None:
        reason = f"{error.code}: {error.message}"
        log(f"fault: {reason}")
        self._device.safe_stop(reason)
        self.guard.tell("fault", reason)
        self.guard.tell("stopped", reason)

    def _fail(self, number: int, error: BridgeError) -> None:
        self._outbox.reply({"id": number, "error": error.body()})

    # Operations of the bridge itself.

    def _hello(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        if fields.raw("proto") != PROTOCOL:
            raise BridgeError(
                "version", f"this bridge speaks proto {PROTOCOL}, not {fields.raw('proto')!r}", True
            )
        if len(blob) > 65536:
            raise bad_argument("the blob of hello is 256 bytes")
        body = {
            "proto": PROTOCOL,
            "bridge": __version__,
            "platform": platform.platform(),
            "device": self._device.kind,
            "capabilities": sorted(self._operations) + ["estop"],
        }
        return body, blob

    def _arm(self, fields: Fields, blob: bytes) -> Tuple[dict, bytes]:
        ttl = fields.integer("ttl_ms", *TTL_MS)
        if not self.guard.settle():
            raise BridgeError("busy", "an emergency stop is still under way")
        if self._emergencies != self.guard.emergencies:
            raise BridgeError("estop", "estop came after this arm")
        body = self._device.arm(fields)
        self.guard.arm(ttl)
        return body, b""
