"""MI-GAN is fetched when Photio is set up, or later from *Settings…*; we are the process that sets up."""

import json

import pytest

import screen
from driver import keys
from regenerating import choose, focus, no_windows, notice
from screen import find, gone, press, see
from setting_up import FETCHES, INTRODUCTION, MODEL, playing
from support import BRIDGE, HOME, processes, until, wait_for_end

CHOICE = "With MI-GAN, a second engine for work offline (licence: MIT)"
BOTH = (*FETCHES, MODEL[0])


def add_mi_gan(player):
    """The window says what would be fetched without it, and then with it."""
    choose("Remove Object")
    less = player.started()
    assert less.arguments == ["setup"]
    less.plan()
    see("label", INTRODUCTION)
    assert not see("check box", CHOICE).has(screen.State.CHECKED)
    focus("button", "Set Up")
    keys("alt+m")
    both = player.started()
    assert less.hear() == ""
    less.end(130)
    assert both.arguments == ["setup", "--neural"]
    both.plan(BOTH, licence="MIT")
    see("label", "Before it is used for the first time, Photio fetches about 138 MB:*MI-GAN's model (28 MB)*")
    return both


def test_mi_gan_can_be_fetched_together_with_the_rest_and_left_out_after_all(shown, player, environment):
    both = add_mi_gan(player)
    press("button", "Set Up")
    assert both.hear() == "go"
    assert not see("check box", CHOICE).has(screen.State.SENSITIVE)
    both.fail("network", "The internet is away.")
    notice("The internet is away.")
    press("check box", CHOICE)
    press("button", "Try Again")
    again = player.started()
    assert again.arguments == ["setup"]
    again.plan()
    assert again.hear() == "go"
    environment.mend()
    again.succeed()
    until(lambda: len(shown.get_layers()) == 2)
    no_windows()


def test_without_its_model_photio_is_set_up_all_the_same(shown, player, environment):
    attempt = add_mi_gan(player)
    press("button", "Set Up")
    assert attempt.hear() == "go"
    attempt.progress("packages", 110, 110)
    attempt.progress("model", 0, 28)
    environment.mend()
    attempt.fail("network", "MI-GAN's model could not be fetched.")
    notice("MI-GAN's model could not be fetched.")
    see("label", "Photio works without it. You can add it later in Settings.")
    press("button", "Go On")
    until(lambda: len(shown.get_layers()) == 2)
    no_windows()
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
    notice("MI-GAN is installed: choose it below, then press OK.")
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
