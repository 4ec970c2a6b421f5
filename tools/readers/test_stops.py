"""How a recording ends: by time, by signals, by kill -9."""

import signal
import time

import h5py
import pytest
from recorder import (
    STIMULATION, Recording, check_counter, counter_session, daqrec, lines, log, open_killed, report,
)

RATE = 2000


@pytest.fixture
def session(tmp_path):
    """Until stopped, in real time, with a stimulator."""
    return counter_session(tmp_path / "s.json5", speed=1, rate=RATE, **STIMULATION)


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_recording_cleanly(tmp_path, session, number, code):
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path, "--json") as recording:
        recording.wait_for(path, 2.5)
        recording.send(number)
        sent = time.monotonic()
        assert recording.end() == code, recording.said()
        assert time.monotonic() - sent < 2
        told = lines(recording.stdout)[-1]
    assert (told["exit"], told["reason"]) == (code, f"signal {int(number)}")
    with h5py.File(path) as file:
        frames = check_counter(file)
        assert frames == told["buffers"][0]["samples"] > RATE
        assert log(file, "stop") == [f"signal {int(number)}"]
        # Stimulator first: it was idle before the last samples came.
        kinds = file["events/recorder_log/kind"][:].tolist()
        texts = [text.decode() for text in file["events/recorder_log/annotation"][:]]
        times = file["events/recorder_log/timestamp"][:]
        idle = texts.index("stg: idle")
        assert idle < kinds.index(b"stop")
        series = file["acquisition/x"]
        end = series["starting_time"][()] + series["data"].shape[0] / RATE
        assert times[idle] <= end + 1 / RATE


def test_a_second_signal_does_no_harm(tmp_path, session):
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path) as recording:
        recording.wait_for(path, 2)
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            recording.send(number)
            time.sleep(0.02)
        assert recording.end() == 130, recording.said()
    with h5py.File(path) as file:
        assert check_counter(file) > RATE / 2


def test_a_signal_before_the_first_sample_leaves_nothing_unreadable(tmp_path, session):
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path) as recording:
        time.sleep(0.15)
        recording.send(signal.SIGINT)
        assert recording.end() == 130, recording.said()
    if path.exists():
        with h5py.File(path) as file:
            check_counter(file)
    assert {p.name for p in tmp_path.iterdir()} <= {"s.json5", "stderr.txt", "x.nwb.h5"}


def test_duration_counts_from_sample_zero(tmp_path):
    session = counter_session(tmp_path / "s.json5", rate=RATE, duration=60)
    result = daqrec("record", session, "--duration=7.5", "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    assert result.returncode == 0
    told = report(result)
    assert told["duration_s"] == pytest.approx(7.5, abs=0.002)
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        assert check_counter(file) == pytest.approx(7.5 * RATE, abs=0.02 * RATE)


@pytest.mark.parametrize("flush", [0.2, 1.0])
def test_killed_it_has_every_frame_up_to_the_promise(tmp_path, flush):
    """The counter says which frames are there; the promise is flush_s."""
    session = counter_session(
        tmp_path / "s.json5", speed=1, rate=RATE, file={"flush_s": flush}, **STIMULATION
    )
    path = tmp_path / "x.nwb.h5"
    with Recording(tmp_path, session, "-o", path) as recording:
        recording.wait_for(path, 3)
        killed = time.monotonic()
        recording.kill()
    with open_killed(path) as file:
        frames = check_counter(file)
        host = file["acquisition/rz_clock/data"]
        start = file["acquisition/x/starting_time"][()]
        zero = file["acquisition/rz_clock/sync"].attrs["t0_monotonic_ns"] * 1e-9
        assert len(host) > 0
        # The simulated circuit runs at its nominal rate on this host's monotonic clock.
        made = (killed - zero - start) * RATE
        assert made - frames <= flush * RATE, f"{(made - frames) / RATE} s are lost"
    with pytest.raises(OSError):
        h5py.File(path)
    info = daqrec("info", path, "--json", cwd=tmp_path)
    assert info.returncode == 0, info.stderr
    state = lines(info.stdout)[0]
    assert state["state"] == "killed", state["state"]
    assert state["series"][0]["samples"] == frames
