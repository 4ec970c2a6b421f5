"""Stdin and stdout as a frame channel that no vendor library can scribble on."""

from __future__ import annotations

import os
import sys


def take_stdout() -> int:
    """Moves fd 1 aside and returns the descriptor frames go to from now on.

    Whatever prints to stdout afterwards, from Python, from C or from a DLL, lands on stderr. Call
    it before any vendor module is imported.
    """
    channel = os.dup(1)
    os.set_inheritable(channel, False)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(channel, os.O_BINARY)
    return channel


class Input:
    """Exact reads from a descriptor, without the lock of a Python file object, which a thread
    waiting in a read would still hold when the interpreter ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = b""

    def read(self, count: int) -> bytes:
        """``count`` bytes, fewer only at the end of the stream."""
        parts = [self._left]
        have = len(self._left)
        while have < count:
            part = os.read(self._descriptor, 1 << 20)
            if not part:
                break
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self._left = data[count:]
        return data[:count]


def write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def log(line: str) -> None:
    """One line on stderr; a host that closed it is no reason to fail."""
    try:
        sys.stderr.write(f"daqrec-bridge: {line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
