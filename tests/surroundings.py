"""The environment of the tests outside GIMP: their own home and no keyring, whatever the caller's shell has set."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from scripts.gimp import rootfs, surroundings


def enter() -> None:
    """Makes it this process's. What a test changes in it is for that test to say."""
    cache = rootfs.cache_directory()
    home = Path(tempfile.mkdtemp(prefix="photio-home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    (home / "photio").mkdir(mode=0o700)
    (home / "photio" / "models").symlink_to(cache / "model" / "models")  # where scripts/test.py puts MI-GAN's model
    surroundings.enter(
        HOME=str(home),
        XDG_CACHE_HOME=str(cache.parent),
        PHOTIO_HOME=str(home / "photio"),
        PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring",
    )
