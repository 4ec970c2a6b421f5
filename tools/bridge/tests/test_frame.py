import io
import struct
import zlib

import pytest

from daqrec_bridge.frame import HEADER, LARGEST, BadJSON, FrameError, decode, encode


def read(data: bytes):
    return decode(io.BytesIO(data).read)


def framed(text: bytes, blob: bytes = b"") -> bytes:
    return HEADER.pack(b"DQB1", len(text), len(blob), zlib.crc32(text + blob)) + text + blob


def test_a_frame_is_magic_two_lengths_crc_json_and_blob():
    assert encode({"id": 1}, b"\x01\x02") == (
        b"DQB1" + bytes([8, 0, 0, 0, 2, 0, 0, 0])
        + struct.pack("<I", zlib.crc32(b'{"id":1}\x01\x02')) + b'{"id":1}\x01\x02'
    )


def test_what_is_encoded_is_decoded():
    message = {"id": 7, "op": "hello", "text": "µ"}
    assert read(encode(message, bytes(range(256)))) == (message, bytes(range(256)))


def test_the_end_of_the_stream_is_no_frame_and_no_error():
    assert read(b"") is None
    assert read(encode({"id": 1}, b"abc")[:-1]) is None
    assert read(b"DQB") is None


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"DQ\r\n",
        HEADER.pack(b"DQB1", LARGEST, 1, 0),
        HEADER.pack(b"DQB1", 0xFFFFFFFF, 0xFFFFFFFF, 0),
        encode({"id": 1}).replace(b"id", b"ie"),
        encode({"id": 1}, b"abc")[:-1] + b"d",
    ],
)
def test_wrong_magic_length_or_crc_is_an_error(data):
    with pytest.raises(FrameError):
        read(data)


@pytest.mark.parametrize(
    "text", [b"", b"[1]", b"null", b"{", b'{"a":NaN}', b"\xff{}", b"[" * 100_000, b'{"a":1}x']
)
def test_an_intact_frame_that_holds_no_object_is_told_apart(text):
    with pytest.raises(BadJSON):
        read(framed(text))


def test_the_largest_frame_passes_and_one_byte_more_does_not():
    text = len(b'{"id":1}')
    data = encode({"id": 1}, bytes(LARGEST - text))
    assert len(read(data)[1]) == LARGEST - text
    with pytest.raises(ValueError):
        encode({"id": 1}, bytes(LARGEST - text + 1))


def test_a_length_beyond_the_bound_is_refused_before_anything_is_read():
    asked = []

    def count(size: int) -> bytes:
        asked.append(size)
        return HEADER.pack(b"DQB1", LARGEST, LARGEST, 0)[:size]

    with pytest.raises(FrameError):
        decode(count)
    assert asked == [16]


def test_numbers_json_has_no_word_for_are_not_sent():
    with pytest.raises(ValueError):
        encode({"value": float("nan")})
