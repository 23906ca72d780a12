"""What is fetched or made once for these tests, into the scripts' cache: packages, and the mirrors' archives.

uv's own releases and its builds of Python cannot be fetched everywhere. So the archives here are made of the same uv
from its wheel, and of a Debian's Python.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bridge.setup import uv
from scripts.gimp import rootfs
from tests.sandboxes.rig import CHECKOUT

LOCKS = (CHECKOUT / "bridge" / "requirements.lock", CHECKOUT / "bridge" / "setup" / "uv.lock")
PYTHONS = ("3.13", "3.14")  # of trixie and forky


def folder(tree: Path, variables: Mapping[str, str]) -> Path:
    """The folder with `wheels`, and uv's and Python's archives in `releases`.

    Args:
        tree: a Debian tree, whose pip fetches the wheels, and whose Python is offered.
        variables: what pip sees.
    """
    digest = hashlib.sha256(str(tree).encode() + b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()[:8]
    made = rootfs.cache_directory() / f"sandboxes-{digest}"
    if not (made / ".complete").exists():
        shutil.rmtree(made, ignore_errors=True)
        wheels, releases = made / "wheels", made / "releases"
        wheels.mkdir(parents=True)
        releases.mkdir()
        _fetch_wheels(tree, wheels, variables)
        _pack_uv(wheels, releases)
        _pack_python(tree, releases)
        (made / ".complete").touch()
    return made


def release_name() -> str:
    """The name of uv's archive for this computer among its releases."""
    return uv.ARCHIVES["linux", os.uname().machine]


def python_archive(releases: Path) -> Path:
    """The archive with a Python."""
    (found,) = releases.glob("cpython-*.tar.gz")
    return found


def _fetch_wheels(tree: Path, wheels: Path, variables: Mapping[str, str]) -> None:
    """With the tree's pip: pip reads an environment marker for the Python that it runs in."""
    packages, program = LOCKS
    orders = [["--python-version", release, "-r", str(packages)] for release in PYTHONS]
    for order in [*orders, ["--no-deps", "-r", str(program)]]:
        pip = ["/usr/bin/python3", "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:"]
        command = rootfs.enter(tree, [*pip, "-d", str(wheels), *order], [CHECKOUT, wheels])
        subprocess.run(command, check=True, env=dict(variables))


def _pack_uv(wheels: Path, releases: Path) -> None:
    (wheel,) = wheels.glob("uv-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        name = next(name for name in packed.namelist() if name.endswith("/uv"))
        content = packed.read(name)
    about = tarfile.TarInfo(f"{release_name().removesuffix('.tar.gz')}/uv")
    about.size, about.mode = len(content), 0o755
    with tarfile.open(releases / release_name(), "w:gz", compresslevel=1) as archive:
        archive.addfile(about, io.BytesIO(content))


def _pack_python(tree: Path, releases: Path) -> None:
    """An archive like those of python-build-standalone, which are what uv installs."""
    (library,) = (tree / "usr" / "lib").glob("python3.*")
    program = tree / "usr" / "bin" / library.name
    told = subprocess.run(
        rootfs.enter(tree, ["/usr/bin/python3", "-V"]), capture_output=True, text=True, check=True
    ).stdout
    name = f"cpython-{told.split()[1]}-{os.uname().machine}-unknown-linux-gnu-install_only.tar.gz"
    with tarfile.open(releases / name, "w:gz", compresslevel=1) as archive:
        archive.add(program, f"python/bin/{library.name}")
        archive.add(library, f"python/lib/{library.name}", filter=_standard)


def _standard(about: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Without what Debian has added for itself, and without links to what is elsewhere."""
    unwanted = about.name.endswith(("__pycache__", "EXTERNALLY-MANAGED")) or os.path.isabs(about.linkname)
    return None if unwanted else about
