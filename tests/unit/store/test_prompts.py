"""The prompts that the window offers again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import encode
from bridge.protocol.history import Prompts
from bridge.store import prompts
from tests.unit.damage import at_most, damaged, damaged_json, replaced


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path))
    return tmp_path


def test_the_last_prompt_is_first_and_each_is_there_once():
    for prompt in ("a door", "a red door", "a lake", "a door"):
        prompts.remember(prompt)
    assert prompts.recent() == ("a door", "a lake", "a red door")


def test_fifty_are_kept():
    for number in range(60):
        prompts.remember(f"door {number}")
    assert prompts.recent() == tuple(f"door {number}" for number in range(59, 9, -1))


def test_line_breaks_and_other_scripts_come_back_as_they_were():
    prompts.remember("eine rote Tür,\n「赤い扉」")
    assert prompts.recent() == ("eine rote Tür,\n「赤い扉」",)


@pytest.mark.parametrize("prompt", ["", "  \n", "x" * 2001, "\ud800"])
def test_blank_and_endless_prompts_are_not_offered(prompt):
    prompts.remember("a door")
    prompts.remember(prompt)
    assert prompts.recent() == ("a door",)


def test_only_the_user_can_read_them(home):
    prompts.remember("a door")
    assert (home / "prompts.json").stat().st_mode & 0o777 == 0o600


def test_a_prompt_is_never_logged(home, caplog):
    (home / "prompts.json").mkdir()
    prompts.remember("a secret door")
    assert caplog.records
    assert "secret" not in caplog.text


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
contents = st.binary() | json_values.map(lambda value: json.dumps(value).encode())


@given(contents | st.just(b"[" * 100_000) | st.just(b" " * (2 << 20)))
def test_whatever_is_in_the_file_the_window_opens_and_the_next_prompt_is_kept(home, content):
    (home / "prompts.json").write_bytes(content)
    before = prompts.recent()
    assert len(encode(Prompts(before), 1)) < 1 << 20
    prompts.remember("a door")
    assert prompts.recent()[0] == "a door"


KEPT = ["a door", "eine rote Tür,\n「赤い扉」", "x" * 2000]


@given(damaged_json(KEPT) | damaged(json.dumps(KEPT, indent=1, ensure_ascii=False).encode()))
def test_whatever_became_of_the_file_what_is_offered_can_be_told_and_kept(home, content):
    check(home, content)


def test_whatever_a_kept_prompt_is_what_is_offered_can_be_told_and_kept(home):
    for content in replaced(KEPT):
        check(home, content)


def check(home, content):
    """What the file offers can be told to the plug-in, and written again with the next prompt."""
    (home / "prompts.json").write_bytes(content)
    before = prompts.recent()
    assert all(0 < len(text) <= 2000 for text in before)
    assert len(encode(Prompts(before), 1)) < 1 << 20
    prompts.remember("a lake")
    assert prompts.recent() == ("a lake", *(text for text in before if text != "a lake"))


@pytest.mark.parametrize("piece", [b"[],", b'"x",', b"[" * 900 + b"]" * 900 + b","])
def test_a_file_of_any_length_takes_no_more_memory_than_a_picture(home, piece):
    for length in (1 << 20, 8 << 20):  # what is still read, and what no longer is
        (home / "prompts.json").write_bytes(b"[" + piece * (length // len(piece) - 1) + b"0]")
        with at_most(64):
            prompts.recent()


def test_a_folder_that_cannot_be_written_to_stops_nothing(home):
    (home / "prompts.json").mkdir()
    prompts.remember("a door")
    assert prompts.recent() == ()


def test_fifty_of_the_longest_are_still_one_message():
    for number in range(50):
        prompts.remember("\x01" * 1990 + str(number))
    assert len(prompts.recent()) == 50
    assert len(encode(Prompts(prompts.recent()), 1)) < 1 << 20
