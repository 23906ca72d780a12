"""GIMP is quit while Photio works: it goes at once, and what may have been paid for is not lost.

The GIMP that the tests run in must stay: a second one is quit, beside it on the same screen.
"""

import contextlib
import json
import subprocess

import pytest
from gi.repository import Gimp, Gio

from driver import keys
from regenerating import choose, press_generate, ready
from screen import wait_until
from support import BRIDGE, HOME, PLUG_IN, make_image, processes, select, until, wait_for_end


class OtherGimp:
    """A GIMP with a window, in which nothing is unsaved."""

    def __init__(self, file, log):
        command = ["gimp", "--new-instance", "--no-splash", str(file)]
        with log.open("wb") as said:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def choose(self, entry):
        """Chooses an entry of its menus."""
        choose(entry, self.process.pid)

    def quit(self):
        """File > Quit."""
        self.choose("Quit")

    def close_window(self):
        """The main window's own X; again where it was not heard: a display's first keys can get lost."""
        window = ["search", "--onlyvisible", "--pid", str(self.process.pid), "--name", "GIMP"]

        def closed():
            found = subprocess.run(["xdotool", *window, "windowactivate", "--sync"], timeout=60)
            if found.returncode == 0:  # not in one command: then GIMP got the keys, not the window manager
                keys("alt+F4")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            return self.process.poll() is not None

        wait_until(closed, "the window stays")


@pytest.fixture
def other(server, tmp_path):
    """It shows a photograph, a part of which is selected."""
    image = make_image(1152, 896)
    select(image, 500, 400, 100, 100)
    file, log = Gio.File.new_for_path(str(tmp_path / "photo.xcf")), tmp_path / "log"
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
    gimp = OtherGimp(file.get_path(), log)
    yield gimp
    gimp.process.kill()
    gimp.process.wait()
    server.release()
    for pid in [*processes(PLUG_IN), *processes(BRIDGE)]:  # what a test that failed left would confuse the next one
        wait_for_end(pid)
    said = log.read_text(errors="replace")
    print(said)
    assert "Traceback" not in said


def remove_object(gimp):
    gimp.choose("Remove Object")


def regenerate(gimp):
    gimp.choose("Regenerate…")
    wait_until(ready)
    press_generate()


def half_written():
    """What a bridge that was interrupted in the middle of a file would leave in its home."""
    return [file for file in HOME.rglob(".*") if file.name != ".busy"]


QUITTING = pytest.mark.parametrize("leave", [OtherGimp.quit, OtherGimp.close_window], ids=["menu", "x"])
AT_WORK = pytest.mark.parametrize("work", [remove_object, regenerate], ids=["remove", "regenerate"])


@QUITTING
@AT_WORK
@pytest.mark.parametrize(("hold", "stage"), [("before-answer", "body"), ("mid-answer", "answering")])
def test_quit_once_it_is_sent_gimp_goes_and_the_answer_still_reaches_the_journal(
    server, journal, other, work, leave, hold, stage
):
    server.script({"hold": hold})
    work(other)
    server.wait(stage)
    (bridge,) = processes(BRIDGE)
    leave(other)
    assert other.process.wait(180) == 0
    until(lambda: processes(PLUG_IN) == [])
    assert processes(BRIDGE) == [bridge], "it waits for what may have been paid for"
    server.release()
    wait_for_end(bridge)
    (folder,) = journal()
    record = json.loads((folder / "request.json").read_text())
    assert record["state"] == "received"
    assert (folder / record["result"]["results"][0]["patches"][0]["file"]).stat().st_size > 0
    assert half_written() == []
    assert len(server.requests) == 1


@QUITTING
@AT_WORK
def test_quit_while_it_uploads_nothing_is_sent_and_nothing_stays(server, journal, other, work, leave):
    server.script({"hold": "before-body"})
    work(other)
    server.wait("headers")
    (bridge,) = processes(BRIDGE)
    leave(other)
    assert other.process.wait(180) == 0
    wait_for_end(bridge)  # though the service has let nothing go on
    until(lambda: processes(PLUG_IN) == processes(BRIDGE) == [])
    server.release()
    server.wait("dropped")
    assert server.requests == [None]
    assert journal() == half_written() == []
