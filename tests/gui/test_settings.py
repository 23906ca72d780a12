"""Filters > Photio > Settings…, by way of accessibility and keyboard."""

import json
import os
import resource
import signal
import sys
from pathlib import Path

import pytest
from gi.repository import Gimp

from driver import keys, meanwhile, widget, write
from support import BRIDGE, HOME, KEY, PLUG_IN, PYTHON, TESTS, configure, processes, until, wait_for_end

sys.path.append(str(TESTS))

from desktop import Service

TYPED = "typed-key-0123456789wxyz"


def press(button):
    widget("photio", "button", button, "press")


def said(pattern):
    """What the window says, as soon as it is like that."""
    return widget("photio", "info bar", pattern, "read")


def stored():
    return json.loads((HOME / "settings.json").read_text())


def shown_keys(server):
    """The keys that the service got to see."""
    return [request["headers"].get("x-photio-key") for request in server._call("GET", "/_requests")]


def ready():
    """The window is there, and the key's field has the focus."""
    widget("photio", "password text", "Key", "focus")


@pytest.fixture
def settings():
    """Opens the window, does something in it, and waits until it is closed."""

    def use(*steps):
        procedure = Gimp.get_pdb().lookup_procedure("photio-settings")
        config = procedure.create_config()
        if config.find_property("run-mode"):
            config.set_property("run-mode", Gimp.RunMode.INTERACTIVE)
        done = meanwhile(ready, *steps)
        status = procedure.run(config).index(0)
        done()
        assert status == Gimp.PDBStatusType.SUCCESS

    return use


def test_it_is_in_the_menu_and_needs_no_image():
    widget("gimp", "menu item", "Settings…", "press")
    ready()
    keys("Escape")
    until(lambda: not processes(BRIDGE))


def test_a_typed_key_shows_as_dots_and_enter_stores_it_where_only_the_user_can_read(settings):
    read = []
    settings(
        lambda: widget("photio", "label", "There is no API key: the offline engine*", "read"),
        lambda: write(TYPED),
        lambda: read.append(widget("photio", "password text", "Key", "read")),
        lambda: keys("Return"),
        lambda: said("The key is stored.*"),
        lambda: read.append(widget("photio", "label", "Key …wxyz is in a file that only you can read.", "read")),
        lambda: read.append(widget("photio", "password text", "Key", "read")),
        lambda: keys("Escape"),
    )
    dots, _hint, emptied = read
    assert len(dots) == len(TYPED)
    assert len(set(dots)) == 1
    assert emptied == ""
    assert (HOME / "api-key").read_text().strip() == TYPED
    assert (HOME / "api-key").stat().st_mode & 0o777 == 0o600


def test_a_crash_while_the_key_is_typed_leaves_none_of_it_on_the_disk():
    widget("gimp", "menu item", "Settings…", "press")
    ready()
    write(TYPED)
    (plug_in,) = processes(PLUG_IN)
    soft, hard = resource.prlimit(plug_in, resource.RLIMIT_CORE)
    assert soft == 0
    resource.prlimit(plug_in, resource.RLIMIT_CORE, (hard, hard))  # Linux knows none where a program gets the cores
    folder = Path(f"/proc/{plug_in}/cwd").resolve()
    before = set(folder.glob("core*"))
    os.kill(plug_in, signal.SIGILL)  # one of the few that GIMP's library does not catch
    wait_for_end(plug_in)
    for core in set(folder.glob("core*")) - before:
        leaked = TYPED.encode() in core.read_bytes()
        core.unlink()
        assert not leaked


def test_the_key_can_be_shown(settings):
    settings(
        lambda: write(TYPED),
        lambda: widget("photio", "toggle button", "Show the key", "press"),
        lambda: until(lambda: widget("photio", "text", "Key", "read") == TYPED),
        lambda: keys("Escape"),
    )
    assert not (HOME / "api-key").exists()


def test_ok_stores_a_key_that_was_only_typed(settings):
    settings(lambda: write(TYPED), lambda: press("OK"))
    assert (HOME / "api-key").read_text().strip() == TYPED


def test_a_key_with_blanks_in_it_is_refused_in_the_window_and_stays_to_be_corrected(settings):
    read = []
    settings(
        lambda: write("two words"),
        lambda: keys("Return"),
        lambda: said("*no spaces*"),
        lambda: read.append(widget("photio", "password text", "Key", "read")),
        lambda: keys("Escape"),
    )
    assert len(read[0]) == len("two words")


def test_the_stored_key_is_tested_without_a_picture(settings, server):
    settings(
        lambda: press("Test"),
        lambda: said("*accepts the key*should cost nothing*"),
        lambda: keys("Escape"),
    )
    assert server.requests == [{}]
    assert shown_keys(server) == [KEY]


def test_a_typed_key_that_the_service_refuses_is_not_stored(settings, server):
    server.script({"answer": "status", "status_code": 401, "body": "unknown"})
    settings(
        lambda: write(TYPED),
        lambda: press("Test"),
        lambda: said("The service does not accept the API key*"),
        lambda: keys("Escape"),
    )
    assert server.requests == [{}]
    assert shown_keys(server) == [TYPED]
    assert (HOME / "api-key").read_text().strip() == KEY


def test_a_test_that_gets_no_answer_ends_with_its_window(settings, server):
    server.script({"hold": "before-answer"})
    settings(lambda: press("Test"), lambda: server.wait("body"), lambda: press("Cancel"))
    until(lambda: not processes(BRIDGE))
    assert [request["stage"] for request in server._call("GET", "/_requests")] == ["body"], "nobody waited for it"


def test_the_key_can_be_forgotten(settings, server):
    settings(
        lambda: widget("photio", "label", "Key …cdef is in a file that only you can read.", "read"),
        lambda: press("Forget"),
        lambda: said("The key is forgotten."),
        lambda: widget("photio", "label", "There is no API key*", "read"),
        lambda: keys("Escape"),
    )
    assert not (HOME / "api-key").exists()


def test_a_key_that_the_keyring_does_not_give_is_not_called_none_and_not_forgotten(settings):
    configure(key_storage="keyring")  # there is no keyring here
    there = "There is an API key, which cannot be used now."
    settings(
        lambda: widget("photio", "label", there, "read"),
        lambda: widget("photio", "label", "Your API key is in the system's keyring, which does not give it*", "read"),
        lambda: press("Forget"),
        lambda: widget("photio", "label", "The key cannot be removed from the keyring*", "read"),
        lambda: widget("photio", "label", there, "read"),
        lambda: keys("Escape"),
    )
    assert stored()["key_storage"] == "keyring"


def test_a_keyring_that_never_answers_keeps_no_window_from_opening_and_closing(settings):
    configure(key_storage="keyring")
    keyring = Service(PYTHON, os.environ["DBUS_SESSION_BUS_ADDRESS"], "silent")
    settings(
        lambda: widget("photio", "label", "There is an API key in the system's keyring.", "read"),
        lambda: widget("photio", "label", "Asking the system's keyring…", "read"),
        keyring.next_call,
        lambda: keys("Escape"),  # it is heard while the keyring is still being waited for
    )
    assert not processes(BRIDGE)
    settings(
        lambda: said("The system's keyring, which holds your API key, does not answer*"),
        lambda: widget("photio", "label", "There is an API key, which cannot be used now.", "read"),
        lambda: keys("Escape"),
    )
    keyring.end()
    assert stored()["key_storage"] == "keyring"


def test_cancel_is_heard_though_a_silent_keyring_is_asked_for_the_key_to_test(settings, server):
    (HOME / "api-key").unlink()
    configure(origin=server.origin, key_storage="keyring")
    keyring = Service(PYTHON, os.environ["DBUS_SESSION_BUS_ADDRESS"], "silent")

    def stop():
        (bridge,) = processes(BRIDGE)
        os.kill(bridge, signal.SIGSTOP)  # it will not get the keyring's silence for an answer before we are done

    settings(
        lambda: widget("photio", "label", "Asking the system's keyring…", "read"),
        keyring.next_call,
        stop,
        lambda: press("Test"),
        lambda: press("Cancel"),
    )
    until(lambda: not processes(BRIDGE))
    assert (server.requests, keyring.end()) == ([], [])


def test_numbers_are_kept_with_ok_and_forgotten_with_cancel(settings):
    changes = {
        "Time to connect (seconds)": "7",
        "Time to wait for an answer (seconds)": "77",
        "Most requests for one job": "17",
        "Largest native crop (megapixels)": "2.5",
        "Keep results for (days)": "0",
        "Keep results up to (gigabytes)": "1.5",
    }
    typing = [
        lambda name=name, text=text: widget("photio", "spin button", name, "type", text)
        for name, text in changes.items()
    ]
    settings(*typing, lambda: press("Cancel"))
    assert not (HOME / "settings.json").exists()
    settings(*typing, lambda: press("OK"))
    found = stored()
    assert (found["connect_timeout"], found["answer_timeout"]) == (7, 77)
    assert (found["most_requests"], found["native_limit"]) == (17, 2.5)
    assert (found["history_days"], found["history_gigabytes"]) == (0, 1.5)


def test_what_is_not_touched_is_not_rounded(settings):
    configure(connect_timeout=0.123, answer_timeout=12.3456, native_limit=1.2345, history_gigabytes=0.001)
    settings(lambda: widget("photio", "spin button", "Most requests for one job", "type", "5"), lambda: press("OK"))
    found = stored()
    assert found["most_requests"] == 5
    assert (found["connect_timeout"], found["answer_timeout"]) == (0.123, 12.3456)
    assert (found["native_limit"], found["history_gigabytes"]) == (1.2345, 0.001)


def test_an_address_that_cannot_be_used_is_explained_and_costs_nothing_else(settings):
    settings(
        lambda: widget("photio", "spin button", "Time to connect (seconds)", "type", "7"),
        lambda: widget("photio", "text", "Service address", "type", "http://studio.example"),
        lambda: press("OK"),
        lambda: said("*must begin with https://*"),
        lambda: widget("photio", "text", "Service address", "focus"),
        lambda: keys("ctrl+a"),
        lambda: write("https://studio.example"),
        lambda: keys("Return"),
    )
    found = stored()
    assert found["origin"] == "https://studio.example"
    assert found["connect_timeout"] == 7


def test_all_can_be_set_back_but_not_the_key(settings, server):
    configure(engine="offline", most_requests=3, history_days=1, key_storage="file")
    settings(lambda: press("Reset to Defaults"), lambda: said("*defaults*"), lambda: press("OK"))
    found = stored()
    assert (found["engine"], found["most_requests"], found["history_days"]) == ("auto", 8, 90)
    assert (HOME / "api-key").read_text().strip() == KEY


def test_a_model_that_is_not_installed_can_be_added_and_is_still_kept(settings):
    configure(offline_model="migan")
    settings(
        lambda: widget("photio", "button", "Add MI-GAN…", "read"),
        lambda: widget("photio", "spin button", "Most requests for one job", "type", "5"),
        lambda: press("OK"),
    )
    assert (stored()["offline_model"], stored()["most_requests"]) == ("migan", 5)


def test_the_keyboard_is_enough(settings, server):
    """From the key's field to Test by Tab, to the second page and its engine, and out by OK."""
    settings(
        lambda: keys("Tab"),
        lambda: widget("photio", "toggle button", "Show the key", "focus"),
        lambda: keys("Tab"),
        lambda: widget("photio", "button", "Store", "focus"),
        lambda: keys("Tab"),
        lambda: widget("photio", "button", "Test", "focus"),
        lambda: keys("space"),
        lambda: said("*accepts the key*"),
        lambda: widget("photio", "button", "Test", "focus"),
        lambda: keys("alt+e", "alt+w"),
        lambda: widget("photio", "spin button", "Time to wait for an answer (seconds)", "focus"),
        lambda: keys("Up"),
        lambda: keys("alt+h", "alt+k"),
        lambda: widget("photio", "spin button", "Keep results for (days)", "focus"),
        lambda: keys("Down", "Return"),
    )
    assert (stored()["answer_timeout"], stored()["history_days"]) == (301, 89)
    assert server.requests == [{}]


def test_the_doctor_reports_and_goes(settings, server):
    read = []
    settings(
        lambda: press("Doctor…"),
        lambda: read.append(widget("photio", "text", "The doctor's report", "read")),
        lambda: press("Copy"),
        lambda: keys("Escape"),
        lambda: until(lambda: widget("photio", "button", "OK", "read")),
        lambda: press("Cancel"),
    )
    assert read[0].startswith("Photio for GIMP")
    assert server.requests == []


def test_no_log_is_no_error(settings):
    settings(
        lambda: (HOME / "log" / "bridge.log").unlink(),
        lambda: press("Open Log"),
        lambda: said("There is no log yet*"),
        lambda: keys("Escape"),
    )


def test_every_widget_has_a_name(settings):
    read = []
    settings(
        lambda: read.append(widget("photio", "dialog", "Photio Settings", "nameless")),
        lambda: keys("Escape"),
    )
    assert read == [""]
