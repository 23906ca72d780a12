"""Builds the zip that users unzip into GIMP's plug-ins folder. The same commit makes the same bytes everywhere."""

from __future__ import annotations

import fnmatch
import os
import shutil
import stat
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bridge.commands import catalogues
from bridge.setup import contents

#: What a release is made of. Everything else in the checkout stays out.
SOURCES = ("bridge", "plugin/photio", "LICENSE")

#: The folder in the zip.
FOLDER = "photio"

_EARLIEST = 315532800  # 1980, in seconds since 1970: a zip knows no earlier time


class ReleaseError(Exception):
    """The release cannot be built; the text says why."""


def build(checkout: Path, out: Path, variables: Mapping[str, str] = os.environ) -> Path:
    """Builds `photio-for-gimp-X.Y.Z.zip` in the folder `out`, which is made if need be, and returns its path.

    Raises:
        ReleaseError: a catalogue or the checkout is damaged, or git refuses.
    """
    names = files(checkout)
    when = date(checkout, names, variables)
    with tempfile.TemporaryDirectory() as temporary:
        source, folder = Path(temporary, "checkout"), Path(temporary, FOLDER)
        for name in names:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(checkout / name, source / name)
        folder.mkdir()
        contents.copy(source, folder)
        if left_out := catalogues.compile_all(folder / "locale"):
            raise ReleaseError("These languages cannot be compiled:\n" + "\n".join(left_out))
        out.mkdir(parents=True, exist_ok=True)
        finished = out / f"photio-for-gimp-{contents.version(folder)}.zip"
        part = finished.with_suffix(".part")
        try:
            _zip(folder, part, when)
            os.replace(part, finished)
        finally:
            part.unlink(missing_ok=True)
    return finished


def files(checkout: Path) -> list[str]:
    """The files of `SOURCES` that git knows, as they are now; without git all that its patterns do not ignore."""
    if (checkout / ".git").exists():
        listed = _git(checkout, "ls-files", "-z", "--", *SOURCES).split("\0")
    else:
        paths = [path for source in SOURCES for path in [checkout / source, *(checkout / source).rglob("*")]]
        listed = [path.relative_to(checkout).as_posix() for path in paths]
        ignored = (checkout / ".gitignore").read_text(encoding="utf-8").split()
        listed = [name for name in listed if not _matches(name, ignored)]
    found = sorted(name for name in listed if (checkout / name).is_file())
    if missing := [name for name in SOURCES if not any(each.startswith(name) for each in found)]:
        raise ReleaseError(f"There is no {', '.join(missing)} in {checkout}.")
    return found


def not_committed(checkout: Path) -> list[str]:
    """The lines of `git status` about changes that no commit has; nothing without git."""
    if not (checkout / ".git").exists():
        return []
    return _git(checkout, "status", "--porcelain", "--", *SOURCES).splitlines()


def date(checkout: Path, names: list[str], variables: Mapping[str, str]) -> int:
    """The date of all files in the zip, in seconds since 1970.

    SOURCE_DATE_EPOCH, else that of the commit; without git that of the newest file, which in an archive of a commit is
    the commit's. It must not be the same for all releases: GIMP queries a plug-in again only if its date has changed.
    """
    text = variables.get("SOURCE_DATE_EPOCH", "")
    if text and not text.isdecimal():
        raise ReleaseError(f"SOURCE_DATE_EPOCH is “{text}”; it must be a number of seconds.")
    if not text and (checkout / ".git").exists():
        text = _git(checkout, "log", "-1", "--format=%ct")
    return max(_EARLIEST, int(text or max((checkout / name).stat().st_mtime for name in names)))


def _zip(folder: Path, target: Path, when: int) -> None:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(paths):
            # Not compressed: other releases of zlib, and zlib-ng, make other bytes of the same file.
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", time.gmtime(when)[:6])
            entry.create_system = 3  # Unix, also if built elsewhere, so that the permissions count
            entry.external_attr = (stat.S_IFREG | (0o755 if name == "photio.py" else 0o644)) << 16
            archive.writestr(entry, paths[name].read_bytes())


def _matches(name: str, patterns: list[str]) -> bool:
    """Whether a part of the path matches a pattern of `.gitignore`; those with a leading “/” concern no source."""
    usual = [pattern.rstrip("/") for pattern in patterns if not pattern.startswith("/")]
    return any(fnmatch.fnmatchcase(part, pattern) for part in name.split("/") for pattern in usual)


def _git(checkout: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise ReleaseError(f"git cannot be started ({error}); it says which files belong to the release.") from error
    if done.returncode:
        raise ReleaseError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
