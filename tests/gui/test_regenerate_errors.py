"""*Regenerate…* when something is wrong: a sentence, with the button that helps; and without a key."""

import os
import signal
import socket
import subprocess

import pytest

from driver import keys
from regenerating import focus, generate, line_with, notice, press_generate, results
from screen import find, gone, press, see, wait_until
from support import BRIDGE, PYTHON, TESTS, configure, processes, until


@pytest.fixture
def free_port():
    """It refuses connections until the test listens there; nobody else can get it meanwhile."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def buttons():
    """The buttons of the notice."""
    helps = ("Enter Key…", "Try Again", "Use Offline Engine", "Open Log", "Dismiss")
    return [name for name in helps if find("button", name)]


def test_a_refused_key_is_said_and_another_one_can_be_entered(shown, server, window):
    server.script({"answer": "status", "status_code": 401, "body": "no"})
    window()
    press_generate()
    notice("*key*")
    wait_until(lambda: buttons() == ["Enter Key…", "Use Offline Engine"], buttons)
    press("button", "Enter Key…")
    focus("password text", "Key")
    keys("Escape")
    gone("password text", "Key")
    generate(1)


def test_when_the_service_cannot_be_reached_trying_again_works_once_it_can(shown, server, free_port, window):
    configure(origin=f"http://127.0.0.1:{free_port}", key_storage="file")
    window()
    press_generate()
    notice("*")
    wait_until(lambda: buttons() == ["Try Again", "Use Offline Engine"], buttons)
    command = [PYTHON, "-I", str(TESTS / "regen_server.py"), "--port", str(free_port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        service.stdout.readline()
        press("button", "Try Again")
        wait_until(lambda: len(results()) == 1)
        service.terminate()


def test_when_the_service_fails_the_offline_engine_can_remove(shown, server, window):
    server.script({"answer": "status", "http": 500, "status_code": 500, "body": "no"})
    window()
    press_generate()
    press("button", "Use Offline Engine")
    wait_until(lambda: len(results()) == 1)
    assert len(server.requests) == 1
    generate(2)
    assert len(server.requests) == 2  # the next one goes to Photio again


def test_when_the_service_fails_with_a_prompt_the_offline_engine_is_not_offered(shown, server, window):
    server.script({"answer": "status", "http": 500, "status_code": 500, "body": "no"})
    window()
    see("text", "Prompt").write("a brass bell")
    press_generate()
    notice("*")
    wait_until(lambda: buttons() == ["Try Again"], buttons)


def test_a_killed_bridge_is_said_and_the_next_one_works(shown, server, window):
    server.script({"hold": "before-answer"})
    window()
    press_generate()
    server.wait("body")
    for pid in processes(BRIDGE):
        os.kill(pid, signal.SIGKILL)
    notice("Photio's bridge ended unexpectedly*")
    wait_until(lambda: buttons() == ["Try Again", "Open Log"], buttons)
    generate(1)
    press("button", "Insert")
    until(lambda: len(shown.get_layers()) == 2)


def test_without_a_key_a_calm_line_says_so_and_removing_works(shown, window):
    window()
    notice("There is no Photio API key, so the offline engine on this computer is used. It can only remove*photio.io*")
    line_with("stays on this computer")
    generate(1)
    press("button", "Insert")
    until(lambda: len(shown.get_layers()) == 2)


def test_without_a_key_a_prompt_is_refused_with_where_a_key_comes_from(shown, window):
    window()
    see("text", "Prompt").write("a brass bell")
    press_generate()
    notice("*key*")
    wait_until(lambda: buttons() == ["Enter Key…"], buttons)
