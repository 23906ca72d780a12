"""Runs the bridge's service with something broken around it, in a process of its own.

    python -I bridge_under.py FAULT [ARGUMENT]

crash N      SIGKILL before the N-th time that a file of the home is opened for writing, written, synced, renamed or
             removed
record       writes what those steps are to $TMPDIR/steps, as JSON
states       keeps a copy of the journal in $TMPDIR/../states for every state that it is in between two lines of ours
still STAGE  this process stops itself (SIGSTOP) at "plan", at a stage of a request, or at "placed"
clock S      the computer's clock jumps by S seconds as soon as a request is about to be sent
year Y       … and stands in that year from the beginning
without M    a module that cannot be imported
no-user      nobody knows who the user is
keyring K    a keyring that is "locked", "absent", "good" or "forgetful"
nothing      is broken
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TypeAlias

CHECKOUT = Path(__file__).resolve().parents[2]

_DRAFT = re.compile(r"\.(.+)\.[0-9a-f]{12}")
_JOB = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}")


def crash(number: int) -> None:
    """Kills this process in the middle of the `number`-th step on a file."""
    _Steps(number).watch()


def record() -> None:
    """Notes the steps."""
    steps, leave = _Steps(0), os._exit
    steps.watch()

    def noted(status: int) -> None:
        Path(os.environ["TMPDIR"], "steps").write_text(json.dumps(steps.names))
        leave(status)

    os._exit = noted


class _Steps:
    """Counts what changes files of the bridge's home, over all threads."""

    def __init__(self, last: int) -> None:
        self.names: list[str] = []
        self._last, self._lock = last, threading.Lock()
        self._open, self._fsync, self._replace, self._fdopen = os.open, os.fsync, os.replace, os.fdopen
        self._write, self._unlink = os.write, Path.unlink

    def watch(self) -> None:
        """Begins to count."""
        os.open, os.fsync, os.replace, os.fdopen = self.open, self.fsync, self.replace, self.fdopen
        os.write, steps = self.write, self

        def unlink(path: Path, *others: Any, **named: Any) -> None:
            if path.name.startswith("arriving"):
                steps.step("removing", path)
            steps._unlink(path, *others, **named)

        Path.unlink = unlink  # type: ignore[method-assign]

    def step(self, what: str, path: Any) -> None:
        """One more; the last one is never done."""
        name = _DRAFT.sub(r"\1", Path(os.fspath(path)).name)
        with self._lock:
            self.names.append(f"{what} {_JOB.sub('its folder', name)}")
            if len(self.names) == self._last:
                os.kill(os.getpid(), signal.SIGKILL)

    def open(self, path: Any, flags: int, *others: Any, **named: Any) -> int:
        """Drafts only: locks and rooms hold nothing."""
        if flags & os.O_EXCL:
            self.step("creating", path)
        return self._open(path, flags, *others, **named)

    def write(self, handle: int, content: bytes) -> int:
        """What came: half of it, as if the rest came later."""
        path, written = os.readlink(f"/proc/self/fd/{handle}"), 0
        if path.rpartition("/")[2].startswith("arriving"):
            written = self._write(handle, content[: len(content) // 2])
            self.step("writing half of", path)
        return written + self._write(handle, content[written:])

    def fsync(self, handle: int) -> None:
        """Of a file or a folder."""
        self.step("syncing", os.readlink(f"/proc/self/fd/{handle}"))
        self._fsync(handle)

    def replace(self, draft: Any, path: Any) -> None:
        """From here on the file is there."""
        self.step("placing", path)
        self._replace(draft, path)

    def fdopen(self, handle: int, mode: str, *others: Any) -> Any:
        """Half of a file is there at first."""
        file = self._fdopen(handle, mode, *others)
        return _Halves(file, self) if "w" in mode and "b" in mode else file


class _Halves:
    """A file that is written in two parts."""

    def __init__(self, file: Any, steps: _Steps) -> None:
        self._file, self._steps = file, steps

    def __enter__(self) -> _Halves:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> int:
        """In the middle of it is a step."""
        half = len(content) // 2
        if isinstance(self._file.name, int) and half and _is_ours(self._file.name):
            self._file.write(content[:half])
            self._file.flush()
            self._steps.step("writing half of", os.readlink(f"/proc/self/fd/{self._file.name}"))
            self._file.write(content[half:])
        else:
            self._file.write(content)
        return len(content)


def _is_ours(handle: int) -> bool:
    return os.readlink(f"/proc/self/fd/{handle}").startswith(os.environ["PHOTIO_HOME"])


def states() -> None:
    """What a kill leaves behind is what is on the disk at that moment: so each such moment is kept, once.

    The journal changes only by what lines of these modules call; it is looked at before each of them is run. Whatever
    goes wrong in here ends this process: raised in a traced line, it would look like an error of that line's own.
    """
    journal, kept = Path(os.environ["PHOTIO_HOME"], "journal"), Path(os.environ["TMPDIR"]).parent / "states"
    lock = threading.Lock()
    seen: list[_Listing] = [()]
    watched = {
        str(CHECKOUT / "bridge" / f"{name}.py")
        for name in (
            "job/regeneration",
            "job/running",
            "service/session",
            "store/arriving",
            "store/journal",
            "store/private_files",
        )
    }

    def look() -> None:
        with lock:
            if _listing(journal) != seen[0]:
                seen[0] = _copied(journal, kept / f"{len(list(kept.iterdir())):04d}")

    def trace(frame: Any, event: str, _argument: Any) -> Any:
        if frame.f_code.co_filename not in watched:
            return None
        if event in ("line", "return"):
            try:
                look()
            except BaseException:  # noqa: BLE001 - see above
                traceback.print_exc()
                os._exit(70)
        return trace

    kept.mkdir()
    threading.settrace(trace)
    sys.settrace(trace)


_Listing: TypeAlias = tuple[tuple[Any, ...], ...]


def _listing(journal: Path) -> _Listing:
    """All files. The other threads finish their lines meanwhile, so one of the files may go: then we look again."""
    while True:
        found = []
        with contextlib.suppress(FileNotFoundError):
            for folder, _folders, names in os.walk(journal):
                for name in sorted(names):
                    status = os.lstat(os.path.join(folder, name))
                    found.append((folder, name, status.st_ino, status.st_size, status.st_mtime_ns))
            return tuple(found)


def _copied(journal: Path, state: Path) -> _Listing:
    """Copies a state that the journal was in; which one. What changes while it is copied, is copied anew."""
    draft = state.parent.with_name("state")
    while True:
        before = _listing(journal)
        try:
            shutil.copytree(journal, draft / "journal")
        except shutil.Error as error:
            if not all("[Errno 2]" in reason for _from, _to, reason in error.args[0]):  # more than a file that went
                raise
        if _listing(journal) == before:
            draft.rename(state)
            return before
        shutil.rmtree(draft)


def still(stage: str) -> None:
    """Stands still as soon as the stage is reached, until somebody sends a SIGCONT."""
    from bridge.job import fitting
    from bridge.job.progress import Stages
    from bridge.store.journal import JobFolder

    once = threading.Lock()

    def reached(name: str) -> None:
        if name == stage and once.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.5)  # the other threads wake first: what this one waits for wakes up slowly

    def at(name: str, function: Any) -> Any:
        def stopping(*others: Any) -> Any:
            reached(name)
            return function(*others)

        return stopping

    def report(stages: Stages, number: int, name: str, *others: int) -> None:
        reported(stages, number, name, *others)
        reached(name)

    reported, Stages.report = Stages.report, report  # type: ignore[method-assign]
    fitting.plan = at("plan", fitting.plan)
    JobFolder.note_placed = at("placed", JobFolder.note_placed)  # type: ignore[method-assign]


def clock(seconds: float) -> None:
    """The clock is set while a request is on its way. What measures durations is another one, as in any kernel."""
    import bridge.regen.transport

    real, post = time.time, bridge.regen.transport.post
    jumped = threading.Event()
    time.time = lambda: real() + (seconds if jumped.is_set() else 0.0)

    def sending(*others: Any, **named: Any) -> Any:
        jumped.set()
        return post(*others, **named)

    import bridge.regen.client

    bridge.regen.client.post = sending


def year(number: int) -> None:
    """The clock was wrong all along."""
    real, gmtime = time.time, time.gmtime
    shift = (number - gmtime().tm_year) * 365.25 * 86400
    time.time = lambda: max(0.0, real() + shift)
    time.gmtime = lambda seconds=None: gmtime(time.time() if seconds is None else seconds)


def without(module: str) -> None:
    """As if it were not installed, or broken."""
    sys.modules[module] = None  # type: ignore[assignment]


def no_user() -> None:
    """A container's user without an entry in /etc/passwd."""
    import pwd

    def unknown(user: int) -> Any:
        raise KeyError(f"getpwuid(): uid not found: {user}")

    pwd.getpwuid = unknown


def keyring(kind: str) -> None:
    """A keyring for this process alone; no real one is ever asked."""
    os.environ.pop("PYTHON_KEYRING_BACKEND", None)
    import keyring as library
    from keyring.backend import KeyringBackend
    from keyring.errors import KeyringLocked, NoKeyringError

    class Ring(KeyringBackend):
        priority = 5 if kind != "absent" else 0

        def _open(self) -> Path:
            if kind == "locked":
                raise KeyringLocked("the collection is locked")
            if kind == "absent":
                raise NoKeyringError
            return Path(os.environ["TMPDIR"]).parent / "ring"

        def get_password(self, service: str, username: str) -> str | None:
            file = self._open()
            return file.read_text() if file.exists() and kind != "forgetful" else None

        def set_password(self, service: str, username: str, password: str) -> None:
            self._open().write_text(password)

        def delete_password(self, service: str, username: str) -> None:
            self._open().unlink()

    library.set_keyring(Ring())


FAULTS = {
    "crash": lambda argument: crash(int(argument)),
    "record": lambda argument: record(),
    "states": lambda argument: states(),
    "still": still,
    "clock": lambda argument: clock(float(argument)),
    "year": lambda argument: year(int(argument)),
    "without": without,
    "no-user": lambda argument: no_user(),
    "keyring": keyring,
    "nothing": lambda argument: None,
}


if __name__ == "__main__":
    sys.path[0] = str(CHECKOUT)
    FAULTS[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
    from bridge.service.session import main

    sys.exit(main())
