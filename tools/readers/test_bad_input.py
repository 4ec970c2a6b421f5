"""What is wrong is said with its place and the right exit code, and no file is left behind."""

import pytest
from recorder import daqrec, lines

GOOD = """\
{
  session: { id: "t", description: "A counter" },
  circuits: [{
    name: "rz", latch_trigger: 1,
    simulate: { rate: 1000, speed: "max", signals: { x: { counter: true } } },
  }],
  buffers: [
    { name: "x", circuit: "rz", channels: 8, src_type: "int16", dest_type: "int16" },
  ],
  stimulator: {
    name: "stg",
    limits: [{ channels: [0], max_mA: 0.2, max_charge_nC: 50 }],
  },
  stimulus: {
    start_after_s: 0.5,
    signals: [
      { channel: 0, amplitudes_in_mA: [0.1, -0.1, 0], durations_in_ms: [0.2, 0.2, 19.6] },
    ],
  },
  run: { duration_s: 1 },
}
"""

# What is changed in the session: (this, into that), and every line said about it.
BAD = {
    "a missing comma": (
        [('id: "t", ', 'id: "t" ')],
        ["s.json5:2:22: session.description: a comma is missing before description"],
    ),
    "an unknown key": (
        [("run: { ", "run: { dauer: 1, ")],
        ["s.json5:20:10: run.dauer: unknown key; allowed: duration_s"],
    ),
    "a key with a slip": (
        [("latch_trigger", "latch_triger")],
        ["s.json5:4:17: circuits.0.latch_triger: unknown key; did you mean latch_trigger?"],
    ),
    "a wrong type": (
        [("channels: 8", 'channels: "8"')],
        ['s.json5:8:43: buffers.0.channels: "8" is not allowed; allowed: a whole number from 1 to 4096'],
    ),
    "two problems at once": (
        [('src_type: "int16"', 'src_type: "int17"'), ("duration_s: 1", "duration_s: -1")],
        [
            's.json5:8:56: buffers.0.src_type: "int17" is not allowed; '
            'allowed: "float32", "int32", "int16", "int8"',
            "s.json5:20:22: run.duration_s: -1 is not allowed; allowed: a finite number above 0",
        ],
    ),
    "a size that is no multiple of the words per tick": (
        [("channels: 8, ", "channels: 1, size: 101, ")],
        ["s.json5:8:52: buffers.0.size: 101 samples do not fill whole slots of 2; allowed: multiples of 2"],
    ),
    "channels that do not fill slots": (
        [("channels: 8", "channels: 7")],
        [
            "s.json5:8:43: buffers.0.channels: 7 channels of int16 do not fill whole slots; "
            "allowed: multiples of 2, or 1"
        ],
    ),
    "a signal beyond the device": (
        [("0.1, -0.1, 0", "17, -17, 0"), ("max_mA: 0.2, max_charge_nC: 50", "max_mA: 20, max_charge_nC: 5000")],
        [
            "s.json5:17:39: stimulus.signals.0.amplitudes_in_mA: channel 0, element 0: "
            "17.0 mA is beyond the device's 16.0 mA"
        ],
    ),
    "a signal beyond its limit": (
        [("0.1, -0.1, 0", "0.3, -0.3, 0")],
        [
            "s.json5:17:39: stimulus.signals.0.amplitudes_in_mA: channel 0, element 0: "
            "0.3 mA is beyond the limit of 0.2 mA"
        ],
    ),
    "a channel beyond the device": (
        [("{ channel: 0", "{ channel: 8")],
        ["s.json5:17:18: stimulus.signals.0.channel: 8 is not allowed; allowed: a channel from 0 to 7"],
    ),
    "the same key twice": (
        [("start_after_s: 0.5,", "start_after_s: 0.5, start_after_s: 1,")],
        ["s.json5:15:25: stimulus.start_after_s: the key is given twice, first in line 15"],
    ),
}


@pytest.fixture
def folder(tmp_path):
    """An empty folder to run in; afterwards nothing but the session is in it."""
    (tmp_path / "s.json5").write_text(GOOD)
    yield tmp_path
    assert [path.name for path in tmp_path.iterdir()] == ["s.json5"]


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("command", ["record", "validate"])
def test_a_bad_session_is_refused(folder, command, name):
    changes, problems = BAD[name]
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "s.json5").write_text(text)
    result = daqrec(command, "s.json5", "--json", cwd=folder)
    assert result.returncode == 65
    assert result.stderr.splitlines() == problems
    assert lines(result.stdout) == [
        {"type": "error", "code": 65, "where": "s.json5", "message": "\n".join(problems)}
    ]


def test_the_session_they_come_from_is_good(folder):
    result = daqrec("record", "s.json5", "--preview", cwd=folder)
    assert result.returncode == 0, result.stderr


def test_a_missing_session(folder):
    result = daqrec("record", "gone.json5", "--json", cwd=folder)
    assert result.returncode == 66
    assert result.stderr == "daqrec: gone.json5: no such session file\n"
    assert lines(result.stdout) == [
        {"type": "error", "code": 66, "where": "gone.json5", "message": "gone.json5: no such session file"}
    ]


def test_a_missing_file_in_a_session(folder):
    text = GOOD.replace("{ counter: true }", '{ playback: { file: "gone.npy" } }')
    (folder / "s.json5").write_text(text)
    result = daqrec("record", "s.json5", cwd=folder)
    assert result.returncode == 65
    assert result.stderr.startswith("s.json5:5:77: circuits.0.simulate.signals.x.playback.file: ")
    assert "gone.npy" in result.stderr


def test_an_existing_output_is_never_replaced(tmp_path):
    (tmp_path / "s.json5").write_text(GOOD)
    (tmp_path / "x.nwb.h5").write_text("precious")
    result = daqrec("record", "s.json5", "-o", "x.nwb.h5", "--json", cwd=tmp_path)
    message = "cannot create x.nwb.h5: x.nwb.h5 exists already and is not replaced"
    assert result.returncode == 73
    assert result.stderr.splitlines()[-1] == f"daqrec: {message}"
    assert lines(result.stdout) == [
        {"type": "error", "code": 73, "where": "x.nwb.h5", "message": message}
    ]
    assert (tmp_path / "x.nwb.h5").read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "output, why",
    [
        ("gone/x.nwb.h5", "its folder gone/ cannot be written to: No such file or directory"),
        ("s.json5/x.nwb.h5", "its folder s.json5/ cannot be written to: Not a directory"),
    ],
)
def test_a_folder_that_cannot_be_written_to(folder, output, why):
    """Below no folder, and below a file: also the superuser cannot write there."""
    result = daqrec("record", "s.json5", "-o", output, cwd=folder)
    assert result.returncode == 73
    assert result.stderr.splitlines()[-1] == f"daqrec: cannot create {output}: {why}"


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "record: no SESSION is given"),
        (["s.json5", "more.json5"], "record: one SESSION is expected, not 2"),
        (["s.json5", "--bogus"], "record: unknown option --bogus; daqrec record --help lists what there is"),
        (["s.json5", "-z"], "record: unknown option -z; daqrec record --help lists what there is"),
        (["s.json5", "--duration"], "record: --duration needs a value; daqrec record --help shows it"),
        (["s.json5", "--duration=soon"], "record: --duration soon: a number from 0.001 to 1000000000.0"),
        (["s.json5", "--duration=-1"], "record: --duration -1: a number from 0.001 to 1000000000.0"),
    ],
)
def test_a_wrong_use_of_the_command_line(folder, words, message):
    result = daqrec("record", *words, cwd=folder)
    assert result.returncode == 64
    assert result.stderr == f"daqrec: {message}\n"
    assert result.stdout == ""


@pytest.mark.parametrize(
    "setting, line",
    [
        ("foo", "--set foo: is not a setting; allowed: key.path=value"),
        (
            "run.duration_s=x",
            '--set run.duration_s=x: run.duration_s: "x" is not allowed; '
            "allowed: a finite number above 0",
        ),
        (
            "circuits.rx.index=2",
            "--set circuits.rx.index=2: circuits.rx.index: there is no element rx; allowed: 0 to 0, "
            "or a name: rz",
        ),
    ],
)
def test_a_bad_setting_is_named(folder, setting, line):
    result = daqrec("record", "s.json5", "--set", setting, cwd=folder)
    assert result.returncode == 65
    assert result.stderr == f"daqrec: {line}\n"


def test_an_unknown_command_has_a_hint(folder):
    result = daqrec("recrod", cwd=folder)
    assert result.returncode == 64
    assert result.stderr == "daqrec: unknown command recrod; did you mean record? (daqrec help lists them)\n"
    assert daqrec(cwd=folder).returncode == 64


@pytest.mark.parametrize("command", ["record", "init", "validate", "info"])
def test_every_command_has_help_with_an_example(folder, command):
    result = daqrec(command, "--help", cwd=folder)
    assert result.returncode == 0
    assert f"usage: daqrec {command}" in result.stdout
    assert f"example: daqrec {command}" in result.stdout
