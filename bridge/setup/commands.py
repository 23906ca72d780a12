"""Install, uninstall and doctor: the steps, in the order in which they happen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge import __version__, places
from bridge.errors import PhotioError
from bridge.setup import doctor, environment, gimps, plugin_folder
from bridge.setup.environment import Interpreter, Runtime
from bridge.setup.gimps import Computer, Gimp
from bridge.setup.plugin_folder import Manifest
from bridge.setup.system import SetupError, only_one, remove, remove_if_empty, run

Prepare = Callable[[Gimp, Interpreter, Path, environment.Report], Runtime]
_PERSONAL = ("settings.json*", "api-key", "journal", "models", "log")


@dataclass(frozen=True)
class Options:
    """What the user asked for on the command line."""

    checkout: Path
    gimp_dirs: tuple[Path, ...] = ()
    python: str | None = None
    link: bool = False
    neural: bool = False
    model_file: Path | None = None
    dry_run: bool = False
    purge: bool = False


def say(line: str) -> None:
    print(line, flush=True)


def complain(error: PhotioError) -> None:
    """What went wrong goes to standard error: the details first, so that the sentence is seen last."""
    for text in filter(None, (error.details, error.sentence)):
        print(text, file=sys.stderr, flush=True)


def install(options: Options, computer: Computer, prepare: Prepare = environment.prepare) -> int:
    """Put the plug-in into every GIMP meant. Returns the exit status; raises `SetupError` or `OSError`."""
    found = _meant(options, computer)
    if not found:
        raise SetupError(
            "No GIMP 3 was found; install GIMP 3.0 or later and run this again, "
            "or name its configuration directory with --gimp-dir."
        )
    interpreter = environment.choose(options.python)
    if options.dry_run:
        return _each(found, lambda gimp: _preview(gimp, options, interpreter))
    with only_one(_lock()):
        status = _each(found, lambda gimp: _install_one(gimp, options, computer, interpreter, prepare))
        if status == 0:
            for folder in _forget_unused([gimp.folder for gimp in found]):
                say(f"Removed older packages: {folder}")
            say("Start GIMP (again, if it is running): Filters > Photio.")
    return status


def uninstall(options: Options, computer: Computer) -> int:
    """Remove what `install` made, for every GIMP meant; twice is harmless. Returns the exit status."""
    known = [gimps.classify(folder.parent.parent, computer) for folder in environment.remembered()]
    meant = _meant(options, computer) if options.gimp_dirs else gimps.configured(computer)
    found = meant + [gimp for gimp in known if not options.gimp_dirs and gimp not in meant]
    if options.dry_run:
        for gimp in found:
            if plugin_folder.read_manifest(gimp.folder):
                say(f"Would remove {gimp.folder}")
        say(f"Would remove packages that nothing else uses from {environment.environments()}")
        return 0
    with only_one(_lock()):
        if options.purge:
            _clear_keys(found)
        status = _each(found, _uninstall_one)
        for folder in _forget_unused([gimp.folder for gimp in found]):
            say(f"Removed packages: {folder}")
    if not environment.remembered():
        remove_if_empty(environment.environments())
        remove(_lock())
    personal = [path for path in _personal(found, computer) if path.exists()]
    for path in personal if options.purge else []:
        remove(path)
        say(f"Removed {path}")
    for path in (places.config_directory(), places.data_directory(), places.program_directory()):
        remove_if_empty(path)
    if personal and not options.purge:
        say("Kept, because they are yours: " + ", ".join(map(str, personal)))
        say("(and the API key, if there is one in the keyring; --uninstall --purge removes all of these too)")
    return status


def examine(options: Options, computer: Computer) -> int:
    """Print the table. Returns 0 when nothing in it is a problem, else 1."""
    started = gimps.programs(computer)
    named = [gimps.classify(path, computer) for path in options.gimp_dirs]
    rows = doctor.examine(named or gimps.find(computer, started), started)
    say(doctor.table(rows))
    return int(doctor.has_problem(rows))


def _lock() -> Path:
    return places.program_directory() / "install.lock"


def _meant(options: Options, computer: Computer) -> list[Gimp]:
    if options.gimp_dirs:
        return [gimps.classify(path, computer) for path in options.gimp_dirs]
    return gimps.find(computer, gimps.programs(computer))


def _each(found: Sequence[Gimp], step: Callable[[Gimp], None]) -> int:
    """One GIMP that cannot be served must not keep the others from it."""
    status = 0
    for gimp in found:
        try:
            step(gimp)
        except PhotioError as error:
            complain(error)
            status = 1
    return status


def _preview(gimp: Gimp, options: Options, interpreter: Interpreter) -> None:
    say(f"{gimp.name}: {gimp.directory}")
    plugin_folder.refuse_foreign(gimp.folder)
    before = plugin_folder.read_manifest(gimp.folder)
    if gimp.sandboxed:
        say(f"  would fetch packages for the sandbox's Python into {gimp.folder / 'packages'}")
    else:
        lock = environment.lock_file(options.checkout, _neural(options, before))
        folder = environment.planned(interpreter, lock)
        known = environment.is_complete(folder)
        say(f"  packages are there already: {folder}" if known else f"  would build packages in {folder}")
    verb = "link" if options.link else "replace" if before else "put"
    say(f"  would {verb} the plug-in: {gimp.folder}")
    if options.neural:
        say("  would fetch the MI-GAN model (28 MB), unless it is there")


def _install_one(gimp: Gimp, options: Options, computer: Computer, interpreter: Interpreter, prepare: Prepare) -> None:
    say(f"{gimp.name}: {gimp.directory}")
    if plugin_folder.repair(gimp):
        say("  an interrupted install was put right")
    plugin_folder.refuse_foreign(gimp.folder)
    before = plugin_folder.read_manifest(gimp.folder)
    made = plugin_folder.missing_directories(gimp)
    runtime = prepare(gimp, interpreter, environment.lock_file(options.checkout, _neural(options, before)), say)
    manifest = _manifest(gimp, options, before, runtime, before.made if before else made)
    # Before the folder is there: a killed run must not leave an environment that nobody is known to use.
    environment.remember(list(dict.fromkeys([*environment.remembered(), gimp.folder])))
    try:
        with plugin_folder.stage(gimp, options.checkout, manifest, runtime, say).swapped():
            doctor.prove(gimp, manifest)
    except BaseException:
        for directory in reversed(made):
            remove_if_empty(Path(directory))
        raise
    say(f"  plug-in: {'linked' if options.link else 'installed'}, {gimp.folder}")
    say(f"  bridge: runs under {manifest.python}")
    if options.neural:
        _fetch_model(gimp, options, computer)


def _manifest(
    gimp: Gimp, options: Options, before: Manifest | None, runtime: Runtime, made: tuple[str, ...]
) -> Manifest:
    return Manifest(
        version=__version__,
        python=runtime.python,
        bridge=str(gimp.folder / "bridge"),
        python_path=(str(gimp.folder / "packages"),) if runtime.packages else (),
        environment=runtime.environment.name,
        neural=_neural(options, before),
        linked=str(options.checkout) if options.link else "",
        made=made,
    )


def _neural(options: Options, before: Manifest | None) -> bool:
    # An update must not take away what an earlier --neural added.
    return options.neural or (before is not None and before.neural)


def _fetch_model(gimp: Gimp, options: Options, computer: Computer) -> None:
    from bridge.engine import models

    homes = gimps.sandbox_homes(gimp, computer)
    models.fetch_model(options.model_file, lambda line: say(f"  {line}"), homes[1] / "models" if homes else None)


def _uninstall_one(gimp: Gimp) -> None:
    if plugin_folder.uninstall(gimp):
        say(f"Removed {gimp.folder}")


def _forget_unused(folders: Sequence[Path]) -> list[Path]:
    """Remove the environments that no installed plug-in folder uses; returns those removed."""
    known = dict.fromkeys([*environment.remembered(), *folders])
    live = {folder: manifest for folder in known if (manifest := plugin_folder.read_manifest(folder))}
    environment.remember(list(live))
    return environment.remove_unused({manifest.environment for manifest in live.values()})


def _clear_keys(found: Sequence[Gimp]) -> None:
    for gimp in found:
        manifest = plugin_folder.read_manifest(gimp.folder)
        if manifest is None:
            continue
        command = [manifest.python, *manifest.isolated, "-B", manifest.bridge, "key", "clear"]
        if run(gimps.inside(gimp, command)).status != 0:
            say("The API key could not be cleared; if the system keyring has one for photio, remove it there.")


def _personal(found: Sequence[Gimp], computer: Computer) -> list[Path]:
    """Settings, history, models and logs: on this computer, and in the sandboxes of these GIMPs."""
    homes = {home for gimp in found for home in gimps.sandbox_homes(gimp, computer) or ()}
    if os.environ.get(places.HOME_VARIABLE):
        # A directory of the user's choice may hold other things too.
        own = [path for name in _PERSONAL for path in sorted(places.data_directory().glob(name))]
    else:
        data = [places.journal_directory(), places.model_directory(), places.log_file().parent]
        own = [*data, places.config_directory()]
    return [*own, *sorted(homes)]
