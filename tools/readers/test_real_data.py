"""A real EEG played back through the simulated ring: what comes back, and its events."""

import json

import h5py
import numpy as np
import pytest
from recorder import ROOT, daqrec, invalid, report

DATA = ROOT.parent / "shared" / "data"
EEG, EVENTS = DATA / "eeg32_128hz_uV.npy", DATA / "eeg32_events.json"
RATE = 128
pytestmark = pytest.mark.skipif(not EEG.exists(), reason=f"{EEG} is not there")


@pytest.fixture(scope="module")
def array():
    return np.load(EEG)


@pytest.fixture(scope="module")
def squares():
    """Seconds of the 80 `square` events after the array's first frame."""
    return [event["sample"] / RATE for event in json.loads(EVENTS.read_text()) if event["type"] == "square"]


def scaling_factor(array):
    """Codes per microvolt: the largest whole number that the array's range allows."""
    return int(32767 / np.abs(array).max())


def write_session(path, array, times, speed, ring=10 * RATE):
    session = {
        "session": {"id": "eeg32", "description": "Playback of an EEG of 32 channels"},
        "circuits": [{
            "name": "rz", "latch_trigger": 1, "start_trigger": 2,
            "simulate": {
                "rate": RATE, "speed": speed,
                "signals": {"eeg": {"playback": {"file": str(EEG)}}},
                "stores": {"eeg": {
                    "sf": scaling_factor(array), "size_max": ring,
                    "gate": {"trigger": 2, "length": "unlimited"},
                }},
            },
        }],
        "buffers": [{
            "name": "eeg", "circuit": "rz", "channels": 32, "src_type": "int16",
            "dest_type": "float32", "gated": True, "gain": 1e-6,
            "electrodes": {"location": "scalp", "group": "cap"},
        }],
        "run": {"duration_s": len(array) / RATE + 0.5},
    }
    if times:
        session["stimulator"] = {
            "name": "stg", "limits": [{"channels": [0], "max_mA": 0.1, "max_charge_nC": 50}],
        }
        session["stimulus"] = {"changes": [
            {
                "at_s": time, "channel": 0, "repeat": 1,
                "amplitudes_in_mA": [0.05, -0.05], "durations_in_ms": [0.2, 0.2],
            }
            for time in times
        ]}
    path.write_text(json.dumps(session))
    return path


def assert_comes_back(file, array, whole):
    gaps = invalid(file, "eeg")
    # Before the array's first frame at most.
    assert [(first, reason) for first, _, reason in gaps] in ([], [(0, "gate")])
    skipped = gaps[0][1] if gaps else 0
    data = file["acquisition/eeg/data"][skipped:].astype("f8")
    count = min(len(data), len(array))
    assert count == len(array) or not whole
    error = np.abs(data[:count] - array[:count])
    allowed = 0.5 / scaling_factor(array) + np.spacing(np.abs(array[:count]))
    assert (error <= allowed).all(), f"off by {error.max()} µV"
    # What is beyond the array is silent.
    assert not data[count:].any()
    attributes = file["acquisition/eeg/data"].attrs
    assert attributes["conversion"] == 1e-6
    assert attributes["resolution"] == pytest.approx(1e-6 / scaling_factor(array))
    return count


def assert_ledger(file, times):
    """A row for each planned change, one period each, at the nearest sample of the output."""
    changes = file["events/stimulus_changes"]
    assert changes["id"].shape[0] == len(times)
    assert (changes["repeat"][:] == 1).all()
    zero = file["acquisition/eeg/starting_time"][()]
    planned = zero + np.array(times)
    assert np.abs(changes["requested_time"][:] - planned).max() < 1e-6
    # Nothing better is known when a change is queued than its uncertainty.
    off = np.abs(changes["timestamp"][:] - planned)
    assert (off <= 10e-6 + 2 * changes["uncertainty"][:]).all(), off.max()
    assert off.max() < 0.001


def test_the_whole_eeg_comes_back_in_virtual_time(tmp_path, array, squares):
    assert array.shape == (30504, 32) and len(squares) == 80
    session = write_session(tmp_path / "s.json5", array, squares, "max")
    result = daqrec("record", session, "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    told = report(result)
    assert told["buffers"][0]["lost"] == 0
    assert told["buffers"][0]["clipped"] == 0
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        assert_comes_back(file, array, whole=True)
        assert_ledger(file, squares)


def test_it_comes_back_at_fifty_times_real_time(tmp_path, array):
    """150 s of it in 3 s, from a ring that holds them all: a busy computer must lose nothing.

    Without the stimulator: at fifty times the speed its heart-beat is missed after milliseconds.
    """
    session = write_session(tmp_path / "s.json5", array, [], 50, ring=150 * RATE)
    result = daqrec("record", session, "--duration=150", "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert report(result)["buffers"][0]["lost"] == 0
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        assert assert_comes_back(file, array, whole=False) > 149 * RATE
