"""What the recorder says to people and to programs."""

import re

import h5py
import pytest
from recorder import STIMULATION, check_counter, counter_session, daqrec, lines, log, report


@pytest.fixture
def session(tmp_path):
    return counter_session(tmp_path / "s.json5", duration=25, **STIMULATION)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_preview_writes_no_file(tmp_path, session):
    result = daqrec("record", session, "--preview", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert names(tmp_path) == ["s.json5"]
    told = report(result)
    assert told["file"] is None
    assert told["buffers"][0]["samples"] >= 25_000
    assert "preview: nothing is written" in result.stderr


def test_quiet_says_nothing_when_nothing_is_wrong(tmp_path, session):
    for option in ("--quiet", "-q"):
        result = daqrec("record", session, "-o", f"x{option}.nwb.h5", option, cwd=tmp_path)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_quiet_still_says_what_is_wrong(tmp_path, session):
    result = daqrec("record", session, "--set", "run.duration_s=0", "-q", cwd=tmp_path)
    assert result.returncode == 65
    assert "duration_s" in result.stderr


def test_json_is_a_status_a_second_and_a_report(tmp_path, session):
    result = daqrec("record", session, "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    *statuses, last = lines(result.stdout)
    assert {status["type"] for status in statuses} == {"status"}
    assert 24 <= len(statuses) <= 27
    for status in statuses:
        assert {"type", "t", "state", "buffers", "stimulator", "file"} <= status.keys()
        (buffer,) = status["buffers"]
        assert {"name", "samples", "rate", "rms", "clipped", "fill", "worst_fill", "lost"} <= buffer.keys()
        assert len(buffer["rms"]) == 8
        assert {"bytes", "flushed_to", "durable_to", "MB_s", "minutes_left"} <= status["file"].keys()
    times = [status["t"] for status in statuses]
    samples = [status["buffers"][0]["samples"] for status in statuses]
    assert times == sorted(times) and samples == sorted(samples)
    # What is flushed is never ahead of what is there, nor further behind than promised.
    for status in statuses[2:]:
        flushed, durable = status["file"]["flushed_to"], status["file"]["durable_to"]
        assert durable <= flushed <= status["t"] <= flushed + 1.0
    assert statuses[-1]["file"]["durable_to"] > 15
    assert last == report(result)
    expected = {
        "type", "file", "duration_s", "exit", "reason", "buffers", "changes", "sync", "cpu_s",
        "peak_memory_MB",
    }
    assert expected <= last.keys()
    assert last["file"] == "x.nwb.h5"
    assert last["exit"] == 0
    assert last["duration_s"] == pytest.approx(25, abs=0.002)
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        assert check_counter(file) == last["buffers"][0]["samples"]


def test_people_get_the_promises_a_line_every_ten_seconds_and_a_report(tmp_path, session):
    result = daqrec("record", session, "-o", "x.nwb.h5", cwd=tmp_path)
    assert result.stdout == ""
    said = result.stderr.splitlines()
    assert said[:2] == [
        "output: x.nwb.h5",
        "a crash of the recorder costs at most 1.0 s, a power cut 6.0 s and a sync",
    ]
    assert len([line for line in said if re.match(r"\d+\.\d s \| x \d+ samples, ring ", line)]) == 2
    assert re.fullmatch(r"x\.nwb\.h5: 2(5\.00[0-2]|4\.99[89]) s", said[-7]), said
    assert re.match(r"  x: \d+ samples per channel, none lost, ring at most \d+ %$", said[-6])
    assert said[-1] == "ended: the planned duration is over"


def test_the_same_session_can_be_run_again_and_never_overwrites(tmp_path, session):
    setting = "--set=file.path={id}.nwb.h5"
    assert daqrec("record", session, setting, cwd=tmp_path).returncode == 0
    before = (tmp_path / "test.nwb.h5").read_bytes()
    again = daqrec("record", session, setting, cwd=tmp_path)
    assert again.returncode == 73
    assert (tmp_path / "test.nwb.h5").read_bytes() == before
    assert names(tmp_path) == ["s.json5", "test.nwb.h5"]


def test_the_default_name_has_id_date_and_time(tmp_path, session):
    assert daqrec("record", session, "--duration=2", cwd=tmp_path).returncode == 0
    (name,) = set(names(tmp_path)) - {"s.json5"}
    assert re.fullmatch(r"test_\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d\.nwb\.h5", name)


def test_the_session_is_in_the_file_verbatim(tmp_path, session):
    daqrec("record", session, "--duration=2", "-o", "x.nwb.h5", cwd=tmp_path)
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        script = file["general/source_script"]
        assert script[()].decode() == session.read_text()
        assert script.attrs["file_name"] == "s.json5"


def test_info_of_a_complete_file(tmp_path, session):
    daqrec("record", session, "-o", "x.nwb.h5", cwd=tmp_path)
    told = lines(daqrec("info", "x.nwb.h5", "--json", cwd=tmp_path).stdout)
    assert len(told) == 1
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        assert told[0]["state"] == "complete"
        assert told[0]["series"][0]["samples"] == file["acquisition/x/data"].shape[0]
        assert told[0]["series"][0]["channels"] == 8
        assert told[0]["tables"]["/events/stimulus_changes"] == len(
            file["events/stimulus_changes/id"]
        )
        assert told[0]["ended"] == "the planned duration is over"
    text = daqrec("info", "x.nwb.h5", cwd=tmp_path).stdout
    assert "x.nwb.h5: complete" in text
    assert re.search(r"series +x: \d+ × 8 int16, 1000.0 Hz", text)


@pytest.mark.parametrize(
    "name, content, code", [("gone.h5", None, 66), ("text.h5", "not HDF5", 65), ("empty.h5", "", 65)]
)
def test_info_of_what_is_no_recording(tmp_path, name, content, code):
    if content is not None:
        (tmp_path / name).write_text(content)
    result = daqrec("info", name, "--json", cwd=tmp_path)
    assert result.returncode == code
    (error,) = lines(result.stdout)
    assert (error["type"], error["code"], error["where"]) == ("error", code, name)
    assert result.stderr.count("\n") == 1


def test_dead_and_clipped_channels_are_named_while_recording_and_in_the_report(tmp_path):
    """Channels 0 to 2 are dead, 5 clips at ±12.8; the others are sines within the limits."""
    signals = {"x": {"channels": {
        **{f"{channel}": {"sum": []} for channel in range(3)},
        "5": {"sine": {"amplitude": 100, "frequency": 7}},
        "else": {"sine": {"amplitude": 5, "frequency": 7}},
    }}}
    session = counter_session(
        tmp_path / "s.json5", duration=12, simulate={"signals": signals, "stores": {"x": {"sf": 10}}},
        buffer={"src_type": "int8", "dest_type": "float32"},
    )
    result = daqrec("record", session, "-o", "x.nwb.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    named = r"clipped codes \d+ \(channel 5\), constant \(dead\?\) channels 0-2"
    status, report_line = re.findall(rf".*{named}.*", result.stderr)
    assert re.match(r"\d+\.\d s \| x ", status)
    assert re.search(r"channels 0-2 for up to 1[12]\.\d s", report_line)
    told = daqrec("record", session, "-o", "y.nwb.h5", "--json", cwd=tmp_path)
    *statuses, last = lines(told.stdout)
    (buffer,) = statuses[-1]["buffers"]
    assert buffer["constant"] == [True] * 3 + [False] * 5
    assert buffer["minimum"] == pytest.approx([0, 0, 0, -5, -5, -12.8, -5, -5])
    assert buffer["maximum"] == pytest.approx([0, 0, 0, 5, 5, 12.7, 5, 5])
    (buffer,) = last["buffers"]
    assert [seconds > 10 for seconds in buffer["constant_s"]] == [True] * 3 + [False] * 5
    assert [codes > 0 for codes in buffer["clipped_codes"]] == [False] * 5 + [True] + [False] * 2
    with h5py.File(tmp_path / "x.nwb.h5") as file:
        assert len([text for text in log(file, "levels") if text.startswith("x rms ")]) >= 12


def test_a_series_that_ends_early_is_named_as_the_cause_of_exit_code_75(tmp_path):
    change = {"kind": "set_tag", "at_s": 2, "tag": "x_n", "value": 400}
    session = counter_session(tmp_path / "s.json5", duration=4, simulate={"faults": [change]})
    result = daqrec("record", session, "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    told = report(result)
    assert told["exit"] == 75
    (ended,) = told["ended_series"]
    assert (ended["name"], ended["reason"]) == ("x", "x_n changed to 400.0")
    assert (told["losses"], told["lost_events"]) == (["a series ended early"], 0)
    assert re.search(r"x ENDED EARLY at 2\.\d+ s: x_n changed to 400\.0", result.stderr)
    assert result.stderr.rstrip().endswith("(exit code 75: a series ended early)")
