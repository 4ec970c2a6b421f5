#!/usr/bin/env python3
"""Kills bridges and recorders (kill -9) and cuts links at random moments; both devices survive.

    python tools/campaigns/link_kill.py [--each 200] [--seed 1] [--parallel 2] [--only WHAT]...

Recorder, bridge and device are three processes for each device: what the stimulator puts out is
observed from outside, from its own log of what left it. Kinds of rounds:

    kill-circuit     the circuit's bridge is killed: a new one attaches, no sample is lost, exit 0
    kill-stimulator  the stimulator's bridge is killed: silence, the recording goes on, exit 75
    kill-recorder    the file holds what was flushed; the bridges stop their devices and end
    cut-circuit      the circuit's bridge hears and says nothing (SIGSTOP): it is replaced
    cut-stimulator   the same for the stimulator's: silence, the recording goes on, exit 75
    pause-circuit    as cut, but the bridge goes on after 0.1 to 3 s: no sample is lost, exit 0
    pause-stimulator the same: from 0.6 s on it is a fault, exit 75, and stimulation has ended

In all of them the stimulator must be silent within 1 s, if it was the one that was hit or nobody is
left to feed it, and stay so; and every frame in the file must be the counter's. Moments are drawn
between the recorder's start and its last second: what is hit before sample 0 must end with 69, a
cause, and no file. Prints each round and the worst figures; exits with 1 if anything was broken.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
DAQREC = os.environ.get("DAQREC", str(ROOT / ".build" / "release" / "daqrec"))
KINDS = (
    "kill-circuit", "kill-stimulator", "kill-recorder", "cut-circuit", "cut-stimulator",
    "pause-circuit", "pause-stimulator",
)
RATE, CHANNELS, DURATION, RING, FLUSH = 24414.0625, 16, 4.0, 4.0, 1.0
SOCKETS = {"circuit": "rz.sock", "stimulator": "stg.sock"}
# A bridge that stood still for so long, seconds, has missed its heart-beat of 0.5 s.
STANDSTILL = 0.6
# What a device without a new command may still put out, seconds.
SILENT_WITHIN = 1.0


class Broken(Exception):
    """A promise that was not kept."""


def device_session():
    return {
        "session": {"id": "devices", "description": "What is behind the bridges"},
        "circuits": [{
            "name": "rz", "latch_trigger": 1,
            "simulate": {"rate": RATE, "signals": {"x": {"counter": True}}},
        }],
        "buffers": [buffer()],
        "stimulator": {"name": "stg", "limits": limits()},
    }


def buffer():
    return {
        "name": "x", "circuit": "rz", "channels": CHANNELS, "src_type": "int16",
        "dest_type": "int16", "size": int(RING * RATE),
    }


def limits():
    return [{"channels": list(range(8)), "max_mA": 0.2, "max_charge_nC": 50}]


def session(folder):
    def bridge(kind):
        return [
            DAQREC, "serve-simulator", kind, str(folder / "devices.json5"),
            "--device-socket", str(folder / SOCKETS[kind]),
        ]

    signal_ = {"amplitudes_in_mA": [0.1, -0.1, 0], "durations_in_ms": [0.2, 0.2, 9.6]}
    return {
        "session": {"id": "links", "description": "Both devices behind bridges"},
        "file": {"flush_s": FLUSH},
        "circuits": [{
            "name": "rz", "driver": "bridge", "latch_trigger": 1, "command": bridge("circuit"),
        }],
        "buffers": [buffer()],
        "stimulator": {
            "name": "stg", "driver": "bridge", "command": bridge("stimulator"), "limits": limits(),
        },
        "stimulus": {
            "start_after_s": 0.3, "signals": [{"channel": channel} | signal_ for channel in range(8)],
        },
        "run": {"duration_s": DURATION},
    }


def children(process):
    """Process ids of the bridges, by the kind of their device."""
    found = {}
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            for child in task.read_text().split():
                words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
                if b"serve-simulator" in words:
                    found[words[words.index(b"serve-simulator") + 1].decode()] = int(child)
        except OSError:
            continue
    return found


def wait_for(what, timeout, complaint):
    deadline = time.monotonic() + timeout
    while not (found := what()):
        if time.monotonic() > deadline:
            raise Broken(complaint)
        time.sleep(0.005)
    return found


class Process(subprocess.Popen):
    """A process that is told to end when it is done with."""

    def __init__(self, words, folder):
        super().__init__([str(word) for word in words], cwd=folder, stderr=subprocess.DEVNULL)

    def __exit__(self, *about):
        self.terminate()
        try:
            self.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        return super().__exit__(*about)


class Devices:
    """The devices of a session, each in a process of its own, at the sockets given by kind."""

    def __init__(self, folder, text, sockets):
        self.folder, self.sockets, self.stack = folder, sockets, contextlib.ExitStack()
        (folder / "devices.json5").write_text(json.dumps(text))

    def __enter__(self):
        for kind, socket in self.sockets.items():
            words = [DAQREC, "serve-simulator", kind, "devices.json5", "--listen", socket]
            if kind == "stimulator":
                words += ["--log", "output.jsonl"]
            self.stack.enter_context(Process(words, self.folder))
        for kind, socket in self.sockets.items():
            wait_for((self.folder / socket).exists, 20, f"no {kind} listens")
        return self

    def __exit__(self, *about):
        return self.stack.__exit__(*about)

    def put_out(self):
        """What left the stimulator, once both devices have ended: (seconds, channel, code)."""
        runs = [json.loads(line) for line in (self.folder / "output.jsonl").open()]
        return [(run["time_ns"] * 1e-9, run["channel"], run["code"]) for run in runs]


def start_recorder(session_, path):
    return subprocess.Popen(
        [DAQREC, "record", session_, "-o", path, "--json", "--quiet"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def last_output(runs):
    """When the last output became silent, or None if none ever put anything out."""
    ends = []
    for channel in range(8):
        own = [(time_, code) for time_, c, code in runs if c == channel]
        if own and own[-1][1] != 0:
            raise Broken(f"channel {channel} still puts out code {own[-1][1]}")
        # The run after the last that was not zero.
        active = [n for n, (_, code) in enumerate(own) if code != 0]
        if active:
            ends.append(own[active[-1] + 1][0])
    return max(ends, default=None)


def check_samples(path, **how):
    """Frames in the file and the recording's end in monotonic seconds; all are the counter's."""
    with h5py.File(path, "r", **how) as file:
        data = file["acquisition/x/data"][:]
        if not len(data):
            return 0, None
        expected = (int(data[0, 0]) + np.arange(len(data))[:, None] + 1000 * np.arange(CHANNELS))
        wrong = np.flatnonzero((data != expected.astype("i2")).any(axis=1))
        if len(wrong):
            raise Broken(f"frame {wrong[0]} of {len(data)} is not the counter's")
        zero = file["acquisition/rz_clock/sync"].attrs["t0_monotonic_ns"] * 1e-9
        return len(data), zero + file["acquisition/x/starting_time"][()] + len(data) / RATE


def hit(kind, recorder, delay, pause=0.0):
    """Does the harm after `delay` seconds; returns when, and the bridges that there were."""
    time.sleep(delay)
    what, whom = kind.split("-")
    if whom == "recorder":
        target = recorder.pid
    else:
        target = wait_for(lambda: children(recorder.pid).get(whom), 10, f"no bridge of the {whom}")
    bridges = children(recorder.pid)
    moment = time.monotonic()
    os.kill(target, signal.SIGKILL if what == "kill" else signal.SIGSTOP)
    if what == "pause":
        time.sleep(pause)
        # It may have been given up and killed by now.
        with contextlib.suppress(ProcessLookupError):
            os.kill(target, signal.SIGCONT)
    return moment, bridges


def say(report):
    return "; ".join(report["faults"]) or report["reason"]


def after_recorder(folder, path, moment):
    """A killed recorder: its bridges end by themselves, and the file is what was promised."""
    if not path.exists():
        return "before the file was made", None
    frames, end = check_samples(path, swmr=True)
    lost = moment - end if end else None
    if lost is not None and lost > FLUSH:
        raise Broken(f"{lost:.3f} s of samples are missing, {FLUSH} are promised")
    return f"{frames} frames, " + (f"lost {lost:.3f} s" if frames else "no sample yet"), lost


def after_bridge(kind, pause, code, lines, path, stderr):
    """The recorder goes on; returns what it said."""
    last = json.loads(lines[-1]) if lines else {}
    what, whom = kind.split("-")
    if last.get("type") == "error":
        # Sample 0 had not come.
        if code != 69 or path.exists():
            raise Broken(f"not begun: exit code {code}, {last.get('message')}, file {path.exists()}")
        if not any(word in last["message"] for word in CAUSES):
            raise Broken(f"not begun, without a cause: {last['message']}")
        return f"not begun: {last['message'][:70]}"
    frames, _ = check_samples(path)
    lost = sum(entry["lost"] for entry in last["buffers"])
    with h5py.File(path) as file:
        table = file["events/recorder_log"]
        log = [text.decode() for text in table["annotation"][:]]
    if frames < (DURATION - 0.1) * RATE or lost:
        raise Broken(f"{frames} frames, {lost} lost: {say(last)}")
    if whom == "circuit":
        if code != 0:
            raise Broken(f"exit code {code}: {say(last)}; {stderr[-200:]}")
        cause = "; ".join(last["remarks"])
        if what == "pause" and not cause:
            return "nothing was noticed"
    elif what == "pause" and pause < STANDSTILL and code == 0:
        return "stimulation went on"
    else:
        if code != 75:
            raise Broken(f"exit code {code}: {say(last)}; {stderr[-200:]}")
        if sum("stg: streaming" in text for text in log) > 1:
            raise Broken("stimulation was started again")
        cause = say(last)
    if not cause or not any(word in cause for word in CAUSES):
        raise Broken(f"no cause is named: {cause}")
    return cause[:90]


# Of a bridge that was killed, and of one that says nothing.
CAUSES = (
    "signal 9", "no answer within", "has not answered", "does not read", "ended the link",
    "heartbeat",
)


def round_(kind, delay, pause=0.0):
    """One recording; returns the seconds until silence, the seconds lost, and what is to be told."""
    with tempfile.TemporaryDirectory(prefix="daqrec-links-") as name:
        folder = Path(name)
        path, bridges = folder / "x.nwb.h5", {}
        (folder / "session.json5").write_text(json.dumps(session(folder)))
        with Devices(folder, device_session(), SOCKETS) as devices:
            recorder = start_recorder(folder / "session.json5", path)
            try:
                moment, bridges = hit(kind, recorder, delay, pause)
                out, err = recorder.communicate(timeout=60)
                ended = time.monotonic()
                if kind == "kill-recorder":
                    # A device that is being started is waited for, and what is queued leaves.
                    wait_for(
                        lambda: not any(map(is_alive, bridges.values())), 4,
                        "a bridge outlives the recorder")
                    told, lost = after_recorder(folder, path, moment)
                else:
                    told = after_bridge(kind, pause, recorder.returncode, out.splitlines(), path, err)
                    lost = None
            finally:
                recorder.kill()
                recorder.wait()
                for process in bridges.values():
                    if is_alive(process):
                        os.kill(process, signal.SIGKILL)
        end = last_output(devices.put_out())
        silent = None
        if end is not None and kind.endswith("circuit"):
            # Nothing happened to the stimulator: it goes on to the planned end.
            if end < min(ended - 2, moment) and "not begun" not in told:
                raise Broken("stimulation ended with the circuit's bridge")
        elif end is not None and told != "stimulation went on":
            silent = max(0.0, end - moment)
            if silent > SILENT_WITHIN:
                raise Broken(f"the stimulator put something out {silent:.3f} s later")
        return silent, lost, told


def is_alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description="Kill bridges and recorders, and cut links.")
    parser.add_argument("--each", type=int, default=200, help="rounds of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=2, help="recordings at a time")
    parser.add_argument("--only", choices=KINDS, action="append", help="these kinds alone")
    arguments = parser.parse_args()
    draws = random.Random(arguments.seed)
    # The recording begins 1.6 s after the recorder; its last second is left alone. A pause is for
    # a recording that runs: starting has time limits of its own.
    plan = [
        (kind, draws.uniform(2 if "pause" in kind else 0, 0.6 + DURATION), draws.uniform(0.1, 3))
        for _ in range(arguments.each) for kind in arguments.only or KINDS
    ]
    done, broken, silences, losses = collections.Counter(), collections.Counter(), {}, {}
    with concurrent.futures.ThreadPoolExecutor(arguments.parallel) as pool:
        rounds = {pool.submit(round_, *one): one for one in plan}
        for future in concurrent.futures.as_completed(rounds):
            kind, delay, pause = rounds[future]
            moment = f"after {delay:.3f} s" + f" for {pause:.3f} s" * kind.startswith("pause")
            done[kind] += 1
            try:
                silent, lost, told = future.result()
                verdict = "kept  "
                silences.setdefault(kind, []).append(silent or 0.0)
                losses.setdefault(kind, []).append(lost or 0.0)
                if silent is not None:
                    told += f"; silent after {silent:.3f} s"
            except (Broken, OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
                broken[kind] += 1
                verdict, told = "BROKEN", f"{type(error).__name__}: {error}"
            print(f"{verdict} {kind} {moment}: {told}", flush=True)
    print(f"seed {arguments.seed}")
    for kind in arguments.only or KINDS:
        worst = max(silences.get(kind, [0.0]))
        text = f"{kind}: {done[kind]} rounds, {broken[kind]} broken"
        if not kind.endswith("circuit"):
            text += f", silent within {worst:.3f} s"
        if kind == "kill-recorder":
            text += f", at most {max(losses.get(kind, [0.0])):.3f} s of samples lost"
        print(text)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
