"""The virtual environment of the tests. Other scripts use it too if their own Python lacks a package."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from gimp import rootfs

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = [CHECKOUT / "tests" / "requirements.lock", CHECKOUT / "bridge" / "requirements-neural.lock"]

#: The packages that pytest needs inside GIMP. They are pure Python, so GIMP's Python can import them from here.
INSIDE = ["pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments"]


def directory() -> Path:
    """The folder of the virtual environment. Builds it if it is missing.

    Raises:
        SetupError: it could not be built.
    """
    content = sys.version.encode() + b"".join(lock.read_bytes() for lock in LOCKS)
    folder = rootfs.cache_directory() / f"tests-{hashlib.sha256(content).hexdigest()[:8]}"
    if (folder / ".complete").exists():
        return folder
    print(f"Setting up the tests' packages in {folder} (once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    make = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(make, stdout=subprocess.DEVNULL, check=False).returncode:
        rootfs.install_packages("python3-venv")  # on Debian, a package of its own holds what venv needs for pip
        _must(make)
    for lock in LOCKS:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        _must([*pip, "--only-binary=:all:", "-r", str(lock)])
    (folder / "inside").mkdir()
    (packages,) = folder.glob("lib/python3*/site-packages")
    for name in INSIDE:
        (folder / "inside" / name).symlink_to(packages / name)
    (folder / ".complete").touch()
    return folder


def _must(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise rootfs.SetupError(f"“{' '.join(command)}” failed; what it said is above.")


def require(*modules: str) -> None:
    """Returns if this Python has all these modules. Otherwise starts the script again in the tests' environment.

    Ends the script with a message if the environment cannot be built or lacks a module as well.
    """
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if not missing:
        return
    try:
        folder = directory()
    except rootfs.SetupError as error:
        sys.exit(str(error))
    if Path(sys.prefix).resolve() == folder.resolve():
        sys.exit(f"{folder} has no {', '.join(missing)}: remove that folder, then try again.")
    python = str(folder / "bin" / "python")
    os.execv(python, [python, *sys.argv])
