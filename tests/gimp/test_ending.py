"""The plug-in is killed (so does Cancel in GIMP's status bar): the bridge ends as it promised, nothing is lost."""

import json
import os
import signal
import threading

import pytest

from support import BRIDGE, PLUG_IN, PdbError, every_layer, make_image, processes, run, select, until, wait_for_end


def kill_when(condition):
    """Kills the plug-in, in a thread, as soon as `condition` returns; gives the bridge's pid when it is done."""
    bridges = []

    def work():
        condition()
        bridges.extend(processes(BRIDGE))
        for pid in processes(PLUG_IN):
            os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, bridges


def killed_run(condition):
    """Runs a job whose plug-in is killed at `condition`: the image and the bridge's pid."""
    image = make_image(1152, 896)
    select(image, 500, 400, 100, 100)
    layers = every_layer(image)
    killer, bridges = kill_when(condition)
    with pytest.raises(PdbError):
        run("photio-remove", image, context=400)
    killer.join()
    assert every_layer(image) == layers
    (bridge,) = bridges
    return image, bridge


def test_killed_before_the_upload_nothing_is_sent_and_nothing_stays(server, journal):
    server.script({"hold": "before-body"})  # where the kill comes late, it comes at the latest during the upload
    _image, bridge = killed_run(lambda: until(lambda: journal() and (journal()[0] / "selection.pgm").exists()))
    wait_for_end(bridge)
    assert [request for request in server.requests if request] == []
    assert journal() == []


def test_killed_during_the_upload_the_request_is_dropped(server, journal):
    server.script({"hold": "before-body"})
    _image, bridge = killed_run(lambda: server.wait("headers"))
    wait_for_end(bridge)
    server.release()
    server.wait("dropped")
    assert server.requests == [None]
    assert journal() == []


def test_killed_while_waiting_the_paid_answer_still_reaches_the_journal(server, journal):
    server.script({"hold": "before-answer"})
    _image, bridge = killed_run(lambda: server.wait("body"))
    assert bridge in processes(BRIDGE)
    server.release()
    wait_for_end(bridge)
    (folder,) = journal()
    record = json.loads((folder / "request.json").read_text())
    assert record["state"] == "received"
    assert (folder / record["result"]["results"][0]["patches"][0]["file"]).stat().st_size > 0
    assert len(server.requests) == 1


def test_after_a_finished_job_no_process_is_left(server):
    image = make_image()
    select(image, 100, 80, 60, 40)
    run("photio-remove", image)
    for pid in processes(BRIDGE) + processes(PLUG_IN):
        wait_for_end(pid)
    assert processes(BRIDGE) == processes(PLUG_IN) == []
