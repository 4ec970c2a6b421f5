"""What circuits play: the outputs of a session, recorded by a buffer of the same circuit."""

import re
import wave

import h5py
import numpy as np
import pytest
from recorder import counter_session, daqrec, lines, report

RATE = 6103.515625


def session(folder, *, size, duration=4, output=None, store=None, channels=1, **simulate):
    """A session whose buffer `x` records what the output `spk` plays."""
    return counter_session(
        folder / "s.json5", rate=RATE, channels=channels, duration=duration,
        simulate={
            "signals": {"x": {"played_by": "spk"}},
            "stores": {"spk": {"size_max": size, **(store or {})}},
            **simulate,
        },
        buffer={"src_type": "float32", "dest_type": "float32"},
        outputs=[{"name": "spk", "circuit": "rz", "channels": channels, **(output or {})}],
    )


def array(folder, values):
    np.save(folder / "a.npy", np.asarray(values, "f4"))
    return "a.npy"


def sound(folder, values, rate):
    with wave.open(str(folder / "a.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.asarray(values, "<i2").tobytes())
    return "a.wav"


def play(folder, path, *options, code=0):
    """Records; returns what was heard with its times, the log, and the report."""
    result = daqrec("record", path, "-o", "o.nwb.h5", "--json", *options, cwd=folder)
    assert result.returncode == code, result.stderr
    told = report(result)
    with h5py.File(folder / "o.nwb.h5") as file:
        series = file["acquisition/x"]
        heard = series["data"][:]
        times = series["starting_time"][()] + np.arange(len(heard)) / RATE
        table = file["events/recorder_log"]
        rows = [
            (time, kind.decode(), text.decode())
            for time, kind, text in zip(
                table["timestamp"][:], table["kind"][:], table["annotation"][:]
            )
        ]
    (output,) = told["outputs"]
    return heard, times, rows, output, result


def moments(rows, pattern):
    """The times, half widths and groups of the output rows whose text has the pattern."""
    found = []
    for time, kind, text in rows:
        match = re.search(pattern + r".* at this time ± (\d+) µs", text)
        if kind == "output" and match:
            found.append((time, int(match.groups()[-1]) * 1e-6, *match.groups()[:-1]))
    return found


def refused(folder, path):
    """The one line that says why nothing was recorded."""
    result = daqrec("record", path, "-o", "o.nwb.h5", "--json", cwd=folder)
    assert result.returncode == 65, result.stderr
    assert not (folder / "o.nwb.h5").exists()
    (error,) = lines(result.stdout)
    assert error["code"] == 65
    return error["message"]


def test_an_epoch_is_played_from_its_first_value_when_it_is_triggered(tmp_path):
    path = session(
        tmp_path, size=6000, store={"gate": {"trigger": 2, "length": "ring"}},
        output={"source": array(tmp_path, np.arange(1, 5001)), "mode": "epoch", "trigger": 2},
    )
    heard, times, rows, output, _ = play(tmp_path, path)
    # Its first value is on the output before it is enabled.
    onset = np.flatnonzero(heard[:, 0] == 2)[0] - 1
    assert (heard[onset : onset + 5000, 0] == np.arange(1, 5001)).all()
    ((time, width),) = moments(rows, "epoch of 5000 samples from .*; triggered")
    assert abs(times[onset] - time) < width < 0.003
    assert output == {
        "name": "spk", "underruns": 0, "stale_samples": 0, "saturated": 0, "failure": None,
    }


@pytest.mark.parametrize("latency, size", [("none", 50), ("none", 250), ("optical", 1500), ("usb", 6000)])
def test_continuous_output_is_heard_whole_however_short_its_ring(tmp_path, latency, size):
    path = session(
        tmp_path, size=size, latency=latency,
        output={"source": array(tmp_path, np.arange(1, 10001)), "mode": "continuous"},
    )
    heard, times, rows, output, _ = play(tmp_path, path)
    onset = np.flatnonzero(heard[:, 0] == 1)[0]
    assert not heard[:onset].any()
    assert (heard[onset : onset + 10000, 0] == np.arange(1, 10001)).all()
    assert not heard[onset + 10000 :].any()
    assert output["underruns"] == 0
    ((time, width),) = moments(rows, "continuous of 10000 samples from .*; sample 0 was put out")
    assert abs(times[onset] - time) < width < 0.01
    ((time, width),) = moments(rows, "its last sample was put out")
    assert abs(times[onset + 9999] - time) < width < 0.01


def test_no_poll_interval_makes_an_output_run_dry(tmp_path):
    path = session(
        tmp_path, size=600, latency="none",
        output={"source": array(tmp_path, np.arange(1, 10001)), "mode": "continuous"},
    )
    *_, output, _ = play(tmp_path, path, "--set=circuits.0.poll_ms=150")
    assert output["underruns"] == 0


def test_integers_of_several_channels_are_scaled(tmp_path):
    values = np.stack([np.arange(5000), -np.arange(5000)], axis=1) / 100
    path = session(
        tmp_path, size=3000, channels=2, store={"sf": 100},
        output={
            "source": array(tmp_path, values), "mode": "continuous", "src_type": "int16",
            "pack_order": "msb",
        },
    )
    heard, *_ = play(tmp_path, path)
    onset = np.flatnonzero(heard[:, 0])[0] - 1
    assert np.allclose(heard[onset : onset + 5000], values, atol=1e-5)


def test_the_tags_of_an_output_can_be_named(tmp_path):
    path = session(
        tmp_path, size=6000,
        output={
            "source": array(tmp_path, np.arange(1, 101)), "mode": "epoch", "idx_tag": "where",
            "size_tag": "long", "sf_tag": "scale", "cycle_tag": "laps",
        },
    )
    heard, times, rows, *_ = play(tmp_path, path)
    # Again and again while the circuit runs, until it is silenced.
    assert set(heard[1000:20000, 0]) == set(range(1, 101))
    ((time, width, frame),) = moments(rows, r"epoch of 100 samples from .*; frame (\d+) of the store")
    near = np.abs(times - time) < width
    assert int(frame) % 100 + 1 in heard[near, 0]
    assert width < 0.006
    probed = daqrec("probe", path, "--json", cwd=tmp_path)
    tags = {tag["name"] for tag in lines(probed.stdout)[0]["circuits"][0]["tags"]}
    assert {"spk", "where", "long", "scale", "laps"} <= tags
    assert "spk_i" not in tags


def test_an_output_that_ran_dry_is_counted_and_goes_on(tmp_path):
    path = session(
        tmp_path, size=1500,
        output={"source": array(tmp_path, np.arange(1, 200_001)), "mode": "continuous"},
        faults=[{"kind": "latency", "at_s": 2, "for_s": 0.6}],
    )
    heard, times, rows, output, result = play(tmp_path, path, code=75)
    assert output["underruns"] == 1
    # The ring lasts for 1500 of the 0.6 s in which nothing is queued.
    assert 0.6 * RATE - 1500 < output["stale_samples"] < 0.7 * RATE
    assert [text for _, kind, text in rows if kind == "underrun"] == [
        f"spk: ran dry: {output['stale_samples']} frames of stale data so far"
    ]
    assert f"spk: UNDERRUNS 1, stale samples {output['stale_samples']}\n" in result.stderr
    # Where it goes on is logged, with its time: nothing of it is left out.
    (zero, _, first), (again, width, number) = moments(rows, r"sample (\d+) was put out")
    start = np.flatnonzero(heard[:, 0] == 1)[0]
    number = int(number)
    resumed = start + number + output["stale_samples"]
    assert first == "0"
    assert abs(times[resumed] - again) < width < 0.01
    assert (heard[start : start + number, 0] == np.arange(number) + 1).all()
    assert (heard[resumed : resumed + 1000, 0] == np.arange(number, number + 1000) + 1).all()


def test_what_the_type_cannot_hold_is_counted_before_it_is_played(tmp_path):
    path = session(
        tmp_path, size=6000, duration=2,
        output={
            "source": array(tmp_path, np.arange(1, 40001)), "mode": "continuous",
            "src_type": "int16",
        },
    )
    _, _, rows, output, result = play(tmp_path, path)
    # int16 ends at 32767.
    assert output["saturated"] == 7233
    ((_, text),) = [(time, text) for time, kind, text in rows if kind == "saturated"]
    assert text.startswith("spk: 7233 samples of ") and text.endswith("beyond int16 and limited to it")
    assert result.stderr.count("7233 samples of") == 1
    assert "saturated samples 7233" in result.stderr


def test_a_sound_of_another_rate_is_refused_with_both_rates(tmp_path):
    path = session(tmp_path, size=60000, output={"source": sound(tmp_path, [1] * 100, 44100)})
    assert refused(tmp_path, path).endswith(
        "/a.wav has 44100.0 samples a second, but 6103.515625 are played; resample it, or give a "
        ".npy file, which has no rate"
    )


def test_a_sound_of_nearly_the_rate_is_played(tmp_path):
    path = session(
        tmp_path, size=6000, output={"source": sound(tmp_path, [16384, -16384, 8192], 6104)}
    )
    heard, *_ = play(tmp_path, path)
    assert set(heard[1000:20000, 0]) == {0.5, -0.5, 0.25}


def test_what_cannot_be_loaded_is_refused_before_anything_is_recorded(tmp_path):
    source = array(tmp_path, np.arange(5000))
    path = session(tmp_path, size=4000, output={"source": source})
    assert refused(tmp_path, path) == (
        f"output spk: {tmp_path}/a.npy: 5000 frames are not allowed: 1 … 4000, what the circuit has "
        "memory for"
    )
    path = session(tmp_path, size=6000, store={"tags_absent": ["spk_n"]}, output={"source": source})
    assert refused(tmp_path, path) == (
        f"output spk: {tmp_path}/a.npy: 5000 frames are not allowed: exactly 6000, for the circuit "
        "has no tag spk_n that sets the size (another name: size_tag)"
    )
