#!/usr/bin/env python3
"""Records 64 channels and eight stimulus channels in real time, and says what it cost.

    python tools/bench/realtime.py [--seconds 60] [--runs 1] [--folder DIR] [--json] [--set …]

Runs tools/sessions/bench64.json5 (int16 at 24414.0625 Hz, 3.1 MB/s) with the release binary, or
$DAQREC. Prints losses, the worst fill of the device's ring, the worst delay of a flush, the
processor time of each thread as a share of one core, and the peak memory; then reads the counter
back from the file, frame by frame. Exits with 1 if anything was lost or late.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DAQREC = Path(os.environ.get("DAQREC", ROOT / ".build" / "release" / "daqrec"))


def is_counter(path):
    """Whether frame n of channel c is n + 1000 c throughout, wrapped to 16 bits."""
    with h5py.File(path) as file:
        data = file["acquisition/raw/data"]
        first = int(data[0, 0])
        channels = 1000 * np.arange(data.shape[1])[None, :]
        for start in range(0, data.shape[0], 1 << 16):
            part = data[start : start + (1 << 16)]
            frames = first + np.arange(start, start + len(part))[:, None]
            if not np.array_equal(part, (frames + channels).astype("i2")):
                return False
    return True


def run(seconds, folder, settings):
    path = Path(folder) / "bench64.nwb.h5"
    words = [
        DAQREC, "record", ROOT / "tools/sessions/bench64.json5", f"--duration={seconds}",
        "-o", path, "--json", "--quiet", *(f"--set={setting}" for setting in settings),
    ]
    began = time.monotonic()
    result = subprocess.run(words, capture_output=True, text=True)
    wall = time.monotonic() - began
    if not result.stdout:
        sys.exit(result.stderr)
    told = json.loads(result.stdout.splitlines()[-1])
    if told["type"] != "report":
        sys.exit(result.stderr)
    (buffer,) = told["buffers"]
    threads = {name: used / wall for name, used in told["threads_cpu_s"].items()}
    figures = {
        "exit": result.returncode,
        "duration_s": told["duration_s"],
        "samples": buffer["samples"],
        "lost": buffer["lost"],
        "worst_fill": buffer["worst_fill"],
        "worst_flush_s": told["flush"]["worst_s"],
        "late_flushes": told["flush"]["late"],
        "changes": told["changes"],
        "faults": told["faults"],
        "cores": told["cpu_s"] / wall,
        "cores_of_threads": threads,
        "peak_memory_MB": told["peak_memory_MB"],
        "file_MB": path.stat().st_size / 1e6,
        "counter_is_whole": is_counter(path),
    }
    path.unlink()
    return figures


def show(figures):
    print(f"{figures['samples']} frames of 64 channels in {figures['duration_s']:.3f} s, ", end="")
    print(f"{figures['file_MB']:.1f} MB, exit code {figures['exit']}")
    print(f"  lost                {figures['lost']}", end="")
    print("" if figures["counter_is_whole"] else "   THE COUNTER IS NOT WHOLE")
    print(f"  ring at most        {figures['worst_fill']:.1%} full")
    print(f"  flushed within      {figures['worst_flush_s'] * 1e3:.0f} ms", end="")
    print(f", late {figures['late_flushes']} times")
    shares = ", ".join(f"{name} {share:.2%}" for name, share in figures["cores_of_threads"].items())
    print(f"  of a core           {figures['cores']:.2%} in all ({shares}), the simulator included")
    print(f"  memory at most      {figures['peak_memory_MB']:.0f} MB")
    for fault in figures["faults"]:
        print(f"  FAULT               {fault}")


def main():
    parser = argparse.ArgumentParser(description="Record 64 channels in real time; say what it cost.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--folder", help="where to record; default: a temporary folder")
    parser.add_argument("--json", action="store_true", help="one object a run on stdout")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for _ in range(arguments.runs):
            figures = run(arguments.seconds, folder, arguments.set)
            if arguments.json:
                print(json.dumps(figures), flush=True)
            else:
                show(figures)
            failed |= figures["exit"] != 0 or figures["lost"] > 0
            failed |= figures["late_flushes"] > 0 or not figures["counter_is_whole"]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
