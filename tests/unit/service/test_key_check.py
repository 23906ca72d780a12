"""Testing a key: whatever answers at the service's address, it ends in a sentence, and soon."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.common.errors import PhotioError
from bridge.protocol.settings import KeyTested
from bridge.regen.transport import LONGEST_ANSWER, HttpAnswer
from bridge.service import key_check
from bridge.store.settings import Settings
from tests.unit.damage import at_most, damaged, damaged_json, replaced

KEY = "sk-0123456789abcdef"
REFUSAL = {"status_code": 400, "body": "base_image is missing", "more": {"id": 5}}
HERE = dataclasses.replace(Settings(), origin="http://127.0.0.1:9")


def answering(patch: pytest.MonkeyPatch, answer: HttpAnswer) -> None:
    """The service says that."""
    patch.setattr(key_check, "post", lambda *_args, **_more: answer)


@pytest.mark.parametrize("status", [200, 401, 500])
def test_whatever_a_value_in_the_answer_is_the_key_is_known_or_not_or_a_sentence_says_why_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    for content in replaced(REFUSAL):
        answering(monkeypatch, HttpAnswer(status, {}, content))
        with contextlib.suppress(PhotioError):
            assert isinstance(key_check.try_key(KEY, HERE), KeyTested)


@given(
    damaged_json(REFUSAL) | damaged(b'{"status_code": 500, "body": "no image"}') | st.binary(max_size=60),
    st.sampled_from([200, 202, 302, 400, 401, 403, 404, 429, 500, 502, 503, 504]),
)
def test_whatever_answers_the_key_is_known_or_not_or_a_sentence_says_why_nobody_knows(
    monkeypatch: pytest.MonkeyPatch, content: bytes, status: int
) -> None:
    answering(monkeypatch, HttpAnswer(status, {"retry-after": content[:9].decode("latin-1")}, content))
    with contextlib.suppress(PhotioError):
        assert isinstance(key_check.try_key(KEY, HERE), KeyTested)


@pytest.mark.parametrize(
    "content", [b"[" + b"[]," * (LONGEST_ANSWER // 3 - 1) + b"0]", b'{"status_code":' + b"[" * 900]
)
def test_an_answer_of_very_many_values_is_not_unpacked(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    answering(monkeypatch, HttpAnswer(400, {}, content))
    with at_most(4), pytest.raises(PhotioError, match="is not Photio"):
        key_check.try_key(KEY, HERE)
