"""How the tests here run the recorder: the release binary below the repository's root, or $DAQREC."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = ROOT / "tools" / "sessions"
DAQREC = Path(os.environ.get("DAQREC", ROOT / ".build" / "release" / "daqrec"))


def daqrec(*words, cwd, timeout=120, **options):
    """One command line run to its end."""
    return subprocess.run(
        [DAQREC, *map(str, words)], cwd=cwd, capture_output=True, text=True, timeout=timeout, **options
    )


def lines(text):
    """What --json wrote: one object a line, and nothing else."""
    return [json.loads(line) for line in text.splitlines()]


def report(result):
    """The report of `record --json`; it must agree with the exit code."""
    last = lines(result.stdout)[-1]
    assert last["type"] == "report", result.stderr
    assert last["exit"] == result.returncode, result.stderr
    return last


def counter_session(path, *, speed="max", rate=1000, channels=8, duration=None, **parts):
    """Writes a session with one buffer `x` of int16 counters; `parts` go before the defaults."""
    session = {
        "session": {"id": "test", "description": "A counter"},
        "circuits": [
            {
                "name": "rz",
                "latch_trigger": 1,
                "simulate": {
                    "rate": rate,
                    "speed": speed,
                    "signals": {"x": {"counter": True}},
                    **parts.pop("simulate", {}),
                },
            }
        ],
        "buffers": [
            {
                "name": "x",
                "circuit": "rz",
                "channels": channels,
                "src_type": "int16",
                "dest_type": "int16",
                **parts.pop("buffer", {}),
            }
        ],
        "run": {"duration_s": duration},
        **parts,
    }
    path.write_text(json.dumps(session, indent=1))
    return path


STIMULATION = {
    "stimulator": {
        "name": "stg",
        "limits": [{"channels": [0], "max_mA": 0.2, "max_charge_nC": 50}],
    },
    "stimulus": {
        "start_after_s": 0.3,
        "signals": [
            {
                "channel": 0,
                "amplitudes_in_mA": [0.1, -0.1, 0],
                "durations_in_ms": [0.2, 0.2, 19.6],
            }
        ],
    },
}


def counter(first, count, channels):
    """What the simulator's int16 counter writes from device frame `first` on."""
    values = np.arange(first, first + count)[:, None] + 1000 * np.arange(channels)[None, :]
    return values.astype("i8").astype("i2")


def invalid(file, series):
    """The declared gaps of a series: (first, count, reason)."""
    if "invalid_times" not in file["intervals"]:
        return []
    table = file["intervals/invalid_times"]
    rows = zip(table["series"][:], table["first_sample"][:], table["n_samples"][:], table["reason"][:])
    return [(int(f), int(n), r.decode()) for s, f, n, r in rows if s.decode() == series]


def log(file, kind):
    """The annotations of the recorder's log of a kind."""
    table = file["events/recorder_log"]
    return [
        text.decode() for k, text in zip(table["kind"][:], table["annotation"][:]) if k.decode() == kind
    ]


def check_counter(file, series="x"):
    """Every frame that is not declared invalid is the counter's, without a step but at gaps.

    Returns the number of valid frames.
    """
    data = file[f"acquisition/{series}/data"][:]
    valid = np.ones(len(data), bool)
    for first, count, _ in invalid(file, series):
        valid[first : first + count] = False
        assert not data[first : first + count].any()
    bounds = np.flatnonzero(np.diff(np.concatenate([[0], valid.astype("i1"), [0]])))
    for first, end in bounds.reshape(-1, 2):
        start = int(data[first, 0])
        expected = counter(start, end - first, data.shape[1])
        wrong = np.flatnonzero((data[first:end] != expected).any(axis=1))
        assert not len(wrong), f"frame {first + wrong[0]} is {data[first + wrong[0]]}"
    return int(valid.sum())


class Recording:
    """A recorder at work in real time."""

    def __init__(self, cwd, *words):
        self.errors = open(cwd / "stderr.txt", "w+")
        self.process = subprocess.Popen(
            [DAQREC, "record", *map(str, words)],
            cwd=cwd, stdout=subprocess.PIPE, stderr=self.errors, text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.errors.close()

    def wait_for(self, path, seconds, timeout=20):
        """Until the file has appeared, and so many seconds more."""
        deadline = time.monotonic() + timeout
        while not path.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.said()
            time.sleep(0.01)
        time.sleep(seconds)

    def send(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self, timeout=30):
        """The exit code, once it is there."""
        self.stdout, _ = self.process.communicate(timeout=timeout)
        return self.process.returncode

    def said(self):
        self.errors.flush()
        self.errors.seek(0)
        return self.errors.read()


def open_killed(path):
    """A file whose writer died: plain opens are refused, this is not."""
    return h5py.File(path, "r", swmr=True)
