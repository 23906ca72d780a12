"""What differs between systems and kinds of GIMP, as tables: Windows and macOS cannot be run where these tests run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.common import systems

LINUX, MAC, WINDOWS = "linux", "darwin", "win32"
HOME = "/home/me"


@pytest.mark.parametrize(
    ("kind", "platform", "variables", "expected"),
    [
        ("config", LINUX, {}, "/home/me/.config"),
        ("data", LINUX, {}, "/home/me/.local/share"),
        ("config", LINUX, {"XDG_CONFIG_HOME": "/moved"}, "/moved"),
        ("data", LINUX, {"XDG_DATA_HOME": "/moved"}, "/moved"),
        ("data", LINUX, {"XDG_CONFIG_HOME": "/moved", "APPDATA": "/w", "LOCALAPPDATA": "/w"}, "/home/me/.local/share"),
        ("config", LINUX, {"XDG_CONFIG_HOME": ""}, "/home/me/.config"),
        ("config", LINUX, {"XDG_CONFIG_HOME": "relative"}, "/home/me/.config"),
        # a terminal that is a snap, such as that of an editor, hands its own on to all that is started in it
        ("config", LINUX, {"XDG_CONFIG_HOME": "/home/me/snap/code/170/.config"}, "/home/me/.config"),
        ("data", LINUX, {"XDG_DATA_HOME": "/home/me/snap/code/170/.local/share"}, "/home/me/.local/share"),
        (
            "config", LINUX,
            {"XDG_CONFIG_HOME": "/home/me/snap/code/1/.config", "SNAP": "/snap/code/1", "SNAP_NAME": "code"},
            "/home/me/.config",
        ),
        # and this is GIMP's own
        (
            "config", LINUX,
            {"XDG_CONFIG_HOME": "/home/me/snap/gimp/5/.config", "SNAP": "/snap/gimp/5", "SNAP_NAME": "gimp"},
            "/home/me/snap/gimp/5/.config",
        ),
        ("config", LINUX, {"XDG_CONFIG_HOME": "/home/me/snapshots"}, "/home/me/snapshots"),
        ("config", MAC, {"XDG_CONFIG_HOME": "/moved"}, "/home/me/Library/Application Support"),
        ("data", MAC, {"XDG_DATA_HOME": "/moved"}, "/home/me/Library/Application Support"),
        ("config", WINDOWS, {"APPDATA": "C:\\roaming", "XDG_CONFIG_HOME": "/moved"}, "C:\\roaming"),
        ("data", WINDOWS, {"LOCALAPPDATA": "C:\\local", "APPDATA": "C:\\roaming"}, "C:\\local"),
        ("config", WINDOWS, {}, "/home/me/AppData/Roaming"),
        ("data", WINDOWS, {}, "/home/me/AppData/Local"),
    ],
)  # fmt: skip
def test_files_are_where_each_system_keeps_them(
    kind: str, platform: str, variables: dict[str, str], expected: str
) -> None:
    assert systems.user_directory(kind, platform, variables, HOME) == expected


@pytest.mark.parametrize("platform", [LINUX, MAC, WINDOWS])
def test_without_a_home_every_attempt_to_write_is_an_error_and_nothing_lands_in_the_working_directory(
    platform: str,
) -> None:
    directory = systems.user_directory("data", platform, {}, "~")
    assert os.path.isabs(directory)
    with pytest.raises(OSError, match=os.devnull):
        Path(directory, "photio").mkdir(parents=True)


SNAP = {"SNAP": "/snap/gimp/5", "SNAP_NAME": "gimp"}
APPIMAGE = {"APPIMAGE": "/home/me/GIMP.AppImage", "APPDIR": "/tmp/.mount_GIMP01"}


@pytest.mark.parametrize(
    ("info", "variables", "expected"),
    [
        (True, {}, "flatpak"),
        (True, SNAP | APPIMAGE, "flatpak"),
        (False, SNAP, "snap"),
        (False, SNAP | APPIMAGE, "snap"),
        (False, {"SNAP": "/snap/code/1", "SNAP_NAME": "code"}, "native"),  # GIMP from the terminal of an editor
        (False, {"SNAP_NAME": "gimp"}, "native"),
        (False, APPIMAGE, "appimage"),
        (False, {"APPIMAGE": "/home/me/GIMP.AppImage"}, "native"),
        (False, {"APPDIR": "/tmp/.mount_GIMP01"}, "native"),
        (False, {}, "native"),
    ],
)
def test_what_gimp_runs_in_is_known_by_what_it_leaves_in_the_environment(
    tmp_path: Path, info: bool, variables: dict[str, str], expected: str
) -> None:
    if info:
        (tmp_path / ".flatpak-info").write_text("[Application]\nname=org.gimp.GIMP\n")
    assert systems.sandbox(variables, str(tmp_path / ".flatpak-info")) == expected


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        (LINUX, ("/e/bin/python", 0)),
        (MAC, ("/e/bin/python", 0)),
        (WINDOWS, (os.path.join("/e", "Scripts", "pythonw.exe"), 0x08000000)),  # neither opens a console window
    ],
)
def test_the_bridge_starts_without_a_window_of_its_own(platform: str, expected: tuple[str, int]) -> None:
    assert (systems.environment_python("/e", platform), systems.no_window(platform)) == expected


@pytest.mark.parametrize(
    ("kind", "platform", "suits"),
    [
        ("native", LINUX, True),
        ("flatpak", LINUX, True),
        ("snap", LINUX, True),
        ("appimage", LINUX, False),
        ("native", MAC, False),
        ("native", WINDOWS, False),
    ],
)
def test_the_python_of_gimps_plug_ins_runs_the_bridge_only_where_it_can(kind: str, platform: str, suits: bool) -> None:
    assert systems.own_interpreter_suits(kind, platform) is suits


BUNDLE = "Applications/GIMP*.app/Contents/MacOS/gimp-console*"
INSTALLED = os.path.join("GIMP 3*", "bin", "gimp-console-3*.exe")


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        (LINUX, {"ProgramFiles": "/p"}, []),
        (MAC, {}, [f"/{BUNDLE}", f"/home/me/{BUNDLE}"]),
        (WINDOWS, {"ProgramFiles": "/p"}, [f"/p/{INSTALLED}", f"/p/Programs/{INSTALLED}"]),
        (
            WINDOWS,
            {"ProgramFiles": "/p", "LOCALAPPDATA": "/l"},
            [f"/p/{INSTALLED}", f"/l/{INSTALLED}", f"/p/Programs/{INSTALLED}", f"/l/Programs/{INSTALLED}"],
        ),
        (WINDOWS, {}, []),
    ],
)
def test_gimp_is_looked_for_where_each_system_installs_it(
    platform: str, variables: dict[str, str], expected: list[str]
) -> None:
    assert systems.bundles(platform, variables, HOME) == expected


@pytest.mark.parametrize(
    ("program", "platform", "expected"),
    [
        ("/usr/bin/gimp-3.0", LINUX, ""),
        (
            "/Applications/GIMP.app/Contents/MacOS/gimp-console-3.0",
            MAC,
            "/Applications/GIMP.app/Contents/MacOS/python3",
        ),
        ("/p/GIMP 3/bin/gimp-console-3.0.exe", WINDOWS, "/p/GIMP 3/bin/python.exe"),
        ("", MAC, ""),
        ("", WINDOWS, ""),
    ],
)
def test_the_python_that_gimp_brings_along_is_beside_its_program(program: str, platform: str, expected: str) -> None:
    assert systems.python_of_gimp(program, platform) == expected


@pytest.mark.parametrize("name", systems.FOREIGN_VARIABLES)
def test_what_a_gimp_sets_for_its_own_python_is_kept_from_the_bridge_and_nothing_else(name: str) -> None:
    kept = {"PHOTIO_HOME": "/kept", "PATH": "/bin", "LD_LIBRARY": "kept", "HTTPS_PROXY": "http://proxy.example"}
    assert systems.without_foreign(kept | {name: "/of/gimp"}) == kept


@pytest.mark.parametrize(
    ("platform", "machine", "variables", "expected"),
    [
        (LINUX, "x86_64", {}, True),
        (LINUX, "aarch64", {}, True),
        (WINDOWS, "AMD64", {}, True),
        (MAC, "arm64", {}, True),
        (MAC, "x86_64", {}, False),
        (LINUX, "x86_64", {"PHOTIO_WHEELS": "/media/wheels"}, False),
    ],
)
def test_mi_gan_is_offered_with_the_rest_where_there_are_packages_for_it(
    platform: str, machine: str, variables: dict[str, str], expected: bool
) -> None:
    assert systems.neural_is_offered(platform, machine, variables) == expected
