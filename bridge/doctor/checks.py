"""All checks of the doctor. They cost nothing and never show the key."""

from __future__ import annotations

import importlib
import importlib.util
import json
import platform
import sys
import threading
from dataclasses import asdict
from importlib import metadata
from typing import Any

from bridge import __version__
from bridge.common.errors import PhotioError
from bridge.common.i18n import _
from bridge.doctor import Check, State, one_line, storage
from bridge.engine.models import model_path, verify
from bridge.store import settings
from bridge.store.key import find_key
from bridge.store.settings import Settings

_NETWORK = ("requests", "urllib3", "certifi", "truststore", "aiohappyeyeballs", "PySocks")
_PACKAGES = (*_NETWORK, "numpy", "Pillow", "PyPatchMatch", "keyring")
#: The names to import, where they are others.
_MODULES = {"PySocks": "socks", "Pillow": "PIL.Image", "PyPatchMatch": "patchmatch.patch_match"}
_OPTIONAL = ("PySocks", "keyring")  # only a SOCKS proxy needs the one; without the other, the key is stored in a file
_NEURAL = ("onnxruntime",)
_CONNECT_TIMEOUT = 3.0  # seconds
_REPAIR = _("choose anything in Filters > Photio: it fetches damaged packages again")
_REPAIR_NEURAL = _("choose Filters > Photio > Settings > Engine and Service > Add")


def examine() -> list[Check]:
    """Run all checks, which takes about a second. Changes nothing, except that it moves unusable settings away."""
    checks = [*examine_packages(), _migan()]
    try:
        found, warnings = settings.load()
    except PhotioError as error:
        advice = _("correct {variable}").format(variable=settings.ORIGIN_VARIABLE)
        return [*checks, Check(_("settings"), "problem", error.sentence, advice), *storage.examine()]
    if warnings:
        checks.append(Check(_("settings"), "warning", " ".join(warnings), _("set again what you had changed")))
    else:
        checks.append(Check(_("settings"), "ok", str(settings.settings_file())))
    return [*checks, *storage.examine(), _key(found), _service(found.origin)]


def examine_packages() -> list[Check]:
    """Check the interpreter and the packages that are installed for it. Needs no file of the user's and no network."""
    python = Check("Python", "ok", f"{platform.python_version()}, {sys.executable}")
    return [python, *map(_package, _PACKAGES), *map(_package, _installed(_NEURAL)), _patchmatch()]


def _installed(names: tuple[str, ...]) -> list[str]:
    return [name for name in names if importlib.util.find_spec(_MODULES.get(name, name))]


def as_json(checks: list[Check]) -> str:
    """JSON for programs: `{"version": …, "checks": [{"name", "state", "found", "advice"}, …]}`."""
    return json.dumps({"version": __version__, "checks": [asdict(check) for check in checks]}, indent=2)


def _package(distribution: str) -> Check:
    try:
        importlib.import_module(_MODULES.get(distribution, distribution))
        return Check(distribution, "ok", metadata.version(distribution))
    except metadata.PackageNotFoundError:
        return Check(distribution, "ok", _("of unknown version"))
    except (ImportError, OSError) as error:  # OSError: its native library does not load
        state: State = "warning" if distribution in _OPTIONAL else "problem"
        return Check(distribution, state, one_line(error), _REPAIR)


def _patchmatch() -> Check:
    """Fill a magenta hole in grey stripes: the result must be grey."""
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
        if int(np.ptp(filled[20:28, 20:28].astype(int), axis=2).max()) > 16:
            return Check(name, "problem", _("it does not fill a hole"), _REPAIR)
    except (ImportError, OSError, RuntimeError, TypeError, ValueError, AttributeError) as error:
        return Check(name, "problem", one_line(error), _REPAIR)
    return Check(name, "ok", _("fills a hole"))


def _migan() -> Check:
    name = "MI-GAN"
    try:
        path = model_path()
        if not path.exists():
            return Check(name, "ok", _("not installed; Filters > Photio > Settings adds it"))
        if not verify(path):
            found = _("“{file}” is not the known model").format(file=path)
            return Check(name, "warning", found, _REPAIR_NEURAL)
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
    """Connect, with TLS, and send nothing. This needs a thread, because name look-up has no time-out."""
    failures: list[str] = [_("no connection within {seconds} s").format(seconds=f"{_CONNECT_TIMEOUT:g}")]

    def connect() -> None:
        try:
            _connect(origin)
            failures.clear()
        except (OSError, ValueError, ImportError, PhotioError) as error:
            failures.append(one_line(error, longest=400))

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(_CONNECT_TIMEOUT + 0.5)
    if failures:
        advice = _("check the network; offline work goes on")
        return Check(_("service"), "warning", f"{origin}: {failures[-1]}", advice)
    return Check(_("service"), "ok", _("{origin} is reached").format(origin=origin))


class _Reached(Exception):
    """The service was reached."""


class _Nothing:
    """A request that is given up as soon as it could be sent."""

    def __len__(self) -> int:
        return 0

    def opened(self, connected: Any) -> None:
        """Wait for TLS, too."""

    def established(self, has_answered: object) -> None:
        """Give up."""
        raise _Reached


def _connect(origin: str) -> None:
    """Connect as a job does, with TLS and through the proxy; raises what a job would raise."""
    # Imported here, as in the other checks, because the doctor must also run when packages are missing.
    from bridge.regen.failures import failure
    from bridge.regen.http import proxy_for, send

    proxy = proxy_for(origin, _CONNECT_TIMEOUT)
    try:
        with send(origin, {}, _Nothing(), _CONNECT_TIMEOUT, proxy):
            pass
    except _Reached:
        return
    except Exception as error:  # noqa: BLE001 - what is no error of the network comes back as it is
        raise failure(error, "connecting", origin, proxy, _CONNECT_TIMEOUT) from None
