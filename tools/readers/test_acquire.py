"""Epochs, outputs and the devices as `daqrec acquire`, `record` and `probe` show them."""

import json
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest
from recorder import DAQREC, counter, counter_session, daqrec, invalid, lines, log, report


@pytest.fixture
def session(tmp_path):
    """A store of 2000 samples that a trigger enables for 5000 ticks, and a tag that says so."""
    return counter_session(
        tmp_path / "s.json5",
        rate=6103.515625,
        channels=4,
        simulate={
            "stores": {"x": {"size_max": 2000, "gate": {"trigger": 2, "length": 5000}}},
            "tags": {"running": 0, "count": 0},
            "programs": [
                {"trigger": 2, "tag": "running", "at_trigger": 1, "ticks": 5000, "afterwards": 0}
            ],
        },
        buffer={"gated": True},
    )


def acquire(session, *words, code=0):
    result = daqrec("acquire", session, "-b", "x", *words, "-o", "a.nwb.h5", cwd=session.parent)
    assert result.returncode == code, result.stderr
    return result


def test_trials_longer_than_the_buffer_come_whole(session):
    acquire(session, "--trigger=2", "--until=running=0", "--trials=3", "--interval=0.05")
    with h5py.File(session.parent / "a.nwb.h5") as file:
        trials = file["intervals/trials"]
        assert list(trials["n_samples"][:]) == [5000, 5000, 5000]
        data = file["acquisition/x/data"]
        start = file["acquisition/x/starting_time"]
        for row in range(3):
            first = int(trials["first_sample"][row])
            samples = data[first : first + 5000]
            # Frames number ticks since the circuit ran; within a trial they follow one another.
            assert np.array_equal(samples, counter(int(samples[0, 0]), 5000, 4))
            time = start[()] + first / start.attrs["rate"]
            assert trials["start_time"][row] == pytest.approx(time, abs=1e-9)
        assert invalid(file, "x") == []


def test_a_gate_as_long_as_the_ring_gives_every_trial_whole(tmp_path):
    session = counter_session(
        tmp_path / "s.json5",
        rate=24414.0625,
        channels=2,
        simulate={
            "stores": {
                "x": {"dec": 4, "size_max": 2000, "gate": {"trigger": 2, "length": "ring"}}
            },
        },
        buffer={"gated": True},
    )
    acquire(session, "--trigger=2", "--samples=2000", "--trials=5", "--interval=0.3")
    with h5py.File(tmp_path / "a.nwb.h5") as file:
        assert list(file["intervals/trials/n_samples"][:]) == [2000] * 5


def test_a_count_ends_a_trial_and_the_report_has_it(session):
    result = acquire(session, "--trigger=2", "--samples=1500", "--json")
    told = lines(result.stdout)[-1]
    assert (told["type"], told["exit"]) == ("report", 0)
    assert told["buffers"][0]["lost"] == 0
    assert told["trials"] == [{"first_sample": told["trials"][0]["first_sample"], "n_samples": 1500, "lost": 0}]


def test_a_store_that_does_not_go_on_ends_in_a_time_out_with_what_was_read(session):
    result = acquire(session, "--trigger=2", "--samples=6000", "--timeout=1", code=69)
    assert "buffer x: no new sample for 1.0 s; 5000 were read" in result.stderr
    with h5py.File(session.parent / "a.nwb.h5") as file:
        assert len(file["acquisition/x/data"]) >= 5000
        assert any("no new sample" in text for text in log(file, "error"))


@pytest.mark.parametrize(
    "words, code, message",
    [
        (["--trigger=11", "--samples=1"], 64, "--trigger 11: 1 … 10, A, B or none"),
        (["--trigger=1"], 64, "either --samples or --until is wanted"),
        (["--trigger=1", "--until=x=fast"], 64, "--until x=fast: TAG, TAG=NUMBER or TAG>=NUMBER"),
        (["--trigger=1", "--samples=1"], 64, "--trigger 1: 1 is the circuit's latch_trigger"),
        (["--trigger=2", "--until=running<=0"], 64, "running<=0: TAG, TAG=NUMBER or TAG>=NUMBER"),
        (["--trigger=2", "--until=running>0"], 64, "running>0: TAG, TAG=NUMBER or TAG>=NUMBER"),
        (["--trigger=2", "--until=running=="], 64, "running==: TAG, TAG=NUMBER or TAG>=NUMBER"),
        (["--trigger=2", "--until=absent"], 65, "no scalar tag absent to wait for; its scalars are count"),
        (["--trigger=2", "--until=x"], 65, "no scalar tag x"),
        (["--trigger=2", "--samples=1", "-b", "y"], 64, "the session has no buffer y; it has x"),
        (["--trigger=2", "--samples=0"], 64, "--samples 0: a whole number from 1"),
    ],
)
def test_what_cannot_be_acquired_is_said_and_leaves_no_file(session, words, code, message):
    result = acquire(session, *words, code=code)
    assert message in result.stderr
    assert not (session.parent / "a.nwb.h5").exists()


def test_trials_of_an_events_buffer_are_refused(session):
    text = json.loads(session.read_text())
    text["buffers"].append({"name": "E", "circuit": "rz", "kind": "events"})
    session.write_text(json.dumps(text))
    result = acquire(session, "--trigger=2", "--samples=1", "-b", "E", code=64)
    assert "buffer E of the session is one of events; trials are of samples: it has x" in result.stderr


def test_a_continuous_output_is_played_sample_for_sample(tmp_path):
    tone = np.sin(2 * np.pi * 50 * np.arange(9000) / 6103.515625).astype("f4")
    np.save(tmp_path / "tone.npy", tone[:, None])
    path = tmp_path / "s.json5"
    simulate = {
        "rate": 6103.515625,
        "speed": "max",
        "signals": {"mic": {"played_by": "spk"}},
        "stores": {"spk": {"size_max": 3000, "gate": {"trigger": 3, "length": "unlimited"}}},
    }
    session = {
        "session": {"id": "out", "description": "An output recorded back"},
        "circuits": [{"name": "rz", "latch_trigger": 1, "simulate": simulate}],
        "buffers": [{"name": "mic", "circuit": "rz", "channels": 1}],
        "outputs": [
            {"name": "spk", "circuit": "rz", "source": "tone.npy", "mode": "continuous", "trigger": 3}
        ],
        "run": {"duration_s": 3},
    }
    path.write_text(json.dumps(session))
    result = daqrec("record", path, "-o", "o.nwb.h5", "--json", cwd=tmp_path)
    assert report(result)["exit"] == 0
    with h5py.File(tmp_path / "o.nwb.h5") as file:
        heard = file["acquisition/mic/data"][:, 0]
        assert any("continuous of 9000 samples" in text for text in log(file, "output"))
        assert log(file, "underrun") == []
    # The first sample of the tone is 0: look for its second.
    first = int(np.argmax(heard != 0)) - 1
    assert np.array_equal(heard[first : first + 9000], tone)
    assert not heard[first + 9000 :].any()


def test_probe_lists_tags_and_every_attribute_of_a_buffer(session):
    result = daqrec("probe", session, "--json", cwd=session.parent)
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout)
    assert told["circuits"][0]["fs"] == 6103.515625
    assert {"name": "x", "type": 68, "size": 4000} in told["circuits"][0]["tags"]
    buffer = told["buffers"][0]
    assert (buffer["compression"], buffer["n_slots"], buffer["n_samples"], buffer["size"]) == (
        2,
        4000,
        8000,
        2000,
    )
    assert buffer["sample_time"] == 2000 / 6103.515625
    assert buffer["idx_tag"] == "x_i" and buffer["latch_trigger"] == 1


# What a recording survives, trials survive: they are acquired by the same recorder.


@pytest.fixture
def free_running(tmp_path):
    """Makes a session of a store that is always enabled, with faults by script."""

    def make(*faults, **parts):
        return counter_session(
            tmp_path / "s.json5",
            rate=6103.515625,
            channels=4,
            simulate={
                "latency": "none",
                "stores": {"x": {"size_max": 1500, "sf": 1}},
                "faults": list(faults),
                **parts.pop("simulate", {}),
            },
            **parts,
        )

    return make


def test_a_trial_without_a_trigger_goes_on_where_reading_was(free_running):
    session = free_running()
    told = lines(acquire(session, "--trigger=none", "--samples=700", "--trials=3", "--json").stdout)[-1]
    assert [trial["n_samples"] for trial in told["trials"]] == [700, 700, 700]
    assert [trial["first_sample"] for trial in told["trials"]] == [0, 700, 1400]
    with h5py.File(session.parent / "a.nwb.h5") as file:
        data = file["acquisition/x/data"][:]
        assert np.array_equal(data, counter(int(data[0, 0]), 2100, 4))


def test_what_a_trial_lost_is_declared_also_when_it_does_not_end(free_running):
    lap = {"at_s": 0.5, "kind": "lap", "times": 1.3}
    session = free_running(lap, {"at_s": 1.5, "kind": "halt"})
    result = acquire(
        session, "--trigger=none", "--samples=20000", "--timeout=1", "--poll=0.05", code=69)
    assert "buffer x: no new sample for 1.0 s" in result.stderr
    with h5py.File(session.parent / "a.nwb.h5") as file:
        gaps = invalid(file, "x")
        assert gaps and all(reason == "overrun" for _, _, reason in gaps)
        data = file["acquisition/x/data"][:]
        valid = np.ones(len(data), bool)
        for first, count, _ in gaps:
            valid[first : first + count] = False
            assert not data[first : first + count].any()
        expected = counter(int(data[0, 0]), len(data), 4)
        assert np.array_equal(data[valid], expected[valid])


def test_on_overrun_stop_ends_the_trials(free_running):
    lap = {"at_s": 0.5, "kind": "lap", "times": 1.3}
    session = free_running(lap, buffer={"on_overrun": "stop"})
    result = acquire(session, "--trigger=none", "--samples=20000", code=75)
    assert "trial 0 is not whole" in result.stderr


def test_a_scaling_factor_that_changes_is_marked_and_of_codes_it_ends_the_series(free_running):
    change = {"at_s": 0.5, "kind": "set_tag", "tag": "x_sf", "value": 20}
    session = free_running(change, buffer={"dest_type": "float32"})
    acquire(session, "--trigger=none", "--samples=6000")
    with h5py.File(session.parent / "a.nwb.h5") as file:
        marks = [(first, first + count) for first, count, why in invalid(file, "x") if why == "sf uncertain"]
        assert marks
        data = file["acquisition/x/data"][:, 0]
        before, after = data[: marks[0][0]], data[marks[-1][1] :]
        assert (np.diff(before) == 1).all() and np.allclose(np.diff(after), 1 / 20, atol=1e-4)
    (session.parent / "a.nwb.h5").unlink()
    result = acquire(free_running(change), "--trigger=none", "--samples=6000", code=75)
    assert "x_sf changed to 20.0: the series ends here" in result.stderr


@pytest.mark.parametrize("fault", [
    {"at_s": 0.5, "kind": "error"},
    {"at_s": 0.5, "kind": "disconnect", "for_s": 0.15},
])
def test_a_device_that_is_away_for_a_moment_costs_nothing(free_running, fault):
    session = free_running(fault)
    result = acquire(session, "--trigger=none", "--samples=6000", "--poll=0.02", "--json")
    assert lines(result.stdout)[-1]["buffers"][0]["lost"] == 0
    with h5py.File(session.parent / "a.nwb.h5") as file:
        data = file["acquisition/x/data"][:]
        assert np.array_equal(data, counter(int(data[0, 0]), 6000, 4))


@pytest.mark.parametrize("words", [["--trigger=2", "--interval=60"], ["--trigger=none", "--interval=0"]])
def test_interrupted_while_it_waits_it_ends_at_once_with_its_trials(tmp_path, words):
    """In real time: between trials, and for a store that nobody enables."""
    gate = {"trigger": 2, "length": 500}
    session = counter_session(
        tmp_path / "s.json5", speed=1, rate=6103.515625, channels=4,
        simulate={"stores": {"x": {"size_max": 1500, "gate": gate}}}, buffer={"gated": True})
    command = [DAQREC, "acquire", session, "-b", "x", *words, "--samples=500", "--trials=3", "-o", "a.nwb.h5"]
    running = subprocess.Popen(
        list(map(str, command)), cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    time.sleep(2)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert time.monotonic() - began < 20
    with h5py.File(tmp_path / "a.nwb.h5") as file:
        if words[0] == "--trigger=2":
            assert list(file["intervals/trials"]["n_samples"][:]) == [500]


def test_outputs_play_and_the_start_trigger_is_fired_during_trials(tmp_path):
    np.save(tmp_path / "tone.npy", np.arange(1, 3001, dtype="f4")[:, None])
    session = counter_session(
        tmp_path / "s.json5", rate=6103.515625, channels=1,
        simulate={
            "latency": "none",
            "signals": {"x": {"played_by": "spk"}},
            "stores": {
                "x": {"size_max": 3000, "gate": {"trigger": 4, "length": "unlimited"}},
                "spk": {"size_max": 3000, "gate": {"trigger": 2, "length": "ring"}},
            },
        },
        buffer={"src_type": "float32", "dest_type": "float32", "gated": True},
        outputs=[{"name": "spk", "circuit": "rz", "source": "tone.npy", "mode": "epoch"}],
    )
    text = json.loads(session.read_text())
    text["circuits"][0]["start_trigger"] = 4
    session.write_text(json.dumps(text))
    acquire(session, "--trigger=2", "--samples=4000")
    with h5py.File(tmp_path / "a.nwb.h5") as file:
        first = int(file["intervals/trials"]["first_sample"][0])
        heard = file["acquisition/x/data"][first : first + 4000, 0]
    onset = int(np.argmax(heard == 2)) - 1
    assert np.array_equal(heard[onset : onset + 3000], np.arange(1, 3001))


def test_probe_shows_outputs_with_their_tags_size_and_seconds(tmp_path):
    np.save(tmp_path / "tone.npy", np.zeros((10, 1), "f4"))
    session = counter_session(
        tmp_path / "s.json5",
        rate=2000,
        simulate={"stores": {"spk": {"size_max": 3000}}},
        outputs=[{"name": "speaker", "circuit": "rz", "data_tag": "spk", "source": "tone.npy"}],
    )
    told = json.loads(daqrec("probe", session, "--json", cwd=tmp_path).stdout)
    (output,) = told["outputs"]
    assert (output["name"], output["circuit"], output["data_tag"]) == ("speaker", "rz", "spk")
    assert (output["idx_tag"], output["size_tag"], output["sf_tag"]) == ("spk_i", "spk_n", "spk_sf")
    assert (output["size"], output["sample_time"]) == (3000, 1.5)
    assert output.keys() == told["buffers"][0].keys()
    text = daqrec("probe", session, cwd=tmp_path).stdout
    assert "\noutput speaker\n" in text and "\nbuffer x\n" in text


def test_a_buffer_without_a_cycle_tag_is_said_on_the_console(tmp_path):
    session = counter_session(
        tmp_path / "s.json5", duration=2, simulate={"stores": {"x": {"tags_absent": ["x_c"]}}}
    )
    for words in (["record", session], ["acquire", session, "-b", "x", "--trigger=none", "--samples=500"]):
        result = daqrec(*words, "-o", f"{words[0]}.nwb.h5", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert result.stderr.count("daqrec: x: index only (no cycle tag)") == 1
