"""What the tests inside GIMP share: images, procedures, a Regen server, and the processes around them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select as selecting
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from gi.repository import Gegl, Gimp

TESTS = Path(__file__).resolve().parent.parent
KEY = "test-key-0123456789abcdef"
HOME = Path(os.environ["PHOTIO_HOME"])
PLUGIN = Path(os.environ["GIMP3_DIRECTORY"]) / "plug-ins" / "photio"

#: Words that only the plug-in's and the bridge's command lines have in them.
PLUG_IN, BRIDGE = str(PLUGIN / "photio.py"), str(PLUGIN / "bridge")

sys.path[:0] = [path for path in (str(PLUGIN),) if path not in sys.path]
from bridge.common import environments  # noqa: E402

#: The interpreter that the bridge runs under.
PYTHON = environments.command(environments.find(BRIDGE), BRIDGE)[0]


class Server:
    """The Regen server of `tests/regen_server.py`, in a process of its own."""

    def __init__(self) -> None:
        command = [PYTHON, "-I", str(TESTS / "regen_server.py"), "--port", "0"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.origin = self._process.stdout.readline().split()[-1]

    @property
    def pid(self):
        """Its process."""
        return self._process.pid

    def _call(self, method, path, document=None):
        data = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.origin + path, data=data, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=600) as answer:
            return json.loads(answer.read() or b"null")

    def script(self, *behaviours):
        """What the next requests meet; afterwards each gets its base image back."""
        self._call("POST", "/_script", list(behaviours))

    @property
    def requests(self):
        """The bodies of the requests so far."""
        return [request["body"] for request in self._call("GET", "/_requests")]

    def wait(self, stage, count=1):
        """Blocks until so many requests have come so far."""
        self._call("GET", f"/_wait?stage={stage}&count={count}")

    def release(self):
        """Lets held requests go on."""
        self._call("POST", "/_release", {})

    def clear(self):
        """Forgets script and requests."""
        self._call("DELETE", "/_requests")
        self.script()

    def stop(self):
        """Ends the process."""
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="session")
def running_server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def nobody_at_work():
    """A test begins when the bridges of the one before have ended: none of them is counted, or writes, in this one."""
    for pid in processes(BRIDGE):
        wait_for_end(pid)


@pytest.fixture(autouse=True)
def empty_home(nobody_at_work):
    """No key, no settings, no journal."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True, exist_ok=True)
    return HOME


def configure(**settings):
    """Writes the settings file."""
    (HOME / "settings.json").write_text(json.dumps(settings))


@pytest.fixture
def server(running_server, empty_home):
    """A Regen server that is configured as the service, with a key."""
    running_server.clear()
    configure(origin=running_server.origin, key_storage="file")
    (HOME / "api-key").write_text(KEY)
    (HOME / "api-key").chmod(0o600)
    yield running_server
    running_server.release()


@pytest.fixture
def journal(empty_home):
    """Tells the job folders, oldest first."""
    return lambda: sorted((HOME / "journal").iterdir(), key=_begun) if (HOME / "journal").exists() else []


def _begun(folder):
    """When the first file of a job was written: two jobs of one second have names in any order."""
    written = []
    for file in (folder, *folder.iterdir()):
        with contextlib.suppress(FileNotFoundError):  # the bridge has renamed it since
            written.append(file.stat().st_mtime_ns)
    return min(written)


@pytest.fixture(autouse=True)
def no_image_left():
    yield
    for image in Gimp.get_images():
        image.delete()


def noise(width, height, channels=3, seed=1):
    """Pixels that do not compress, the same in every run."""
    return random.Random(seed).randbytes(width * height * channels)


def box(*values):
    return Gegl.Rectangle.new(*values)


def pixels(drawable, pixel_format="R'G'B'A u8"):
    """All pixels of a drawable."""
    area = box(0, 0, drawable.get_width(), drawable.get_height())
    return drawable.get_buffer().get(area, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)


def rendered(image, pixel_format="R'G'B'A u8"):
    """The image as it looks."""
    copy = image.duplicate()
    looks = pixels(Gimp.Layer.new_from_visible(copy, copy, "visible"), pixel_format)
    copy.delete()
    return looks


def make_image(
    width=320, height=240, base=Gimp.ImageBaseType.RGB, precision=Gimp.Precision.U8_NON_LINEAR, profile=None
):
    """An image with one layer full of noise."""
    image = Gimp.Image.new_with_precision(width, height, base, precision)
    if profile:
        image.set_color_profile(profile)
    add_layer(image, "photograph", width, height)
    return image


def add_layer(image, name, width, height, x=0, y=0, parent=None, position=0, alpha=False):
    """A layer of noise."""
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    kinds = {
        (False, False): Gimp.ImageType.RGB_IMAGE,
        (False, True): Gimp.ImageType.RGBA_IMAGE,
        (True, False): Gimp.ImageType.GRAY_IMAGE,
        (True, True): Gimp.ImageType.GRAYA_IMAGE,
    }
    layer = Gimp.Layer.new(image, name, width, height, kinds[gray, alpha], 100, Gimp.LayerMode.NORMAL)
    layer.set_offsets(x, y)
    layer.get_buffer().set(box(0, 0, width, height), "R'G'B' u8", noise(width, height))
    image.insert_layer(layer, parent, position)
    return layer


def select(image, x, y, width, height):
    """Selects a rectangle."""
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)


class PdbError(Exception):
    """What a procedure said when it failed."""


def run(name, image, drawables=None, **arguments):
    """Runs a procedure; the image's new layers, top to bottom.

    Raises:
        PdbError: with the procedure's sentence.
    """
    before = {layer.get_id() for layer in every_layer(image)}
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers() if drawables is None else drawables)
    for argument, value in arguments.items():
        config.set_property(argument.replace("_", "-"), value)
    result = procedure.run(config)
    if result.index(0) != Gimp.PDBStatusType.SUCCESS:
        raise PdbError(Gimp.get_pdb().get_last_error())
    return [layer for layer in every_layer(image) if layer.get_id() not in before]


def every_layer(image):
    """All layers, groups and their children included."""
    found = []
    waiting = list(image.get_layers())
    while waiting:
        layer = waiting.pop(0)
        found.append(layer)
        if layer.is_group():
            waiting = list(layer.get_children()) + waiting
    return found


def processes(word):
    """The pids of processes of ours whose command line has that word in it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                continue
            if any(word.encode() in argument for argument in arguments) and state != "Z":
                found.append(int(entry.name))
    return found


def wait_for_end(pid, seconds=180):
    """Blocks until a process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    poll = selecting.poll()
    poll.register(descriptor, selecting.POLLIN)
    assert poll.poll(seconds * 1000), f"process {pid} is still there"
    os.close(descriptor)


def until(condition, seconds=180):
    """Blocks until `condition` holds; what it gave."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)  # between two looks: who is looked at needs the processor, too
    return value
