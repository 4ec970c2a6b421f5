"""The probe settles on behaving devices what they were told to do."""

import json

import pytest

from daqrec_bridge import probe
from daqrec_bridge.settings import Settings
from rig import CircuitRig, StimulatorRig


def run(rig, tmp_path, *words) -> dict:
    path = tmp_path / "probe.json"
    assert probe.main([*words, "-o", str(path)], rig.clock) == 0
    return json.loads(path.read_text())


@pytest.mark.parametrize("msb", [False, True])
@pytest.mark.parametrize("wraps", [False, True])
def test_pack_order_and_overflow_are_read_from_the_slots(tmp_path, msb, wraps):
    rig = CircuitRig(rate=24414.0625)
    rig.circuit.msb, rig.circuit.overflow_wraps = msb, wraps
    rig.recorder.costs["GetTagVal"] = 250_000
    found = run(rig, tmp_path, "--device", "tdt", "--circuit", "probe.rcx")
    assert found["settings"] == {
        "pack_order": "msb" if msb else "lsb", "overflow": "wrap" if wraps else "saturate"
    }
    assert found["measured"]["latency_ms"]["GetTagVal"]["median"] == 0.25
    assert found["measured"]["tag_types"]["lfp"] == 68
    assert rig.circuit.status & 4 == 0, "halted again"


def test_slots_that_fit_neither_order_settle_nothing(tmp_path):
    rig = CircuitRig(rate=24414.0625)
    rig.circuit._probe_word = lambda: 0
    found = run(rig, tmp_path, "--device", "tdt", "--circuit", "probe.rcx")
    assert found["settings"] == {"pack_order": None, "overflow": None}


@pytest.mark.parametrize("done", ["sent", "output"])
@pytest.mark.parametrize("buffered", ["samples", "bytes"])
def test_the_counters_of_the_stimulator_are_told_apart(tmp_path, done, buffered):
    rig = StimulatorRig(done, buffered)
    found = run(rig, tmp_path, "--device", "stg", "--outputs-open")
    assert found["settings"] == {"frames_done": done, "frames_buffered": buffered}
    measured = found["measured"]
    assert measured["ring_asked"] - measured["ring_made"] == 1
    assert measured["bytes_per_sample_if_half_full"] == 2
    assert measured["enqueue_of_100_returned"] == 200
    assert abs(measured["frames_done_per_second"] - 50_000) < 2500
    assert rig.hardware.put_out == [] and not rig.hardware.connected
    # What it wrote is what --settings reads.
    settings = Settings.load(str(tmp_path / "probe.json"))
    assert (settings.frames_done, settings.frames_buffered) == (done, buffered)


def test_whatever_fails_the_stimulator_is_stopped_and_let_go(tmp_path):
    rig = StimulatorRig()
    rig.recorder.fault("GetFramesDone", -1, skip=0)
    rig.recorder.fault("SetCapacity", 5)
    assert probe.main(["--device", "stg", "--outputs-open"], rig.clock) == 69
    assert rig.recorder.names()[-3:] == ["SendStop", "StopLoop", "Disconnect"]


def test_it_does_not_begin_without_being_told_that_it_may(capsys):
    assert probe.main(["--device", "stg"]) == 64
    assert probe.main(["--device", "tdt"]) == 64
    assert "--outputs-open" in capsys.readouterr().err
