"""The shipped sessions, recorded in virtual time and opened by the readers people use."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
from recorder import ROOT, SESSIONS, check_counter, daqrec, invalid, report

READERS = ROOT / "tools" / "readers"
VIRTUAL = {
    "evoked": ["circuits.0.simulate.speed=max"],
    "playback": ["circuits.0.simulate.speed=max"],
    "bench64": ["circuits.0.simulate.speed=max", "run.duration_s=5"],
    "two-clocks": ["circuits.0.simulate.speed=max", "run.duration_s=200"],
    "stimulator-only": ["stimulator.simulate.speed=max"],
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Path and report of a shipped session, recorded once for all tests here."""
    known = {}

    def record(name):
        if name not in known:
            folder = tmp_path_factory.mktemp(name)
            path = folder / f"{name}.nwb.h5"
            settings = [f"--set={setting}" for setting in VIRTUAL[name]]
            result = daqrec(
                "record", SESSIONS / f"{name}.json5", *settings, "-o", path, "--json", cwd=folder
            )
            assert result.returncode == 0, result.stderr
            known[name] = path, report(result)
        return known[name]

    return record


def test_every_shipped_session_is_tested_here():
    assert {path.stem for path in SESSIONS.glob("*.json5")} == set(VIRTUAL)


@pytest.mark.parametrize("name", VIRTUAL)
def test_readers_have_nothing_to_say(recorded, name):
    path, _ = recorded(name)
    check = subprocess.run(
        [sys.executable, READERS / "check_file.py", path], capture_output=True, text=True
    )
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("name", VIRTUAL)
def test_nothing_is_lost_and_the_report_agrees_with_the_file(recorded, name):
    path, told = recorded(name)
    with h5py.File(path) as file:
        for buffer in told["buffers"]:
            series = file["acquisition"][buffer["name"]]
            missing = sum(count for _, count, _ in invalid(file, buffer["name"]))
            assert buffer["lost"] == 0
            assert series["data"].shape[0] == buffer["samples"] + missing
            length = series["data"].shape[0] / series["starting_time"].attrs["rate"]
            # The last poll comes after the stimulator is silent, which takes the length of its rings.
            assert told["duration_s"] - 0.02 < length < told["duration_s"] + 0.4
        changes = file["events/stimulus_changes/id"].shape[0] if told["changes"] else 0
        assert changes == told["changes"]


def test_the_counter_of_the_bench_is_whole(recorded):
    path, told = recorded("bench64")
    with h5py.File(path) as file:
        assert check_counter(file, "raw") == told["buffers"][0]["samples"] > 5 * 24414


LATENCIES = np.arange(0, 0.006, 2e-5)


def latency(time, response):
    """The latency at which the simulated response fits best, seconds after `timestamp`.

    The response to the rectified pulse of 0.4 ms: the alpha function t/τ · exp(1 − t/τ), τ = 2 ms.
    """
    inside = np.linspace(0, 0.0004, 9)
    since = time[None, :, None] - LATENCIES[:, None, None] - inside
    shapes = np.where(since > 0, since / 0.002 * np.exp(1 - since / 0.002), 0).mean(axis=2)
    fits = shapes @ response / np.linalg.norm(shapes, axis=1)
    return LATENCIES[np.argmax(fits)]


def responses(file):
    """The series cut at `timestamp` of each ledger row: (time after it, mean of channels)."""
    series = file["acquisition/lfp"]
    start, rate = series["starting_time"][()], series["starting_time"].attrs["rate"]
    data = series["data"][:].mean(axis=1) * series["data"].attrs["conversion"]
    for onset in file["events/stimulus_changes/timestamp"][:40]:
        first = int(np.ceil((onset - 0.005 - start) * rate))
        last = int((onset + 0.015 - start) * rate)
        yield start + np.arange(first, last) / rate - onset, data[first:last]


def test_cut_at_the_ledgers_times_the_response_is_where_it_was_simulated(recorded):
    """No clock knowledge: sample n at starting_time + n / rate, responses 3 ms after `timestamp`."""
    path, _ = recorded("evoked")
    with h5py.File(path) as file:
        cuts = list(responses(file))
        levels = file["intervals/trials/level"][:]
    grid = np.arange(-0.004, 0.014, 1e-4)
    for level in (1, 2):
        own = [np.interp(grid, *cut) for cut, row in zip(cuts, levels) if row == level]
        assert len(own) == 20
        assert latency(grid, np.mean(own, axis=0)) == pytest.approx(0.003, abs=0.001)
    single = np.array([latency(*cut) for cut in cuts])
    assert np.abs(single - 0.003).max() < 0.001, single


def test_the_stored_array_comes_back_within_half_a_code(recorded):
    path, _ = recorded("playback")
    array = np.load(SESSIONS / "data" / "playback.npy")
    with h5py.File(path) as file:
        gate = invalid(file, "eeg")
        assert [(first, reason) for first, _, reason in gate] in ([], [(0, "gate")])
        skipped = gate[0][1] if gate else 0
        data = file["acquisition/eeg/data"][skipped:]
        assert len(data) > 0.9 * len(array)
        error = np.abs(data[: len(array)].astype("f8") - array[: len(data)])
        assert error.max() <= 0.5 / 80 + np.spacing(np.abs(array).max())
        changes = file["events/stimulus_changes"]
        zero = file["acquisition/eeg/starting_time"][()]
        assert list(changes["repeat"][:6]) == [1] * 6 and changes["id"].shape[0] == 6
        assert np.abs(changes["timestamp"][:] - zero - np.arange(1, 7)).max() < 0.005


def rate_error(file, circuit, series):
    """How much faster than nominal a circuit runs, by its own raw clock readings."""
    sync = file[f"acquisition/{circuit}_clock/sync"]
    host = (sync["host_before_ns"][:] + sync["host_after_ns"][:]) / 2e9
    slope = np.polyfit(host - host[0], sync["sample"][:], 1)[0]
    return slope / file[f"acquisition/{series}/starting_time"].attrs["rate"] - 1


def test_a_series_of_another_clock_says_so_and_can_be_mapped(recorded):
    path, _ = recorded("two-clocks")
    with h5py.File(path) as file:
        assert "clock=rx_clock" in file["acquisition/breath"].attrs["comments"]
        assert "clock=" not in file["acquisition/lfp"].attrs["comments"]
        assert rate_error(file, "rz", "lfp") == pytest.approx(30e-6, abs=5e-6)
        assert rate_error(file, "rx", "breath") == pytest.approx(-50e-6, abs=5e-6)


def test_a_stimulator_alone_leaves_a_ledger(recorded):
    path, _ = recorded("stimulator-only")
    with h5py.File(path) as file:
        changes = file["events/stimulus_changes"]
        assert list(changes["channel"][:3]) == [0, 1, 0]
        assert list(changes["repeat"][:3]) == [0, 2, 1]
        times = changes["timestamp"][:3]
        assert np.diff(times) == pytest.approx([1, 1], abs=1e-3)
        ends = changes["amplitudes_in_mA_index"][:]
        # Five biphasic pulses with a pause between the phases: each phase +0.05, 0, −0.05, 0.
        burst = changes["amplitudes_in_mA"][ends[0] : ends[1]]
        assert np.sum(burst == 0.05) == np.sum(burst == -0.05) == 5
