"""Devices behind bridges: what is recorded, and what becomes of it when bridges die.

`tools/campaigns/link_kill.py` does the same at random moments, as often as is wanted. Everything
here runs in real time and at once.
"""

import concurrent.futures
import json
import os
import signal
import sys

import h5py
import numpy as np
import pytest
from recorder import DAQREC, ROOT, check_counter, daqrec, invalid, log, report

sys.path.append(str(ROOT / "tools" / "campaigns"))
import link_kill  # noqa: E402

RATE, CHANNELS = 24414.0625, 64
LIMITS = [{"channels": list(range(8)), "max_mA": 1, "max_charge_nC": 500}]
BIPHASIC = {"amplitudes_in_mA": [0.1, -0.1, 0], "durations_in_ms": [0.2, 0.2, 49.6]}


def session(circuit, stimulator=None, *, ring=2.0, duration=4.0, channels=CHANNELS):
    """64 channels of counters and eight of pulses on the devices given."""
    text = {
        "session": {"id": "bridge", "description": "Counters and pulses"},
        "circuits": [{"name": "rz", "latch_trigger": 1} | circuit],
        "buffers": [{
            "name": "x", "circuit": "rz", "channels": channels, "src_type": "int16",
            "dest_type": "int16", "size": int(ring * RATE),
        }],
        "run": {"duration_s": duration},
    }
    if stimulator is not None:
        text["stimulator"] = {"name": "stg", "limits": LIMITS} | stimulator
        text["stimulus"] = {
            "start_after_s": 1, "signals": [{"channel": c} | BIPHASIC for c in range(8)],
        }
    return text


SIMULATED = {"simulate": {"rate": RATE, "signals": {"x": {"counter": True}}}}


def bridge(*command):
    return {"driver": "bridge", "command": [str(word) for word in command]}


def write(path, text):
    path.write_text(json.dumps(text, indent=1))
    return path


def record(folder, name, text):
    path = folder / f"{name}.nwb.h5"
    result = daqrec(
        "record", write(folder / f"{name}.json5", text), "-o", path, "--json", cwd=folder)
    return path, result


def recorded_over_bridges(folder):
    devices = write(folder / "devices.json5", session(SIMULATED, {}))
    serve = [DAQREC, "serve-simulator"]
    return record(folder, "bridged", session(
        bridge(*serve, "circuit", devices), bridge(*serve, "stimulator", devices)))


def recorded_in_process(folder):
    return record(folder, "own", session(SIMULATED, {}))


def recorded_over_python(folder):
    """The program for the rig PC on fakes of the vendors' libraries: 16 channels, 4 outputs."""
    serve = [sys.executable, "-u", ROOT / "tools" / "bridge" / "tests" / "run_with_fakes.py"]
    text = session(
        bridge(*serve, "--device", "tdt", "--fs", RATE) | {"circuit": "icms.rcx"},
        bridge(*serve, "--device", "stg", "--put-out", folder / "put-out.jsonl"), channels=16)
    text["stimulator"]["limits"] = [LIMITS[0] | {"channels": [0]}]
    text["stimulus"]["signals"] = [{"channel": 0} | BIPHASIC]
    text["buffers"][0] |= {"name": "lfp", "size": None}
    return record(folder, "python", text)


def lost_bridge(folder, again, *, ring):
    """A circuit in a process of its own, whose bridge is killed; `again` is the shell's way to start
    the next one."""
    folder.mkdir()
    size = {"ring": ring, "channels": 8, "duration": 5}
    devices = write(folder / "devices.json5", session(SIMULATED, **size))
    serve = f"exec {DAQREC} serve-simulator circuit {devices} --device-socket {folder}/rz.sock"
    script = f"if [ -e {folder}/started ]; then {again}; fi; touch {folder}/started; {serve}"
    path = folder / "x.nwb.h5"
    with link_kill.Devices(folder, session(SIMULATED, **size), {"circuit": "rz.sock"}):
        text = write(folder / "x.json5", session(bridge("sh", "-c", script), **size))
        recorder = link_kill.start_recorder(text, path)
        try:
            link_kill.hit("kill-circuit", recorder, 2.5)
            out, err = recorder.communicate(timeout=60)
        finally:
            recorder.kill()
    told = json.loads(out.splitlines()[-1])
    return path, recorder.returncode, told, err


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Everything that takes its time, by name."""
    folder = tmp_path_factory.mktemp("bridge")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        futures = {
            "bridged": pool.submit(recorded_over_bridges, folder),
            "own": pool.submit(recorded_in_process, folder),
            "python": pool.submit(recorded_over_python, folder),
            "gone": pool.submit(lost_bridge, folder / "gone", "exit 3", ring=2),
            "lapped": pool.submit(lost_bridge, folder / "lapped", "sleep 1.5", ring=1),
        } | {kind: pool.submit(link_kill.round_, kind, 3.0, 0.8) for kind in link_kill.KINDS}
        concurrent.futures.wait(futures.values())
    return futures


def test_samples_over_a_bridge_are_those_in_process(runs):
    ledgers = []
    for name in ("bridged", "own"):
        path, result = runs[name].result()
        assert result.returncode == 0, result.stderr
        told = report(result)
        assert told["buffers"][0]["lost"] == 0
        with h5py.File(path) as file:
            assert check_counter(file) == told["buffers"][0]["samples"] > 3.9 * RATE
            assert invalid(file, "x") == []
            ledger = file["events/stimulus_changes"]
            columns = ("channel", "repeat", "amplitudes", "amplitudes_index", "durations")
            ledgers.append({c: ledger[c][:].tolist() for c in columns if c in ledger})
    assert ledgers[0] == ledgers[1]
    assert len(ledgers[0]["channel"]) >= 8


def test_every_poll_and_every_feed_is_one_round_trip_and_is_stored(runs):
    path, result = runs["bridged"].result()
    assert result.returncode == 0, result.stderr
    with h5py.File(path) as file:
        for device, beside in (("rz", 40), ("stg", 60)):
            link = file[f"acquisition/{device}_link/sync"]
            t0, t1, t2, t3 = (link[f"t{n}"][:] for n in range(4))
            assert (t0 <= t3).all() and (t1 <= t2).all() and (np.diff(t0) > 0).all()
            # A reading of the device's clock is a poll or a feed. Beside them: opening, four clock
            # exchanges every 5 s, polls and feeds that were no reading of the clock (more of them
            # on a busy computer). A poll in single calls would be four round trips at least.
            readings = len(file[f"acquisition/{device}_clock/data"])
            assert readings <= len(t0) <= 2.5 * readings + beside


def test_the_program_for_the_rig_records_and_stimulates(runs):
    path, result = runs["python"].result()
    assert result.returncode == 0, result.stderr
    told = report(result)
    assert told["buffers"][0]["lost"] == 0
    with h5py.File(path) as file:
        # The fake's counter is the simulator's.
        assert check_counter(file, "lfp") == told["buffers"][0]["samples"] > 3.9 * RATE
        assert len(file["acquisition/rz_link/data"]) and len(file["acquisition/stg_link/data"])
    lines = (path.parent / "put-out.jsonl").read_text().splitlines()
    codes = [json.loads(line)["code"] for line in lines]
    # 0.1 mA at 2000 codes/mA for 0.2 ms on the 20 µs grid, then the same back; 20 times a second.
    assert set(codes) == {200, -200}
    assert codes[:20] == [200] * 10 + [-200] * 10
    assert codes.count(200) == codes.count(-200) >= 10 * 55


@pytest.mark.parametrize("kind", link_kill.KINDS)
def test_a_lost_link_is_survived_and_the_stimulator_falls_silent(runs, kind):
    """What must hold is checked by the round itself."""
    silent, _, told = runs[kind].result()
    assert told
    if not kind.endswith("circuit"):
        assert silent is not None and silent <= 1


def test_a_bridge_that_never_comes_back_ends_the_session_with_its_last_words(runs):
    path, code, told, err = runs["gone"].result()
    assert code == 69, err
    assert any("exit code 3" in fault for fault in told["faults"])
    with h5py.File(path) as file:
        assert check_counter(file) == told["buffers"][0]["samples"] > 0
        assert any("signal 9" in text for text in log(file, "error"))


def test_a_bridge_that_comes_back_too_late_leaves_a_declared_gap(runs):
    path, code, told, err = runs["lapped"].result()
    assert code == 75, err
    assert any("signal 9" in remark or "answer" in remark for remark in told["remarks"])
    with h5py.File(path) as file:
        ((first, count, reason),) = invalid(file, "x")
        # 1.5 s and what two starts take, less the ring of 1 s.
        assert reason == "overrun" and 0.3 * RATE < count < 3 * RATE
        assert count == told["buffers"][0]["lost"]
        data = file["acquisition/x/data"]
        step = int(data[first + count, 0]) - int(data[first - 1, 0])
        assert (step - count - 1) % 65536 == 0
        check_counter(file)


@pytest.mark.parametrize(
    "command, complaint",
    [
        (["/nonexistent/bridge"], 'cannot start "/nonexistent/bridge": No such file'),
        (["sh", "-c", "echo no driver >&2; exit 9"], "exit code 9: no driver"),
        (["sh", "-c", "echo Microsoft Windows; cat > /dev/null"], "answers with rubbish"),
        # It may be gone before it is asked anything: then that is what is said.
        (["echo", "Microsoft Windows"], "rz (RZ2 1): hello: "),
        (["cat"], "makes no sense"),
    ],
)
def test_a_command_that_is_no_bridge_is_named_and_leaves_no_file(tmp_path, command, complaint):
    path, result = record(tmp_path, "x", session(bridge(*command)))
    assert result.returncode == 69
    assert complaint in result.stderr
    assert not path.exists()


def test_the_example_of_the_help_works(tmp_path):
    words = daqrec("serve-simulator", "--help", cwd=tmp_path).stdout
    example = next(line for line in words.splitlines() if "example:" in line).split("example:")[1]
    example = example.replace("daqrec ", f"{DAQREC} ")
    with link_kill.Process(["sh", "-c", f"{example.replace('&& ', '&& exec ')}"], tmp_path) as server:
        link_kill.wait_for((tmp_path / "stg.sock").exists, 20, "nobody listens")
        os.kill(server.pid, signal.SIGTERM)
        assert server.wait(10) == 0
    assert not (tmp_path / "stg.sock").exists()
