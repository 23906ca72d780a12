"""A GIMP of one release with this checkout's plug-in: where it is, how it is set up, and how it is started."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gimp import rootfs, surroundings
from gimp.rootfs import SetupError

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPTS = CHECKOUT / "scripts"
INSIDE = SCRIPTS / "gimp" / "inside.py"

_LAST_LINE = "\0\n"

#: Starts a screen, a window manager (again if it crashes) and an accessibility bus, then the command. xvfb-run does not
#: serve here: two of them can choose the same display, and on a busy machine it can miss a signal and wait for ever.
DISPLAY_SESSION = """
hash Xvfb openbox dbus-run-session || { echo "Install xvfb, openbox, dbus and at-spi2-core." >&2; exit 71; }
exec 3< <(exec Xvfb -displayfd 1 -screen 0 "$1x24" 2>/dev/null); screen=$!; shift
read -r number <&3 || { echo "Xvfb did not start." >&2; exit 71; }
export DISPLAY=":$number"
exec 4< <(until openbox --startup "echo ready" 2>/dev/null; do sleep 0.2; done); manager=$!
read -r _ready <&4
dbus-run-session -- bash -c '
    /usr/libexec/at-spi-bus-launcher --launch-immediately & "$@"; status=$?; kill %1; exit "$status"
' session "$@"; status=$?
kill "$manager" "$screen"
exit "$status"
"""


@dataclass(frozen=True)
class RealGimp:
    """One GIMP release that can be started on this machine.

    Attributes:
        release: "3.0" or "3.2".
        tree: the Debian tree it lives in; None for the machine's own.
        own_home: instead of the usual `home`.
    """

    release: str
    tree: Path | None
    own_home: Path | None = None

    @property
    def home(self) -> Path:
        """Profile, caches and results of the runs from this checkout, apart from the user's own GIMP."""
        if self.own_home:
            return self.own_home
        checkout = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
        return rootfs.cache_directory() / "homes" / f"{self.release}-{checkout}"

    @property
    def profile(self) -> Path:
        """GIMP's configuration directory for these runs."""
        return self.home / "GIMP"

    @property
    def bridge(self) -> list[str]:
        """The start of a command line that runs the installed bridge."""
        markers = self.home.glob("data/photio/environments/*/.photio-complete")
        complete = max(markers, key=lambda marker: marker.stat().st_mtime)
        bytecode = f"pycache_prefix={complete.parent / 'bytecode'}"
        bridge = self.profile / "plug-ins" / "photio" / "bridge"
        return [str(complete.parent / "bin" / "python"), "-I", "-X", bytecode, str(bridge)]

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """The environment of a process inside. Scripts decide beforehand what this process itself sees."""
        kept = surroundings.own(surroundings.NETWORK, surroundings.PERSONAL)
        directories = {
            "GIMP3_DIRECTORY": self.profile,
            "XDG_CONFIG_HOME": self.home / "config",
            "XDG_DATA_HOME": self.home / "data",
            "XDG_CACHE_HOME": self.home / "cache",
            "XDG_RUNTIME_DIR": self.home / "run",
        }
        for directory in directories.values():
            directory.mkdir(parents=True, exist_ok=True)
        (self.home / "run").chmod(0o700)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        fixed = {"PATH": path if self.tree else os.environ["PATH"]}
        return {**kept, **fixed, **{name: str(path) for name, path in directories.items()}, **(extra or {})}

    def command(self, arguments: list[str], visible: list[Path] | None = None) -> list[str]:
        """The command line that runs `arguments` where this GIMP is."""
        return rootfs.enter(self.tree, arguments, visible) if self.tree else arguments

    def _quieten(self) -> None:
        """Turns off GIMP's welcome dialog and its search for updates."""
        settings = self.profile / "gimprc"
        if not settings.exists():
            self.profile.mkdir(parents=True, exist_ok=True)
            version = _version(self.command(["gimp-console", "--version"]))  # GIMP shows the dialog if it differs
            settings.write_text(f'(show-welcome-dialog no)\n(check-updates no)\n(config-version "{version}")\n')

    def install_plugin(self) -> None:
        """Installs this checkout's plug-in into the profile. Takes little time if it is there already.

        Raises:
            SetupError: the installer failed.
        """
        self._quieten()
        self._must([str(CHECKOUT / "install.py"), "--gimp-dir", str(self.profile)])

    def unzip_plugin(self, release: Path) -> None:
        """Unzips a release into the profile, and sets it up as the window in GIMP does.

        Raises:
            SetupError: it cannot be set up.
        """
        self._quieten()
        plug_ins = self.profile / "plug-ins"
        plug_ins.mkdir()
        shutil.unpack_archive(release, plug_ins)
        (plug_ins / "photio" / "photio.py").chmod(0o755)  # Python's unzip, unlike others, leaves this bit out
        self._must(["-I", "-B", str(plug_ins / "photio" / "bridge"), "setup"])

    def _must(self, arguments: list[str]) -> None:
        """Runs GIMP's Python where GIMP is."""
        python = "/usr/bin/python3" if self.tree else sys.executable
        command = self.command([python, *arguments], [CHECKOUT])
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, env=self.environment(), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        ) as running:
            assert running.stdin is not None  # both are pipes
            assert running.stdout is not None
            running.stdin.write("go\n")  # the set-up waits for that, and stops when its standard input ends
            running.stdin.flush()
            said = running.stdout.read()
        if running.returncode:
            raise SetupError(f"The plug-in could not be set up in {self.profile}:\n{said}")


def _version(command: list[str]) -> str:
    """The version in the output of `gimp --version`, as "3.0.4"; empty if there is no GIMP."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    found = re.search(r"version (\d+\.\d+\.\d+)", done.stdout)
    return found.group(1) if found else ""


def find(release: str | None) -> RealGimp:
    """The machine's GIMP if it is of that release (None: of any supported one), otherwise one that is set up here.

    Raises:
        SetupError: there is none and none can be set up here.
    """
    if shutil.which("gimp-console"):
        installed = ".".join(_version(["gimp-console", "--version"]).split(".")[:2])
        if installed in rootfs.SUITES and release in (None, installed):
            return RealGimp(installed, None)
    release = release or "3.0"
    return RealGimp(release, rootfs.provision(release))


def run_quietly(gimp: RealGimp, file: Path, arguments: list[str]) -> int:
    """As `run_file`, but shows only what the file itself prints. If it fails, says where the rest is."""
    gimp.home.mkdir(parents=True, exist_ok=True)
    log, pipe = gimp.home / "gimp.log", gimp.home / "lines"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    lines = os.open(pipe, os.O_RDWR)  # a reader and a writer: opening it does not wait for GIMP, which may not start

    def show() -> None:
        with os.fdopen(os.dup(lines), encoding="utf-8") as stream:
            for line in iter(stream.readline, _LAST_LINE):
                print(line, end="", flush=True)

    shown = threading.Thread(target=show)
    shown.start()
    try:
        with log.open("wb") as stream:
            status = run_file(gimp, file, arguments, output=stream, lines=pipe)
    finally:
        os.write(lines, _LAST_LINE.encode())
        shown.join()
        os.close(lines)
        pipe.unlink()
    if status:
        print(f"That failed; what GIMP said is in {log}.", file=sys.stderr)
    return status


def run_file(
    gimp: RealGimp,
    file: Path,
    arguments: list[str],
    window: bool = False,
    screen: str = "1366x768",
    output: IO[bytes] | None = None,
    lines: Path | None = None,
) -> int:
    """Runs a Python file inside GIMP. Returns its exit status.

    Args:
        window: on a virtual screen of `screen` px.
        output: gets what GIMP prints; None: the terminal does.
        lines: a pipe that gets what the file prints instead.
    """
    gimp.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="photio-run-", dir=gimp.home) as scratch:
        status = Path(scratch) / "status"
        order = {"file": str(file), "arguments": arguments, "status": str(status)}
        order |= {"lines": str(lines)} if lines else {}
        command, environment = _command(order)
        if window:
            command = on_virtual_display(["gimp", *command], screen)
            environment["GTK_MODULES"] = "gail:atk-bridge"  # tests find widgets through the accessibility bus
        else:
            command = ["gimp-console", "-i", *command]
        ended = subprocess.run(
            gimp.command(command, [file, INSIDE]),
            env=gimp.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        if status.exists():
            return int(status.read_text())
        return ended.returncode or 70  # GIMP crashed: EX_SOFTWARE


def start_file(
    gimp: RealGimp, file: Path, arguments: list[str], output: IO[bytes], variables: dict[str, str], visible: list[Path]
) -> subprocess.Popen[bytes]:
    """Starts a GIMP without a window that runs a Python file, in a session of its own: Ctrl-C does not reach it.

    Args:
        output: gets what GIMP and the file print.
        variables: added to the environment.
        visible: folders that the file needs; see `rootfs.enter`.
    """
    gimp.home.mkdir(parents=True, exist_ok=True)
    command, environment = _command({"file": str(file), "arguments": arguments, "status": os.devnull})
    return subprocess.Popen(
        gimp.command(["gimp-console", "-i", *command], [file, INSIDE, *visible]),
        env=gimp.environment({**environment, **variables}),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _command(order: dict[str, object]) -> tuple[list[str], dict[str, str]]:
    """GIMP's arguments that carry out an order to `gimp/inside.py`, and the variable that has the order."""
    run = f"exec(compile(open({str(INSIDE)!r}).read(), {str(INSIDE)!r}, 'exec'))"
    arguments = ["--quit", "--batch-interpreter=python-fu-eval", "-b", run]
    return arguments, {"PHOTIO_RUN": json.dumps({**order, "scripts": str(SCRIPTS)})}


def on_virtual_display(command: list[str], screen: str = "1366x768") -> list[str]:
    """The command line that runs `command` on a virtual screen of `screen` px, with a window manager."""
    return ["bash", "-c", DISPLAY_SESSION, "session", screen, *command]


def open_window(gimp: RealGimp, image: Path | None) -> int:
    """Opens GIMP's window, on a virtual display if there is no other. Returns GIMP's exit status."""
    command = ["gimp", *([str(image)] if image else [])]
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        print("No display: GIMP opens on a virtual one. Ctrl-C ends it.", file=sys.stderr)
        command = on_virtual_display(command)
    return subprocess.run(gimp.command(command, [image] if image else None), env=gimp.environment()).returncode
