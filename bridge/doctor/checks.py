"""Whether the bridge can work here, check by check. Spends nothing, and never shows the key."""

from __future__ import annotations

import importlib
import json
import platform
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from urllib.parse import urlsplit

from bridge import __version__
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.doctor import storage
from bridge.doctor.check import Check, one_line
from bridge.regen.validation import is_loopback
from bridge.store import settings
from bridge.store.key import find_key
from bridge.store.settings import Settings

_PACKAGES = {  # distribution: what is imported, and what it is for
    "requests": ("requests", True),
    "urllib3": ("urllib3", True),
    "certifi": ("certifi", True),
    "numpy": ("numpy", True),
    "Pillow": ("PIL.Image", True),
    "PyPatchMatch": ("patchmatch.patch_match", True),
    "keyring": ("keyring", False),  # without it the key goes into a file
}
_REACH = 3.0  # seconds
_REPAIR = _("run python3 install.py again")
_REPAIR_NEURAL = _("run python3 install.py --neural again")


def examine() -> list[Check]:
    """All checks, about a second; changes nothing, apart from an unusable settings file being set aside."""
    checks = [_python(), *map(_package, _PACKAGES), _patchmatch(), _migan()]
    try:
        found, warnings = settings.load()
    except PhotioError as error:
        return [
            *checks,
            Check(
                _("settings"),
                "problem",
                error.sentence,
                _("correct {variable}").format(variable=settings.ORIGIN_VARIABLE),
            ),
            *storage.examine(None),
        ]
    if warnings:
        checks.append(Check(_("settings"), "warning", " ".join(warnings), _("set again what you had changed")))
    else:
        checks.append(Check(_("settings"), "ok", str(settings.settings_file())))
    return [*checks, *storage.examine(found), _key(found), _service(found.origin)]


def has_problem(checks: list[Check]) -> bool:
    """Whether anything must be put right before the bridge can work."""
    return any(check.state == "problem" for check in checks)


def as_json(checks: list[Check]) -> str:
    """For programs: `{"version": …, "checks": [{"name", "state", "found", "advice"}, …]}`."""
    return json.dumps({"version": __version__, "checks": [asdict(check) for check in checks]}, indent=2)


def as_table(checks: list[Check]) -> str:
    """For people: a line for each check, and its advice below."""
    width = max(len(check.name) for check in checks)
    lines = [f"Photio for GIMP {__version__}"]
    for check in checks:
        lines.append(f"{check.name:{width}}  {check.state:7}  {check.found}")
        if check.advice:
            lines.append(f"{'':{width}}           → {check.advice}")
    return "\n".join(lines)


def _python() -> Check:
    return Check("Python", "ok", f"{platform.python_version()}, {sys.executable}")


def _package(distribution: str) -> Check:
    module, needed = _PACKAGES[distribution]
    try:
        importlib.import_module(module)
        return Check(distribution, "ok", metadata.version(distribution))
    except metadata.PackageNotFoundError:
        return Check(distribution, "ok", _("of unknown version"))
    except (ImportError, OSError) as error:  # a library in it may not load
        return Check(distribution, "problem" if needed else "warning", one_line(error), _REPAIR)


def _patchmatch() -> Check:
    """A stripe of two colours with a hole in it: what the engine fills in must be of these colours."""
    name = "PatchMatch"
    try:
        import numpy as np
        from patchmatch import patch_match

        picture = np.full((48, 48, 3), 200, np.uint8)
        picture[:, ::4] = 40
        hole = np.zeros((48, 48), np.uint8)
        hole[20:28, 20:28] = 255
        picture[hole > 0] = (255, 0, 255)
        patch_match.set_random_seed(1)
        filled = np.asarray(patch_match.inpaint(picture, hole, patch_size=3))
        # Grey all over: nothing is left of the magenta.
        if int(np.ptp(filled[20:28, 20:28].astype(int), axis=2).max()) > 16:
            return Check(name, "problem", _("it does not fill a hole"), _REPAIR)
    except (ImportError, OSError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        return Check(name, "problem", one_line(error), _REPAIR)
    return Check(name, "ok", _("fills a hole"))


def _migan() -> Check:
    name = "MI-GAN"
    try:
        from bridge.engine.models import model_path, verify

        path = model_path()
        if not path.exists():
            return Check(name, "ok", _("not installed (install.py --neural)"))
        if not verify(path):
            found = _("“{file}” is not the known model").format(file=path)
            return Check(name, "warning", found, _("remove it, then run python3 install.py --neural again"))
        importlib.import_module("onnxruntime")
    except (ImportError, OSError) as error:
        return Check(name, "warning", one_line(error), _REPAIR_NEURAL)
    return Check(name, "ok", str(path))


def _key(found_settings: Settings) -> Check:
    name = _("API key")
    try:
        found = find_key(found_settings)
    except PhotioError as error:
        return Check(name, "warning", error.sentence, _("enter another one in Filters > Photio > Settings"))
    if found is None:
        return Check(name, "ok", _("none: the offline engine serves"), _("Filters > Photio > Settings stores one"))
    if found.warnings:
        return Check(name, "warning", found.where, " ".join(found.warnings))
    return Check(name, "ok", found.where)


def _service(origin: str) -> Check:
    """A connection and its TLS, nothing more, from a thread: a name look-up knows no time-out of its own."""
    failures: list[str] = [_("no connection within {seconds} s").format(seconds=f"{_REACH:g}")]
    thread = threading.Thread(target=_noting(failures, lambda: _connect(origin)), daemon=True)
    thread.start()
    thread.join(_REACH + 0.5)
    if failures:
        advice = _("check the network; offline work goes on")
        return Check(_("service"), "warning", f"{origin}: {failures[-1]}", advice)
    return Check(_("service"), "ok", _("{origin} is reached").format(origin=origin))


def _noting(failures: list[str], action: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            action()
        except (OSError, ValueError, ImportError, PhotioError) as error:
            failures.append(one_line(error))
        else:
            failures.clear()

    return run


def _connect(origin: str) -> None:
    from bridge.regen.certificates import ca_bundle, trusting
    from bridge.regen.http import proxy_for

    parts = urlsplit(origin)
    host = parts.hostname or ""
    proxy = None if is_loopback(host) else proxy_for(origin)
    if proxy:  # what is behind it, only a request could tell
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        socket.create_connection((parts.hostname or "", parts.port or 8080), _REACH).close()
        return
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((host, port), _REACH) as connection:
        if parts.scheme == "https":
            trusting(ca_bundle()).wrap_socket(connection, server_hostname=host).close()
