"""The stimulator's back end: vendor calls, their order, and every way to fall silent.

50 kHz: 50 samples a millisecond. The ring holds 2500 (50 ms), the device's 10 000 bytes are 5000
samples, kept half full.
"""

import threading

import pytest

from daqrec_bridge.errors import BridgeError
from fakes import net
from rig import StimulatorRig

PULSE = [200] * 10 + [-200] * 10 + [0] * 480


def fails(code, call, *arguments, **fields) -> str:
    with pytest.raises(BridgeError) as caught:
        call(*arguments, **fields)
    assert caught.value.code == code, caught.value
    return caught.value.message


def running(**options) -> StimulatorRig:
    return StimulatorRig(**options).ready().run()


def test_opening_connects_stops_what_may_still_run_and_describes():
    rig = StimulatorRig()
    body = rig.ask("stg.open")
    assert rig.recorder.names()[:4] == [
        "Initialize", "GetNumberOfDevices", "CStg200xDownloadNet", "Connect"
    ]
    assert rig.recorder.calls[-1] == ["SendStop", 15]
    assert body == {
        "name": "STG4004", "serial": "40123", "version": "software 1.23, hardware Rev. 4",
        "dac_bits": 14, "channels": 4, "triggers": 4,
        "range_nA": [16_000_000] * 4, "resolution_nA": [2000] * 4,
        "range_uV": [8_000_000] * 4, "resolution_uV": [1000] * 4, "memory_bytes": 8_000_000,
    }


def test_configuring_follows_the_order_of_use_and_reads_back():
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.recorder.clear()
    body = rig.ask("stg.configure", **rig.setup(continuous=False))
    assert rig.recorder.calls == [
        ["Disconnect"],
        ["CStg200xStreamingNet", 2501],
        ["Connect", "STG4004 40123"],
        ["SendStop", 15],
        ["SetCurrentMode"],
        ["DisableContinousMode"],
        ["SetCapacity", [10_000] * 4],
        ["SetupTrigger", [1, 2, 4, 8], [1, 2, 4, 8], [1, 2, 4, 8], [0] * 4, [10] * 4],
        ["SetOutputRate", 50_000],
        ["GetOutputRate"],
        ["GetCapacity", None],
        ["GetTrigger", None, None, None, None],
        ["GetDataQueueSpace", 0],
    ]
    assert body == rig.setup(continuous=False)


def test_prefill_loop_one_second_start():
    rig = StimulatorRig().ready()
    rig.feed((0, "signal", 0, PULSE))
    rig.recorder.clear()
    before = rig.clock.now()
    at = rig.ask("stg.start", triggers=1)["at"]
    assert rig.recorder.calls == [["StartLoop"], ["SendStart", 1]]
    assert at[0] - before == 1_000_000_000 and rig.hardware.running == 1
    # A second trigger needs no second loop.
    rig.ask("stg.start", triggers=2)
    assert rig.recorder.names() == ["StartLoop", "SendStart", "SendStart"]


def test_what_was_fed_is_what_comes_out():
    rig = StimulatorRig().ready()
    rig.feed((0, "signal", 0, PULSE), (0, "sync", 0, [1] * 50 + [0] * 450))
    rig.ask("stg.start", triggers=1)
    rig.clock.wait(0.1)
    expected = [(place, 0, code) for place, code in enumerate(PULSE) if code]
    assert rig.hardware.put_out == expected
    assert rig.hardware.sync_out == [(place, 0) for place in range(50)]


def test_a_feed_is_one_enqueue_a_chunk_with_typed_arrays():
    rig = StimulatorRig().ready()
    rig.recorder.clear()
    body = rig.feed((0, "signal", 0, PULSE), (0, "sync", 0, [1] * 50 + [0] * 450))
    assert rig.recorder.of("EnqueueData") == [[0, ["…", 500, 0, 200, 0]]]
    assert rig.recorder.of("EnqueueSyncout") == [[0, ["…", 500, 50, 1, 0]]]
    assert body["accepted"] == [500, 500] and body["space"] == [2000, 2000]
    assert body["frames_done"] == 0 and body["frames_buffered"] == [0] * 4
    assert body["underrun"] is False and body["steady"] is True


def test_a_repeated_chunk_is_accepted_as_nothing_and_an_overlap_as_its_new_part():
    rig = StimulatorRig().ready()
    assert rig.feed((0, "signal", 0, PULSE))["accepted"] == [500]
    assert rig.feed((0, "signal", 0, PULSE))["accepted"] == [0]
    assert rig.feed((0, "signal", 400, [0] * 150))["accepted"] == [50]
    assert [call[1][1] for call in rig.recorder.of("EnqueueData")] == [500, 50]


def test_a_gap_is_refused_and_nothing_of_that_feed_is_queued():
    rig = StimulatorRig().ready()
    rig.recorder.clear()
    message = fails("bad-argument", rig.feed, (0, "signal", 0, PULSE), (1, "signal", 1, [0]))
    assert "channel 1, signal: a gap from 0 to 1" in message
    assert rig.recorder.of("EnqueueData") == []


def test_two_chunks_of_one_channel_follow_each_other():
    rig = StimulatorRig().ready()
    body = rig.feed((0, "signal", 0, PULSE), (0, "signal", 500, PULSE))
    assert body["accepted"] == [500, 500]


def test_what_does_not_fit_the_ring_is_cut_where_the_signal_is_zero():
    rig = StimulatorRig().ready()
    # 2400 zeros and a pulse of 20: the 80 that fit end in the pulse, so only the zeros go.
    assert rig.feed((0, "signal", 0, [0] * 2400))["accepted"] == [2400]
    body = rig.feed((0, "signal", 2400, [0] * 90 + [200] * 10 + [-200] * 10 + [0] * 40))
    assert (body["accepted"], body["space"]) == ([90], [10])


def test_a_chunk_behind_one_that_was_cut_waits_for_its_turn():
    rig = StimulatorRig().ready()
    body = rig.feed((0, "signal", 0, [0] * 3000), (0, "signal", 3000, [0] * 100))
    assert body["accepted"] == [2500, 0]


def test_at_most_the_queue_allowed_is_taken_ahead():
    rig = StimulatorRig().ready(ring_samples=100_000)
    rig.arm(queue_max_ms=100)
    body = rig.feed((0, "signal", 0, [0] * 20_000))
    assert body["accepted"] == [5000] and body["space"] == [95_000]


def test_the_queue_ahead_is_counted_from_what_has_left():
    rig = running()
    rig.clock.wait(0.02)
    body = rig.feed((0, "signal", 2500, [0] * 20_000))
    assert body["frames_done"] == 1000
    # 12 500 ahead are allowed, 1500 are; the ring is the tighter bound.
    assert body["accepted"] == [2500]


@pytest.mark.parametrize("frames_done", ["sent", "output"])
@pytest.mark.parametrize("frames_buffered", ["samples", "bytes"])
def test_counters_mean_the_same_whatever_the_vendor_counts(frames_done, frames_buffered):
    rig = StimulatorRig(frames_done, frames_buffered).ready(ring_samples=6000).run(6000)
    rig.clock.wait(0.04)
    body = rig.feed()
    # 2000 have left; the device's half-full ring holds 2500.
    assert body["frames_done"] == 2000 and body["frames_buffered"] == [2500, 0, 0, 0]


def test_counters_that_move_are_read_again_and_told_apart_if_they_never_hold():
    rig = StimulatorRig().ready(ring_samples=6000).run(6000)
    rig.recorder.costs["GetFramesBuffered"] = 1_000_000
    body = rig.feed()
    assert body["steady"] is False and len(rig.recorder.of("GetFramesDone")) == 10


def test_an_underrun_is_told_once_by_the_next_feed():
    rig = running()
    rig.clock.wait(0.2)
    assert rig.feed()["underrun"] is True
    assert rig.feed()["underrun"] is False


def test_an_underrun_nobody_asks_about_is_an_event_and_still_in_the_next_feed():
    rig = running()
    assert rig.device.idle() == []
    rig.clock.wait(0.2)
    assert rig.device.idle() == [("underrun", "a ring ran dry")]
    assert rig.device.idle() == []
    assert rig.feed()["underrun"] is True


def test_codes_beyond_the_limits_are_refused_before_they_are_queued():
    rig = StimulatorRig().ready()
    rig.recorder.clear()
    assert "beyond 0.2 mA" in fails("limit", rig.feed, (0, "signal", 0, [404, 0]))
    assert "beyond 40 nC" in fails("limit", rig.feed, (0, "signal", 0, [200] * 21 + [0]))
    assert rig.recorder.of("EnqueueData") == []
    assert rig.feed((0, "signal", 0, PULSE))["accepted"] == [500]


def test_a_channel_without_limits_takes_zeros_only():
    rig = StimulatorRig().ready()
    rig.arm(limits=[{"channels": [0], "max_mA": 0.2, "max_charge_nC": 40}])
    assert rig.feed((1, "signal", 0, [0] * 100))["accepted"] == [100]
    fails("limit", rig.feed, (1, "signal", 100, [4, 0]))


def test_no_arming_without_limits_and_no_queue_beyond_250_ms():
    rig = StimulatorRig()
    fails("limit", rig.arm, limits=[])
    fails("bad-argument", rig.arm, queue_max_ms=251)


def test_start_feed_and_download_need_the_token_of_the_last_arm():
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.ask("stg.configure", **rig.setup())
    fails("not-armed", rig.feed)
    rig.arm()
    old = rig.token
    rig.arm()
    assert rig.token != old
    for operation in ("stg.feed", "stg.start", "stg.download"):
        fails("token", rig.ask, operation, token=old, chunks=[], triggers=1)
        fails("bad-argument", rig.ask, operation, token=None, chunks=[], triggers=1)


def test_capacity_beyond_the_memory_names_both_numbers():
    rig = StimulatorRig()
    rig.ask("stg.open")
    message = fails("capacity", rig.ask, "stg.configure",
                    **rig.setup(capacity_bytes=[2_000_001] * 4))
    assert "2000001" in message and "2000000" in message


@pytest.mark.parametrize("change", [
    {"mode": "amps"}, {"rate": 60_000}, {"capacity_bytes": [1]}, {"ring_samples": 0},
    {"channel_map": [16, 0, 0, 0]}, {"autostart": [1, 0, 0, 0]}, {"callback_percent": 101},
    {"continuous": 1}, {"sync_map": [-1, 0, 0, 0]},
])
def test_setups_that_make_no_sense_reach_no_driver(change):
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.recorder.clear()
    fails("bad-argument", rig.ask, "stg.configure", **rig.setup(**change))
    assert rig.recorder.calls == []


def test_a_rate_that_does_not_read_back_is_refused_and_the_device_let_go():
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.recorder.fault("GetOutputRate", 10_000)
    assert "10000 Hz, not 50000" in fails("driver", rig.ask, "stg.configure", **rig.setup())
    assert rig.recorder.names()[-1] == "Disconnect"
    fails("not-open", rig.ask, "stg.configure", **rig.setup())


def test_nothing_works_out_of_order():
    rig = StimulatorRig()
    fails("not-open", rig.ask, "stg.configure", **rig.setup())
    fails("not-open", rig.ask, "stg.stop", triggers=1)
    rig.arm()
    fails("not-open", rig.feed)
    rig.ask("stg.open")
    fails("not-open", rig.feed)
    # Whatever lies in the device's memory was not checked by us: it is not started.
    fails("not-open", rig.ask, "stg.start", triggers=1)
    rig.ask("stg.configure", **rig.setup())
    fails("bad-argument", rig.ask, "stg.start", triggers=16)
    fails("bad-argument", rig.ask, "stg.start", triggers=0)
    rig.feed((0, "signal", 0, [0] * 100))
    rig.ask("stg.start", triggers=1)
    fails("busy", rig.ask, "stg.open")
    fails("busy", rig.ask, "stg.configure", **rig.setup())
    fails("busy", rig.ask, "stg.download", channel=0, amplitudes_nA=[0], durations_us=[20],
          repeat=1)


def test_a_stop_stops_its_triggers_and_the_last_one_ends_the_loop():
    rig = StimulatorRig().ready()
    rig.feed((0, "signal", 0, [0] * 100), (1, "signal", 0, [0] * 100))
    rig.ask("stg.start", triggers=3)
    rig.recorder.clear()
    rig.ask("stg.stop", triggers=1)
    assert rig.recorder.calls == [["SendStop", 1]]
    rig.ask("stg.stop", triggers=2)
    assert rig.recorder.calls[1:] == [["SendStop", 2], ["StopLoop"]]
    fails("not-open", rig.feed)
    rig.ask("stg.configure", **rig.setup())


def test_a_graceful_stop_lets_out_what_is_queued():
    rig = running()
    rig.feed((0, "signal", 2500, PULSE * 2))
    rig.ask("stg.stop", triggers=1, graceful=True)
    assert len(rig.hardware.put_out) == 40
    assert rig.hardware.running == 0


def test_a_graceful_stop_is_over_within_the_queue_and_50_ms():
    rig = running()
    rig.recorder.fault("GetFramesDone", 0)
    before = rig.clock.now()
    rig.ask("stg.stop", triggers=1, graceful=True)
    assert rig.clock.now() - before <= 310_000_000


STOPPED = ["SendStop", "StopLoop", "Disconnect"]


def stopping(rig):
    return [name for name in rig.recorder.names() if name in STOPPED]


def test_the_safe_stop_drains_stops_stops_the_loop_and_disconnects():
    rig = running()
    rig.feed((0, "signal", 2500, PULSE))
    rig.recorder.clear()
    before = rig.clock.now()
    rig.device.safe_stop("end of stdin")
    assert stopping(rig) == STOPPED and rig.recorder.of("SendStop") == [[15]]
    assert rig.recorder.names().index("GetFramesDone") < rig.recorder.names().index("SendStop")
    assert len(rig.hardware.put_out) == 20, "the pulse is whole"
    assert rig.clock.now() - before < 400_000_000
    assert not rig.hardware.running and not rig.hardware.looping and not rig.hardware.connected


def test_a_second_safe_stop_finds_nothing_to_do():
    rig = running()
    rig.device.safe_stop("one")
    rig.recorder.clear()
    rig.device.safe_stop("two")
    rig.device.release()
    assert rig.recorder.calls == []


@pytest.mark.parametrize("broken", ["GetFramesDone", "GetFramesBuffered", "SendStop", "StopLoop"])
@pytest.mark.parametrize("outcome", [net.DotNetError("gone"), -1, None, "nonsense"])
def test_whatever_breaks_while_stopping_the_next_step_is_taken(broken, outcome):
    rig = running()
    rig.recorder.fault(broken, outcome)
    rig.device.safe_stop("driver")
    assert stopping(rig) == STOPPED


def test_a_stop_does_not_wait_for_a_call_that_hangs():
    rig = running()
    gate, entered = threading.Event(), threading.Event()
    rig.recorder.fault("GetDataQueueSpace", lambda: (entered.set(), gate.wait(5), 2500)[-1])
    results = []

    def work():
        try:
            rig.feed((0, "signal", 2500, PULSE))
        except BridgeError as error:
            results.append(error.code)

    worker = threading.Thread(target=work)
    worker.start()
    assert entered.wait(5)
    rig.device.safe_stop("heartbeat")
    assert stopping(rig) == STOPPED
    gate.set()
    worker.join(5)
    # What the worker came back with cannot go anywhere.
    assert results == ["heartbeat"] and not rig.recorder.of("EnqueueData")


def test_an_emergency_stop_is_one_call_and_the_loop_ends_after_it():
    rig = running()
    rig.feed((0, "signal", 2500, PULSE))
    rig.recorder.clear()
    rig.recorder.costs["SendStop"] = 2_000_000
    before, after = rig.device.emergency_stop()
    assert rig.recorder.calls == [["SendStop", 15]] and after - before == 2_000_000
    rig.device.after_emergency_stop()
    assert rig.recorder.calls[1:] == [["StopLoop"]]
    assert rig.hardware.put_out == []


def test_after_an_emergency_stop_nothing_goes_until_armed_and_configured():
    rig = running()
    rig.device.emergency_stop()
    rig.device.after_emergency_stop()
    fails("not-armed", rig.feed)
    rig.arm()
    fails("not-open", rig.feed)
    rig.ask("stg.configure", **rig.setup())
    rig.feed((0, "signal", 0, PULSE))
    rig.ask("stg.start", triggers=1)
    rig.clock.wait(0.05)
    assert len(rig.hardware.put_out) == 20


def test_an_emergency_stop_ends_the_second_that_a_start_waits():
    rig = StimulatorRig().ready()
    rig.feed((0, "signal", 0, PULSE))
    rig.recorder.fault("StartLoop", lambda: rig.device.emergency_stop() and None)
    fails("estop", rig.ask, "stg.start", triggers=1)
    assert rig.recorder.of("SendStart") == []


def test_an_emergency_stop_that_fails_says_so():
    rig = running()
    rig.recorder.fault("SendStop", net.DotNetError("gone"))
    fails("driver", rig.device.emergency_stop)


@pytest.mark.parametrize("call, outcome", [
    ("EnqueueData", net.DotNetError("USB error")), ("EnqueueData", 7), ("EnqueueData", -1),
    ("EnqueueData", False), ("GetDataQueueSpace", -1), ("GetDataQueueSpace", None),
    ("GetFramesDone", -1), ("GetFramesBuffered", net.DotNetError("gone")),
])
def test_faults_of_the_driver_in_a_feed_are_faults_of_a_running_stimulator(call, outcome):
    rig = running()
    rig.recorder.fault(call, outcome)
    fails("driver", rig.feed, (0, "signal", 2500, PULSE))
    assert rig.device.must_stop


def test_a_device_that_is_unplugged_is_noticed_while_nobody_asks():
    rig = running()
    rig.hardware.connected = False
    assert "disconnected" in fails("driver", rig.device.idle)


def test_a_device_that_is_unplugged_while_it_runs_a_download_is_noticed_too():
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.arm()
    rig.ask("stg.download", channel=0, amplitudes_nA=[0], durations_us=[20], repeat=1)
    assert rig.device.idle() == []
    rig.ask("stg.start", triggers=1)
    assert rig.device.idle() == []
    rig.hardware.connected = False
    fails("driver", rig.device.idle)


@pytest.mark.parametrize("call, outcome, code", [
    ("GetNumberOfDevices", 0, "driver"), ("Connect", 0xA0000010, "locked"),
    ("Connect", net.DotNetError("USB"), "driver"), ("GetDACResolution", 0, "driver"),
    ("GetCurrentResolutionInNanoAmp", 0, "driver"), ("GetNumberOfTriggerInputs", -1, "driver"),
    ("SendStop", net.DotNetError("USB"), "driver"), ("GetTotalMemory", None, "driver"),
    ("GetStgVersionInfo", (), "driver"),
])
def test_a_failed_opening_leaves_nothing_open(call, outcome, code):
    rig = StimulatorRig()
    rig.recorder.fault(call, outcome)
    fails(code, rig.ask, "stg.open")
    fails("not-open", rig.ask, "stg.configure", **rig.setup())
    rig.recorder.mend(call)
    assert rig.ask("stg.open")["serial"] == "40123"


def test_a_serial_number_that_is_not_there_names_those_that_are():
    assert "40123" in fails("driver", StimulatorRig().ask, "stg.open", serial="99")
    assert StimulatorRig().ask("stg.open", serial="40123")["name"] == "STG4004"
    assert StimulatorRig().ask("stg.open", serial=40123)["name"] == "STG4004"


@pytest.mark.parametrize("call", ["SetCurrentMode", "EnableContinousMode", "SetCapacity",
                                  "SetupTrigger", "SetOutputRate", "GetCapacity", "GetTrigger"])
@pytest.mark.parametrize("outcome", [net.DotNetError("USB"), 5])
def test_a_failed_set_up_lets_the_device_go(call, outcome):
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.recorder.fault(call, outcome)
    fails("driver", rig.ask, "stg.configure", **rig.setup())
    assert not rig.hardware.connected


def test_a_download_is_stored_with_its_repeats_and_started_by_its_trigger():
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.arm()
    rig.recorder.clear()
    rig.ask("stg.download", channel=1, amplitudes_nA=[100_000, -100_000, 0],
            durations_us=[200, 200, 19_600], repeat=5)
    assert rig.recorder.calls == [
        ["SetupTrigger", 0, [1, 2, 4, 8], [1, 2, 4, 8], [1, 5, 1, 1]],
        ["SetCurrentMode", 1],
        ["PrepareAndSendData", 1, [100_000, -100_000, 0], [200, 200, 19_600], "current"],
    ]
    fails("not-open", rig.ask, "stg.start", triggers=1)
    rig.ask("stg.start", triggers=2)
    assert rig.recorder.calls[-1] == ["SendStart", 2] and not rig.recorder.of("StartLoop")
    rig.ask("stg.stop", triggers=2)
    assert rig.recorder.calls[-1] == ["SendStop", 2]


@pytest.mark.parametrize("before", ["configured", "stopped", "estop"])
def test_a_download_after_streaming_connects_for_downloading(before):
    rig = StimulatorRig().ready()
    if before != "configured":
        rig.run()
    if before == "stopped":
        rig.ask("stg.stop", triggers=1)
    elif before == "estop":
        rig.device.emergency_stop()
        rig.device.after_emergency_stop()
        rig.arm()
    rig.recorder.clear()
    rig.ask("stg.download", channel=0, amplitudes_nA=[0], durations_us=[20], repeat=1)
    assert rig.recorder.names()[:3] == ["Disconnect", "CStg200xDownloadNet", "Connect"]
    rig.ask("stg.start", triggers=1)


@pytest.mark.parametrize("change, code", [
    ({"amplitudes_nA": [300_000, -300_000]}, "limit"),
    ({"durations_us": [500, 500]}, "limit"),
    ({"durations_us": [200, 180]}, "limit"),
    ({"amplitudes_nA": [17_000_000, 0]}, "bad-argument"),
    ({"durations_us": [200, 210]}, "bad-argument"), ({"durations_us": [200, 0]}, "bad-argument"),
    ({"durations_us": [200]}, "bad-argument"), ({"repeat": 0}, "bad-argument"),
    ({"amplitudes_nA": [], "durations_us": []}, "bad-argument"), ({"channel": 4}, "bad-argument"),
])
def test_downloads_beyond_the_limits_or_the_grid(change, code):
    rig = StimulatorRig()
    rig.ask("stg.open")
    rig.arm()
    rig.recorder.clear()
    request = {"channel": 0, "amplitudes_nA": [100_000, -100_000], "durations_us": [200, 200],
               "repeat": 1, **change}
    fails(code, rig.ask, "stg.download", **request)
    assert rig.recorder.calls == []


def test_in_voltage_mode_a_code_is_a_quarter_of_a_millivolt():
    rig = StimulatorRig().ready(mode="voltage")
    rig.arm(limits=[{"channels": [0], "max_mV": 100}])
    assert rig.feed((0, "signal", 0, [400, 0]))["accepted"] == [2]
    assert "101 mV" in fails("limit", rig.feed, (0, "signal", 2, [404, 0]))
