"""Reading a ring of a circuit: where it is, what is pending, and the words themselves."""

from __future__ import annotations

import math
from typing import Optional, Tuple

from .errors import BridgeError
from .rpcox import Processor

#: Readings of cycle, index, cycle before a position is given as it is.
TRIES = 5
#: Cycles travel as float32, which is exact to here.
CYCLES = 1 << 24


class Ring:
    """The tags of a ring and its size in slots. Without a cycle tag laps cannot be seen."""

    def __init__(self, data: str, index: str, cycle: Optional[str], size: int) -> None:
        self.data = data
        self.index = index
        self.cycle = cycle
        self.size = size

    def position(self, processor: Processor, latched: bool) -> Tuple[int, Optional[int]]:
        """Index and cycle. Unlatched they are read until the cycles around the index agree."""
        if self.cycle is None:
            return count_of(processor, self.index, self.size), None
        cycle = count_of(processor, self.cycle, CYCLES)
        for _ in range(TRIES):
            index = count_of(processor, self.index, self.size)
            if latched:
                break
            again, cycle = cycle, count_of(processor, self.cycle, CYCLES)
            if again == cycle:
                break
        return index, cycle

    def pending(self, asked: int, index: int, cycle: Optional[int]) -> Tuple[int, int]:
        """The first slot to deliver and how many there are; the ring holds the last `size`."""
        if cycle is None:
            return asked, (index - asked) % self.size
        position = cycle * self.size + index
        start = max(asked, position - self.size)
        return start, max(0, position - start)

    def words(self, processor: Processor, start: int, count: int) -> bytes:
        """The words from an absolute slot on, in two reads where the ring wraps."""
        offset = start % self.size
        before_end = min(count, self.size - offset)
        data = processor.words(self.data, offset, before_end) if before_end else b""
        if count > before_end:
            data += processor.words(self.data, 0, count - before_end)
        return data

    def write(self, processor: Processor, start: int, kind: str, values) -> None:
        """Writes from an absolute slot on, in two writes where the ring wraps."""
        offset = start % self.size
        before_end = min(len(values), self.size - offset)
        if before_end:
            processor.write(self.data, offset, kind, values[:before_end])
        if len(values) > before_end:
            processor.write(self.data, 0, kind, values[before_end:])


def count_of(processor: Processor, tag: str, most: int) -> int:
    """A scalar that counts something. What the driver gives for a failure is no count."""
    value = processor.value(tag)
    if not math.isfinite(value) or not 0 <= value <= most:
        raise BridgeError("read-failed", f"GetTagVal({tag!r}) is {value}, not in 0…{most}")
    return int(value)
