"""A service of ours, and a home of its own for each test."""

import pytest

from tests.regen_server import RegenServer


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PHOTIO_API_KEY", "test-key-0123456789abcdef")
    with RegenServer() as running:
        monkeypatch.setenv("PHOTIO_ORIGIN", running.origin)
        yield running
