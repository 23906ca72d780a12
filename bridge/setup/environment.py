"""Makes the bridge's environment with `uv`, proves that the bridge runs in it, and removes those that nothing uses.

`bridge.common.environments` says where environments are and which one a GIMP uses. They are made in place, and the
marker, without which none is used, is written last. An environment is never changed once it is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from bridge.common import environments, systems
from bridge.common.i18n import _
from bridge.engine import models
from bridge.setup import uv
from bridge.setup.system import Outcome, SetupError, failed_to_fetch, only_one, remove, remove_if_empty, run, size
from bridge.store import places
from bridge.store.locks import nobody_shares

#: By whether MI-GAN's packages are among them: bytes to fetch, and bytes that `uv` unpacks; both about.
_SIZES = {False: (31_000_000, 105_000_000), True: (50_000_000, 164_000_000)}
_PYTHON_SIZE = 35_000_000
_REMOVED = "removed-"

#: Told the step ("uv", "python", "packages", "model", "check"), and of its bytes those done and all; 0: unknown.
Report = Callable[[str, int, int], None]


def programs() -> Path:
    """The folder of what the set-up makes: `uv`, Python, environments and its own lock."""
    return places.program_directory()


def wanted_neural() -> bool:
    """Whether the user has added MI-GAN: then an update adds its packages again."""
    return models.model_path().exists()


def plan(bridge: Path, neural: bool) -> list[dict[str, str | int]]:
    """What `set_up` would fetch: "what", "source" and about how many "bytes". Empty if all is there and works."""
    folder = Path(environments.folder(str(bridge), neural))
    fetches = []
    if problem(folder, bridge) is not None:
        if uv.present(programs()) is None:
            fetches.append(_fetch(f"uv {uv.VERSION}", uv.source(), uv.SIZE))
        if _own_interpreter() is None:
            fetches.append(_fetch("Python", "github.com", _PYTHON_SIZE))
        index = uv.wheels() or _index() or _("the Python Package Index")
        fetches.append(_fetch(_("Photio's packages"), index, _SIZES[neural][0]))
    if neural and models.find_model() is None:
        fetches.append(_fetch(_("MI-GAN's model"), "npm, Hugging Face", models.MODEL_SIZE))
    return fetches


def _fetch(what: str, source: str, size: int) -> dict[str, str | int]:
    return {"what": what, "source": source, "bytes": size}


def set_up(bridge: Path, neural: bool, report: Report) -> Path:
    """Makes the environment for this interpreter and what it runs in, if there is none that works. Returns its folder.

    Raises:
        SetupError: it cannot be made; nothing half-made is left.
        OSError: a folder cannot be written to.
    """
    folder = Path(environments.folder(str(bridge), neural))
    with only_one(programs() / "install.lock"):
        for leftover in programs().glob(f"{uv.FETCHING}*"):
            remove(leftover)
        found = problem(folder, bridge)
        attempts = 0
        while found is not None:
            if attempts == 2:  # what a proof finds damaged is made once again
                remove(folder)
                sentence = _("Photio's packages do not work here: “{reason}”. Ask for help with this text.")
                raise SetupError(sentence.format(reason=found.splitlines()[-1]), found)
            found = _make(folder, bridge, neural, report)
            attempts += 1
        used = dict.fromkeys([*_used_by(folder), str(bridge.parent)])
        (folder / environments.MARKER).write_text("".join(f"{path}\n" for path in used), encoding="utf-8")
        if not neural:
            _remove_damaged(Path(environments.folder(str(bridge), neural=True)), bridge)
    return folder


def _remove_damaged(folder: Path, bridge: Path) -> None:
    """Removes an environment that nobody wants and that does not work: the look-up prefers the one for MI-GAN."""
    if environments.usable(str(folder)) and _proof(folder, bridge) is not None:
        _removed(folder)


def _used_by(folder: Path) -> list[str]:
    """The plug-in folders that use an environment, from its marker."""
    try:
        return (folder / environments.MARKER).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []


def folders(home: Path) -> list[Path]:
    """The plug-in folders that use environments in `home` and still exist."""
    noted = [Path(line) for each in home.glob("environments/*") for line in _used_by(each)]
    return [folder for folder in dict.fromkeys(noted) if folder.is_absolute() and folder.exists()]


def of_any_python(bridge: Path) -> str | None:
    """An environment here that the bridge can run in, whatever Python asked for it. None: there is none."""
    names = [environments.packages(str(bridge / lock)) for lock in environments.LOCKS.values()]
    found = [each for name in names for each in programs().glob(f"environments/{name}-{systems.sandbox()}-*")]
    return next(filter(environments.usable, map(str, found)), None)


def problem(folder: Path, bridge: Path) -> str | None:
    """Why the bridge cannot run in an environment; "" if it is not complete, None if it can."""
    return _proof(folder, bridge) if environments.usable(str(folder)) else ""


def _proof(folder: Path, bridge: Path) -> str | None:
    """Runs the bridge in an environment, and lets it use its packages. Returns what is wrong, or None."""
    done = run(environments.command(str(folder), str(bridge), "doctor", "--packages", "--json"), 120.0)
    try:
        checks = json.loads(done.output)["checks"]
        bad = [f"{check['name']}: {check['found']}" for check in checks if check["state"] == "problem"]
        return "\n".join(bad) or None
    except (ValueError, KeyError, TypeError):
        return done.last_lines() or f"exit status {done.status}"


def _make(folder: Path, bridge: Path, neural: bool, report: Report) -> str | None:
    """Makes an environment, but for its marker. Returns what its proof says."""
    remove(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    fetched, unpacked = _SIZES[neural]
    cache = programs() / f"{uv.FETCHING}{os.getpid()}"
    try:
        path = uv.get(programs(), lambda done: report("uv", min(done, uv.SIZE), uv.SIZE))
        wheels = uv.wheels()
        uv_run = partial(run, seconds=3600.0, variables=_variables(cache, bool(wheels)))
        own = _own_interpreter()
        report("python", 0, 0)
        first, last = environments.RELEASES
        between = f">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"
        # Python on the path may be MSYS2's on Windows, and Xcode's on macOS
        managed = ["--managed-python"] if own is None and sys.platform in ("win32", "darwin") else []
        # not in the directory of GIMP: a project of the user's there would have settings for uv
        program = [path, "--directory", str(programs())]
        _require(uv_run([*program, "venv", "--no-project", *managed, "--python", own or between, str(folder)]))
        lock = bridge / environments.LOCKS[neural]
        command = [*program, "pip", "install", "--require-hashes", "--only-binary", ":all:"]
        command += ["--python", systems.environment_python(str(folder)), "-r", str(lock)]
        command += ["--no-index", "--find-links", wheels] if wheels else []
        look = lambda: report("packages", min(size(cache), unpacked) * fetched // unpacked, fetched)  # noqa: E731
        _require(uv_run(command, look=look))
        remove(cache)
        report("check", 0, 0)
        return _proof(folder, bridge)
    except BaseException:
        remove(folder)
        remove_if_empty(folder.parent)
        raise
    finally:
        remove(cache)


def _require(outcome: Outcome) -> None:
    if outcome.status != 0:
        raise failed_to_fetch(outcome.said)


def _own_interpreter() -> str | None:
    """The interpreter that runs this process, if the bridge can run under it, too."""
    first, last = environments.RELEASES
    suits = first <= sys.version_info[:2] <= last and not sysconfig.get_config_var("Py_GIL_DISABLED")
    own = systems.own_interpreter_suits(systems.sandbox())
    return str(getattr(sys, "_base_executable", sys.executable)) if suits and own else None


def _index() -> str | None:
    """The package index that the user has named for uv or pip."""
    names = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
    return next((value for name in names if (value := os.environ.get(name))), None)


def _variables(cache: Path, wheels: bool) -> dict[str, str]:
    """The environment variables for `uv`. What the user has set comes first."""
    chosen = {
        "UV_CACHE_DIR": str(cache),
        "UV_PYTHON_INSTALL_DIR": str(programs() / "python"),
        "UV_NO_PROGRESS": "1",
        "UV_SYSTEM_PYTHON": "0",
    }
    usual = {"UV_SYSTEM_CERTS": "1", "UV_HTTP_RETRIES": "1"}  # a company's certificates; a sentence soon
    if index := _index():
        usual["UV_DEFAULT_INDEX"] = index
    if certificates := os.environ.get("PIP_CERT"):
        usual["SSL_CERT_FILE"] = certificates
    if wheels:
        chosen["UV_PYTHON_DOWNLOADS"] = "never"
    return chosen | {name: value for name, value in usual.items() if not os.environ.get(name)}


def remove_unused(known: Iterable[Path], home: Path) -> Iterator[tuple[Path, bool]]:
    """Removes the environments in `home` that neither these plug-in folders nor noted ones can use.

    Yields each, and whether it is gone: one in which a bridge runs is kept.
    """
    if not (home / "environments").exists():
        return
    with only_one(home / "install.lock"):  # another set-up may be making one
        used = {name for folder in {*known, *folders(home)} for name in _uses(folder)}
        for found in sorted((home / "environments").glob("*")):
            if found.name.split("-")[0] not in used or not _complete(found):
                yield found, _removed(found)
        remove_if_empty(home / "environments")


def _complete(folder: Path) -> bool:
    # From outside a sandbox, the interpreter of an environment in it cannot be seen.
    ours = f"-{systems.sandbox()}-" in folder.name
    return environments.usable(str(folder)) if ours else (folder / environments.MARKER).exists()


def _uses(folder: Path) -> Iterator[str]:
    for lock in environments.LOCKS.values():
        with contextlib.suppress(OSError):
            yield environments.packages(str(folder / "bridge" / lock))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # a folder of version 0.1.0 names it
        yield json.loads((folder / "install.json").read_text(encoding="utf-8"))["environment"]


def _removed(folder: Path) -> bool:
    marker = folder / environments.MARKER
    if marker.exists() and not nobody_shares(marker):
        return False
    away = folder.with_name(_REMOVED + folder.name.removeprefix(_REMOVED))
    try:
        # Renamed first, so that an interrupted removal leaves nothing that looks complete. Windows refuses to rename
        # it while a program runs in it.
        os.rename(folder, away)
        remove(away)
    except OSError:
        return False
    return True
