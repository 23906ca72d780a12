"""Which languages Photio speaks after its set-up, and that a broken catalogue costs only its own."""

from __future__ import annotations

import gettext
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.commands import catalogues
from tests.unit.install_world import REPOSITORY, tree

BROKEN = {
    "syntax": 'msgid "Stop\nmsgstr',
    "binary": "\x00\xff",
    "plural rule": 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=rm;\\n"\n',
}


def write(locale: Path, language: str, translation: str) -> Path:
    locale.mkdir(exist_ok=True)
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    path = locale / f"{language}.po"
    path.write_text(f'{header}msgid "Stop"\nmsgstr "{translation}"\n', encoding="utf-8")
    return path


def says(locale: Path, language: str) -> str:
    return gettext.translation("photio", locale, [language], fallback=True).gettext("Stop")


def compiled(locale: Path, language: str) -> Path:
    return locale / language / "LC_MESSAGES" / "photio.mo"


def test_every_language_is_spoken_and_nothing_else_is_left(tmp_path: Path) -> None:
    locale = tmp_path / "locale"
    write(locale, "de", "Halt")
    write(locale, "ja", "止まれ")
    (locale / "photio.pot").write_text("no language")
    assert catalogues.compile_all(locale) == []
    files = sorted(path.relative_to(locale).as_posix() for path in locale.rglob("*") if path.is_file())
    assert files == ["de.po", "de/LC_MESSAGES/photio.mo", "ja.po", "ja/LC_MESSAGES/photio.mo", "photio.pot"]
    assert (says(locale, "de"), says(locale, "ja"), says(locale, "fr")) == ("Halt", "止まれ", "Stop")
    assert stat.S_IMODE(compiled(locale, "de").stat().st_mode) & 0o600 == 0o600


def test_photios_own_languages_are_complete(tmp_path: Path) -> None:
    for path in (REPOSITORY / "plugin/photio/locale").glob("*.po"):
        (tmp_path / path.name).symlink_to(path)
    assert catalogues.compile_all(tmp_path) == []
    assert len(list(tmp_path.rglob("photio.mo"))) == len(list(tmp_path.glob("*.po"))) >= 6


def test_what_is_up_to_date_is_kept_and_what_is_older_is_made_again(tmp_path: Path) -> None:
    write(tmp_path, "de", "Halt")
    catalogues.compile_all(tmp_path)
    os.utime(tmp_path / "de.po", (1000, 1000))
    os.utime(compiled(tmp_path, "de"), (1000, 1000))  # as a release has it
    before = compiled(tmp_path, "de").stat().st_ino
    assert catalogues.compile_all(tmp_path) == []
    assert compiled(tmp_path, "de").stat().st_ino == before
    os.utime(write(tmp_path, "de", "Stehen bleiben"), (2000, 2000))
    catalogues.compile_all(tmp_path)
    assert says(tmp_path, "de") == "Stehen bleiben"


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN)
def test_a_broken_catalogue_costs_only_its_language(tmp_path: Path, damage: str) -> None:
    write(tmp_path, "de", "Halt")
    write(tmp_path, "fr", "Arrêter")
    catalogues.compile_all(tmp_path)
    (tmp_path / "fr.po").write_text(damage, encoding="latin-1")
    os.utime(compiled(tmp_path, "fr"), (1, 1))
    (line,) = catalogues.compile_all(tmp_path)
    assert line.startswith("fr: ")
    assert "\n" not in line
    assert (says(tmp_path, "de"), says(tmp_path, "fr")) == ("Halt", "Stop")
    assert compiled(tmp_path, "fr").parent.is_dir()
    assert list(compiled(tmp_path, "fr").parent.iterdir()) == []


def test_a_disk_that_is_full_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "de", "Halt")
    catalogues.compile_all(tmp_path)
    before = tree(tmp_path)
    os.utime(write(tmp_path, "de", "Halt"), (2**31, 2**31))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    (line,) = catalogues.compile_all(tmp_path)
    assert "No space left" in line
    assert tree(tmp_path) == before


def test_without_polib_each_language_is_named_and_the_program_ends_well(tmp_path: Path) -> None:
    write(tmp_path, "de", "Halt")
    catalogues.compile_all(tmp_path)
    os.utime(compiled(tmp_path, "de"), (1, 1))
    program = str(REPOSITORY / "bridge/commands/catalogues.py")
    done = subprocess.run([sys.executable, "-I", "-S", "-B", program, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "de: No module named 'polib'\n", "")
    assert says(tmp_path, "de") == "Halt"  # better an older translation than none


def test_the_program_says_nothing_if_all_is_well(tmp_path: Path) -> None:
    write(tmp_path, "de", "Halt")
    program = str(REPOSITORY / "bridge/commands/catalogues.py")
    done = subprocess.run([sys.executable, "-I", "-B", program, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert says(tmp_path, "de") == "Halt"
