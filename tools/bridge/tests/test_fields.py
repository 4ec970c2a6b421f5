import pytest

from daqrec_bridge.errors import BridgeError
from daqrec_bridge.fields import Fields


@pytest.mark.parametrize("take", [
    lambda fields: fields.integer("whole", 0, 10), lambda fields: fields.number("real", 0, 10),
    lambda fields: fields.text("text"), lambda fields: fields.boolean("flag"),
    lambda fields: fields.choice("text", ["lfp", "emg"]), lambda fields: fields.list("list", 3),
    lambda fields: fields.integers("list", 3, 0, 9), lambda fields: fields.members("object", 2),
])
def test_what_fits_is_taken_and_what_is_missing_is_named(take):
    take(Fields({"whole": 5, "real": 2.5, "text": "lfp", "flag": True, "list": [1, 2],
                 "object": {"a": 1}}))
    with pytest.raises(BridgeError) as caught:
        take(Fields({}))
    assert caught.value.code == "bad-argument" and "is missing" in caught.value.message


@pytest.mark.parametrize("value", [-1, 11, 2.5, "5", True, [], 1e400, 10**400])
def test_a_whole_number_is_whole_and_within_its_bounds(value):
    with pytest.raises(BridgeError):
        Fields({"n": value}).integer("n", 0, 10)


def test_a_whole_number_may_be_written_as_a_real_one():
    assert Fields({"n": 5.0}).integer("n", 0, 10) == 5


@pytest.mark.parametrize("value", ["", "x" * 257, 5, None, "a\0b", "\ud83d"])
def test_a_text_is_short_and_made_of_characters(value):
    with pytest.raises(BridgeError):
        Fields({"t": value}).text("t")


def test_null_is_as_good_as_missing():
    assert Fields({"n": None}).integer("n", 0, 10, default=None) is None
    assert "n" not in Fields({"n": None})


def test_the_place_of_what_is_wrong_is_named():
    with pytest.raises(BridgeError) as caught:
        Fields({"chunks": [{"channel": 0}, {"channel": "x"}]}).objects("chunks", 4)[1].integer(
            "channel", 0, 7
        )
    assert "chunks[1].channel" in caught.value.message
