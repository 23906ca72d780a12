"""What the desktop around a GIMP knows: its keyring, and its proxies, which no variable of the environment names."""

import os
import shutil
import socket
import subprocess
import sys
import threading

import pytest

from support import BRIDGE, HOME, KEY, PLUGIN, PYTHON, TESTS, configure, processes

sys.path.append(str(TESTS))

from desktop import Session

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="there is no dbus-daemon here")

#: In a GIMP of its own: removes something, and says why that failed.
JOB = """
from gi.repository import Gegl, Gimp
Gegl.init(None)
image = Gimp.Image.new(320, 240, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(image, "photograph", 320, 240, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
layer.fill(Gimp.FillType.WHITE)
image.insert_layer(layer, None, 0)
image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 80, 40, 30)
procedure = Gimp.get_pdb().lookup_procedure("photio-remove")
config = procedure.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", [layer])
result = procedure.run(config)
failed = result.index(0) != Gimp.PDBStatusType.SUCCESS
open({said!r}, "w").write(Gimp.get_pdb().get_last_error() if failed else "done")
"""


class Proxy:
    """A proxy that refuses everything; `asked` is what for."""

    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _address = self._listening.accept()
            with connection, connection.makefile("rb") as lines:
                self.asked.append(lines.readline().decode().strip())
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def proxy():
    return Proxy()


@pytest.fixture
def session():
    with Session(PYTHON) as running:
        yield running


@pytest.fixture
def distant(empty_home):
    """A service on another computer, and a key for it."""
    configure(origin="https://photio.example", key_storage="file")
    (HOME / "api-key").write_text(KEY)
    (HOME / "api-key").chmod(0o600)


def in_desktop(session, tmp_path, **variables):
    """Runs a job in a GIMP that this desktop has started; the sentence that it ended with."""
    said = tmp_path / "said"
    command = ["gimp-console", "-i", "--quit", "--batch-interpreter=python-fu-eval", "-b", JOB.format(said=str(said))]
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = {**kept, **session.variables, "PHOTIO_RUN": "", **variables}
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    subprocess.run(command, **silent, timeout=200, check=True, env=environment)
    return said.read_text()


#: As in a Flatpak: GLib then asks the portal for the proxies, which knows the desktop's settings and runs its script.
PORTAL = {"GIO_USE_PORTALS": "1"}
CONNECT = "CONNECT photio.example:443 HTTP/1.1"


def test_the_proxy_of_the_desktop_is_used(session, proxy, distant, tmp_path):
    portal = session.serve("proxies", proxy.url, "direct://")
    in_desktop(session, tmp_path, **PORTAL)
    while "photio.example" not in portal.next_call():
        pass
    # of several ways, each is first tried with a connection through which nothing is sent
    assert set(proxy.asked) == {"", CONNECT}


def test_a_proxy_in_the_environment_comes_before_that_of_the_desktop(session, proxy, distant, tmp_path):
    others = Proxy()
    session.serve("proxies", others.url)
    in_desktop(session, tmp_path, **PORTAL, HTTPS_PROXY=proxy.url)
    assert set(proxy.asked) == {CONNECT}
    assert others.asked == []


def test_a_desktop_that_never_says_which_proxy_to_use_stops_nothing(session, distant, tmp_path):
    portal = session.serve("proxies")
    in_desktop(session, tmp_path, **PORTAL)  # it ends
    while "photio.example" not in portal.next_call():
        pass


def test_no_proxy_is_asked_for_a_service_on_this_computer(session, proxy, server, tmp_path):
    session.serve("proxies", proxy.url)
    assert in_desktop(session, tmp_path, **PORTAL) == "done"
    assert proxy.asked == []


#: The plug-in starts what sets it up, here a program that only tells which proxy it would use.
SETTING_UP = """
import sys
sys.path.insert(0, sys.argv[1])
import early
from gi.repository import GLib
from windows.setup.process import SetupProcess
told = "{'kind': 'failed', 'code': 'other', 'sentence': os.environ.get('https_proxy', 'none'), 'details': ''}"
early.setup_command = lambda neural: [sys.executable, "-c", f"import json, os; print(json.dumps({told}))"]
loop = GLib.MainLoop()
process = SetupProcess(False, lambda message: (print(message.sentence), loop.quit()))
loop.run()
"""


@pytest.mark.parametrize("said", ["http://127.0.0.1:1", "direct://", "socks5://127.0.0.1:1"])
def test_photio_is_set_up_through_the_http_proxy_of_the_desktop(session, said):
    session.serve("proxies", said)
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = ["/usr/bin/python3", "-c", SETTING_UP, str(PLUGIN)]
    environment = {**kept, **session.variables, **PORTAL}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=True)
    assert done.stdout.strip() == (said if said.startswith("http:") else "none")


def test_a_keyring_that_never_answers_ends_in_a_sentence(session, server, tmp_path):
    (HOME / "api-key").unlink()
    configure(origin=server.origin, key_storage="keyring")
    session.serve("silent")
    assert "does not answer: unlock or restart it" in in_desktop(session, tmp_path)
    assert server.requests == []
    assert processes(BRIDGE) == []
