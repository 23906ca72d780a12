"""Controls windows and their widgets, takes pictures and directs the service, for the scenes in `inside.py`."""

import fnmatch
import gettext
import json
import os
import select as selecting
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from gi.repository import Gimp

CHECKOUT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ["PHOTIO_HOME"])
PROFILE = Path(os.environ["GIMP3_DIRECTORY"])
PLUGIN = PROFILE / "plug-ins" / "photio"

#: Words that only the plug-in's and the bridge's command lines have in them.
PLUG_IN, BRIDGE = str(PLUGIN / "photio.py"), str(PLUGIN / "bridge")

PATIENCE = 180  # seconds
LARGEST_THUMBNAIL = 200  # px; what *Regenerate…* shows is larger

sys.path.append(str(PLUGIN))  # to find texts in the plug-in's own translation
sys.path.append(str(CHECKOUT / "tests" / "gui"))
import setting_up  # noqa: E402, F401  (for the scenes)
from bridge.common.i18n import _  # noqa: E402


def words(text, **values):
    """A text of the plug-in as its windows show it, without the mnemonic's mark; * stands for anything."""
    return _(text).replace("_", "", 1).format(**values) if "{" in text else _(text).replace("_", "", 1)


def gimp_words(text):
    """A text of GIMP's own as it shows it, without the mnemonic's mark."""
    return gettext.translation("gimp30", "/usr/share/locale", fallback=True).gettext(text).replace("_", "", 1)


def widget(*arguments):
    """Uses a widget of the plug-in's windows (see tests/gui/widgets.py), as soon as it is there."""
    return widget_of("photio", *arguments)


def widget_of(application, *arguments):
    """Uses a widget; what was read from it."""
    command = ["/usr/bin/python3", str(CHECKOUT / "tests" / "gui" / "widgets.py"), application, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr.strip())
    return done.stdout.strip()


def wait_for(role, pattern):
    """Blocks until there is such a widget, however long the work takes."""

    def there():
        return any(fnmatch.fnmatchcase(name, pattern) for name in widget(role, "*", "names").splitlines())

    until(there)


def press(label, role="button"):
    """Presses a button of the plug-in's."""
    widget(role, words(label), "press")


def keys(*names):
    """Presses keys in the window that has the focus."""
    subprocess.run(["xdotool", "key", "--delay", "40", *names], check=True)


def until(condition, seconds=PATIENCE):
    """Blocks until `condition` holds. Returns what it returned."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError("it never happened")
        time.sleep(0.05)  # leaves the processors to the work that is awaited
    return value


def processes(*words):
    """The pids of processes whose command line has these words in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if all(word.encode() in arguments for word in words) and state != "Z":
                found.append(int(entry.name))
    return found


def ended(pid, seconds):
    """Waits for the end of a process. Returns whether it came in time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = selecting.poll()
    poll.register(descriptor, selecting.POLLIN)
    came = bool(poll.poll(seconds * 1000))
    os.close(descriptor)
    return came


def close_windows():
    """Closes all windows of the plug-in by pressing Escape."""
    for _again in range(12):
        if not (pids := processes(PLUG_IN)):
            return
        keys("Escape")
        for pid in pids:
            ended(pid, 2)
    raise AssertionError("a window of the plug-in stays open")


def run(name, image, **arguments):
    """Runs a procedure without a window, on the photograph."""
    config = Gimp.get_pdb().lookup_procedure(name).create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers()[-1:])
    for argument, value in arguments.items():
        config.set_property(argument.replace("_", "-"), value)
    result = Gimp.get_pdb().lookup_procedure(name).run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise AssertionError(Gimp.get_pdb().get_last_error())


def _xdotool(*arguments):
    done = subprocess.run(["xdotool", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.split()


def rest_pointer():
    """Puts the pointer where it touches nothing."""
    width, height = _xdotool("getdisplaygeometry")
    _xdotool("mousemove", str(int(width) - 1), str(int(height) - 1))


def window():
    """The window of the plug-in's that is in front."""

    def found():
        active = _xdotool("getactivewindow")
        owner = _xdotool("getwindowpid", *active) if active else []
        return active[0] if owner and int(owner[0]) in processes(PLUG_IN) else None

    return until(found)


def photograph(file, of="root"):
    """Writes a picture of a window, with its frame, or of the whole screen, as soon as nothing moves in it."""
    frame = [] if of == "root" else ["-frame"]

    def shot():
        return subprocess.run(["import", "-window", of, *frame, "ppm:-"], capture_output=True, check=True).stdout

    before, now = b"", shot()
    end = time.monotonic() + 5  # a window that counts seconds never stands still for long
    while before != now and time.monotonic() < end:
        before, now = now, shot()
    subprocess.run(["convert", "ppm:-", "-strip", str(file)], input=now, check=True)


class Service:
    """Directs tests/regen_server.py, which forwards requests to an offline engine. `screenshots.py` runs both."""

    def __init__(self, origin, engine):
        self.origin = origin
        self._fills = {"answer": "forward", "to": engine}

    def _call(self, method, path, document=None):
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.origin + path, data=data, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=120) as answer:
            answer.read()

    def script(self, *behaviours):
        """Sets how the service behaves for the next requests. It fills the holes of all others."""
        self._call("POST", "/_script", [*[{**self._fills, **each} for each in behaviours], *[self._fills] * 50])

    def wait(self, stage, count=1):
        """Blocks until so many requests have come so far."""
        self._call("GET", f"/_wait?stage={stage}&count={count}")

    def clear(self):
        """Releases held requests, and forgets all requests."""
        self._call("POST", "/_release", {})
        for pid in processes(BRIDGE, "service"):
            ended(pid, PATIENCE)
        self._call("DELETE", "/_requests")
        self.script()


def forget_everything():
    """No key, no settings, no journal, no last values."""
    for folder in (HOME, PROFILE / "plug-in-settings"):
        shutil.rmtree(folder, ignore_errors=True)
    HOME.mkdir(parents=True)


def thumbnails():
    """The thumbnails that the history's window has asked for so far."""
    found = HOME.glob("journal/*/picture-[1-9]*-*.png")
    return [picture for picture in found if int(picture.stem.split("-")[2]) <= LARGEST_THUMBNAIL]


def give_key(service):
    """A key, and the service that knows it."""
    (HOME / "settings.json").write_text(json.dumps({"origin": service.origin, "key_storage": "file"}))
    (HOME / "api-key").write_text("a-key-for-screenshots-7Q4F")
    (HOME / "api-key").chmod(0o600)
