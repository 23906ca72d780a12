"""*Regenerate…* while it runs: it can be cancelled at any moment, and GIMP goes on being used."""

import contextlib
import json
import os
import signal
import socket
import sys
import time

import pytest
from gi.repository import Gimp

from driver import keys
from regenerating import GREEN, close, ended, generate, notice, press_generate, results, shown_stage, stage, undo
from screen import find, press, wait_until
from support import (
    BRIDGE,
    HOME,
    PLUG_IN,
    PYTHON,
    TESTS,
    add_layer,
    box,
    configure,
    processes,
    rendered,
    select,
    until,
    wait_for_end,
)

sys.path.append(str(TESTS))

from desktop import Service

NOTHING_SENT = "Cancelled. Nothing had been sent completely, so nothing is billed."
MAY_BE_BILLED = "Cancelled. The request had been sent and may have been billed: its result will be in *History."


@pytest.fixture
def unanswering():
    """The address of a server that lets nobody in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        waiting = [socket.socket() for _each in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"
        for each in waiting:
            each.close()


@pytest.fixture
def silent(server):
    """A keyring that has the key, and never answers."""
    (HOME / "api-key").unlink()
    configure(origin=server.origin, key_storage="keyring")
    keyring = Service(PYTHON, os.environ["DBUS_SESSION_BUS_ADDRESS"], "silent")
    yield keyring
    keyring.end()


@contextlib.contextmanager
def standing_still(words):
    """Meanwhile the bridge gets no processor time, so that none of its deadlines passes however slow we are.

    It only gets as much as it takes to announce that stage.
    """
    (bridge,) = processes(BRIDGE)
    os.kill(bridge, signal.SIGSTOP)
    try:
        while words not in shown_stage():
            os.kill(bridge, signal.SIGCONT)
            time.sleep(0.05)
            os.kill(bridge, signal.SIGSTOP)
            patience = time.monotonic() + 2  # for the window, which may be slow
            while words not in shown_stage() and time.monotonic() < patience:
                time.sleep(0.05)
        yield
    finally:
        os.kill(bridge, signal.SIGCONT)


def states(journal):
    """What the journal says of each job that was sent."""
    records = [folder / "request.json" for folder in journal()]
    return [json.loads(record.read_text())["state"] for record in records if record.exists()]


def cancelled(sentence):
    """Cancels; the answer must be that sentence."""
    press("button", "Cancel")
    notice(sentence)
    assert results() == []


def paint(image, colour, *where):
    """Paints a rectangle on the lowest layer."""
    layer = image.get_layers()[-1]
    layer.get_buffer().set(box(*where), "R'G'B' u8", bytes(colour) * (where[2] * where[3]))
    layer.get_buffer().flush()
    layer.update(*where)


def pixel(image, x, y):
    at = 4 * (y * image.get_width() + x)
    return tuple(rendered(image)[at : at + 3])


def test_cancelled_while_connecting_nothing_is_billed(shown, server, unanswering, journal, window):
    configure(origin=unanswering, key_storage="file", connect_timeout=600)
    window()
    press_generate()
    stage("Connecting to Photio")
    cancelled(NOTHING_SENT)
    assert len(shown.get_layers()) == 1
    assert "received" not in states(journal)


def test_cancelled_before_the_bridge_has_planned_nothing_is_sent_and_the_next_one_works(shown, server, window):
    window()
    generate(1)  # from then on a result is shown, and the window asks for no plan by itself
    (bridge,) = processes(BRIDGE)
    os.kill(bridge, signal.SIGSTOP)
    try:
        press_generate()
        stage("Exporting")
        press("button", "Cancel")
    finally:
        os.kill(bridge, signal.SIGCONT)
    notice(NOTHING_SENT)
    assert len(server.requests) == 1
    generate(2)
    assert len(server.requests) == 2


def test_cancelled_while_the_keyring_never_answers_nothing_is_sent_and_nobody_waits_for_it(
    shown, server, silent, journal, window
):
    window()
    press_generate()
    silent.next_call()
    with standing_still("Waiting for the system's keyring"):
        press("button", "Cancel")
    notice(NOTHING_SENT)  # and not the keyring's sentence, which would come after 5 s
    close()
    ended()
    assert (server.requests, states(journal), len(shown.get_layers())) == ([], [], 1)
    assert silent.end() == [], "after 3 s, it would be asked whether it is locked"


def test_cancelled_while_uploading_nothing_is_billed_and_the_next_one_works(shown, server, window):
    server.script({"hold": "before-body"})
    window()
    press_generate()
    stage("Uploading to Photio")
    cancelled(NOTHING_SENT)
    server.release()
    server.wait("dropped")
    assert len(shown.get_layers()) == 1
    generate(1)


def test_cancelled_while_waiting_it_says_that_it_may_be_billed_and_the_result_is_kept(shown, server, journal, window):
    server.script({"hold": "before-answer"})
    window()
    press_generate()
    server.wait("body")
    stage("Waiting for Photio")
    cancelled(MAY_BE_BILLED)
    assert len(shown.get_layers()) == 1
    generate(1)
    server.release()
    until(lambda: states(journal) == ["received", "received"])


def test_cancelled_while_receiving_the_result_is_kept(shown, server, journal, window):
    server.script({"hold": "mid-answer", **GREEN})
    window()
    press_generate()
    server.wait("answering")
    stage("Receiving from Photio")
    cancelled(MAY_BE_BILLED)
    server.release()
    assert len(shown.get_layers()) == 1
    until(lambda: states(journal) == ["received"])
    assert results() == []
    generate(1)


def test_escape_cancels_and_only_the_second_one_closes(shown, server, window):
    server.script({"hold": "before-answer"})
    window()
    press_generate()
    server.wait("body")
    keys("Escape")
    notice(MAY_BE_BILLED)
    assert find("dialog", "Regenerate")
    keys("Escape")
    for pid in processes(PLUG_IN):
        wait_for_end(pid)
    server.release()


CLOSING = pytest.mark.parametrize(
    "closing", [lambda: press("button", "Close"), lambda: keys("alt+F4")], ids=["button", "x"]
)


@CLOSING
def test_closed_while_it_uploads_the_window_goes_and_nothing_is_sent_or_stays(shown, server, journal, window, closing):
    server.script({"hold": "before-body"})
    window()
    press_generate()
    server.wait("headers")
    closing()
    ended()  # though the service has let nothing go on
    assert journal() == []
    server.release()
    server.wait("dropped")
    assert server.requests == [None]
    assert len(shown.get_layers()) == 1


@CLOSING
def test_closed_while_the_keyring_never_answers_the_window_goes_and_nothing_is_sent_or_stays(
    shown, server, silent, journal, window, closing
):
    window()
    press_generate()
    silent.next_call()
    with standing_still("Waiting for the system's keyring"):
        closing()
    ended()
    assert (server.requests, journal()) == ([], [])
    assert silent.end() == [], "after 3 s, it would be asked whether it is locked"


@CLOSING
def test_closed_while_it_waits_the_window_goes_and_the_result_is_kept(shown, server, journal, window, closing):
    server.script({"hold": "before-answer"})
    window()
    press_generate()
    server.wait("body")
    closing()
    for pid in processes(PLUG_IN):
        wait_for_end(pid)
    server.release()
    ended()
    assert states(journal) == ["received"]
    assert len(shown.get_layers()) == 1


def test_what_is_changed_in_the_image_meanwhile_does_not_move_the_result(shown, server, window):
    server.script({"hold": "before-answer", **GREEN})
    window()
    press("toggle button", "Finish")
    press("check box", "Match colour")
    press_generate()
    server.wait("body")
    select(shown, 20, 30, 40, 50)
    paint(shown, (1, 2, 3), 900, 700, 50, 50)
    paint(shown, (1, 2, 3), 520, 420, 20, 20)
    server.release()
    wait_until(lambda: len(results()) == 1)
    press("button", "Insert")
    until(lambda: len(shown.get_layers()) == 2)
    assert pixel(shown, 550, 450)[1] > 150 > pixel(shown, 550, 450)[0]
    assert pixel(shown, 530, 430)[1] > 150 > pixel(shown, 530, 430)[0]
    assert pixel(shown, 920, 720) == (1, 2, 3)
    assert tuple(Gimp.Selection.bounds(shown))[2:] == (20, 30, 60, 80)


def test_when_the_layer_was_deleted_meanwhile_the_result_goes_to_the_top(shown, server, window):
    server.script({"hold": "before-answer"})
    (photograph,) = shown.get_layers()
    above = add_layer(shown, "above", 300, 300)
    shown.set_selected_layers([photograph])
    window()
    press_generate()
    server.wait("body")
    shown.remove_layer(photograph)
    server.release()
    wait_until(lambda: len(results()) == 1)
    press("button", "Insert")
    until(lambda: len(shown.get_layers()) == 2)
    assert shown.get_layers()[1] == above
    assert shown.get_layers()[0].get_name() == "Photio: removed"


def test_when_the_image_was_closed_meanwhile_a_sentence_says_where_the_result_is(shown, server, journal, window):
    server.script({"hold": "before-answer"})
    window()
    press_generate()
    server.wait("body")
    for display in [display for display in [Gimp.Display.get_by_id(number) for number in range(1, 400)] if display]:
        if display.is_valid():
            display.delete()
    until(lambda: not shown.is_valid())
    server.release()
    notice("*closed*History*")
    assert states(journal) == ["received"]
    press_generate()
    notice("*closed*History*")


def convert_to_indexed(image):
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, "")
    Gimp.displays_flush()


def test_when_the_image_became_indexed_a_sentence_says_what_to_do_and_the_image_stays_as_it_is(
    shown, server, journal, window
):
    server.script({"hold": "before-answer", **GREEN})
    window()
    press_generate()
    server.wait("body")
    convert_to_indexed(shown)
    server.release()
    wait_until(lambda: len(results()) == 1)
    before = rendered(shown)
    press("button", "Insert")
    notice("The image is indexed now*Image > Mode > RGB*History*")
    assert results()[0].startswith("Result 1, seed")
    assert states(journal) == ["received"]
    assert len(shown.get_layers()) == 1
    assert rendered(shown) == before
    undo()  # the conversion, for nothing came after it
    until(lambda: shown.get_base_type() == Gimp.ImageBaseType.RGB)
    press("button", "Insert")
    until(lambda: len(shown.get_layers()) == 2)
    until(lambda: states(journal) == ["placed"])
    assert shown.get_layers()[0].is_rgb()


def test_when_the_image_became_gray_it_gets_its_result_in_gray_and_one_undo_takes_it_back(shown, server, window):
    server.script(GREEN)
    window()
    generate(1)
    shown.convert_grayscale()
    Gimp.displays_flush()
    before = rendered(shown)
    press("button", "Insert")
    until(lambda: len(shown.get_layers()) == 2)
    assert shown.get_layers()[0].is_gray()
    assert rendered(shown) != before
    undo()
    until(lambda: len(shown.get_layers()) == 1)
    assert rendered(shown) == before
    assert shown.get_base_type() == Gimp.ImageBaseType.GRAY
