"""The circuit's back end: which vendor calls, in which order, and what becomes of their faults."""

import struct

import pytest

from daqrec_bridge.errors import BridgeError
from fakes import com
from rig import CircuitRig


def fails(code, call, *arguments, **fields) -> str:
    with pytest.raises(BridgeError) as caught:
        call(*arguments, **fields)
    assert caught.value.code == code, caught.value
    return caught.value.message


def running(**options) -> CircuitRig:
    rig = CircuitRig(**options)
    rig.open()
    rig.ask("tdt.run")
    rig.recorder.clear()
    return rig


def test_opening_connects_lowers_the_triggers_loads_and_lists():
    rig = CircuitRig()
    body = rig.open()
    assert rig.recorder.calls[:9] == [
        ["ConnectRZ2", "GB", 1],
        ["ConnectZBUS", "GB"],
        ["zBusTrigA", 0, 2, 10],
        ["zBusTrigB", 0, 2, 10],
        ["Halt"],
        ["ClearCOF"],
        ["LoadCOF", "C:\\icms.rcx"],
        ["zBusTrigA", 0, 2, 10],
        ["zBusTrigB", 0, 2, 10],
    ]
    assert body["fs"] == 1000.0 and body["status"] == 3 and body["cycle_usage"] == 12
    assert {"name": "lfp", "type": 68, "size": 800} in body["tags"]
    assert {"name": "lfp_i", "type": 65, "size": 1} in body["tags"]
    assert {"name": "amp_gain", "type": 83, "size": 1} in body["tags"]
    assert not [tag for tag in body["tags"] if tag["name"].startswith("%")]


def test_a_rate_code_loads_at_that_rate_and_an_rp21_connects_as_an_rp2():
    rig = CircuitRig()
    rig.open(model="RP2.1", interface="USB", rate_code=3)
    assert rig.recorder.calls[0] == ["ConnectRP2", "USB", 1]
    assert rig.recorder.of("LoadCOFsf") == [["C:\\icms.rcx", 3.0]]


def test_a_circuit_can_come_in_the_blob():
    rig = CircuitRig()
    seen = []
    rig.recorder.fault("LoadCOF", lambda: seen.append(open(rig.recorder.calls[-1][1], "rb").read())
                       or 1)
    rig.ask("tdt.open", b"rcx bytes", model="RZ6", index=2)
    assert seen == [b"rcx bytes"]


def test_attaching_leaves_a_running_circuit_and_its_triggers_alone():
    rig = CircuitRig()
    rig.circuit.run()
    body = rig.open(attach=True)
    assert body["status"] == 7
    assert rig.recorder.names()[:5] == [
        "ConnectRZ2", "ConnectZBUS", "GetStatus", "ReadCOF", "GetNumOf"
    ]
    assert not {"Halt", "ClearCOF", "LoadCOF", "zBusTrigA", "Run"} & set(rig.recorder.names())


def test_attaching_to_a_circuit_that_does_not_run_is_refused():
    assert "status 1" in fails("not-running", CircuitRig().open, attach=True)


def test_running_waits_until_the_circuit_has_settled():
    rig = CircuitRig()
    rig.open()
    before = rig.clock.now()
    body = rig.ask("tdt.run")[0]
    assert body["status"] == 7 and rig.clock.now() - before == 250_000_000
    assert rig.ask("tdt.halt")[0]["status"] == 3
    assert rig.ask("tdt.status")[0] == {"status": 3, "cycle_usage": 12}


def test_a_poll_latches_reads_positions_words_latches_and_reads_positions_again():
    rig = running()
    rig.clock.wait(0.010)  # 260 ticks since Run: 2080 slots of a ring of 800: cycle 2, index 480
    ring, words, body = rig.poll(2000)
    assert rig.recorder.calls == [
        ["SoftTrg", 1],
        ["GetTagVal", "lfp_c"],
        ["GetTagVal", "lfp_i"],
        ["ReadTagVEX", "lfp", 400, 80, "I32", "I32", 1],
        ["SoftTrg", 1],
        ["GetTagVal", "lfp_c"],
        ["GetTagVal", "lfp_i"],
    ]
    assert ring == {
        "index": 480, "cycle": 2, "from": 2000, "count": 80, "index2": 480, "cycle2": 2
    }
    assert words == [com.word(slot) for slot in range(2000, 2080)]
    assert body["arrays"] == [{"name": "lfp", "type": "i32", "count": 80}]


def test_words_are_the_first_channel_low_and_the_second_high():
    rig = running()
    _, words, _ = rig.poll(1200, most=2)
    # Slot 1200 is tick 150: channels 0 … 3 store 150, 1150, 2150, 3150.
    assert words == [(1150 << 16) | 150, (3150 << 16) | 2150]


def test_a_wrapped_range_is_read_in_two_parts():
    rig = running()  # 250 ticks: 2000 slots
    ring, words, _ = rig.poll(1500)
    assert rig.recorder.of("ReadTagVEX") == [
        ["lfp", 700, 100, "I32", "I32", 1], ["lfp", 0, 400, "I32", "I32", 1]
    ]
    assert words == [com.word(slot) for slot in range(1500, 2000)] and ring["count"] == 500


def test_what_was_overwritten_is_skipped_and_max_slots_takes_the_oldest():
    ring, words, _ = running().poll(0, most=16)  # position 2000, size 800
    assert (ring["from"], ring["count"]) == (1200, 16)
    assert words == [com.word(slot) for slot in range(1200, 1216)]


def test_asked_ahead_of_the_position_nothing_comes():
    ring, words, _ = running().poll(2001)
    assert (ring["from"], ring["count"], words) == (2001, 0, [])


def test_without_a_cycle_the_count_is_the_distance_in_the_ring():
    ring, words, _ = running().poll(2700, cycle=None)  # index 400, from 2700 mod 800 = 300
    assert ring == {
        "index": 400, "cycle": None, "from": 2700, "count": 100, "index2": 400, "cycle2": None
    }
    assert words == [com.word(slot) for slot in range(1900, 2000)]


def test_the_second_position_shows_what_moved_while_words_travelled():
    rig = running()
    rig.recorder.costs["ReadTagVEX"] = 20_000_000  # 20 ms: 160 slots
    ring, _, body = rig.poll(1200)
    # 1200 … 2000 wraps: two reads.
    assert (ring["index"], ring["index2"], ring["cycle2"]) == (400, 720, 2)
    assert body["at2"][0] - body["at"][1] == 40_000_000


def test_brackets_enclose_the_latch_call():
    rig = running()
    rig.recorder.costs["SoftTrg"] = 3_000_000
    body = rig.poll(2000)[2]
    assert body["at"][1] - body["at"][0] == 3_000_000
    assert body["at2"][1] - body["at2"][0] == 3_000_000


def test_without_a_latch_cycle_index_cycle_are_read_until_the_cycles_agree():
    rig = running(latch=None)
    rig.clock.wait(0.047)  # slot 2376: the cycle is read at 298, the index at 299, the wrap is 300
    rig.recorder.costs["GetTagVal"] = 1_000_000
    ring, _, body = rig.poll(2000, latch=None)
    first = [call[1] for call in rig.recorder.calls if call[0] == "GetTagVal"][:5]
    assert first == ["lfp_c", "lfp_i", "lfp_c", "lfp_i", "lfp_c"]
    assert ring["cycle"] == 3 and ring["index"] < 100
    assert not rig.recorder.of("SoftTrg")
    assert body["at"][1] - body["at"][0] == 5_000_000


def test_a_cycle_that_never_holds_still_is_given_up_after_five_readings():
    rig = running(latch=None)
    cycles = iter(range(100))
    rig.recorder.fault("GetTagVal", lambda: float(next(cycles)))
    rig.poll(100, latch=None, most=0)
    assert len(rig.recorder.of("GetTagVal")) == 2 * (1 + 2 * 5)


def test_scalars_come_along_and_what_is_not_finite_is_null():
    rig = running()
    rig.circuit.values["amp_gain"] = float("nan")
    body = rig.ask("tdt.poll", latch=1, buffers=[], tags=["amp_gain", "lfp_sf"])[0]
    assert body["values"] == [None, 1.0]
    assert rig.ask("tdt.get", tags=["lfp_n"])[0] == {"values": [800.0]}


def test_setting_tags_tells_which_the_driver_took():
    rig = running()
    rig.recorder.fault("SetTagVal", 0, skip=1)
    body = rig.ask("tdt.set", tags={"amp_gain": 2, "lfp_sf": 3.5})[0]
    assert body == {"ok": [True, False]}
    assert rig.recorder.of("SetTagVal") == [["amp_gain", 2.0], ["lfp_sf", 3.5]]


@pytest.mark.parametrize("line, mode, call", [
    ("A", "pulse", ["zBusTrigA", 0, 0, 10]), ("B", "high", ["zBusTrigB", 0, 1, 10]),
    ("A", "low", ["zBusTrigA", 0, 2, 10]), (7, "pulse", ["SoftTrg", 7]),
])
def test_triggers(line, mode, call):
    rig = running()
    body = rig.ask("tdt.trigger", trigger=line, mode=mode)[0]
    assert rig.recorder.calls == [call] and len(body["at"]) == 2


@pytest.mark.parametrize("line, mode", [(0, "pulse"), (11, "pulse"), ("C", "pulse"), (1, "high"),
                                        (True, "pulse"), (None, "pulse"), ([], "pulse")])
def test_triggers_that_do_not_exist(line, mode):
    fails("bad-argument", running().ask, "tdt.trigger", trigger=line, mode=mode)


def test_floats_are_written_as_floats_in_two_parts_at_the_wrap():
    rig = running()
    rig.circuit.values["speaker_n"] = 100.0  # index 50, cycle 2 at tick 250
    blob = struct.pack("<40f", *range(40))
    body = rig.ask("tdt.write", blob, **{"data": "speaker", "from": 280, "type": "f32"})[0]
    writes = rig.recorder.of("WriteTagV")
    assert writes == [["speaker", 80, tuple(map(float, range(20)))],
                      ["speaker", 0, tuple(map(float, range(20, 40)))]]
    assert (body["written"], body["index"], body["cycle"]) == (40, 50, 2)


def test_integers_are_written_as_integers():
    rig = running()
    body = rig.ask("tdt.write", struct.pack("<2i", -5, 1 << 30),
                   **{"data": "speaker", "from": 300, "type": "i32"})[0]
    assert rig.recorder.of("WriteTagVEX") == [["speaker", 300, "I32", (-5.0, float(1 << 30))]]
    assert body["written"] == 2


def test_what_is_not_yet_played_is_not_overwritten():
    rig = running()
    rig.circuit.values["speaker_n"] = 100.0  # position 250: up to 350 may be queued
    body = rig.ask("tdt.write", bytes(4 * 60), **{"data": "speaker", "from": 320, "type": "i32"})[0]
    assert body["written"] == 30


@pytest.mark.parametrize("call, outcome, code", [
    ("ConnectRZ2", 0, "driver"), ("ConnectZBUS", 0, "driver"), ("LoadCOF", 0, "driver"),
    ("ClearCOF", 0, "driver"), ("ConnectRZ2", com.ComError("class not registered"), "driver"),
    ("GetNumOf", -1, "driver"),
])
def test_a_failed_opening_is_the_drivers_and_nothing_is_open(call, outcome, code):
    rig = CircuitRig()
    rig.recorder.fault(call, outcome)
    fails(code, rig.open)
    fails("not-open", rig.ask, "tdt.status")


def test_the_drivers_text_is_passed_on():
    rig = CircuitRig()
    rig.recorder.fault("LoadCOF", 0)
    assert "device not responding" in fails("driver", rig.open)


@pytest.mark.parametrize("call, outcome, code", [
    ("SoftTrg", 0, "driver"), ("SoftTrg", com.ComError("RPC server unavailable"), "driver"),
    ("GetTagVal", -1.0, "read-failed"), ("GetTagVal", float("nan"), "read-failed"),
    ("GetTagVal", None, "read-failed"), ("GetTagVal", com.ComError("gone"), "driver"),
    ("ReadTagVEX", -1, "read-failed"), ("ReadTagVEX", None, "read-failed"),
    ("ReadTagVEX", (), "read-failed"), ("ReadTagVEX", ((),), "read-failed"),
    ("ReadTagVEX", ((1, 2),), "read-failed"), ("ReadTagVEX", (("x",),), "read-failed"),
    ("ReadTagVEX", com.ComError("gone"), "driver"),
])
def test_faults_of_the_driver_in_a_poll(call, outcome, code):
    rig = running()
    rig.recorder.fault(call, outcome)
    fails(code, rig.poll, 1990)
    rig.recorder.mend(call)
    assert rig.poll(1990)[0]["count"] == 10


def test_a_flat_array_is_as_good_as_a_row():
    rig = running()
    rig.recorder.fault("ReadTagVEX", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10))
    assert rig.poll(1990)[1] == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


@pytest.mark.parametrize("change, code", [
    ({"data": "nothing"}, "no-such-tag"), ({"index": "nothing"}, "no-such-tag"),
    ({"cycle": "nothing"}, "no-such-tag"), ({"size": 801}, "bad-argument"),
    ({"size": 0}, "bad-argument"), ({"from": -1}, "bad-argument"), ({"index": "lfp"},
    "bad-argument"), ({"max_slots": 1.5}, "bad-argument"), ({"data": 5}, "bad-argument"),
])
def test_requests_that_make_no_sense_reach_no_driver(change, code):
    rig = running()
    request = {"data": "lfp", "index": "lfp_i", "cycle": "lfp_c", "from": 0, "max_slots": 9,
               "size": 800, **change}
    fails(code, rig.ask, "tdt.poll", latch=1, buffers=[request], tags=[])
    assert rig.recorder.calls == []


def test_the_reply_of_a_poll_always_fits_a_frame():
    rig = running(rate=1e6, slots=8_000_000)
    rig.clock.wait(1.0)
    rig.circuit.words = lambda tag, offset, count: [0] * count
    ring, words, _ = rig.poll(0, size=8_000_000, most=1 << 40)
    assert ring["count"] == (16 * 1024 * 1024 - (1 << 20)) // 4


def test_no_stop_of_the_bridge_touches_the_circuit():
    rig = running()
    rig.device.safe_stop("end of stdin")
    before, after = rig.device.emergency_stop()
    rig.device.after_emergency_stop()
    rig.device.release()
    assert rig.recorder.calls == [] and rig.circuit.status == 7 and before <= after


def test_an_armed_circuit_has_no_token():
    from daqrec_bridge.fields import Fields

    assert CircuitRig().device.arm(Fields({"ttl_ms": 1000, "limits": []})) == {}


def test_the_fakes_ring_holds_the_last_slot_written_at_each_place():
    rig = running()
    for step in (0.0, 0.0333, 65.5, 0.07):
        rig.clock.wait(step)
        position, size = rig.circuit.position("lfp"), 800
        for offset, count in ((0, 800), (390, 20), (799, 1), (0, 1), (7, 0)):
            expected = [
                com.word(position - 1 - (position - 1 - place) % size)
                for place in range(offset, offset + count)
            ]
            assert list(rig.circuit.words("lfp", offset, count)) == expected
