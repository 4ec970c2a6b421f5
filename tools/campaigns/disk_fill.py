#!/usr/bin/env python3
"""Fills small disks under the recorder in many ways, and reads what it leaves behind.

    sudo python tools/campaigns/disk_fill.py [--rounds 20] [--seed 1]

Each round mounts a tmpfs of 30 to 120 MB and records counters into it, 6.25 MB/s. Somebody else takes
space: before the start (then in virtual time), or bit by bit meanwhile (then in real time). The
recorder must stop with exit code 74, or finish with 0; the file must open plainly, every frame in it
must be the counter's, and there must be as many as the report says. Needs the right to mount. Exits
with 1 at any contradiction.
"""

import argparse
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
CHANNELS = 64


def session(speed, reserve, flush):
    return {
        "session": {"id": "disk", "description": "A counter"},
        "file": {"reserve_MB": reserve, "flush_s": flush},
        "circuits": [{
            "name": "rz", "latch_trigger": 1,
            "simulate": {"rate": 48828.125, "speed": speed, "signals": {"x": {"counter": True}}},
        }],
        "buffers": [{
            "name": "x", "circuit": "rz", "channels": CHANNELS, "src_type": "int16",
            "dest_type": "int16",
        }],
        "run": {"duration_s": 12},
    }


def read(path, told):
    with h5py.File(path) as file:
        data = file["acquisition/x/data"]
        if data.shape[0] != told["buffers"][0]["samples"]:
            raise ValueError(f"{data.shape[0]} frames, {told['buffers'][0]['samples']} reported")
        channels = 1000 * np.arange(CHANNELS)[None, :]
        first = int(data[0, 0]) if data.shape[0] else 0
        for start in range(0, data.shape[0], 1 << 16):
            part = data[start : start + (1 << 16)]
            frames = first + np.arange(start, start + len(part))[:, None]
            if not np.array_equal(part, (frames + channels).astype("i2")):
                raise ValueError(f"not the counter after frame {start}")
        texts = file["events/recorder_log/kind"][:].tolist()
        if texts.count(b"stop") < 1:
            raise ValueError("no stop in the log")
        return data.shape[0]


def hog(folder, megabytes, process, random_):
    """Takes space bit by bit while the recorder runs; gives nothing back."""
    with open(folder / "hog", "wb") as file:
        while process.poll() is None and file.tell() < megabytes << 20:
            try:
                file.write(bytes(random_.randrange(1, 4 << 20)))
                file.flush()
            except OSError:
                return
            time.sleep(random_.uniform(0, 0.1))


def round_(draws, folder):
    size = draws.randrange(30, 120)
    is_live = draws.random() < 0.5
    taken = draws.randrange(0, size)
    reserve = draws.choice([0, 0, 1, 10])
    flush = draws.choice([0.1, 1.0, 5.0])
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "daqrec", disk], check=True)
    try:
        text = f"{size} MB, {taken} taken, reserve {reserve}, flush {flush}, {'real' if is_live else 'virtual'}"
        (folder / "s.json5").write_text(json.dumps(session(1 if is_live else "max", reserve, flush)))
        if not is_live:
            (disk / "hog").write_bytes(bytes(taken << 20))
        path = disk / "x.nwb.h5"
        with open(folder / "out", "w+") as out, open(folder / "err", "w+") as err:
            process = subprocess.Popen(
                [DAQREC, "record", folder / "s.json5", "-o", path, "--json"], stdout=out, stderr=err
            )
            if is_live:
                hog(disk, taken, process, draws)
            code = process.wait(timeout=120)
            out.seek(0)
            told = json.loads(out.read().splitlines()[-1])
            err.seek(0)
            if told["type"] == "error":
                # Not even the empty file fits.
                if code not in (73, 74) or path.exists() or list(disk.glob(".*")):
                    raise ValueError(f"exit {code}: {told['message']}, left {os.listdir(disk)}")
                return f"{text}: exit {code}, no file"
            if code not in (0, 74):
                raise ValueError(f"exit {code}: {err.read()}")
        frames = read(path, told)
        return f"{text}: exit {code}, {frames} frames, {told['reason'][:60]}"
    finally:
        subprocess.run(["umount", disk], check=True)
        disk.rmdir()


def main():
    parser = argparse.ArgumentParser(description="Fill small disks under the recorder.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    broken = 0
    for number in range(arguments.rounds):
        draws = random.Random(arguments.seed * 1000 + number)
        with tempfile.TemporaryDirectory() as folder:
            try:
                print(f"{number:4} kept   {round_(draws, Path(folder))}", flush=True)
            except (OSError, KeyError, ValueError) as error:
                broken += 1
                print(f"{number:4} BROKEN {error}", flush=True)
    print(f"{arguments.rounds} disks (seed {arguments.seed}): broken {broken} times")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
