"""What may have been billed is one table: complete, and in the documentation as in the code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.regen.answer import MEANINGS, encoded_image
from bridge.regen.errors import RegenError
from bridge.regen.transport import HttpAnswer

NETWORK = (Path(__file__).parents[3] / "docs" / "network.md").read_text(encoding="utf-8")
FORMS = {
    "own": json.dumps({"status_code": 503, "body": "no"}).encode(),
    "JSON": b'{"message": "no"}',
    "HTML": b"<html>no</html>",
    "empty": b"",
}


@pytest.mark.parametrize("form", FORMS)
def test_whatever_the_status_is_nothing_is_billed_before_the_whole_request_was_sent(form: str) -> None:
    for status in range(100, 1000):
        with pytest.raises(RegenError) as caught:
            encoded_image(HttpAnswer(status, {"retry-after": "0"}, FORMS[form], sent=False), "key")
        assert not caught.value.may_be_billed
        assert "may have been billed" not in caught.value.sentence


@pytest.mark.parametrize("form", FORMS)
def test_whatever_the_status_is_only_a_refusal_is_sent_again_after_the_whole_request_was_sent(form: str) -> None:
    for status in range(100, 1000):
        with pytest.raises(RegenError) as caught:
            encoded_image(HttpAnswer(status, {"retry-after": "0"}, FORMS[form]), "key")
        billed, again = caught.value.may_be_billed, caught.value.repeat_after is not None
        assert again == (status == 429 and form != "own")
        assert billed == ("may have been billed" in caught.value.sentence)
        assert not (300 <= status < 500 and billed)
        assert billed or status not in (502, 504, *range(520, 531)) or form == "own"


def test_every_status_that_the_table_names_is_in_the_documentation() -> None:
    named = {status for meaning in MEANINGS if isinstance(meaning.statuses, set) for status in meaning.statuses}
    assert [status for status in sorted(named - {401, 408, *range(521, 530)}) if str(status) not in NETWORK] == []
