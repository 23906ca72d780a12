"""What can be told here of computers that are not here: file names on Windows, and wheels for each system."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.release import package, wheels

CHECKOUT = Path(__file__).parents[3]

#: Windows allows no longer path than 260 characters by default, and the user's plug-ins folder takes some of them.
LONGEST = 180

_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"\\|?*\x00-\x1f]')


def not_allowed(names: list[str]) -> Iterator[str]:
    """The paths that Windows refuses or mixes up, each with the reason. macOS too tells no cases apart."""
    spelled: dict[str, str] = {}
    for name in names:
        if len(name) > LONGEST:
            yield f"{name}: longer than {LONGEST} characters"
        parts = name.split("/")
        for number, part in enumerate(parts, 1):
            if _DEVICES.fullmatch(part):
                yield f"{name}: a device’s name"
            if _FORBIDDEN.search(part) or part != part.rstrip(". ") or not part:
                yield f"{name}: a character that is not allowed there"
            if not part.isascii():
                yield f"{name}: not ASCII, and spelled in two ways"
            path = "/".join(parts[:number])
            if spelled.setdefault(path.lower(), path) != path:
                yield f"{name}: differs only by case from {spelled[path.lower()]}"


def test_every_file_of_the_release_has_a_name_that_windows_and_macos_allow(tmp_path: Path) -> None:
    with zipfile.ZipFile(package.build(CHECKOUT, tmp_path, {})) as archive:
        names = archive.namelist()
    assert len(names) > 100
    assert list(not_allowed(names)) == []


@pytest.mark.parametrize(
    "names",
    [
        ["photio/aux.py"], ["photio/Com1"], ["photio/nul.tar.gz"], ["photio/LPT¹"], ["photio/a./b"], ["photio/a "],
        ["photio/10:45.log"], ["photio/what?"], ["photio/a\\b"], ["photio/tab\t"], ["photio//a"], ["photio/ä"],
        ["photio/" + "a" * 180], ["photio/Locale/de", "photio/locale/fr"], ["photio/A.py", "photio/a.py"],
    ],
)  # fmt: skip
def test_a_name_that_windows_refuses_is_found(names: list[str]) -> None:
    assert list(not_allowed(names))


@pytest.mark.parametrize("name", ["photio/console.py", "photio/.gitignore", "photio/com10", "photio/auxiliary.py"])
def test_a_name_that_windows_allows_is_not_found(name: str) -> None:
    assert list(not_allowed([name])) == []


# The locked packages. The real check needs uv and the network: scripts/release.py --check-lock.

#: What uv 0.12.21 says of the one package that lacks wheels.
REFUSED = """Using CPython 3.11.7 interpreter at: /usr/bin/python3
error: No solution found when resolving dependencies
  cause: Because onnxruntime==1.26.0 has no wheels with a matching platform tag (e.g., `macosx_14_0_x86_64`) and you
    require onnxruntime==1.26.0, we can conclude that your requirements are unsatisfiable.
"""

#: Stands for uv, which the tests' environment has not: refuses what it is told to refuse, in uv's words.
STUB = """#!{python}
import os, sys
asked = " ".join(sys.argv[1:]) + " macOS " + os.environ.get("MACOSX_DEPLOYMENT_TARGET", "-")
if any(all(word in asked for word in words) for words in {refused!r}):
    sys.exit({text!r})
"""

ON_MACS = [["neural", "apple-darwin", "macOS 11.0"], ["neural", "x86_64-apple-darwin", "macOS 14.0"]]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MACOSX_DEPLOYMENT_TARGET", raising=False)
    return tmp_path


def put_uv(programs: Path, refused: list[list[str]], text: str = REFUSED) -> None:
    (programs / "uv").write_text(STUB.format(python=sys.executable, refused=refused, text=text))
    os.chmod(programs / "uv", 0o755)


def test_without_uv_the_maintainer_hears_how_to_get_it(programs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert wheels.check(CHECKOUT / "bridge") == 1
    assert "“pip install uv” gets it" in capsys.readouterr().out


def test_what_is_known_to_have_no_wheel_is_no_failure(
    programs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "PYTHONS", ("3.11",))
    put_uv(programs, ON_MACS)
    assert wheels.check(CHECKOUT / "bridge") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(wheels.LOCKS) * len(wheels.SYSTEMS) + 1
    assert (
        "requirements-neural.lock, macOS 14 on Intel, Python 3.11: onnxruntime==1.26.0 has no wheels with a matching "
        "platform tag (e.g., `macosx_14_0_x86_64`)"
    ) in lines
    assert "requirements.lock, Windows, Python 3.11: all wheels are there" in lines


@pytest.mark.parametrize(
    ("refused", "text", "said"),
    [
        ([*ON_MACS, ["requirements.lock", "windows"]], REFUSED, "requirements.lock, Windows, Python 3.14: onnxruntime"),
        (ON_MACS[:1], REFUSED, "requirements-neural.lock, macOS 14 on Intel, Python 3.14: all wheels are there"),
        ([["linux"]], "no\nnetwork", "requirements.lock, Linux, Python 3.14: no network"),
    ],
    ids=["a new gap", "a gap that is closed", "no network"],
)
def test_what_has_changed_is_a_failure(
    programs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    refused: list[list[str]],
    text: str,
    said: str,
) -> None:
    monkeypatch.setattr(wheels, "PYTHONS", ("3.14",))
    put_uv(programs, refused, text)
    assert wheels.check(CHECKOUT / "bridge") == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.endswith("  UNEXPECTED")]
    assert [line for line in lines if line.startswith(said)]
