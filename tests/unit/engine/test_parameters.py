"""Whatever is asked of the offline engine: it is a request that can be done, or it is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine import RequestRefused
from bridge.engine.parameters import LARGEST_SEED, parse
from bridge.engine.server import LARGEST_UPLOAD
from tests.unit.damage import at_most, damaged, damaged_json, replaced

REQUEST = {
    "prompt": "", "negative_prompt": "x", "base_image": "AAAA", "mask_image": "AAAA", "quality": "LOW", "seed": 1,
    "cfg_scale": 2.5,
}  # fmt: skip


@given(damaged_json(REQUEST) | damaged(json.dumps(REQUEST).encode()) | st.binary(max_size=60))
def test_whatever_a_client_sends_it_is_a_request_or_refused_in_a_sentence(body: bytes) -> None:
    check(body)


def test_whatever_a_variable_is_the_request_can_be_done_or_is_refused_in_a_sentence() -> None:
    for body in replaced(REQUEST):
        check(body)


def check(body: bytes) -> None:
    """A request is all that it must be, or refused as the API says."""
    asked, status, sentence = None, 400, ""
    try:
        asked = parse(body)
    except RequestRefused as error:
        status, sentence = error.status, error.sentence
    assert status in (400, 422)
    assert len(sentence) < 300
    if asked:
        assert 1 <= asked.seed <= LARGEST_SEED
        assert asked.base_image.strip()
        assert asked.mask_image.strip()


def test_a_request_of_very_many_values_is_not_unpacked() -> None:
    body = b'{"prompt": "", "more": [' + b"[]," * (LARGEST_UPLOAD // 3 - 20) + b"0]}"
    with at_most(4), pytest.raises(RequestRefused, match="more values"):
        parse(body)
