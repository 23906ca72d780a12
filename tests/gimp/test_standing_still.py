"""The computer sleeps while Photio works: GIMP, plug-in and bridge stand still together, and then go on."""

import os
import signal
import threading
import time

import pytest

from support import BRIDGE, PLUG_IN, configure, make_image, pixels, processes, run, select, wait_for_end

#: How long everything stands still, in seconds. This is what is tested, and not a way to wait for something.
ASLEEP = 15


def sleep(pids):
    """They all stand still, whatever happens, for no longer than that."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(ASLEEP)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("together", [False, True], ids=["the service goes on", "the service sleeps, too"])
def test_gimp_and_photio_go_on_where_they_were(server, journal, together):
    configure(origin=server.origin, key_storage="file", connect_timeout=2, answer_timeout=5)
    server.script({"hold": "before-answer", "answer": "colour", "rgb": [10, 200, 30]})
    image = make_image()
    select(image, 100, 80, 60, 40)
    slept = []

    def work():
        server.wait("body")
        sleepers = [os.getppid(), *processes(PLUG_IN), *processes(BRIDGE)]
        if together:
            sleepers.append(server.pid)
        else:
            threading.Timer(1, server.release).start()  # the answer comes while nobody can take it
        sleep(sleepers)
        server.release()
        slept.extend(sleepers)

    thread = threading.Thread(target=work)
    thread.start()
    (layer,) = run("photio-remove", image)
    thread.join()
    assert len(slept) >= 3
    assert any(pixels(layer))
    assert len(server.requests) == 1
    for pid in processes(BRIDGE) + processes(PLUG_IN):
        wait_for_end(pid)
    (folder,) = journal()
    assert '"placed"' in (folder / "request.json").read_text()
