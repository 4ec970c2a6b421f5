#!/usr/bin/env python3
"""Reads a recording over and over while it grows, and checks that nothing it sees is torn.

    python tools/readers/watch_live.py [--counter SERIES]... [--period SECONDS] FILE

In every round the file is opened anew with swmr=True. No table or series may be shorter than in the
round before, no column shorter than the `id` of its table, and frames seen once stay as they were.
The frames of a `--counter` series must be the simulator's counter signal: frame n of channel c is
n + 1000 c, wrapped to 16 bits for integer types; declared gaps are zeros.
Ends when the writer ends, after a last round, with a line that says what was seen; exits with 1 at
the first contradiction.
"""

import argparse
import fcntl
import os
import struct
import sys
import time

import h5py
import numpy as np

LOCKED_BYTE = 1 << 62  # the writer's lock, see LiveLock.swift
FLOCK = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux


class Torn(Exception):
    pass


def has_writer(path):
    """Whether a living writer holds the lock of the file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        asked = FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, LOCKED_BYTE, 1, 0)
        found = FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
        return found[0] != fcntl.F_UNLCK
    finally:
        os.close(descriptor)


def is_unfinished(path):
    """Whether the superblock says that a writer has the file open, or had when it died."""
    with open(path, "rb") as file:
        return file.read(12)[11] != 0


def counter(frames, channels, dtype):
    values = frames[:, None] + 1000 * np.arange(channels)[None, :]
    return values.astype("i8").astype("i2").astype(dtype)


class Watcher:
    def __init__(self, path, counters, scale):
        self.path = path
        self.counters = counters
        self.scale = scale
        self.lengths = {}
        self.rounds = 0
        self.frames = 0

    def round(self):
        swmr = is_unfinished(self.path)
        with h5py.File(self.path, "r", swmr=swmr) as file:
            for name, series in file["acquisition"].items():
                self.series(f"acquisition/{name}", series)
            for parent in ("events", "intervals"):
                for name, table in file[parent].items():
                    self.table(f"{parent}/{name}", table)
        self.rounds += 1

    def grow(self, name, length):
        before = self.lengths.get(name, 0)
        if length < before:
            raise Torn(f"{name} had {before} rows and now has {length}")
        self.lengths[name] = length
        return before

    def series(self, name, series):
        data = series["data"]
        length = data.shape[0]
        before = self.grow(name, length)
        if "timestamps" in series:
            columns = {"timestamps": series["timestamps"]}
            columns.update({k: v for k, v in series["sync"].items() if k != "durable"})
            for column, values in columns.items():
                if values.shape[0] < length:
                    raise Torn(f"{name}/{column} has {values.shape[0]} rows of {length}")
            times = series["timestamps"][before:length]
            if np.any(np.diff(times) < 0):
                raise Torn(f"the times of {name} go back")
        elif name.split("/")[-1] in self.counters:
            # What is new, and a little of what was seen before.
            start = max(0, before - 100)
            frames = data[start:length]
            expected = counter(np.arange(start, length), data.shape[1], frames.dtype)
            # Integer series hold the codes themselves, floating ones code / sf.
            scale = self.scale if data.dtype.kind == "f" else 1
            right = np.all(np.isclose(frames * scale, expected), axis=1)
            lost = np.all(frames == 0, axis=1)
            if not np.all(right | lost):
                frame = start + int(np.argmin(right | lost))
                raise Torn(f"frame {frame} of {name} is {frames[frame - start]}")
            self.frames += int(np.sum(right[before - start :]))

    def table(self, name, table):
        rows = table["id"].shape[0]
        before = self.grow(name, rows)
        if list(table["id"][before:rows]) != list(range(before, rows)):
            raise Torn(f"the new ids of {name} are not {before} to {rows - 1}")
        for column in table.attrs["colnames"]:
            index = f"{column}_index"
            length = table[index if index in table else column].shape[0]
            if length < rows:
                raise Torn(f"{name}/{column} has {length} rows, id {rows}")
            if index in table and rows > before:
                ends = table[index][before:rows]
                if np.any(np.diff(ends.astype("i8")) < 0) or ends[-1] > table[column].shape[0]:
                    raise Torn(f"the lists of {name}/{column} end beyond its values")


def watch(watcher, period, progress):
    print("watching", flush=True)
    while has_writer(watcher.path):
        try:
            watcher.round()
        except (OSError, KeyError):
            # A file is not closed and tidied under the eyes of readers.
            if has_writer(watcher.path):
                raise
        if progress:
            print(f"round {watcher.rounds}", flush=True)
        time.sleep(period)
    # The writer may still be removing the tables without rows.
    watcher.lengths = {name: length for name, length in watcher.lengths.items() if length > 0}
    deadline = time.monotonic() + 5
    while True:
        try:
            watcher.round()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description="Check a recording again and again as it grows.")
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--counter", action="append", default=[], metavar="SERIES")
    parser.add_argument("--scale", type=float, default=1.0, help="scaling factor of floating series")
    parser.add_argument("--period", type=float, default=0.05, help="seconds between rounds")
    parser.add_argument("--progress", action="store_true", help="a line for every round")
    arguments = parser.parse_args()
    watcher = Watcher(arguments.file, arguments.counter, arguments.scale)
    try:
        watch(watcher, arguments.period, arguments.progress)
    except Torn as problem:
        print(f"TORN in round {watcher.rounds + 1}: {problem}", flush=True)
        return 1
    print(
        f"OK, {watcher.rounds} rounds, {watcher.frames} frames of counters, "
        f"{sum(watcher.lengths.values())} rows in all",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
