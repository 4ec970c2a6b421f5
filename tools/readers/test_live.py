"""A second process reads a recording while it grows."""

import signal
import subprocess
import sys

import h5py
from recorder import (
    ROOT, STIMULATION, Recording, check_counter, counter_session, daqrec, lines,
)

WATCH = ROOT / "tools" / "readers" / "watch_live.py"


def test_a_reader_never_sees_torn_data(tmp_path):
    """Sixteen channels at 6103.5 Hz with a ledger that grows; flushed every 0.2 s."""
    session = counter_session(
        tmp_path / "s.json5", speed=1, rate=6103.515625, channels=16, duration=4,
        file={"flush_s": 0.2, "sync_s": 0.5}, **STIMULATION | {
            "stimulus": {"changes": [
                {
                    "at_s": 0.5 + 0.1 * n, "channel": 0, "repeat": 1,
                    "amplitudes_in_mA": [0.1, -0.1], "durations_in_ms": [0.2, 0.2],
                }
                for n in range(30)
            ]},
        },
    )
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path, "--json") as recording:
        recording.wait_for(path, 0)
        watcher = subprocess.run(
            [sys.executable, WATCH, path, "--period", "0.02", "--progress"],
            capture_output=True, text=True, timeout=60,
        )
        assert watcher.returncode == 0, watcher.stdout + watcher.stderr
        assert recording.end() == 0, recording.said()
    rounds = watcher.stdout.count("\nround ")
    assert rounds > 20, watcher.stdout
    with h5py.File(path) as file:
        assert check_counter(file) > 4 * 6103


def test_what_is_flushed_is_never_taken_back(tmp_path):
    """Frames seen while the file grew are the same when it is complete, and came within flush_s."""
    session = counter_session(
        tmp_path / "s.json5", speed=1, rate=2000, channels=8, file={"flush_s": 0.2}
    )
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path) as recording:
        recording.wait_for(path, 1.0)
        seen = []
        for _ in range(5):
            recording.wait_for(path, 0.2)
            with h5py.File(path, "r", swmr=True) as file:
                seen.append(file["acquisition/x/data"][:])
        recording.send(signal.SIGINT)
        assert recording.end() == 130
    with h5py.File(path) as file:
        whole = file["acquisition/x/data"][:]
    for early, later in zip(seen, seen[1:] + [whole]):
        assert len(early) < len(later)
        assert (whole[: len(early)] == early).all()
    # The last look was taken at least 2 s after the file appeared; sample 0 came within 0.6 s of it.
    assert len(seen[-1]) > 2000 * (2.0 - 0.6 - 0.2)


def test_info_says_that_a_file_is_being_written(tmp_path):
    session = counter_session(tmp_path / "s.json5", speed=1, rate=2000, file={"flush_s": 0.2})
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path) as recording:
        recording.wait_for(path, 1.5)
        (first,), (second,) = (
            lines(daqrec("info", path, "--json", cwd=tmp_path).stdout) for _ in range(2)
        )
        assert first["state"] == second["state"] == "live"
        assert 0 < first["series"][0]["samples"] <= second["series"][0]["samples"]
        recording.send(signal.SIGTERM)
        assert recording.end() == 143
    (after,) = lines(daqrec("info", path, "--json", cwd=tmp_path).stdout)
    assert after["state"] == "complete"
