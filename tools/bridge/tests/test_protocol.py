"""The protocol over pipes, with the program as it is shipped and the vendors' libraries faked."""

import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib

import pytest

from daqrec_bridge import __version__
from daqrec_bridge.frame import HEADER, LARGEST, encode
from fakes import com
from host import HERE, SETUP, Host, Refused, until

STOPPED = ["SendStop", "StopLoop", "Disconnect"]


def refused(code, host, operation, blob=b"", **fields):
    with pytest.raises(Refused) as caught:
        host.ask(operation, blob, **fields)
    assert caught.value.code == code, caught.value
    return caught.value


def stops(host):
    """The stop sequence after the start, with the time from ``since`` to silence."""
    names = host.names()
    start = len(names) - names[::-1].index("SendStart")
    return [name for name in names[start:] if name in STOPPED]


# Handshake and clock.


def test_hello_names_the_device_and_returns_the_blob(tmp_path):
    with Host(tmp_path, "stg") as host:
        reply = host.ask("hello", bytes(range(256)), proto=1)
        assert (reply["proto"], reply["bridge"], reply["device"]) == (1, __version__, "stimulator")
        assert {"hello", "clock", "arm", "estop", "bye", "stg.feed"} <= set(reply["capabilities"])
        assert host.blob == bytes(range(256)) and reply["platform"]
    with Host(tmp_path, "tdt") as host:
        assert host.ask("hello", bytes(range(256)), proto=1)["device"] == "circuit"


def test_another_version_is_fatal(tmp_path):
    with Host(tmp_path, "tdt") as host:
        assert refused("version", host, "hello", proto=2).fatal
        assert host.wait() == 70


def test_the_clock_is_read_when_a_request_came_and_when_its_reply_was_built(tmp_path):
    with Host(tmp_path, "tdt") as host:
        times = [instant for _ in range(5) for instant in host.ask("clock")["t"]]
        assert times == sorted(times) and len(set(times)) > 5


def test_bye_is_answered_then_the_device_stops_and_the_exit_is_clean(tmp_path):
    with Host(tmp_path, "stg") as host:
        host.stimulate()
        host.ask("bye")
        assert host.wait() == 0
        assert stops(host) == STOPPED
        assert [event["event"] for event in host.events] == ["stopped"]


def test_stray_prints_of_a_vendor_end_on_stderr(tmp_path):
    with Host(tmp_path, "tdt") as host:
        host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx")
        host.ask("bye")
        assert host.wait() == 0
        assert "a stray line of the vendor" in host.stderr()


def test_a_vendor_that_is_not_installed_is_a_driver_error():
    process = subprocess.run(
        [sys.executable, "-u", "-m", "daqrec_bridge", "--device", "tdt"],
        input=encode({"id": 1, "op": "tdt.open", "model": "RZ2", "index": 1, "circuit": "c"}),
        capture_output=True, cwd=os.path.dirname(HERE), timeout=20,
    )
    assert b'"code":"driver"' in process.stdout and process.returncode == 0


# A circuit.


def test_a_poll_over_the_pipe_brings_the_ramp(tmp_path):
    with Host(tmp_path, "tdt", "--fs", "10000", "--slots", "80000") as host:
        host.ask("tdt.open", model="RZ2", index=1, interface="GB", circuit="c.rcx")
        assert host.ask("tdt.run")["status"] == 7
        cursor, seen = 0, []
        for _ in range(5):
            ring = {"data": "lfp", "index": "lfp_i", "cycle": "lfp_c", "from": cursor,
                    "max_slots": 80000, "size": 80000}
            reply = host.ask("tdt.poll", latch=1, buffers=[ring], tags=["lfp_sf"])
            got = reply["buffers"][0]
            assert got["cycle2"] * 80000 + got["index2"] >= got["cycle"] * 80000 + got["index"]
            assert got["from"] == cursor and reply["values"] == [1.0]
            assert reply["t"][0] <= reply["at"][0] <= reply["at"][1] <= reply["at2"][0]
            seen += struct.unpack(f"<{got['count']}i", host.blob)
            cursor += got["count"]
        assert len(seen) > 2000
        assert seen == [com.word(slot) for slot in range(len(seen))]


def test_a_new_bridge_attaches_to_the_circuit_the_last_one_left_running(tmp_path):
    state = ["--state", str(tmp_path / "running")]
    with Host(tmp_path, "tdt", *state) as host:
        refused("not-running", host, "tdt.open", model="RZ2", index=1, circuit="c", attach=True)
        host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx")
        host.ask("tdt.run")
        host.process.stdin.close()
        assert host.wait() == 0
        assert "Halt" not in host.names()[host.names().index("Run"):]
    with Host(tmp_path, "tdt", *state) as host:
        reply = host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx", attach=True)
        assert reply["status"] == 7
        host.ask("tdt.halt")


@pytest.mark.parametrize("end", ["eof", "frame", "signal"])
def test_no_end_of_a_circuits_bridge_halts_the_circuit(tmp_path, end):
    with Host(tmp_path, "tdt") as host:
        host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx")
        host.ask("tdt.run")
        finish(host, end)
        assert host.wait() == {"eof": 0, "frame": 70, "signal": 143}[end]
        assert "Halt" not in host.names()[host.names().index("Run"):]


def test_an_emergency_stop_of_a_circuit_ends_its_outputs_and_not_its_reading(tmp_path):
    with Host(tmp_path, "tdt") as host:
        host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx")
        host.ask("tdt.run")
        host.ask("estop")
        refused("estop", host, "tdt.trigger", trigger=2)
        host.ask("tdt.poll", latch=1, buffers=[], tags=[])
        host.ask("arm", ttl_ms=1000, limits=[], queue_max_ms=250)
        host.ask("tdt.trigger", trigger=2)


# Every way to lose the host stops a stimulator.


def finish(host, end):
    if end == "eof":
        host.process.stdin.close()
    elif end == "cut":
        host.raw(encode({"id": 99, "op": "clock"}, b"abc")[:-1])
        host.process.stdin.close()
    elif end == "frame":
        host.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    elif end == "crc":
        host.raw(encode({"id": 99, "op": "clock"}).replace(b"clock", b"cl0ck"))
    elif end == "length":
        host.raw(HEADER.pack(b"DQB1", LARGEST, 1, 0))
    elif end == "signal":
        host.process.send_signal(signal.SIGTERM)
    elif end == "interrupt":
        host.process.send_signal(signal.SIGINT)
    elif end == "hangup":
        host.process.send_signal(signal.SIGHUP)


ENDS = {"eof": 0, "cut": 0, "frame": 70, "crc": 70, "length": 70, "signal": 143, "interrupt": 130,
        "hangup": 129}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_stops_a_running_stimulator_within_a_second(tmp_path, end):
    with Host(tmp_path, "stg") as host:
        host.stimulate()
        began = time.perf_counter_ns()
        finish(host, end)
        assert host.wait() == ENDS[end]
        assert stops(host) == STOPPED
        silent = next(call["t"] for call in reversed(host.calls()) if call["call"] == "SendStop")
        assert silent - began < 1_000_000_000
        assert [event["event"] for event in host.events] == ["fault", "stopped"]


def test_a_fatal_frame_is_answered_with_its_reason(tmp_path):
    with Host(tmp_path, "stg") as host:
        finish(host, "crc")
        reply, _ = host.receive()
        assert reply["id"] is None
        assert (reply["error"]["code"], reply["error"]["fatal"]) == ("bad-frame", True)
        assert host.wait() == 70


def test_a_host_that_stops_reading_does_not_keep_the_stimulator_going(tmp_path):
    """The pipe is full, the worker waits to reply, and the heart-beat is still minded."""
    with Host(tmp_path, "stg") as host:
        host.stimulate(ttl_ms=400)
        reading = pause_reader(host)
        # Replies of 60 kB each that nobody takes: hello gives its blob back.
        for number in range(100, 140):
            try:
                host.raw(encode({"id": number, "op": "hello", "proto": 1}, bytes(60_000)))
            except BrokenPipeError:
                break
        assert until(lambda: "StopLoop" in stops(host), 5)
        reading.release()


def pause_reader(host):
    """Makes the host's reader thread wait before it takes another frame."""
    lock = threading.Lock()
    lock.acquire()
    put = host.frames.put

    def held(frame):
        with lock:
            put(frame)

    host.frames.put = held
    return lock


def test_an_overdue_heartbeat_stops_and_the_bridge_stays_until_armed(tmp_path):
    with Host(tmp_path, "stg") as host:
        host.stimulate(ttl_ms=200)
        began = time.perf_counter_ns()
        assert until(lambda: "Disconnect" in stops(host))
        silent = next(call["t"] for call in reversed(host.calls()) if call["call"] == "SendStop")
        assert silent - began < 1_200_000_000
        refused("heartbeat", host, "stg.feed", token=host.token, chunks=[])
        refused("heartbeat", host, "clock")
        refused("heartbeat", host, "stg.open")
        told = [event for event in host.events if event["event"] != "underrun"]
        assert [event["event"] for event in told] == ["fault", "stopped"]
        assert "heartbeat" in told[0]["message"]
        host.arm()
        host.ask("clock")
        refused("not-open", host, "stg.start", token=host.token, triggers=1)
        host.stimulate()
        assert host.process.poll() is None


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="a process cannot be stopped here")
def test_a_bridge_that_stood_still_has_missed_its_heartbeat(tmp_path):
    with Host(tmp_path, "stg") as host:
        for _ in range(5):
            host.stimulate(ttl_ms=200)
            host.process.send_signal(signal.SIGSTOP)
            # The signal is not there at once.
            time.sleep(0.05)
            host.send("stg.feed", token=host.token, chunks=[])
            time.sleep(0.3)
            host.process.send_signal(signal.SIGCONT)
            reply, _ = host.receive()
            assert reply["error"]["code"] == "heartbeat", reply
            assert until(lambda: "Disconnect" in stops(host))
            host.arm()


def test_any_valid_request_feeds_the_watchdog_and_an_invalid_one_does_not(tmp_path):
    with Host(tmp_path, "stg") as host:
        host.arm(1000)
        for _ in range(8):
            time.sleep(0.2)
            host.ask("clock")
        for _ in range(8):
            time.sleep(0.2)
            refused("unknown-op", host, "nothing")
        refused("heartbeat", host, "clock")


def test_without_arm_there_is_no_heartbeat(tmp_path):
    with Host(tmp_path, "stg") as host:
        time.sleep(0.3)
        host.ask("clock")


# Emergency stop, order, two outstanding.


def test_an_emergency_stop_overtakes_a_start_that_takes_a_second(tmp_path):
    with Host(tmp_path, "stg", "--loop-start", "1") as host:
        host.ask("stg.open")
        host.ask("stg.configure", **SETUP)
        host.arm()
        host.feed(0, [0] * 2500)
        start = host.send("stg.start", token=host.token, triggers=1)
        assert until(lambda: "StartLoop" in host.names())
        began = time.monotonic()
        stop = host.send("estop")
        first, _ = host.receive()
        assert first["id"] == stop and len(first["at"]) == 2
        assert time.monotonic() - began < 0.5
        second, _ = host.receive()
        assert second["id"] == start and second["error"]["code"] == "estop"
        assert "SendStart" not in host.names()


def test_an_emergency_stop_is_served_while_a_vendor_call_hangs(tmp_path):
    with Host(tmp_path, "stg", "--fault", "GetSyncoutQueueSpace=hang") as host:
        host.stimulate()
        chunk = {"channel": 0, "kind": "sync", "from": 0, "count": 0}
        host.send("stg.feed", token=host.token, chunks=[chunk])
        assert until(lambda: "GetSyncoutQueueSpace" in host.names())
        stop = host.send("estop")
        reply, _ = host.receive(2)
        assert reply["id"] == stop
        assert stops(host)[0] == "SendStop"
        # And with the worker still hanging the process ends when its host does.
        host.process.stdin.close()
        assert host.process.wait(5) == 0


def test_a_signal_stops_a_stimulator_whose_vendor_call_hangs(tmp_path):
    with Host(tmp_path, "stg", "--fault", "GetSyncoutQueueSpace=hang") as host:
        host.stimulate()
        chunk = {"channel": 0, "kind": "sync", "from": 0, "count": 0}
        host.send("stg.feed", token=host.token, chunks=[chunk])
        assert until(lambda: "GetSyncoutQueueSpace" in host.names())
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(5) == 143
        assert stops(host) == STOPPED


def test_an_emergency_stop_latches_until_an_arm_sent_after_it(tmp_path):
    with Host(tmp_path, "stg") as host:
        host.stimulate()
        # Both are on their way at once: the arm was sent first, so it cannot undo the stop.
        late = {"ttl_ms": 5000, "limits": [{"channels": [0], "max_mA": 1}], "queue_max_ms": 250}
        host.raw(
            encode({"id": 900, "op": "stg.stop", "triggers": 1, "graceful": True})
            + encode({"id": 901, "op": "arm", **late})
            + encode({"id": 902, "op": "estop"})
        )
        replies = dict((reply["id"], reply) for reply, _ in (host.receive() for _ in range(3)))
        assert "at" in replies[902]
        assert replies[901].get("error", {}).get("code") == "estop"
        refused("estop", host, "stg.feed", token=host.token, chunks=[])
        host.ask("clock")
        host.arm()
        refused("not-open", host, "stg.feed", token=host.token, chunks=[])


def test_an_emergency_stop_that_the_device_refuses_tries_everything_else(tmp_path):
    with Host(tmp_path, "stg", "--fault", "SendStop=raise@2") as host:
        host.stimulate()  # opening and configuring stop once each
        assert refused("driver", host, "estop").fatal is False
        assert until(lambda: "Disconnect" in stops(host))
        assert stops(host) == ["SendStop"] + STOPPED


def test_an_arm_does_not_pass_an_emergency_stop_that_hangs(tmp_path):
    with Host(tmp_path, "stg", "--fault", "SendStop=hang@2") as host:
        host.stimulate()
        host.send("estop")
        assert until(lambda: stops(host) == ["SendStop"])
        refused("busy", host, "arm", ttl_ms=1000, limits=[{"max_mA": 1}], queue_max_ms=250)
        refused("estop", host, "stg.feed", token=host.token, chunks=[])


def test_requests_are_answered_in_order_with_two_outstanding(tmp_path):
    with Host(tmp_path, "tdt", "--cost-ms", "2") as host:
        host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx")
        sent = [host.send("tdt.status"), host.send("clock")]
        received = []
        for _ in range(50):
            received.append(host.receive()[0]["id"])
            sent.append(host.send("clock"))
        assert received == sent[:50]


def test_more_than_the_bridge_can_keep_are_busy(tmp_path):
    with Host(tmp_path, "tdt", "--cost-ms", "50") as host:
        host.ask("tdt.open", model="RZ2", index=1, circuit="c.rcx")
        host.raw(b"".join(encode({"id": n, "op": "tdt.status"}) for n in range(20)))
        replies = [host.receive()[0] for _ in range(20)]
        busy = [reply for reply in replies if "error" in reply]
        assert {reply["error"]["code"] for reply in busy} == {"busy"}
        answered = [reply["id"] for reply in replies if "error" not in reply]
        # Eight wait while one or two are being carried out.
        assert answered == sorted(answered) and 8 <= len(answered) <= 12


# Faults of the device and of the program.


@pytest.mark.parametrize("fault", ["EnqueueData=raise@1", "EnqueueData=-1@1",
                                   "GetFramesDone=raise"])
def test_a_driver_that_fails_in_mid_stream_is_a_fault_and_the_bridge_stays(tmp_path, fault):
    with Host(tmp_path, "stg", "--fault", fault) as host:
        host.stimulate()
        try:
            host.feed(2500, [0] * 100)
        except Refused as error:
            assert error.code in ("driver", "not-armed")
        assert until(lambda: "Disconnect" in stops(host))
        host.ask("clock")
        assert [event["event"] for event in host.events][:2] == ["fault", "stopped"]


def test_a_device_that_goes_away_is_noticed_while_the_host_is_silent(tmp_path):
    with Host(tmp_path, "stg", "--fault", "IsConnected=false") as host:
        host.stimulate()
        assert until(lambda: "Disconnect" in stops(host))
        host.ask("clock")
        assert "disconnected" in host.events[0]["message"]


def test_a_ring_that_runs_dry_is_told(tmp_path):
    with Host(tmp_path, "stg") as host:
        host.stimulate()
        time.sleep(0.4)
        host.ask("clock")
        assert [event["event"] for event in host.events] == ["underrun"]
        assert host.feed(2500, [0] * 50)["underrun"] is True


def test_an_unhandled_exception_stops_the_stimulator(tmp_path):
    with Host(tmp_path, "stg", "--fault", "EnqueueSyncout=crash") as host:
        host.stimulate()
        chunk = {"channel": 0, "kind": "sync", "from": 0, "count": 1}
        host.send("stg.feed", b"\1\0", token=host.token, chunks=[chunk])
        assert host.wait() == 70
        assert stops(host) == STOPPED and "crashed" in host.stderr()


# What a host must not send.


@pytest.mark.parametrize("message, code, number", [
    ({"id": 5, "op": "tdt.explode"}, "unknown-op", 5),
    ({"id": 5, "op": ["clock"]}, "unknown-op", 5),
    ({"id": 5}, "unknown-op", 5),
    ({"id": "5", "op": "clock"}, "bad-frame", None),
    ({"id": True, "op": "clock"}, "bad-frame", None),
    ({"op": "clock"}, "bad-frame", None),
    ({"id": 5, "op": "tdt.poll", "buffers": []}, "not-open", 5),
    ({"id": 5, "op": "arm", "ttl_ms": 1, "limits": []}, "bad-argument", 5),
])
def test_a_request_that_makes_no_sense_is_answered_and_not_fatal(tmp_path, message, code, number):
    with Host(tmp_path, "tdt") as host:
        host.raw(encode(message))
        reply, _ = host.receive()
        assert (reply["id"], reply["error"]["code"]) == (number, code)
        assert reply["error"]["fatal"] is False
        host.ask("clock")


def test_an_intact_frame_without_an_object_is_answered_and_not_fatal(tmp_path):
    with Host(tmp_path, "tdt") as host:
        host.raw(HEADER.pack(b"DQB1", 4, 0, zlib.crc32(b"null")) + b"null")
        assert host.receive()[0]["error"]["code"] == "bad-frame"
        host.ask("clock")


def test_random_bytes_always_end_in_a_stop(tmp_path):
    seed = 20260711
    random.seed(seed)
    for run in range(5):
        with Host(tmp_path, "stg") as host:
            host.ask("stg.open")
            good = encode({"id": 1, "op": "clock"}, random.randbytes(random.randrange(40)))
            place = random.randrange(len(good))
            flipped = good[place] ^ (1 << random.randrange(8))
            bad = good[:place] + bytes([flipped]) + good[place + 1 :]
            try:
                host.raw(good + bad + good)
                host.process.stdin.close()
            except BrokenPipeError:
                pass
            assert host.wait() in (0, 70), f"seed {seed}, run {run}"
            assert host.names()[-1] == "Disconnect", f"seed {seed}, run {run}"


def test_a_host_that_no_longer_listens_is_a_lost_host(tmp_path):
    ours, theirs = os.pipe()
    log = tmp_path / "calls.jsonl"
    process = subprocess.Popen(
        [sys.executable, os.path.join(HERE, "run_with_fakes.py"), "--device", "stg",
         "--log", str(log)],
        stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    process.stdin.write(encode({"id": 1, "op": "stg.open"}))
    process.stdin.flush()
    assert os.read(ours, 4) == b"DQB1"
    os.close(ours)
    for _ in range(3):
        try:
            process.stdin.write(encode({"id": 2, "op": "clock"}))
            process.stdin.flush()
        except BrokenPipeError:
            break
    assert process.wait(10) == 0
    process.stdin.close()
    assert log.read_text().splitlines()[-1].startswith('{"call": "Disconnect"')


def test_settings_that_cannot_be_read_are_an_error_before_anything_is_opened(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"settings": {"frames_done": "maybe"}}')
    with Host(tmp_path, "stg", "--settings", str(bad)) as host:
        assert host.wait() == 65 and "maybe" in host.stderr()
