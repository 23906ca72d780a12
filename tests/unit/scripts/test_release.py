"""The zip that users unzip: the same from the same commit everywhere, complete, and nothing else in it."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bridge import __version__
from bridge.commands import catalogues
from bridge.setup import contents
from scripts.release import package

CHECKOUT = Path(__file__).parents[3]
NAME = f"photio-for-gimp-{__version__}.zip"
COMMITTED = 1790000001  # an odd second: a zip has only even ones
FLATHUB = CHECKOUT / "scripts/release/org.gimp.GIMP.Plugin.Photio"
AUTHOR = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")


def git(folder: Path, *arguments: str, when: int = COMMITTED) -> None:
    dates = {name: f"{when} +0000" for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE")}
    command = ["git", "-C", str(folder), *AUTHOR, *arguments]
    subprocess.run(command, env={**os.environ, **dates}, capture_output=True, check=True)


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit: what a release needs of this checkout, as it is now."""
    folder = tmp_path_factory.mktemp("repository") / "repository"
    ignore = shutil.ignore_patterns("__pycache__", "photos")
    for name in ("bridge", "plugin", "scripts"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignore)
    for name in ("LICENSE", ".gitignore"):
        shutil.copy(CHECKOUT / name, folder)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    return folder


@pytest.fixture
def clone(committed: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "--quiet", str(committed), str(tmp_path / "clone"))
    return tmp_path / "clone"


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def unzipped(path: Path, folder: Path) -> Path:
    """Unzips as a user does, with permissions and times. Returns the plug-in's folder."""
    subprocess.run(["unzip", "-q", str(path), "-d", str(folder)], check=True)
    return folder / "photio"


def release(clone: Path, *arguments: str, umask: int = 0o022, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(clone / "scripts/release.py"), *arguments]
    return subprocess.run(
        command, env={**os.environ, **variables}, umask=umask, capture_output=True, text=True, check=False
    )


def test_two_people_at_two_times_build_the_same_file(committed: Path, tmp_path: Path) -> None:
    built = []
    circumstances = ((0o077, "Pacific/Kiritimati", "C"), (0o000, "America/Los_Angeles", "C.UTF-8"))
    for number, (umask, zone, language) in enumerate(circumstances):
        clone = tmp_path / f"folder {number}" / ("ä" * number + "clone")
        git(tmp_path, "clone", "--quiet", str(committed), str(clone))
        for path in (clone / "bridge").rglob("*.py"):
            os.utime(path, (10**9 * (number + 1), 10**9 * (number + 1)))
            path.chmod(0o700 if number else 0o644)
        done = release(clone, "--out", str(tmp_path / str(number)), umask=umask, TZ=zone, LC_ALL=language)
        assert done.returncode == 0, done.stderr
        content = (tmp_path / str(number) / NAME).read_bytes()
        assert done.stdout.splitlines()[1:] == [
            f"{len(content):,} bytes",
            f"sha256 {hashlib.sha256(content).hexdigest()}",
        ]
        built.append(content)
    assert built[0] == built[1]
    with zipfile.ZipFile(tmp_path / "0" / NAME) as archive:
        assert archive.namelist() == sorted(archive.namelist())
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}  # zlibs differ
        assert {entry.create_system for entry in archive.infolist()} == {3}  # also on Windows


def test_an_archive_of_the_commit_builds_the_same_file_without_git(
    committed: Path, clone: Path, tmp_path: Path
) -> None:
    git(committed, "archive", "--output", str(tmp_path / "source.tar"), "HEAD")
    shutil.unpack_archive(tmp_path / "source.tar", tmp_path / "source")
    one, other = (package.build(tmp_path / name, tmp_path / f"of-{name}", {}) for name in ("clone", "source"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("with_git", [True, False])
def test_what_lies_about_in_the_checkout_stays_out(clone: Path, tmp_path: Path, with_git: bool) -> None:
    before = names(package.build(clone, tmp_path / "before", {}))
    ignored = ["bridge/__pycache__/a.py", "plugin/photio/early.pyc", "bridge/.mypy_cache/x.json"]
    unknown = ["bridge/notes.txt", "plugin/photio/locale/it.po", "plugin/photio/windows/try.py"] if with_git else []
    for name in ignored + unknown + ["notes.txt", "out/photio/photio.py"]:
        (clone / name).parent.mkdir(exist_ok=True, parents=True)
        (clone / name).write_text("")
    if not with_git:
        shutil.rmtree(clone / ".git")
    assert names(package.build(clone, tmp_path / "after", {})) == before


def test_a_change_without_a_commit_is_built_and_said(clone: Path, tmp_path: Path) -> None:
    (clone / "bridge/__main__.py").write_text("# changed\n")
    (clone / "bridge/doctor/__init__.py").unlink()
    done = release(clone, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert sorted(line.split()[-1] for line in done.stderr.splitlines() if line.startswith("not committed: ")) == [
        "bridge/__main__.py", "bridge/doctor/__init__.py"
    ]  # fmt: skip
    with zipfile.ZipFile(tmp_path / NAME) as archive:
        assert archive.read("photio/bridge/__main__.py") == b"# changed\n"
    assert "photio/bridge/doctor/__init__.py" not in names(tmp_path / NAME)


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip")
def test_the_unzipped_folder_is_complete_and_gimp_can_start_it(clone: Path, tmp_path: Path) -> None:
    folder = unzipped(package.build(clone, tmp_path, {}), tmp_path / "plug-ins")
    assert [path.name for path in folder.parent.iterdir()] == ["photio"]
    assert (contents.is_photio(folder), contents.damage(folder), contents.version(folder)) == (True, [], __version__)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path, mode in modes.items() if mode & 0o111} == {"photio.py"}
    assert all(mode & 0o444 == 0o444 for mode in modes.values())


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip")
def test_the_unzipped_folder_speaks_the_users_language_before_any_set_up(clone: Path, tmp_path: Path) -> None:
    folder = unzipped(package.build(clone, tmp_path, {}), tmp_path)
    code = f"import sys; sys.path.insert(0, {str(folder)!r}); from bridge.common.i18n import _"
    code += "; print(_('_Cancel').replace('_', ''))"
    for language, word in (("de", "Abbrechen"), ("fr", "Annuler"), ("en", "Cancel")):
        variables = {**os.environ, "LANGUAGE": language, "LANG": "C.UTF-8"}
        command = [sys.executable, "-I", "-B", "-c", code]
        said = subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", check=True).stdout.strip()
        assert said == word
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mo")}
    assert catalogues.compile_all(folder / "locale") == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.mo")} == before
    assert len(before) >= 6


def test_gimp_notices_an_update_because_its_date_is_another(clone: Path, tmp_path: Path) -> None:
    dates = []
    for number in range(2):
        git(clone, "commit", "--quiet", "--allow-empty", "--message=next", when=COMMITTED + 1000 * number)
        with zipfile.ZipFile(package.build(clone, tmp_path / str(number), {})) as archive:
            dates.append({entry.date_time for entry in archive.infolist()})
    assert len(dates[0]) == len(dates[1]) == 1
    assert dates[0] != dates[1]


def test_a_packager_can_set_the_date(clone: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package.build(clone, tmp_path, {"SOURCE_DATE_EPOCH": "1000000000"})) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2001, 9, 9, 1, 46, 40)}
    with pytest.raises(package.ReleaseError, match="SOURCE_DATE_EPOCH is “yesterday”"):
        package.build(clone, tmp_path, {"SOURCE_DATE_EPOCH": "yesterday"})


def test_a_release_without_one_of_its_languages_is_not_built(clone: Path, tmp_path: Path) -> None:
    (clone / "plugin/photio/locale/fr.po").write_text('msgid "Stop\nmsgstr')
    done = release(clone, "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert "fr: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_where_git_refuses_nothing_is_built(clone: Path, tmp_path: Path) -> None:
    shutil.rmtree(clone / ".git")
    (clone / ".git").write_text("gitdir: /nowhere\n")
    done = release(clone, "--out", str(tmp_path / "out"))
    assert done.returncode == 1
    assert done.stderr.startswith("git ")
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    (tmp_path / "bridge").mkdir()
    (tmp_path / "bridge/a.py").touch()
    (tmp_path / ".gitignore").touch()
    with pytest.raises(package.ReleaseError, match="no plugin/photio, LICENSE in "):
        package.build(tmp_path, tmp_path / "out", {})


# What lies beside it, for Flathub and for the maintainer


def metainfo() -> ElementTree.Element:
    return ElementTree.parse(Path(f"{FLATHUB}.metainfo.xml")).getroot()


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    changelog = (CHECKOUT / "CHANGELOG.md").read_text(encoding="utf-8")
    manifest = json.loads(Path(f"{FLATHUB}.json").read_text(encoding="utf-8"))
    (release, *_older) = metainfo().iter("release")
    assert {
        "pyproject.toml": tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"],
        "CHANGELOG.md": next(line for line in changelog.splitlines() if line.startswith("## ")).split()[1],
        "metainfo.xml": release.get("version"),
        "the manifest's zip": manifest["modules"][0]["sources"][0]["path"],
    } == {
        "pyproject.toml": __version__,
        "CHANGELOG.md": __version__,
        "metainfo.xml": __version__,
        "the manifest's zip": NAME,
    }
    assert datetime.date.fromisoformat(release.get("date", ""))


def test_a_software_centre_finds_what_it_needs() -> None:
    texts = {each.tag: (each.text or "").strip() for each in metainfo()}
    assert metainfo().get("type") == "addon"
    assert (texts["id"], texts["extends"]) == ("org.gimp.GIMP.Plugin.Photio", "org.gimp.GIMP")
    assert (texts["metadata_license"], texts["project_license"]) == ("CC0-1.0", "GPL-3.0-or-later")
    assert all(texts[tag] for tag in ("name", "summary", "url"))
    assert not texts["summary"].endswith(".")  # as AppStream wants it
    assert metainfo().findall("description/p")


def test_flatpak_puts_the_unzipped_folder_where_gimp_looks() -> None:
    manifest = json.loads(Path(f"{FLATHUB}.json").read_text(encoding="utf-8"))
    assert (manifest["id"], manifest["branch"], manifest["build-extension"]) == (
        "org.gimp.GIMP.Plugin.Photio",
        "3",
        True,
    )
    assert (manifest["runtime"], manifest["runtime-version"]) == ("org.gimp.GIMP", "stable")
    assert manifest["build-options"]["prefix"] == "/app/extensions/Photio"
    (module,) = manifest["modules"]
    archive, described = module["sources"]
    assert archive["dest"] == "photio"
    assert (FLATHUB.parent / described["path"]).is_file()
    assert "cp -r photio ${FLATPAK_DEST}/plug-ins/photio" in module["build-commands"]
