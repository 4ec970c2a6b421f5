"""A host for tests: the runner in a process of its own, spoken to through pipes."""

from __future__ import annotations

import array
import json
import os
import queue
import subprocess
import sys
import threading
import time

from daqrec_bridge.frame import decode, encode

HERE = os.path.dirname(os.path.abspath(__file__))
LIMITS = [{"channels": [0, 1, 2, 3], "max_mA": 0.2, "max_charge_nC": 40}]
SETUP = {
    "mode": "current", "rate": 50_000, "capacity_bytes": [10_000] * 4, "ring_samples": 2500,
    "channel_map": [1, 2, 4, 8], "sync_map": [1, 2, 4, 8], "digout_map": [1, 2, 4, 8],
    "autostart": [0] * 4, "callback_percent": 10, "continuous": True,
}


class Host:
    """Use as a context manager: the process is gone afterwards whatever happened."""

    def __init__(self, folder, device: str, *options: str) -> None:
        self.log = os.path.join(str(folder), f"{device}.jsonl")
        self.errors = os.path.join(str(folder), f"{device}.err")
        command = [
            sys.executable, "-u", os.path.join(HERE, "run_with_fakes.py"),
            "--device", device, "--log", self.log, "--loop-start", "0.05", *options,
        ]
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self.frames: "queue.Queue" = queue.Queue()
        self.events = []
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()

    def _read(self) -> None:
        with self.process.stdout as pipe:
            try:
                while True:
                    frame = decode(pipe.read)
                    self.frames.put(frame)
                    if frame is None:
                        return
            except Exception as error:
                self.frames.put(error)

    def send(self, operation: str, blob: bytes = b"", **fields) -> int:
        self._number += 1
        self.raw(encode({"id": self._number, "op": operation, **fields}, blob))
        return self._number

    def raw(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self, seconds: float = 10):
        """The next reply; events are put aside. None at the end of the stream."""
        while True:
            frame = self.frames.get(timeout=seconds)
            if isinstance(frame, Exception):
                raise frame
            if frame is not None and "event" in frame[0]:
                self.events.append(frame[0])
                continue
            return frame

    def ask(self, operation: str, blob: bytes = b"", **fields) -> dict:
        """The reply's JSON. Raises Refused for an error."""
        number = self.send(operation, blob, **fields)
        reply, self.blob = self.receive()
        assert reply["id"] == number, reply
        if "error" in reply:
            raise Refused(reply["error"])
        return reply

    def wait(self, seconds: float = 10) -> int:
        """The exit code, with every event read."""
        code = self.process.wait(seconds)
        while self.receive() is not None:
            pass
        return code

    def calls(self) -> list:
        if not os.path.exists(self.log):
            return []
        with open(self.log, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def names(self) -> list:
        return [call["call"] for call in self.calls()]

    def stderr(self) -> str:
        with open(self.errors, encoding="utf-8", errors="replace") as file:
            return file.read()

    # A stimulator at work.

    def arm(self, ttl_ms: int = 5000) -> None:
        self.token = self.ask(
            "arm", ttl_ms=ttl_ms, limits=LIMITS, queue_max_ms=250
        )["token"]

    def stimulate(self, ttl_ms: int = 5000) -> None:
        """Opens, configures, prefills zeros and starts channel 0."""
        self.ask("stg.open")
        self.ask("stg.configure", **SETUP)
        self.arm(10_000)
        self.feed(0, [0] * 2500)
        self.ask("stg.start", token=self.token, triggers=1)
        if ttl_ms != 10_000:
            self.arm(ttl_ms)

    def feed(self, start: int, codes) -> dict:
        chunk = {"channel": 0, "kind": "signal", "from": start, "count": len(codes)}
        blob = array.array("h", codes).tobytes()
        return self.ask("stg.feed", blob, token=self.token, chunks=[chunk])


class Refused(Exception):
    def __init__(self, error: dict) -> None:
        super().__init__(error)
        self.code = error["code"]
        self.fatal = error["fatal"]


def until(condition, seconds: float = 5) -> bool:
    """Whether ``condition()`` comes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False
