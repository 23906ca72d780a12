"""Things that die in a real GIMP: the image is untouched or complete, and what was received goes where it belonged.

Two procedure calls cannot run at once from one script (the call blocks, and libgimp is not for threads): two jobs on
one image at a time are a first one whose plug-in was killed while its bridge still waits, and a second one.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from gi.repository import Gimp, Gio

from support import (
    BRIDGE,
    HOME,
    KEY,
    PLUG_IN,
    PLUGIN,
    PdbError,
    every_layer,
    make_image,
    pixels,
    processes,
    rendered,
    run,
    select,
    until,
    wait_for_end,
)

sys.path[:0] = [path for path in (str(PLUGIN),) if path not in sys.path]

from bridge.protocol.history import Recall, Recalled  # noqa: E402
from bridge_process import Bridge  # noqa: E402
from canvas import reinsertion  # noqa: E402

PROVENANCE = "photio-regen"
AREA = (100, 80, 60, 40)
RECEIVED = ('"received"', '"placed"')  # what a record's state is from then on
SETTINGS = {"resolution": "native", "context": 50, "match_grain": False, "seed": 7}


def small_image():
    image = make_image(256, 192)
    select(image, *AREA)
    return image


def meanwhile(*steps):
    """Does something in a thread while the test's own waits in a procedure; joins it, and fails if it failed."""
    failures = []

    def work():
        try:
            for step in steps:
                step()
        except BaseException as failure:  # noqa: BLE001  (handed over to the test's thread)
            failures.append(failure)
            kill(PLUG_IN)

    thread = threading.Thread(target=work)
    thread.start()
    return lambda: (thread.join(), [pytest.fail(repr(failure)) for failure in failures])


def kill(word):
    """`kill -9`, when there is one."""
    for pid in processes(word):
        os.kill(pid, signal.SIGKILL)


def told(folder):
    """What a job's record says, as text."""
    record = folder / "request.json"
    return record.read_text() if record.exists() else ""


def all_ended():
    for pid in processes(BRIDGE) + processes(PLUG_IN):
        wait_for_end(pid)


def undisturbed(**settings):
    """How the image looks after a job without any fault."""
    image = small_image()
    run("photio-remove", image, **{**SETTINGS, **settings})
    all_ended()
    return rendered(image)


def insert_from_history(image, folder):
    """What “History… > Insert” does, with the first result that there is."""
    bridge = Bridge()
    try:
        recalled = bridge.ask(Recall(folder.name), Recalled)
    finally:
        bridge.close()
    return reinsertion.insert(image, recalled, recalled.finished.results[0].variation).layer


def is_complete(layer):
    """Whether it is what a whole job leaves: pixels, mask and provenance."""
    return bool(layer.get_mask()) and bool(layer.get_parasite(PROVENANCE)) and any(pixels(layer))


@pytest.mark.parametrize("victim", [PLUG_IN, BRIDGE], ids=["plug-in", "bridge"])
@pytest.mark.parametrize(("hold", "stage"), [("before-body", "headers"), ("before-answer", "body")])
def test_a_death_before_the_answer_leaves_the_image_as_it_was(server, journal, victim, hold, stage):
    server.script({"hold": hold, "close": "after-body"})
    image = small_image()
    before, layers = rendered(image), every_layer(image)
    joined = meanwhile(lambda: server.wait(stage), lambda: kill(victim), server.release)
    with pytest.raises(PdbError):
        run("photio-remove", image, **SETTINGS)
    joined()
    all_ended()
    assert every_layer(image) == layers
    assert rendered(image) == before
    assert len(server.requests) == 1, "it was not asked for again"


def test_a_bridge_that_dies_is_told_in_a_sentence(server):
    server.script({"hold": "before-answer"})
    joined = meanwhile(lambda: server.wait("body"), lambda: kill(BRIDGE), server.release)
    with pytest.raises(PdbError, match="ended unexpectedly"):
        run("photio-remove", small_image(), **SETTINGS)
    joined()


@pytest.mark.parametrize("victim", [PLUG_IN, BRIDGE], ids=["plug-in", "bridge"])
def test_what_had_come_before_the_death_goes_where_it_belonged(server, journal, victim):
    wanted = undisturbed()
    image = small_image()
    server.script({}, {"hold": "before-answer", "close": "after-body"})
    known = set(journal())  # not by their order: two folders of one second have none

    def is_kept():
        return any('"answers"' in told(folder) for folder in set(journal()) - known)

    joined = meanwhile(lambda: server.wait("body", 3), lambda: until(is_kept), lambda: kill(victim), server.release)
    with pytest.raises(PdbError):
        run("photio-remove", image, variations=2, **SETTINGS)
    joined()
    all_ended()
    select(image, 0, 0, 10, 10)  # where it goes has nothing to do with what is selected now
    layer = insert_from_history(image, *(set(journal()) - known))
    assert is_complete(layer)
    assert rendered(image) == wanted


def test_at_whatever_moment_the_plug_in_dies_the_image_is_untouched_or_complete(server, journal):
    wanted, ends, struck = undisturbed(), [], []
    for spins in (0, 50, 500, 1000, 2000, 4000):
        image = small_image()
        before, known = every_layer(image), set(journal())

        def is_received(known=known):
            return any(state in told(folder) for folder in set(journal()) - known for state in RECEIVED)

        def a_little_later(spins=spins):
            for _spin in range(spins):
                os.sched_yield()

        def strike(spins=spins):
            with contextlib.suppress(ProcessLookupError):  # it was done already: one more moment
                kill(PLUG_IN)
                struck.append(spins)

        joined = meanwhile(lambda received=is_received: until(received), a_little_later, strike)
        with contextlib.suppress(PdbError):
            run("photio-remove", image, **SETTINGS)
        joined()
        all_ended()
        new = [layer for layer in every_layer(image) if layer not in before]
        ends.append(len(new))
        assert len(new) <= 1
        assert all(map(is_complete, new))
        if not new:
            insert_from_history(image, *(set(journal()) - known))
        assert rendered(image) == wanted
        image.delete()
    assert set(ends) <= {0, 1}
    assert struck, "it was never struck while it ran"


def test_a_second_job_on_the_same_image_while_the_first_ones_bridge_still_waits(server, journal):
    wanted = undisturbed()
    image = small_image()
    server.script({"hold": "before-answer"})
    joined = meanwhile(lambda: server.wait("body", 2), lambda: kill(PLUG_IN))
    with pytest.raises(PdbError):
        run("photio-remove", image, **SETTINGS)
    joined()
    _undisturbed, first = journal()
    (layer,) = run("photio-remove", image, **SETTINGS)
    assert is_complete(layer)
    assert rendered(image) == wanted
    server.release()
    all_ended()
    image.remove_layer(layer)
    assert is_complete(insert_from_history(image, first))
    assert rendered(image) == wanted


SECOND = """
import os, sys
from gi.repository import Gimp, Gio
image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({file!r}))
image.select_rectangle(Gimp.ChannelOps.REPLACE, *{area!r})
procedure = Gimp.get_pdb().lookup_procedure("photio-remove")
config = procedure.create_config()
config.set_property("image", image)
config.set_core_object_array("drawables", image.get_layers())
for name, value in {settings!r}.items():
    config.set_property(name.replace("_", "-"), value)
procedure.run(config)
"""


def second_gimp(file):
    """Another GIMP, on the same profile, home and file, that runs a job."""
    script = SECOND.format(file=str(file), area=AREA, settings=SETTINGS)
    command = ["gimp-console", "-i", "--quit", "--batch-interpreter=python-fu-eval", "-b", script]
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    return subprocess.Popen(command, **silent, start_new_session=True)


def saved(image, file):
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(str(file)), None)
    return file


#: A terminal and the end of a session tell all processes, the bridge too.
ENDS = {
    "killed": subprocess.Popen.kill,
    "ctrl-c": lambda gimp: os.killpg(gimp.pid, signal.SIGINT),
    "session-end": lambda gimp: os.killpg(gimp.pid, signal.SIGTERM),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_gimp_that_ends_while_waiting_finds_its_result_when_it_is_started_again(server, journal, tmp_path, end):
    wanted = undisturbed()
    file = saved(small_image(), tmp_path / "photo.xcf")
    server.script({"hold": "before-answer"})
    gimp = second_gimp(file)
    server.wait("body", 2)
    (bridge,) = processes(BRIDGE)
    end(gimp)
    gimp.wait(180)
    assert bridge in processes(BRIDGE), "it waits for what may have been paid for"
    server.release()
    all_ended()
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(file)))
    _undisturbed, interrupted = journal()
    assert is_complete(insert_from_history(image, interrupted))
    assert rendered(image) == wanted


def test_two_gimps_at_once_do_not_disturb_each_other(server, journal, tmp_path):
    wanted = undisturbed()
    image = small_image()
    server.script({"hold": "before-answer"}, {"hold": "before-answer"})
    gimp = second_gimp(saved(image, tmp_path / "photo.xcf"))
    joined = meanwhile(lambda: server.wait("body", 3), server.release)
    run("photio-remove", image, **SETTINGS)
    joined()
    gimp.wait(180)
    all_ended()
    assert rendered(image) == wanted
    states = [json.loads((folder / "request.json").read_text())["state"] for folder in journal()]
    assert states == ["placed"] * 3


def test_the_key_is_nowhere_but_in_its_own_file(server, journal, tmp_path):
    server.script(
        {"hold": "before-answer"}, {"answer": "status", "status_code": 401, "body": f"no such key: {KEY}"},
        {"close": "mid-answer"},
    )  # fmt: skip
    image, seen = small_image(), []

    def look():
        for pid in processes(BRIDGE) + processes(PLUG_IN) + [os.getpid(), os.getppid()]:
            seen.append(Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes())

    joined = meanwhile(lambda: server.wait("body"), look, server.release)
    run("photio-remove", image, **SETTINGS)
    joined()
    assert len(seen) >= 4
    told = []
    for _time in range(2):
        with pytest.raises(PdbError) as failed:
            run("photio-remove", image, **SETTINGS)
        told.append(str(failed.value))
    told += [repr(Gimp.get_pdb().get_last_error())]
    for layer in every_layer(image):
        told += [str(bytes(layer.get_parasite(name).get_data())) for name in layer.get_parasite_list()]
    file = saved(image, tmp_path / "photo.xcf")
    all_ended()
    files = [path for path in [*HOME.rglob("*"), file] if path.is_file() and path.name != "api-key"]
    assert len(files) > 10
    for content in (*seen, *(path.read_bytes() for path in files), *(text.encode() for text in told)):
        for piece in (KEY, KEY[:12], KEY[-12:]):
            assert piece.encode() not in content
