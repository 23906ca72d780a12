"""The commands install, uninstall and doctor of `install.py`, step by step."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bridge.common import environments, systems
from bridge.common.errors import PhotioError
from bridge.doctor import as_table, has_problem
from bridge.setup import doctor, environment, gimps, plugin_folder
from bridge.setup.gimps import Gimp
from bridge.setup.process import FAILED
from bridge.setup.system import SetupError, only_one, remove, remove_if_empty, run
from bridge.store import belongings, locks, places
from bridge.store.belongings import Belongings
from bridge.store.journal import BUSY_FILE

#: GIMP's files with the last values of Photio's procedures, among them prompts.
_LAST_VALUES = [f"*photio-{name}*" for name in ("remove", "regenerate", "reroll", "history", "settings")]


@dataclass
class Options:
    """What the user asked for on the command line."""

    checkout: Path
    uninstall: bool = False
    doctor: bool = False
    dry_run: bool = False
    gimp_dir: list[Path] = field(default_factory=list)
    link: bool = False
    neural: bool = False
    model_file: Path | None = None
    purge: bool = False


say = partial(print, flush=True)


def complain(error: PhotioError) -> None:
    """Prints an error to standard error: first the details, then the sentence, which the user sees last."""
    for text in filter(None, (error.details, error.sentence)):
        print(text, file=sys.stderr, flush=True)


def install(options: Options) -> int:
    """Puts the plug-in into the chosen GIMPs. Returns the exit status; raises `SetupError` or `OSError`."""
    found = gimps.find(options.gimp_dir)
    if not found:
        raise SetupError(
            "No GIMP 3 was found; install GIMP 3.0 or later and run this again, "
            "or name its configuration directory with --gimp-dir."
        )
    if options.dry_run:
        return _each(partial(_preview, options, gimp) for gimp in found)
    with only_one(places.program_directory() / "folders.lock"):
        status = _each(partial(_install, options, gimp) for gimp in found)
    if status == 0:
        say("Start GIMP (again, if it is running): Filters > Photio.")
    return status


def uninstall(options: Options) -> int:
    """Removes what `install` made in the chosen GIMPs. Returns the exit status.

    With `purge`, it also removes everything that the bridge made. If something is left, the status is 1, and the output
    says what and why. Running it twice is harmless.
    """
    homes = dict.fromkeys([places.program_directory(), *(data for _config, data in gimps.sandbox_homes())])
    noted = [folder.parent.parent for home in homes for folder in environment.folders(home)]
    known = dict.fromkeys(map(gimps.plug_in, [*gimps.configured(), *noted]))
    folders = list(map(gimps.plug_in, options.gimp_dir)) or list(known)
    if options.dry_run:
        made = [str(folder) for folder in folders if folder.exists()]
        made += [f"packages that nothing else uses from {home / 'environments'}" for home in homes]
        made += [f"what Photio made in {each.folder}" for each in (_personal(folders) if options.purge else [])]
        say(*(f"Would remove {each}" for each in made), sep="\n")
        return 0
    status = _purge(folders, options.checkout / "bridge") if options.purge else 0
    status |= _each(partial(_uninstall, folder) for folder in folders)
    status |= max(_remove_packages([*known, *folders], home) for home in homes)
    if not options.purge and (yours := _personal([])):
        say("Kept, because they are yours:", ", ".join(str(each.folder) for each in yours))
        say("(and the API key, if there is one in the keyring; --uninstall --purge removes all of these too)")
    remove_if_empty(*(folder for home in _homes() for folder in home), places.program_directory())
    return status


def examine(options: Options) -> int:
    """Prints the doctor's table. Returns 1 if there is a problem in it, else 0."""
    checks = doctor.examine(gimps.find(options.gimp_dir))
    say(as_table(checks))
    return int(has_problem(checks))


def _each(steps: Iterable[Callable[[], None]]) -> int:
    """Takes each step, also after one that failed. Returns the exit status."""
    status = 0
    for step in steps:
        try:
            step()
        except PhotioError as error:
            complain(error)
            status = 1
    return status


def _preview(options: Options, gimp: Gimp) -> None:
    say(f"{gimp.name}: {gimp.directory}")
    plugin_folder.refuse_foreign(gimp.folder)
    verb = "link" if options.link else "replace" if gimp.folder.exists() else "put"
    say(f"  would {verb} the plug-in: {gimp.folder}")
    say(run(_setup_command(gimp, options.checkout / "bridge", options, "--plan"), 120.0).stdout, end="")


def _install(options: Options, gimp: Gimp) -> None:
    say(f"{gimp.name}: {gimp.directory}")
    plugin_folder.repair(gimp.folder)
    plugin_folder.refuse_foreign(gimp.folder)
    with plugin_folder.replaced(gimp.folder, options.checkout, options.link):
        _set_up(gimp, options)
    say(f"  {'linked' if options.link else 'installed'} and ready: {gimp.folder}")


def _setup_command(gimp: Gimp, bridge: Path, options: Options, *more: str) -> list[str]:
    if gimp.kind == "native" and not gimp.has_bindings(gimp.python):
        say(f"  {gimp.python} has no GIMP 3 bindings. If Photio is not in GIMP's menu, run install.py --doctor.")
    neural = ["--neural"] if options.neural else []
    model = ["--model-file", str(options.model_file.absolute())] if options.model_file else []
    command = [gimp.setup_python, "-I", "-B", str(bridge), "setup", "--terminal", *neural, *model, *more]
    return gimp.inside(command)


def _set_up(gimp: Gimp, options: Options) -> None:
    """Makes the environment, with GIMP's own Python and where GIMP runs. Raises `SetupError`."""
    command = _setup_command(gimp, gimp.folder / "bridge", options)
    # It ends when we do, for its standard input ends then.
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=systems.without_foreign()) as program:
        status = program.wait()
    if status == FAILED:
        raise SetupError("")  # it has said why
    if status != 0:
        raise SetupError(f"{command[0]} could not set up the bridge; run this again, and ask for help if that fails.")


def _uninstall(folder: Path) -> None:
    if plugin_folder.uninstall(folder):
        say(f"Removed {folder}")


def _remove_packages(known: Iterable[Path], home: Path) -> int:
    """Removes the packages that no plug-in folder uses. Returns 1 if some are kept, else 0."""
    kept = environment.remove_unused(known, home)
    for folder in kept:
        say(f"Kept, for Photio may be running with it: {folder}; close GIMP, then run this again.")
    names = ("uv-*", "fetching", "python", "install.lock", "folders.lock", "installations.json")  # the last is 0.1.0's
    made = [path for name in names for path in home.glob(name) if not (home / "environments").exists()]
    for path in made:
        remove(path)
    if made:
        say(f"Removed the packages from {home}")
    return int(bool(kept))


def _purge(folders: Iterable[Path], bridge: Path) -> int:
    """Removes all files of the bridge, and the key. It needs the packages. Returns 1 if something is left, else 0."""
    made = map(str, places.program_directory().glob("environments/*"))
    if usable := next(filter(environments.usable, made), None):  # a sandbox has no keyring of its own
        run(environments.command(usable, str(bridge), "key", "clear"))
    left = any(belongings.key_is_in_keyring(config) for config, _data in _homes())  # before the settings are removed
    if left:
        say("The API key is still in the system's keyring: remove the entry “photio” there.")
    for each in _personal(folders):
        for path in each.made:
            with suppress(OSError):  # Windows removes no file that is open
                if not locks.is_held(path / BUSY_FILE):
                    remove(path)
        remove_if_empty(each.folder)
        stayed = [path for path in each.made if os.path.lexists(path)]
        for path in stayed:
            say(f"Kept, for Photio is at work with it: {path}; run this again when it is done.")
            left = True
        if not stayed:
            say(f"Removed what Photio made in {each.folder}")
    return int(left)


def _homes() -> list[tuple[Path, Path]]:
    """The directories for settings and for data: on this computer, and in the sandboxes of its GIMPs."""
    return list(dict.fromkeys([(places.config_directory(), places.data_directory()), *gimps.sandbox_homes()]))


def _personal(folders: Iterable[Path]) -> list[Belongings]:
    """Settings, key, prompts, history, models and logs, and what the GIMPs with these plug-in folders remember."""
    found = [each for home in _homes() for each in belongings.of_the_user(*home)]
    for remembered in [folder.parent.parent / "plug-in-settings" for folder in folders]:
        found.append(Belongings(remembered, belongings.files(remembered, _LAST_VALUES)))
    return [each for each in found if each.made]
