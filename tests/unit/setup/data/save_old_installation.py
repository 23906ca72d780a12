#!/usr/bin/env python3
"""Makes the saved installation that test_upgrade.py upgrades, with the code of the version before the rooms.

    mkdir /tmp/old && git archive acf1b84 | tar x -C /tmp/old
    <interpreter of the tests> save_old_installation.py /tmp/old

The old installer, settings, key store and job code run in a temporary home. What is small is copied into
`old-installation/` beside this file; {home} stands for the temporary home in its texts:

    config/     settings.json and api-key
    data/       journal/, with one job that was paid for and inserted, and installations.json
    install.json    of the plug-in's folder; its `files` are the names of all files that were installed
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).resolve().parent / "old-installation"
KEY = "sk-old-0123456789abcdef"
#: Only for people who look into the folder; with the others, the result can be listed and inserted.
LEFT_OUT = ("sent-*", "mask-*", "picture-*", ".busy")


def main(checkout: Path) -> None:
    """Runs the old code, and copies what it made."""
    home = Path(tempfile.mkdtemp(prefix="photio-old-"))
    for name in [name for name in os.environ if name.startswith(("PHOTIO_", "XDG_", "GIMP"))]:
        del os.environ[name]
    os.environ.update(HOME=str(home), PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring", TZ="UTC")
    sys.path.insert(0, str(checkout))
    _install(checkout, home)
    _store_settings_and_key()
    _run_a_job()
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.copytree(home / ".config/photio", TARGET / "config")
    ignored = shutil.ignore_patterns(*LEFT_OUT, "environments", "log", "*.lock")
    shutil.copytree(home / ".local/share/photio", TARGET / "data", ignore=ignored)
    shutil.copy(home / ".config/GIMP/3.0/plug-ins/photio/install.json", TARGET)
    for file in TARGET.rglob("*.json"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(str(home), "{home}").replace(sys.executable, "{python}"), encoding="utf-8")
    shutil.rmtree(home)


def _install(checkout: Path, home: Path) -> None:
    from bridge.setup import commands, environment
    from bridge.setup.gimps import Computer

    (home / ".config/GIMP/3.0").mkdir(parents=True)

    def prepare(*_: object) -> environment.Runtime:
        """Instead of a virtual environment, which takes minutes, an empty folder: this interpreter has the packages."""
        folder = environment.environments() / "old"
        folder.mkdir(parents=True)
        (folder / environment.MARKER).write_text("3.13\n")
        return environment.Runtime(sys.executable, folder, None)

    options = commands.Options(checkout, gimp_dirs=(home / ".config/GIMP/3.0",))
    if commands.install(options, Computer("linux", home, os.environ), prepare):
        sys.exit("The old version could not be installed.")


def _store_settings_and_key() -> None:
    from bridge import key, settings

    settings.save(settings.Settings(engine="photio", answer_timeout=120.0, history_days=365, history_gigabytes=2.5))
    key.store_key(KEY, settings.load()[0])


def _run_a_job() -> None:
    from bridge.journal import JobFolder
    from bridge.protocol import Finished
    from tests.regen_server import RegenServer
    from tests.unit.history_jobs import run_a_job

    with RegenServer() as server:
        server.script({"answer": "colour", "rgb": [200, 30, 30]})
        os.environ["PHOTIO_ORIGIN"] = server.origin
        area = {"selections": ((24, 16, 16, 12),), "canvas": (64, 48), "context": 50.0, "grow": 2, "feather": 1}
        folder, message = run_a_job(prompt="a red door, Tür", seed=1234, **area)
        del os.environ["PHOTIO_ORIGIN"]
    if not isinstance(message, Finished):
        sys.exit(f"The job failed: {message}")
    JobFolder(folder).note_placed((1,))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
