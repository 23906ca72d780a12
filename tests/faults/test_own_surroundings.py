"""No fault is tried with a key of a person's, wherever they keep it."""

import pytest

from bridge.store import key, keyring_entry, settings


@pytest.mark.parametrize("unset", ["PHOTIO_RUN", "PHOTIO_HOME"], ids=["own home", "usual home"])
def test_no_server_is_asked_with_a_persons_key(unset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(unset, raising=False)
    assert key.find_key(settings.load()[0]) is None
    assert settings.load()[0].origin == settings.DEFAULT_ORIGIN
    assert not keyring_entry.is_available()
