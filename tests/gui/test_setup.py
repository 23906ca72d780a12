"""Photio is not set up, or damaged: its window fetches what is missing, then what was asked for goes on by itself."""

import json

import pytest
from gi.repository import Gimp

import regenerating
import screen
from driver import keys, meanwhile, widget
from regenerating import choose, focus, interactively, notice, stage
from screen import find, gone, press, see
from setting_up import MODEL, Environment, playing
from support import BRIDGE, HOME, PLUG_IN, PdbError, processes, run, until, wait_for_end

THINGS = (
    "about 110 MB: uv 0.12.21 (17 MB) from releases.example; Photio's packages (93 MB) from packages.example. All is "
    "kept in “/home/jo/.local/share/photio”; nothing else on this computer is changed."
)
INTRODUCTION = f"Before it is used for the first time, Photio fetches {THINGS}"
HINT = "Where a proxy leads to the internet, set the environment variable https_proxy before GIMP is started:*"


@pytest.fixture
def environment():
    """The bridge's packages, there or not."""
    packages = Environment(BRIDGE)
    yield packages
    packages.mend()


@pytest.fixture
def player(environment):
    """We are the process that sets up, and nothing is set up yet."""
    environment.hide()
    with playing(BRIDGE) as who:
        yield who


def no_windows():
    """Waits until the plug-in has ended."""
    until(lambda: processes(PLUG_IN) == [])


def test_remove_object_says_what_it_has_to_fetch_first_and_then_goes_on_by_itself(shown, player, environment):
    choose("Remove Object")
    attempt = player.started()
    assert attempt.arguments == ["setup"]
    see("dialog", "Set Up Photio")
    see("label", "Looking at what is needed…")
    attempt.plan()
    see("label", INTRODUCTION)
    focus("button", "Set Up")
    keys("Return")
    assert attempt.hear() == "go"
    attempt.progress("uv", 2, 17)
    stage("Fetching uv: 2 of about 17 MB")
    attempt.progress("packages", 31, 110)
    stage("Fetching the packages: 31 of about 110 MB")
    attempt.progress("check")
    stage("Checking that everything works…")
    environment.mend()
    attempt.succeed()
    until(lambda: len(shown.get_layers()) == 2)
    assert shown.get_layers()[0].get_name() == "Photio: removed"
    no_windows()
    assert player.never()


def set_up(player, environment):
    """The window's whole way."""
    attempt = player.started()
    attempt.plan()
    press("button", "Set Up")
    assert attempt.hear() == "go"
    environment.mend()
    attempt.succeed()


@pytest.mark.parametrize(
    ("entry", "then", "leaving"),
    [
        ("Regenerate…", lambda: screen.wait_until(regenerating.ready), ["Escape"]),
        ("History…", lambda: see("dialog", "Photio History"), ["Escape", "Escape"]),  # the search's, the window's
        ("Settings…", lambda: see("password text", "Key"), ["Escape"]),
    ],
    ids=["regenerate", "history", "settings"],
)
def test_a_window_opens_once_that_is_done_and_not_before(shown, player, environment, entry, then, leaving):
    choose(entry)
    see("dialog", "Set Up Photio")
    assert [seen.name for seen in screen.look() if seen.role == "dialog"] == ["Set Up Photio"]
    set_up(player, environment)
    then()
    screen.wait_until(screen.focused)
    keys(*leaving)
    no_windows()


def test_a_layer_is_made_again_once_that_is_done(shown, environment):
    run("photio-remove", shown)
    environment.hide()
    with playing(BRIDGE) as player:
        done = meanwhile(lambda: set_up(player, environment))
        status = interactively("photio-reroll", shown, shown.get_layers()[:1])
        done()
    assert status == Gimp.PDBStatusType.SUCCESS
    assert len(shown.get_layers()) == 3


def test_who_wants_none_of_it_gets_no_error_and_nothing_is_begun(shown, player):
    heard = []

    def decline():
        attempt = player.started()
        attempt.plan()
        see("label", INTRODUCTION)
        keys("Escape")
        heard.append(attempt.hear())
        attempt.end(130)

    done = meanwhile(decline)
    assert interactively("photio-remove", shown) == Gimp.PDBStatusType.CANCEL
    done()
    assert heard == [""]
    assert len(shown.get_layers()) == 1
    assert player.never()


def running(player):
    """The attempt, once it fetches packages."""
    attempt = player.started()
    attempt.plan()
    press("button", "Set Up")
    assert attempt.hear() == "go"
    attempt.progress("packages", 31, 110)
    stage("Fetching the packages")
    return attempt


def test_cancel_waits_until_nothing_half_made_is_left(shown, player):
    def cancel():
        attempt = running(player)
        focus("button", "Cancel")
        keys("space")
        assert attempt.hear() == ""
        stage("Cancelling…")
        attempt.progress("packages", 32, 110)  # it was on its way
        assert find("progress bar", "Progress").text == "Cancelling…"
        attempt.end(130)

    done = meanwhile(cancel)
    assert interactively("photio-remove", shown) == Gimp.PDBStatusType.CANCEL
    done()
    assert len(shown.get_layers()) == 1


def test_cancel_pressed_twice_waits_for_nobody(shown, player):
    attempts = []

    def cancel_twice():
        attempts.append(running(player))
        press("button", "Cancel")
        stage("Cancelling…")
        press("button", "Cancel")

    done = meanwhile(cancel_twice)
    assert interactively("photio-remove", shown) == Gimp.PDBStatusType.CANCEL
    done()
    attempts[0].end(130)


def test_cancel_that_comes_too_late_still_removes_no_object(shown, player, environment):
    def cancel():
        attempt = running(player)
        press("button", "Cancel")
        assert attempt.hear() == ""
        environment.mend()
        attempt.succeed()

    done = meanwhile(cancel)
    assert interactively("photio-remove", shown) == Gimp.PDBStatusType.CANCEL
    done()
    assert len(shown.get_layers()) == 1


def test_without_a_network_it_says_so_and_what_may_help_and_can_be_tried_again(shown, player, environment):
    choose("Remove Object")
    attempt = running(player)
    attempt.fail("network", "releases.example cannot be reached.", "curl: (7)\nand more")
    notice("releases.example cannot be reached.")
    see("label", HINT)
    press("toggle button", "Details")
    assert see("text", "Details").text == "curl: (7)\nand more"
    focus("button", "Try Again")
    keys("Return")
    attempt = player.started()
    gone("info bar", "*")
    attempt.plan()
    assert attempt.hear() == "go", "the user has agreed already"
    environment.mend()
    attempt.succeed()
    until(lambda: len(shown.get_layers()) == 2)
    no_windows()


def test_a_full_disk_has_nothing_to_do_with_proxies(shown, player):
    choose("Remove Object")
    running(player).fail("disk", "The disk is full.")
    notice("The disk is full.")
    focus("button", "Try Again")
    assert not find("label", HINT)
    assert not find("toggle button", "Details")
    keys("Escape")
    no_windows()


def test_a_set_up_that_crashes_is_told_with_what_it_printed(shown, player):
    choose("Remove Object")
    attempt = running(player)
    attempt.print("Traceback (most recent call last):")
    attempt.print('{"kind": "progress"}')
    attempt.end(1)
    notice("The set-up ended unexpectedly.")
    press("toggle button", "Details")
    assert see("text", "Details").text == 'Traceback (most recent call last):\n{"kind": "progress"}'
    keys("Escape")
    no_windows()


def test_an_image_that_is_closed_meanwhile_is_missed_in_one_sentence(shown, player, environment):
    choose("Remove Object")
    attempt = running(player)
    environment.mend()
    for image in Gimp.get_images():
        for number in range(1, 200):
            if (display := Gimp.Display.get_by_id(number)) and display.is_valid():
                display.delete()
        assert not image.is_valid()
    attempt.succeed()
    see("*", "*is gone that was to be worked on*", "gimp")
    no_windows()


DAMAGED = pytest.mark.parametrize(
    ("entry", "package", "then"),
    [
        ("Remove Object", "numpy", lambda image: until(lambda: len(image.get_layers()) == 2)),
        ("Regenerate…", "numpy", lambda _image: screen.wait_until(regenerating.ready)),
    ],
    ids=["remove", "regenerate"],
)


@DAMAGED
def test_a_damaged_package_is_fetched_again_before_it_goes_on(shown, environment, entry, package, then):
    environment.damage(package)
    with playing(BRIDGE) as player:
        choose(entry)
        fetch_again(player, environment)
        then(shown)
        keys("Escape")
        no_windows()
        assert player.never()


def fetch_again(player, environment):
    """The window's whole way where a package is damaged."""
    attempt = player.started()
    attempt.plan()
    see("label", f"Photio's packages are damaged and will be fetched again, {THINGS}")
    press("button", "Set Up")
    assert attempt.hear() == "go"
    environment.mend()
    attempt.succeed()


@pytest.mark.parametrize("package", ["numpy", "PIL"])
def test_a_damaged_package_is_fetched_again_when_the_history_has_pictures_to_show(shown, environment, package):
    run("photio-remove", shown)
    environment.damage(package)
    with playing(BRIDGE) as player:
        choose("History…")
        fetch_again(player, environment)
        see("list item", "Removed, *")
        screen.wait_until(screen.focused)
        keys("Escape", "Escape")  # the search's, the window's
        no_windows()
        assert player.never()


def test_what_is_still_damaged_after_that_is_an_error_and_no_circle(shown, environment):
    environment.damage("numpy")
    with playing(BRIDGE) as player:

        def set_up_in_vain():
            attempt = running(player)
            attempt.succeed()

        done = meanwhile(set_up_in_vain)
        assert interactively("photio-remove", shown) == Gimp.PDBStatusType.EXECUTION_ERROR
        done()
        assert "One of Photio's packages is missing or damaged: “it is damaged”." in Gimp.get_pdb().get_last_error()
        assert player.never()


def test_a_script_is_told_what_to_do_in_one_sentence_and_sees_no_window(shown, player):
    with pytest.raises(PdbError, match="not set up yet: choose anything in Filters > Photio once, or run “python3"):
        run("photio-remove", shown)
    assert player.never()


ADDING = (
    "To add MI-GAN (licence: MIT), Photio fetches about 78 MB: MI-GAN's model (28 MB) from model.example; Photio's "
    "packages (50 MB) from packages.example. All is kept in*"
)


@pytest.fixture
def adding(environment):
    """*Settings…* with something changed, and we are the process that adds MI-GAN."""
    with playing(BRIDGE) as player:
        choose("Settings…")
        see("password text", "Key")
        keys("alt+e")
        see("spin button", "Most requests for one job").set(5)
        press("button", "Add MI-GAN…")
        attempt = player.started()
        assert attempt.arguments == ["setup", "--neural"]
        attempt.plan(MODEL, licence="MIT")
        see("label", ADDING)
        yield attempt


def test_mi_gan_is_added_in_the_settings_and_can_be_chosen_at_once(adding, environment):
    before = processes(BRIDGE)  # the attempt's, too
    press("button", "Set Up")
    assert adding.hear() == "go"
    environment.add_neural()
    adding.succeed()
    notice("MI-GAN is installed: Texture uses it from now on.")
    assert not find("button", "Add MI-GAN…")
    for pid in before:
        wait_for_end(pid)
    focus("radio button", "MI-GAN: softer, better with large structures")
    keys("space", "Return")
    no_windows()
    stored = json.loads((HOME / "settings.json").read_text())
    assert (stored["offline_model"], stored["most_requests"]) == ("migan", 5)


def test_who_does_not_add_it_after_all_goes_on_with_the_settings(adding):
    focus("button", "Set Up")
    keys("Escape")
    assert adding.hear() == ""
    adding.end(130)
    gone("dialog", "Add MI-GAN")
    assert find("button", "Add MI-GAN…")
    keys("Return")
    no_windows()
    assert json.loads((HOME / "settings.json").read_text())["most_requests"] == 5


def test_the_keyboard_is_enough_and_every_widget_has_a_name(shown, player):
    choose("Remove Object")
    attempt = player.started()
    attempt.plan()
    focus("button", "Set Up")
    keys("alt+s")
    assert attempt.hear() == "go"
    attempt.fail("other", "It did not work.", "more")
    notice("It did not work.")
    focus("button", "Try Again")
    keys("alt+d")
    see("text", "Details")
    assert widget("photio", "dialog", "Set Up Photio", "nameless") == ""
    keys("alt+t")
    player.started()
    keys("alt+c")
    no_windows()
