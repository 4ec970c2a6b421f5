"""Simulated devices that fail: exit codes, the log, and what is in the file."""

import json

import h5py
import numpy as np
import pytest
from recorder import STIMULATION, check_counter, counter_session, daqrec, invalid, log, report

RATE = 2000


def record(tmp_path, faults, *, size=None, stimulator_faults=(), duration=8, **parts):
    simulate = {"faults": faults} | ({"stores": {"x": {"size_max": size}}} if size else {})
    stimulation = {
        "stimulator": STIMULATION["stimulator"] | {"simulate": {"faults": list(stimulator_faults)}},
        "stimulus": STIMULATION["stimulus"],
    }
    session = counter_session(
        tmp_path / "s.json5", rate=RATE, duration=duration, simulate=simulate, **stimulation, **parts
    )
    path = tmp_path / "x.nwb.h5"
    result = daqrec("record", session, "-o", path, "--json", cwd=tmp_path)
    return path, result, report(result)


def test_a_circuit_that_is_gone_for_good_ends_the_session_with_a_complete_file(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "disconnect", "at_s": 3}], duration=60)
    assert result.returncode == 69
    assert any("disconnected" in fault for fault in told["faults"])
    with h5py.File(path) as file:
        # Everything from the first latch, 1.3 s after the start, until the device went.
        assert 1.5 * RATE < check_counter(file) < 3 * RATE
        assert any("disconnected" in text for text in log(file, "error"))
        assert len(log(file, "stop")) == 1


def test_a_short_disconnection_within_the_ring_loses_nothing(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "disconnect", "at_s": 4, "for_s": 0.3}])
    assert result.returncode == 0, result.stderr
    assert told["buffers"][0]["lost"] == 0
    with h5py.File(path) as file:
        assert check_counter(file) == told["buffers"][0]["samples"] > 8 * RATE
        assert invalid(file, "x") == []
        assert len(log(file, "error")) == 1
        assert any("answers again" in text for text in log(file, "note"))


def test_a_disconnection_that_laps_the_ring_loses_what_was_overwritten(tmp_path):
    """A ring of 0.1 s, away for 0.3 s: a loss of 0.2 s and what the calls take."""
    path, result, told = record(
        tmp_path, [{"kind": "disconnect", "at_s": 4, "for_s": 0.3}], size=RATE // 10
    )
    assert result.returncode == 75
    buffer = told["buffers"][0]
    assert 0.15 * RATE < buffer["lost"] < 0.4 * RATE
    assert buffer["gaps"] == 1
    with h5py.File(path) as file:
        ((first, count, reason),) = invalid(file, "x")
        assert (count, reason) == (buffer["lost"], "overrun")
        data = file["acquisition/x/data"]
        # Index and time stay linear over the gap.
        assert int(data[first + count, 0]) - int(data[first - 1, 0]) == count + 1
        assert check_counter(file) == buffer["samples"]
        assert len(log(file, "gap")) == 1


def test_overrun_can_end_the_session(tmp_path):
    path, result, told = record(
        tmp_path, [{"kind": "disconnect", "at_s": 4, "for_s": 0.3}], size=RATE // 10,
        buffer={"on_overrun": "stop"}, duration=60,
    )
    assert result.returncode == 75
    assert "overrun" in told["reason"]
    assert told["duration_s"] < 10
    with h5py.File(path) as file:
        check_counter(file)


def test_a_stall_is_said_and_declared(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "stall", "at_s": 4, "for_s": 2}])
    with h5py.File(path) as file:
        (stall,) = log(file, "stall")
        assert stall == "x: the index stands still (the circuit runs)"
        ((_, count, reason),) = invalid(file, "x")
        assert reason == "stall"
        assert count == pytest.approx(2 * RATE, abs=0.01 * RATE)
        check_counter(file)
        length = file["acquisition/x/data"].shape[0]
        assert length == pytest.approx(told["duration_s"] * RATE, abs=0.3 * RATE)
    assert "x: the index stands still (the circuit runs)" in result.stderr
    assert result.returncode == 75 and not told["buffers"][0]["stands_still"]
    # What was never made was not flushed late.
    assert told["flush"]["late"] == 0 and told["flush"]["worst_s"] <= 1


def test_a_stall_that_does_not_end_is_no_success(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "halt", "at_s": 4}])
    assert result.returncode == 75
    (buffer,) = told["buffers"]
    assert buffer["stands_still"] and buffer["lost"] == 0
    with h5py.File(path) as file:
        assert log(file, "stall") == ["x: the index stands still (the circuit is halted)"]
        assert check_counter(file) == buffer["samples"]


def test_a_reset_opens_a_new_segment_where_the_clock_has_it(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "reset", "at_s": 4}])
    assert result.returncode == 75
    with h5py.File(path) as file:
        ((first, count, reason),) = invalid(file, "x")
        assert reason == "reset"
        assert 0 < count < 0.1 * RATE
        assert len(log(file, "reset")) == 1
        check_counter(file)
        length = file["acquisition/x/data"].shape[0]
        assert length == pytest.approx(told["duration_s"] * RATE, abs=0.3 * RATE)


def test_single_errors_cost_nothing(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "error", "probability": 0.02}])
    assert result.returncode == 0, result.stderr
    with h5py.File(path) as file:
        assert invalid(file, "x") == []
        assert log(file, "error")
        assert check_counter(file) > 8 * RATE


def test_torn_positions_are_repaired(tmp_path):
    path, result, told = record(tmp_path, [{"kind": "torn", "probability": 0.2}], size=RATE // 4)
    assert result.returncode == 0, result.stderr
    assert told["buffers"][0]["lost"] == 0
    with h5py.File(path) as file:
        assert check_counter(file) > 8 * RATE


def test_a_stimulator_that_is_gone_ends_the_stimulation_not_the_recording(tmp_path):
    path, result, told = record(
        tmp_path, [], stimulator_faults=[{"kind": "disconnect", "at_s": 4}], duration=10
    )
    assert result.returncode == 75
    assert told["duration_s"] == pytest.approx(10, abs=0.01)
    assert told["faults"]
    with h5py.File(path) as file:
        assert check_counter(file) > 10 * RATE - 10


def test_an_unknown_device_is_not_available(tmp_path):
    """Nothing is left behind when a device cannot be opened."""
    session = counter_session(tmp_path / "s.json5", circuits=[{
        "name": "rz", "driver": "bridge", "command": ["/bin/false"],
    }])
    result = daqrec("record", session, "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    assert result.returncode == 69, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["s.json5"]


@pytest.mark.parametrize("fault", [
    {"kind": "reset", "at_s": 1},
    {"kind": "stall", "at_s": 1, "for_s": 0.03},
])
def test_events_keep_their_times_when_the_stores_begin_anew_or_stand_still(tmp_path, fault):
    """Ticks go on meanwhile."""
    session = counter_session(
        tmp_path / "s.json5", rate=24414.0625, duration=2,
        simulate={
            "signals": {"x": {"counter": True}, "e": {"stamps": {"period": 3000}}},
            "stores": {"e": {"size_max": 10}},
            "faults": [fault],
        })
    text = json.loads(session.read_text())
    text["buffers"].append({"name": "e", "kind": "events", "circuit": "rz"})
    session.write_text(json.dumps(text))
    result = daqrec("record", session, "-o", "x.nwb.h5", cwd=tmp_path)
    assert result.returncode == 75
    assert ("e: its position began anew" in result.stderr) == (fault["kind"] == "reset")
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        ticks, times = (file[f"events/e/{column}"][:] for column in ("tick", "timestamp"))
    assert len(ticks) >= 12
    assert np.ptp(times - ticks / 24414.0625) < 1e-6
