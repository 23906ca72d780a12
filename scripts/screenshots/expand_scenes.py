"""The scenes of *Expand…*."""

from screenshots.driver import give_key, press, widget, words
from screenshots.stage import generate, open_window, scene


def open_expand(ratio):
    """The window, once it shows in how many requests that ratio is filled."""
    open_window("E_xpand…")
    widget("text", words("Ratio"), "type", ratio)
    widget("label", "*·*", "read")


@scene
def expand(stage):
    """A ratio, with the picture at the bottom."""
    give_key(stage.service)
    stage.image.scale(1536, 1024)
    open_window("E_xpand…")
    press(words("Anchor: {place}", place=words("Bottom")), "radio button")
    widget("text", words("Ratio"), "type", "1:1")
    widget("label", "*·*", "read")
    stage.shoot("expand")


@scene
def expand_requests(stage):
    """More than one request, outlined."""
    give_key(stage.service)
    open_expand("16:9")
    stage.shoot("expand-requests")


@scene
def expand_result(stage):
    """What the offline engine makes of a smaller photograph, in one request."""
    give_key(stage.service)
    stage.image.scale(1536, 1024)
    open_expand("1:1")
    generate(1)
    stage.shoot("expand-result")
