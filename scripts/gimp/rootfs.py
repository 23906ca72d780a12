"""A Debian root file system with a GIMP 3, for machines that have none. It is built once.

Debian's trixie carries GIMP 3.0, forky GIMP 3.2. Needs root (mounts, chroot); mounts live in a private
namespace and end with the command.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SUITES = {"3.0": "trixie", "3.2": "forky"}

# fmt: off
PACKAGES = [
    "gimp", "gir1.2-gimp-3.0", "python3-gi", "python3-pip", "procps", "dbus-x11", "imagemagick",
    "xvfb", "xauth", "xdotool", "openbox", "fonts-dejavu-core", "adwaita-icon-theme",
    "at-spi2-core", "gir1.2-atspi-2.0", "libatk-adaptor",
]
# fmt: on

#: Directories that the tree has of its own. All other directories at the machine's root are visible inside.
OWN = {"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "var", "run", "boot", "lost+found"}
SYSTEM = ("proc", "dev", "sys")

#: Settings of the machine's apt (proxies, retries, tolerated dates) that the tree takes over.
APT_SETTINGS = ("Acquire::Check-", "Acquire::http", "Acquire::Retries", "Acquire::ForceIP")


class SetupError(Exception):
    """Something could not be set up. The message tells the user what to do."""


def cache_directory() -> Path:
    """The folder for everything that the scripts download or build."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(root) if os.path.isabs(root) else Path.home() / ".cache"
    return base / "photio-for-gimp"


def _run(command: list[str], log: Path, **options: object) -> None:
    with log.open("ab") as output:
        result = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, **options)  # type: ignore[call-overload]
    if result.returncode:
        tail = "".join(log.read_text(errors="replace").splitlines(keepends=True)[-15:])
        raise SetupError(f"{command[0]} failed; the whole log is {log}. Its last lines:\n{tail}")


def _ensure_debootstrap(scripts: Path) -> None:
    """Copies debootstrap's files to `scripts`, and adds those of suites that this debootstrap does not know."""
    with _locked(cache_directory() / "debootstrap.lock"):
        if not shutil.which("debootstrap"):
            install_packages("debootstrap")
    shutil.rmtree(scripts, ignore_errors=True)
    shutil.copytree("/usr/share/debootstrap", scripts, symlinks=True)
    for suite in SUITES.values():
        if not (scripts / "scripts" / suite).exists():
            (scripts / "scripts" / suite).symlink_to("sid")


def install_packages(*names: str) -> None:
    """Installs Debian packages on this machine.

    Raises:
        SetupError: this is no Debian, or not root's shell.
    """
    if not shutil.which("apt-get") or os.geteuid() != 0:
        raise SetupError(f"Something is missing here: install {', '.join(names)}, then try again.")
    log = cache_directory() / "apt.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    _run(["apt-get", "update", "-qq"], log)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names]
    _run(command, log, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def _adopt_apt_settings(tree: Path) -> None:
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    lines = [line for line in dump.splitlines() if line.startswith(APT_SETTINGS)]
    (tree / "etc/apt/apt.conf.d/90host").write_text("\n".join(lines) + "\n")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def provision(release: str) -> Path:
    """The tree with GIMP `release` ("3.0" or "3.2"). Builds it if it is missing, which takes 1–3 minutes.

    Raises:
        SetupError: it could not be built.
    """
    suite = SUITES[release]
    fingerprint = hashlib.sha256(" ".join([suite, *PACKAGES]).encode()).hexdigest()[:8]
    tree = cache_directory() / f"gimp-{release}-{fingerprint}"
    with _locked(cache_directory() / f"gimp-{release}.lock"):
        if not (tree / ".complete").exists():
            _build(suite, tree)
    return tree


def _build(suite: str, tree: Path) -> None:
    if os.geteuid() != 0:
        raise SetupError("No GIMP of this release was found. Install it, or run this as root to have one set up.")
    partial, log = tree.with_name(tree.name + ".partial"), tree.with_name(tree.name + ".log")
    shutil.rmtree(partial, ignore_errors=True)
    log.unlink(missing_ok=True)
    print(f"Setting up a GIMP from Debian {suite} in {tree} (once; 1–3 minutes) …", file=sys.stderr, flush=True)
    scripts = tree.with_name(tree.name + ".debootstrap")
    _ensure_debootstrap(scripts)
    environment = {**os.environ, "DEBOOTSTRAP_DIR": str(scripts)}
    _run(["debootstrap", "--variant=minbase", suite, str(partial)], log, env=environment)
    _adopt_apt_settings(partial)
    shutil.copy("/etc/resolv.conf", partial / "etc/resolv.conf")
    shutil.copy("/etc/hosts", partial / "etc/hosts")
    install = (
        "apt-get update -qq && apt-get install -y -qq --no-install-recommends "
        + " ".join(PACKAGES)
        + " && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/share/doc/*"
    )
    _run(
        _chroot(partial, [], "/", ["sh", "-c", install]), log, env={**environment, "DEBIAN_FRONTEND": "noninteractive"}
    )
    shutil.rmtree(scripts)
    (partial / ".complete").touch()
    partial.rename(tree)


def _show(source: str, target: Path, read_only: bool = False) -> str:
    """The shell line that makes `source` appear as `target`."""
    here, there = shlex.quote(source), shlex.quote(str(target))
    make = (
        f"mkdir -p {there}"
        if os.path.isdir(source)
        else f"mkdir -p $(dirname {there}); [ -e {there} ] || touch {there}"
    )
    return f"{make}; mount --rbind {here} {there}" + (f"; mount -o remount,ro,bind {there}" if read_only else "")


def _mounts(tree: Path, visible: list[Path]) -> list[str]:
    """The shell lines that show a command in the tree the machine's files, name resolution and certificates."""
    shared = [
        str(entry)
        for entry in sorted(Path("/").iterdir())
        if entry.is_dir() and not entry.is_symlink() and entry.name not in OWN.union(SYSTEM)
    ]
    named = [os.path.realpath(path) for path in visible if path.parts[1] in OWN]
    lines = [_show(path, tree / path.lstrip("/")) for path in [*shared, *named]]
    for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs"):
        if os.path.exists(path):
            # read-only: a package's script inside must never rewrite the machine's certificates
            lines.append(_show(os.path.realpath(path), tree / path.lstrip("/"), read_only=True))
    return lines


def enter(tree: Path, command: list[str], visible: list[Path] | None = None) -> list[str]:
    """The command line that runs `command` inside the tree, with the caller's environment.

    The machine's directories have the same paths inside, but for those in `OWN`; files from these that the
    command needs are named in `visible`. No process is left between the caller and the command, and nothing
    of the environment (a key, say) shows in an argument list.
    """
    parts = Path.cwd().parts
    here = os.getcwd() if len(parts) > 1 and parts[1] not in OWN else "/"
    return _chroot(tree, _mounts(tree, visible or []), here, command)


def _chroot(tree: Path, mounts: list[str], here: str, command: list[str]) -> list[str]:
    system = [_show(f"/{name}", tree / name) for name in SYSTEM]
    script = (
        "\n".join(["set -e", "mount --make-rprivate /", *system, *mounts])
        + '\nhere="$1"; shift; exec chroot "$0" sh -c \'cd "$0" && exec "$@"\' "$here" "$@"'
    )
    return ["unshare", "--mount", "sh", "-c", script, str(tree), here, *command]
