#!/usr/bin/env python3
"""Kills the recorder (kill -9) at random moments, and holds what is left against the promise.

    python tools/campaigns/kill_recorder.py [--kills 20] [--seed 1] [--flush 1.0] [--parallel 2]

Each round records counters in real time, is killed between 0 and 6 s after the file appeared, and
reads the file as another process would: swmr=True. Every frame in the file must be the counter's,
every table whole, and no frame that the circuit stored more than flush_s before the kill may be
missing. `daqrec rescue`, where this version has it, must make a normal file of it with as many
frames. Prints each round and the worst loss; exits with 1 if the promise was broken.
"""

import argparse
import concurrent.futures
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DAQREC = Path(os.environ.get("DAQREC", ROOT / ".build" / "release" / "daqrec"))
RATE, CHANNELS = 24414.0625, 16

SIGNAL = {"amplitudes_in_mA": [0.1, -0.1, 0], "durations_in_ms": [0.2, 0.2, 0.6], "repeat": 3}


def session(flush):
    return {
        "session": {"id": "kill", "description": "A counter and a ledger that grows"},
        "file": {"flush_s": flush},
        "circuits": [{
            "name": "rz", "latch_trigger": 1,
            "simulate": {"rate": RATE, "signals": {"x": {"counter": True}}},
        }],
        "buffers": [{
            "name": "x", "circuit": "rz", "channels": CHANNELS, "src_type": "int16",
            "dest_type": "int16",
        }],
        "stimulator": {
            "name": "stg", "limits": [{"channels": [0], "max_mA": 0.2, "max_charge_nC": 50}],
        },
        "stimulus": {
            "changes": [{"at_s": 0.3 + 0.05 * n, "channel": 0} | SIGNAL for n in range(200)],
        },
    }


def read(path, killed):
    """What the file holds: frames, rows of the ledger, and the seconds that were lost."""
    with h5py.File(path, "r", swmr=True) as file:
        series = file["acquisition/x"]
        data = series["data"][:]
        if len(data):
            frames = int(data[0, 0]) + np.arange(len(data))[:, None]
            expected = (frames + 1000 * np.arange(CHANNELS)).astype("i2")
            wrong = np.flatnonzero((data != expected).any(axis=1))
            if len(wrong):
                raise ValueError(f"frame {wrong[0]} of {len(data)} is not the counter's")
        ledger = file["events/stimulus_changes"]
        rows = ledger["id"].shape[0]
        for column in ledger.attrs["colnames"]:
            ragged = f"{column}_index" in ledger
            length = ledger[f"{column}_index" if ragged else column].shape[0]
            if length < rows:
                raise ValueError(f"{rows} rows in the ledger, {length} of {column}")
            ledger[column][:]
        zero = file["acquisition/rz_clock/sync"].attrs["t0_monotonic_ns"] * 1e-9
        start = series["starting_time"][()]
        # Before the first flush with samples the file does not know when they began.
        lost = killed - zero - start - len(data) / RATE if len(data) else None
        return len(data), rows, lost


def rescue(path, frames):
    result = subprocess.run([DAQREC, "rescue", path], capture_output=True, text=True)
    if result.returncode == 64:
        return "no rescue in this version"
    if result.returncode != 0:
        raise ValueError(f"rescue: {result.stderr.strip()}")
    with h5py.File(path) as file:
        if file["acquisition/x/data"].shape[0] < frames:
            raise ValueError("rescue lost frames")
    return "rescued"


def round_(number, delay, flush):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "s.json5").write_text(json.dumps(session(flush)))
        path = folder / "x.nwb.h5"
        process = subprocess.Popen(
            [DAQREC, "record", folder / "s.json5", "-o", path, "--quiet"], stderr=subprocess.PIPE
        )
        deadline = time.monotonic() + 20
        while not path.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                return number, None, f"did not start: {process.communicate()[1].decode()}"
            time.sleep(0.001)
        time.sleep(delay)
        killed = time.monotonic()
        process.kill()
        process.communicate()
        try:
            frames, rows, lost = read(path, killed)
            after = rescue(path, frames)
        except (OSError, KeyError, ValueError) as error:
            return number, None, f"after {delay:.3f} s: {error}"
        if lost is None:
            # The circuit starts 1.3 s after the file: the stimulator's start loop, and its own.
            late = delay - 2 - flush
            return number, max(0.0, late), f"after {delay:.3f} s: no sample yet, {after}"
        return number, lost, f"after {delay:.3f} s: {frames} frames, {rows} changes, lost {lost:.3f} s, {after}"


def main():
    parser = argparse.ArgumentParser(description="Kill the recorder; compare the loss with flush_s.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--flush", type=float, default=1.0, help="flush_s of the sessions")
    parser.add_argument("--parallel", type=int, default=2, help="recorders at a time")
    arguments = parser.parse_args()
    draws = random.Random(arguments.seed)
    delays = [draws.uniform(0, 6) for _ in range(arguments.kills)]
    broken, worst = 0, 0.0
    with concurrent.futures.ThreadPoolExecutor(arguments.parallel) as pool:
        rounds = [pool.submit(round_, n, d, arguments.flush) for n, d in enumerate(delays)]
        for done in concurrent.futures.as_completed(rounds):
            number, lost, text = done.result()
            is_broken = lost is None or lost > arguments.flush
            broken += is_broken
            worst = max(worst, lost or 0.0)
            print(f"{number:4} {'BROKEN' if is_broken else 'kept  '} {text}", flush=True)
    print(
        f"{arguments.kills} kills (seed {arguments.seed}): the worst loss was {worst:.3f} s of "
        f"{arguments.flush} s promised; broken {broken} times"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
