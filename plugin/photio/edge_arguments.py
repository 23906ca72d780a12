"""The arguments of *Expand…* that say where the new edges of the canvas are."""

from __future__ import annotations

from gi.repository import Gimp

from arguments import FLAGS, Options, choice
from bridge.common.i18n import _
from canvas.edges import LARGEST_SIDE, Edges, of_percent, ratio_of, with_ratio
from canvas.reading import Refusal

#: Of an edge, in its unit.
NAMES = ("left", "top", "right", "bottom")

UNITS: Options = (
    ("px", _("px"), _("pixels of the image")),
    ("percent", "%", _("of the canvas's width or height")),
)
ANCHORS: Options = (
    ("top-left", _("Top left"), ""),
    ("top", _("Top"), ""),
    ("top-right", _("Top right"), ""),
    ("left", _("Left"), ""),
    ("center", _("Center"), ""),
    ("right", _("Right"), ""),
    ("bottom-left", _("Bottom left"), ""),
    ("bottom", _("Bottom"), ""),
    ("bottom-right", _("Bottom right"), ""),
)

ANCHOR_HELP = _("Where the picture stays on the canvas that a ratio makes larger")


def declare_edges(to: Gimp.Procedure) -> None:
    """Declares where the new edges are."""
    labels = (_("Left"), _("Top"), _("Right"), _("Bottom"))
    for name, label in zip(NAMES, labels, strict=True):
        to.add_double_argument(name, label, _("How much is added at this edge"), 0, LARGEST_SIDE, 0, FLAGS)
    to.add_choice_argument("unit", _("Unit"), _("What the edges are counted in"), choice(UNITS), "px", FLAGS)
    ratio_help = _("Width and height that the new canvas has at least, such as 16:9; empty: as the edges say")
    to.add_string_argument("ratio", _("Ratio"), ratio_help, "", FLAGS)
    to.add_choice_argument("anchor", _("Anchor"), ANCHOR_HELP, choice(ANCHORS), "center", FLAGS)


def edges_of(config: Gimp.ProcedureConfig, size: tuple[int, int]) -> Edges:
    """The edges that the arguments describe.

    Args:
        size: of the canvas, px.

    Raises:
        Refusal: the ratio is none.
    """
    values = tuple(config.get_property(name) for name in NAMES)
    in_percent = config.get_property("unit") == "percent"
    edges = of_percent(size, values) if in_percent else Edges(*map(round, values))
    text = (config.get_property("ratio") or "").strip()
    if not text:
        return edges
    ratio = ratio_of(text)
    if ratio is None:
        raise Refusal(_("“{text}” is no ratio: write width and height, such as 16:9.").format(text=text))
    return with_ratio(size, edges, ratio, config.get_property("anchor"))
