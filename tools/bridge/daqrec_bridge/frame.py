"""The frame of the protocol: magic, two lengths, crc32, JSON, blob; little-endian."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Callable, Optional, Tuple

MAGIC = b"DQB1"
HEADER = struct.Struct("<4sIII")
#: JSON and blob together, bytes.
LARGEST = 16 * 1024 * 1024


class FrameError(Exception):
    """Wrong magic, length or crc: the stream is out of step and cannot be trusted again."""


class BadJSON(Exception):
    """An intact frame whose JSON is not an object: the stream is still in step."""


def encode(message: dict, blob: bytes = b"") -> bytes:
    """One frame. Raises ValueError for numbers JSON has no word for, or more than 16 MiB."""
    text = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    if len(text) + len(blob) > LARGEST:
        raise ValueError(f"a frame of {len(text) + len(blob)} bytes is over the limit of {LARGEST}")
    crc = zlib.crc32(blob, zlib.crc32(text))
    return b"".join((HEADER.pack(MAGIC, len(text), len(blob), crc), text, blob))


def decode(read: Callable[[int], bytes]) -> Optional[Tuple[dict, bytes]]:
    """The next frame, or None at the end of the stream, a frame cut short included.

    ``read(n)`` gives exactly n bytes, fewer only at the end. Nothing is read beyond a header that
    is wrong, so a made-up length never allocates memory.
    """
    header = read(HEADER.size)
    if len(header) < HEADER.size:
        if header and not MAGIC.startswith(header[:4]):
            raise FrameError(f"the stream ends in {header!r}, which begins no frame")
        return None
    magic, text_length, blob_length, crc = HEADER.unpack(header)
    if magic != MAGIC:
        raise FrameError(f"a frame begins with {magic!r}, not {MAGIC!r}")
    if text_length + blob_length > LARGEST:
        raise FrameError(f"a frame of {text_length + blob_length} bytes is over {LARGEST}")
    payload = read(text_length + blob_length)
    if len(payload) < text_length + blob_length:
        return None
    found = zlib.crc32(payload)
    if found != crc:
        raise FrameError(f"crc32 is {found:08x}, the frame says {crc:08x}")
    return _object(payload[:text_length]), payload[text_length:]


def _object(text: bytes) -> dict:
    try:
        message = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise BadJSON(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise BadJSON(f"JSON is {type(message).__name__}, not an object")
    return message


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
