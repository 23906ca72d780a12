"""Virtual environments of the scripts: the tests' one, which others use too, and those with packages of their own."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gimp import rootfs

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = [CHECKOUT / "tests" / "requirements.lock", CHECKOUT / "bridge" / "requirements-neural.lock"]

#: The packages that pytest needs inside GIMP. They are pure Python, so GIMP's Python can import them from here.
INSIDE = ["pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments"]


def directory() -> Path:
    """The folder of the tests' virtual environment. Builds it if it is missing; raises as `prepared`."""
    return prepared("tests", LOCKS, INSIDE)


def prepared(name: str, locks: Sequence[Path], inside: Sequence[str] = ()) -> Path:
    """The folder of a virtual environment with the packages of these lock files. Builds it if it is missing.

    Args:
        name: its folder's name begins with it.
        inside: modules that the subfolder `inside` shows, for GIMP's Python.

    Raises:
        SetupError: it could not be built.
    """
    content = sys.version.encode() + b"".join(lock.read_bytes() for lock in locks)
    folder = rootfs.cache_directory() / f"{name}-{hashlib.sha256(content).hexdigest()[:8]}"
    if (folder / ".complete").exists():
        return folder
    print(f"Setting up the packages of {name} in {folder} (once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    make = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(make, stdout=subprocess.DEVNULL, check=False).returncode:
        rootfs.install_packages("python3-venv")  # on Debian, a package of its own holds what venv needs for pip
        _must(make)
    for lock in locks:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        _must([*pip, "--only-binary=:all:", "-r", str(lock)])
    (folder / "inside").mkdir()
    (packages,) = folder.glob("lib/python3*/site-packages")
    for module in inside:
        (folder / "inside" / module).symlink_to(packages / module)
    (folder / ".complete").touch()
    return folder


def _must(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise rootfs.SetupError(f"“{' '.join(command)}” failed; what it said is above.")


def require(*modules: str, build: Callable[[], Path] | None = None) -> None:
    """Returns if this Python has all these modules. Otherwise starts the script again in an environment that has.

    Ends the script with a message if the environment cannot be built or lacks a module as well.

    Args:
        build: makes that environment and returns its folder; None: the tests' one.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return
    try:
        folder = (build or directory)()
    except rootfs.SetupError as error:
        sys.exit(str(error))
    if Path(sys.prefix).resolve() == folder.resolve():
        sys.exit(f"{folder} has no {', '.join(missing)}: remove that folder, then try again.")
    python = str(folder / "bin" / "python")
    os.execv(python, [python, *sys.argv])
