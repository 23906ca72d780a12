"""A real GIMP in `bwrap`, as its packages run it: with the same folders, variables and rights.

The system in it is a Debian tree of `scripts/gimp.py`, which nothing can change. Whoever runs in it is an ordinary user
(number 1000), with a home of the test's. docs/sandboxes.md says what is imitated, and what is not.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
REMOVING = Path(__file__).parent / "inside" / "removing.py"
FLATPAK = "org.gimp.GIMP"
MOUNTED = Path("/tmp/.mount_GIMP-3")  # where an AppImage's files appear, with some letters that are new each time

_SYSTEM = ("--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin")
_SYSTEM += ("--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64")
_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True)
class Sandbox:
    """What a GIMP runs in.

    Attributes:
        tree: the Debian tree that it sees as its system.
        home: the user's home directory, at the same path inside.
        release: GIMP's release, "3.0" or "3.2".
        config: its GIMP's configuration directories are in here, as seen from inside.
        variables: its environment variables; nothing else is seen.
        options: more options for `bwrap`.
        network: whether there is one.
    """

    tree: Path
    home: Path
    release: str = "3.0"
    config: Path = Path()
    variables: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    network: bool = True

    @property
    def folder(self) -> Path:
        """The plug-in's folder, as seen from inside."""
        return self.config / self.release / "plug-ins" / "photio"

    @property
    def outside(self) -> Path:
        """The same folder, as seen from outside."""
        return self.home / ".config" / "GIMP" / self.release / "plug-ins" / "photio"

    @property
    def programs(self) -> Path:
        """Where the set-up keeps what it makes."""
        return Path(self.variables.get("XDG_DATA_HOME") or self.home / ".local" / "share") / "photio"

    def having(self, *options: str | Path, **variables: str | Path) -> Sandbox:
        """Likewise, with more options for `bwrap` and more variables."""
        told = {name: str(value) for name, value in variables.items()}
        return replace(self, options=(*self.options, *map(str, options)), variables={**self.variables, **told})

    def seeing(self, *paths: Path) -> Sandbox:
        """Likewise, where these paths can be read, too."""
        return self.having(*(word for path in paths for word in ("--ro-bind", path, path)))

    def offline(self) -> Sandbox:
        """Likewise, without a network."""
        return replace(self, network=False)

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line that runs these arguments inside."""
        user = ["--unshare-user", "--uid", "1000", "--gid", "1000", "--die-with-parent"]
        files = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"]
        for name in ("usr", "etc", "var"):
            files += ["--ro-bind", str(self.tree / name), f"/{name}"]
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            files += ["--ro-bind", os.path.realpath(name), name]
        files += [*_SYSTEM, "--bind", str(self.home), str(self.home)]
        variables = {"HOME": str(self.home), "USER": "somebody", "LANG": "C.UTF-8", "PATH": _PATH, **self.variables}
        if part := os.environ.get("PHOTIO_PART"):  # by which scripts/test/parts.py finds what is left
            variables["PHOTIO_PART"] = part
        sees = [word for name, value in variables.items() for word in ("--setenv", name, value)]
        alone = [] if self.network else ["--unshare-net"]
        return ["bwrap", *user, *files, *alone, *self.options, "--clearenv", *sees, "--", *map(str, arguments)]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Runs a program inside, to its end."""
        return subprocess.run(
            self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False
        )

    def remove_object(self) -> str:
        """Starts GIMP, which has the offline engine remove an object. Returns "removed", or what it said instead."""
        script = f"exec(compile(open({str(REMOVING)!r}).read(), {str(REMOVING)!r}, 'exec'))"
        gimp = ["gimp-console", "-i", "--quit", "--batch-interpreter=python-fu-eval", "-b", script]
        done = self.seeing(REMOVING).run(*gimp)
        told = [line for line in done.stdout.splitlines() if line.startswith('{"outcome": ')]
        assert told, f"GIMP did not get so far:\n{done.stdout}\n{done.stderr}"
        return str(json.loads(told[-1])["outcome"])


def native(tree: Path, home: Path, release: str = "3.0") -> Sandbox:
    """A distribution's GIMP."""
    return Sandbox(tree, home, release, home / ".config" / "GIMP")


def flatpak(tree: Path, home: Path) -> Sandbox:
    """Flathub's GIMP: `--filesystem=host`, `--filesystem=xdg-config/GIMP:create`.

    The host's `~/.config/GIMP` is mounted where the sandbox's own would be.
    """
    own, hosts = home / ".var" / "app" / FLATPAK, home / ".config" / "GIMP"
    for folder in (hosts, own / "config" / "GIMP", own / "data", own / "cache"):
        folder.mkdir(parents=True, exist_ok=True)
    info = home.parent / "flatpak-info"
    info.write_text(f"[Application]\nname={FLATPAK}\nruntime=runtime/org.gnome.Platform/x86_64/50\n")
    seen = own / "config" / "GIMP"
    made = Sandbox(tree, home, config=seen).seeing(CHECKOUT)
    xdg = {f"XDG_{name.upper()}_HOME": own / name for name in ("config", "data", "cache")}
    return made.having("--bind", hosts, seen, "--ro-bind", info, "/.flatpak-info", FLATPAK_ID=FLATPAK, **xdg)


def snap(tree: Path, home: Path) -> Sandbox:
    """The Snap's GIMP, with strict confinement and the plug “home”: of the home, only what is not hidden is seen."""
    own, common = home / "snap" / "gimp" / "x1", home / "snap" / "gimp" / "common"
    for folder in (own / ".config", own / ".local" / "share", common / ".cache"):
        folder.mkdir(parents=True, exist_ok=True)
    (own.parent / "current").symlink_to("x1")
    current = own.parent / "current"
    made = Sandbox(tree, home, config=current / ".config" / "GIMP")
    for hidden in (".config", ".local", ".cache"):
        (home / hidden).mkdir(exist_ok=True)
        made = made.having("--perms", "0000", "--tmpfs", home / hidden)
    about = {"SNAP": "/snap/gimp/x1", "SNAP_NAME": "gimp", "SNAP_INSTANCE_NAME": "gimp", "SNAP_REVISION": "x1"}
    about |= {"SNAP_USER_DATA": str(own), "SNAP_USER_COMMON": str(common), "SNAP_REAL_HOME": str(home)}
    xdg = {"XDG_CONFIG_HOME": current / ".config", "XDG_DATA_HOME": current / ".local" / "share"}
    foreign = {"LD_LIBRARY_PATH": "/snap/gimp/x1/usr/lib", "GI_TYPELIB_PATH": "/snap/gimp/x1/usr/lib/girepository-1.0"}
    return made.having(**about, **xdg, **foreign, XDG_CACHE_HOME=common / ".cache")


def appimage(tree: Path, home: Path, letters: str) -> Sandbox:
    """An AppImage: it brings its own `/usr`, which appears at another path at each start, and leads everything there.

    Args:
        letters: what the path ends in, this time.
    """
    mounted = Path(f"{MOUNTED}{letters}")
    usr = mounted / "usr"
    libraries = usr / "lib" / f"{os.uname().machine}-linux-gnu"
    about = {"APPIMAGE": str(home / "GIMP-3.0.AppImage"), "APPDIR": str(mounted), "ARGV0": "GIMP-3.0.AppImage"}
    leading = {
        "PATH": f"{usr}/bin/:{_PATH}",  # in front, as AppRun of GIMP has it
        "PYTHONHOME": str(usr),
        "PYTHONPATH": f"{usr}/lib/python3/dist-packages",
        "LD_LIBRARY_PATH": str(libraries),
        "GI_TYPELIB_PATH": str(libraries / "girepository-1.0"),
    }
    made = Sandbox(tree, home, config=home / ".config" / "GIMP")
    return made.having("--ro-bind", tree / "usr", usr, **about, **leading)


def bare(sandbox: Sandbox) -> Sandbox:
    """Likewise, on a Debian as it comes: Python without `pip`. `ensurepip` and `curl` are not in the tree anyway."""
    packages = Path("/usr/lib/python3/dist-packages")
    here = sandbox.tree / packages.relative_to("/")
    absent = [*here.parents[1].glob("python3.*/ensurepip"), *here.parents[2].glob("bin/curl")]
    assert not absent, absent
    sandbox = sandbox.having("--tmpfs", packages)
    for path in (each for each in here.iterdir() if not each.name.startswith("pip")):
        sandbox = sandbox.having("--ro-bind", path, packages / path.name)
    return sandbox
