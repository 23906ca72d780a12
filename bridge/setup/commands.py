"""The commands install, uninstall and doctor, step by step."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from bridge import __version__
from bridge.common.errors import PhotioError
from bridge.setup import doctor, environment, gimps, installations, personal, plugin_folder
from bridge.setup.environment import Interpreter, Runtime
from bridge.setup.gimps import Computer, Gimp
from bridge.setup.installations import Installations
from bridge.setup.personal import Belongings
from bridge.setup.plugin_folder import Manifest
from bridge.setup.system import SetupError, only_one, remove, remove_if_empty, run
from bridge.store import places

Prepare = Callable[[Gimp, Interpreter, Path, environment.Report], Runtime]


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


say = partial(print, flush=True)


def complain(error: PhotioError) -> None:
    """Prints an error to standard error: first the details, then the sentence, which the user sees last."""
    for text in filter(None, (error.details, error.sentence)):
        print(text, file=sys.stderr, flush=True)


def install(options: Options, computer: Computer, prepare: Prepare = environment.prepare) -> int:
    """Puts the plug-in into the chosen GIMPs. Returns the exit status; raises `SetupError` or `OSError`."""
    found = _named(options, computer) or gimps.find(computer, gimps.programs(computer))
    if not found:
        raise SetupError(
            "No GIMP 3 was found; install GIMP 3.0 or later and run this again, "
            "or name its configuration directory with --gimp-dir."
        )
    interpreter = environment.choose(options.python)
    if options.dry_run:
        return _each(found, lambda gimp: _preview(gimp, options, interpreter))
    with only_one(_lock()):
        _recall(computer)
        status = _each(found, lambda gimp: _install_one(gimp, options, computer, interpreter, prepare))
        if status == 0:
            for folder, removed in _forget_unused(found, computer):
                kept = "Kept older packages, which Photio may be running with; a later install removes them"
                say(f"{'Removed older packages' if removed else kept}: {folder}")
            say("Start GIMP (again, if it is running): Filters > Photio.")
    return status


def uninstall(options: Options, computer: Computer) -> int:
    """Removes what `install` made in the chosen GIMPs. Returns the exit status.

    With `purge`, it also removes everything that the bridge made. If something is left, the status is 1, and the output
    says what and why. Running it twice is harmless.
    """
    known = [gimps.classify(folder.parent.parent, computer) for folder in installations.recall(computer).folders]
    found = _named(options, computer) or list(dict.fromkeys([*gimps.configured(computer), *known]))
    if options.dry_run:
        _preview_removal(found, options, computer)
        return 0
    with only_one(_lock()):
        spared = _recall(computer).spared
        if options.purge:
            _clear_keys(found)
        status = _each(found, _uninstall_one)
        for folder, removed in _forget_unused(found, computer):
            if removed:
                say(f"Removed packages: {folder}")
            else:
                say(f"Kept, for Photio may be running with it: {folder}; close GIMP, then run this again.")
                status = 1
        for folder in environment.present():
            if folder.name in spared:
                say(f"Kept, for the list of installations was damaged and another GIMP may use it: {folder}; ")
                say("  remove this folder when no other GIMP has Photio.")
    remove_if_empty(environment.environments())
    if not environment.environments().exists():
        remove(installations.list_file())
        remove(_lock())
    if options.purge:
        status = max(status, _purge(found, computer))
    elif yours := [each.folder for each in _personal(found, computer)]:
        say("Kept, because they are yours: " + ", ".join(map(str, yours)))
        say("(and the API key, if there is one in the keyring; --uninstall --purge removes all of these too)")
    remove_if_empty(places.config_directory(), places.data_directory(), places.program_directory())
    return status


def examine(options: Options, computer: Computer) -> int:
    """Prints the doctor's table. Returns 1 if there is a problem in it, else 0."""
    started = gimps.programs(computer)
    rows = doctor.examine(_named(options, computer) or gimps.find(computer, started), started)
    say(doctor.table(rows))
    return int(any(row.state == "problem" for row in rows))


def _lock() -> Path:
    return places.program_directory() / "install.lock"


def _named(options: Options, computer: Computer) -> list[Gimp]:
    return [gimps.classify(path, computer) for path in options.gimp_dirs]


def _each(found: Sequence[Gimp], step: Callable[[Gimp], None]) -> int:
    """Runs the step for each GIMP, also after a failure. Returns the exit status."""
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
        folder = environment.planned(interpreter, lock.read_text())
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
    manifest = Manifest(
        version=__version__,
        python=runtime.python,
        bridge=str(gimp.folder / "bridge"),
        python_path=(str(gimp.folder / "packages"),) if runtime.packages else (),
        environment=runtime.environment.name,
        neural=_neural(options, before),
        linked=str(options.checkout) if options.link else "",
        made=before.made if before else made,
    )
    # Before the folder exists: a killed run must not leave an environment that seems unused.
    known = installations.recall(computer)
    installations.save(replace(known, folders=tuple(dict.fromkeys((*known.folders, gimp.folder)))))
    try:
        with plugin_folder.replaced(gimp, options.checkout, manifest, runtime, say):
            doctor.prove(gimp, manifest)
    except BaseException:
        remove_if_empty(*map(Path, reversed(made)))
        raise
    say(f"  plug-in: {'linked' if options.link else 'installed'}, {gimp.folder}")
    say(f"  bridge: runs under {manifest.python}")
    if options.neural:
        _fetch_model(gimp, options, computer)


def _neural(options: Options, before: Manifest | None) -> bool:
    # An update keeps what an earlier --neural added.
    return options.neural or (before is not None and before.neural)


def _fetch_model(gimp: Gimp, options: Options, computer: Computer) -> None:
    from bridge.engine import models

    homes = gimps.sandbox_homes(gimp, computer)
    models.fetch_model(options.model_file, lambda line: say(f"  {line}"), homes[1] / "models" if homes else None)


def _uninstall_one(gimp: Gimp) -> None:
    if plugin_folder.uninstall(gimp):
        say(f"Removed {gimp.folder}")


def _recall(computer: Computer) -> Installations:
    """The list of installations; a damaged one is replaced at once."""
    known = installations.recall(computer)
    if known.lost:
        say(f"{installations.list_file()} was damaged and has been made anew. No packages that were there are removed.")
    installations.save(known)  # before anything is built: after a killed run the list must not seem to be lost
    return known


def _forget_unused(found: Sequence[Gimp], computer: Computer) -> Iterator[tuple[Path, bool]]:
    """Removes the environments that no plug-in folder uses. Yields each with whether it could be removed."""
    known = installations.recall(computer)
    uses = {folder: plugin_folder.uses(folder) for folder in (*known.folders, *(gimp.folder for gimp in found))}
    unclear = [folder for folder in known.folders if uses[folder] is None]
    live = [folder for folder, names in uses.items() if names or folder in unclear]
    installations.save(replace(known, folders=tuple(live)))
    for folder in unclear:
        say(f"{folder} cannot be read, so no packages are removed; run install.py again to put it right.")
    if not unclear:
        yield from environment.remove_unused(known.spared.union(*(names for names in uses.values() if names)))


def _clear_keys(found: Sequence[Gimp]) -> None:
    for gimp in found:
        manifest = plugin_folder.read_manifest(gimp.folder)
        if manifest and (outcome := run(gimps.inside(gimp, manifest.command("key", "clear")))).status != 0:
            say(f"{gimp.name}: the API key could not be cleared. {outcome.last_lines(1)}")


def _purge(found: Sequence[Gimp], computer: Computer) -> int:
    """Removes all files of the bridge. Returns 1 if some are left, else 0."""
    status = 0
    for config, _data in _homes(found, computer):
        if personal.key_is_in_keyring(config):  # the settings, which say so, are removed next
            say("The API key is still in the system's keyring: remove the entry “photio” there.")
            status = 1
    for each in _all_personal(found, computer):
        stayed = personal.clear(each)
        for path in stayed:
            say(f"Kept, for Photio is at work with it: {path}; run this again when it is done.")
            status = 1
        if each.made and not stayed:
            say(f"Removed {each.folder}" if not each.folder.exists() else f"Removed what Photio made in {each.folder}")
    remove_if_empty(*chain.from_iterable(_homes(found, computer)))
    return status


def _preview_removal(found: Sequence[Gimp], options: Options, computer: Computer) -> None:
    for gimp in found:
        if plugin_folder.read_manifest(gimp.folder):
            say(f"Would remove {gimp.folder}")
    say(f"Would remove packages that nothing else uses from {environment.environments()}")
    for each in _all_personal(found, computer) if options.purge else []:
        say(f"Would remove what Photio made in {each.folder}")


def _homes(found: Sequence[Gimp], computer: Computer) -> list[tuple[Path, Path]]:
    """The directories for settings and for data: on this computer, and in the sandboxes of these GIMPs."""
    sandboxes = [homes for gimp in found if (homes := gimps.sandbox_homes(gimp, computer))]
    return list(dict.fromkeys([(places.config_directory(), places.data_directory()), *sandboxes]))


def _personal(found: Sequence[Gimp], computer: Computer) -> list[Belongings]:
    """Settings, key, prompts, history, models and logs."""
    return [each for config, data in _homes(found, computer) for each in personal.kept(config, data)]


def _all_personal(found: Sequence[Gimp], computer: Computer) -> list[Belongings]:
    """As `_personal`, and GIMP's files with the last values of Photio's procedures."""
    return _personal(found, computer) + [each for gimp in found if (each := personal.asked_last(gimp.directory)).made]
