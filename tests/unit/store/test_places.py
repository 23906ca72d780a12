"""Where Photio's files are can be said, for the journal apart from all else."""

from pathlib import Path

import pytest

from bridge.store import places


def test_the_journal_can_be_in_a_folder_that_computers_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PHOTIO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PHOTIO_JOURNAL", raising=False)
    assert places.journal_directory() == tmp_path / "home" / "journal"
    monkeypatch.setenv("PHOTIO_JOURNAL", str(tmp_path / "shared"))
    assert places.journal_directory() == tmp_path / "shared"
    assert places.log_file().is_relative_to(tmp_path / "home")
