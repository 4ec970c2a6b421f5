"""What a request can be answered with when it cannot be done."""

from __future__ import annotations

#: Every code of the protocol; the host knows no others.
CODES = frozenset(
    "bad-frame version unknown-op bad-argument not-open busy timeout driver no-such-tag read-failed"
    " not-running not-armed limit estop heartbeat token capacity underrun over-current"
    " locked".split()
)


class BridgeError(Exception):
    """A request refused or failed: one code of the protocol, and a sentence for a person."""

    def __init__(self, code: str, message: str, fatal: bool = False) -> None:
        if code not in CODES:
            raise ValueError(f"not a code of the protocol: {code}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.fatal = fatal

    def body(self) -> dict:
        return {"code": self.code, "message": self.message, "fatal": self.fatal}


def bad_argument(message: str) -> BridgeError:
    return BridgeError("bad-argument", message)
