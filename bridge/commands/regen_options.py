"""The options of `python -m bridge regen`. Standard library only, so that help appears at once."""

from __future__ import annotations

import argparse
from pathlib import Path

from bridge.commands.mask_rule import MEANINGS
from bridge.regen.validation import DEFAULT_ORIGIN

#: What means nothing to `--raw`; each is None unless it was given.
ONLY_COOKED = (
    "mask_means", "variations", "context", "grow", "feather", "spill", "areas", "resolution",
    "fill_transparent", "match_colour", "match_detail", "match_grain",
)  # fmt: skip

_DESCRIPTION = (
    "Regenerate a part of a photograph, in the same way as in GIMP: the part is cut out, sent, matched to its "
    "surroundings and put back. All other pixels stay as they are. Without an API key the offline engine does it, "
    "which can only remove things. Results are in the history, too."
)


def add_options(regen: argparse.ArgumentParser) -> None:
    """Declares them; the windows in GIMP and the procedures there use the same names."""
    regen.description = _DESCRIPTION
    files = regen.add_argument_group("files")
    files.add_argument("--base", required=True, metavar="FILE", help="the photograph: PNG, JPEG, TIFF, WebP or BMP")
    mask_help = "of the same size: black and white, or with a transparent part; not needed with --fill-transparent"
    files.add_argument("--mask", metavar="FILE", help=mask_help)
    files.add_argument(
        "--mask-means",
        choices=MEANINGS,
        help="what is done with the mask's white (or opaque) part; without this, the smaller part is regenerated if it "
        "is clear which one that is",
    )
    out_help = "a .png, .tif, .webp or .jpg file to write; variations get numbers"
    files.add_argument("--out", required=True, metavar="FILE", type=Path, help=out_help)
    _add_wishes(regen.add_argument_group("what to make"))
    _add_fitting(regen.add_argument_group("what to send, and how to fit it in"))
    service = regen.add_argument_group("service")
    engines = ("auto", "photio", "offline")
    service.add_argument("--engine", choices=engines, default="auto", help="auto (default): as configured")
    service.add_argument("--origin", help=f"the service's address (default: as configured, else {DEFAULT_ORIGIN})")
    service.add_argument(
        "--raw",
        action="store_true",
        help="to test a service: send --base and --mask (files or URLs) as they are, black being regenerated, and "
        "write the answer as it comes",
    )


def length(text: str) -> tuple[int, str]:
    """A length in px, or in percent: the number and its unit."""
    number = text.strip()
    for ending, unit in (("px", "px"), ("%", "percent")):
        if number.endswith(ending):
            return int(number.removesuffix(ending)), unit
    return int(number), "px"


def _add_wishes(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--prompt", default="", help="what to add, in English (default: remove what is there)")
    group.add_argument("--negative-prompt", help="what to avoid (default: the service's own text)")
    group.add_argument("--quality", default="LOW", type=str.upper, help="LOW (default), MIDDLE or HIGH")
    group.add_argument("--seed", default=-1, type=int, help="1 to 4294967296, or -1 (default) to draw one")
    group.add_argument("--cfg-scale", default=2.5, type=float, help="how closely to follow the prompt (default 2.5)")
    group.add_argument("--variations", type=int, help="how many results, 1 (default) to 8; each is paid for")


def _add_fitting(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--context", type=int, help="surroundings to show, in %% of the longer side (default 50)")
    group.add_argument("--grow", type=int, help="px, or -1 (default): by the size of the mask's part")
    group.add_argument("--feather", type=int, help="px, or -1 (default): by the size of the mask's part")
    spill_help = "how far beyond the mask the rest of something added is shown: 8, 8px or 10%% (of the longer side); "
    spill_help += "-1 (default): a little with a prompt, else 0"
    group.add_argument("--spill", type=length, help=spill_help)
    group.add_argument("--areas", choices=("auto", "together", "separate"), help="how distant parts are sent")
    group.add_argument("--resolution", choices=("recommended", "native"), help="the size that is sent")
    for name, summary in (
        ("fill-transparent", "also regenerate transparent parts (default: no)"),
        ("match-colour", "undo changes of colours around the result (default: yes)"),
        ("match-detail", "give what was scaled up the fine detail of its surroundings (default: yes)"),
        ("match-grain", "give the result the noise of its surroundings (default: yes)"),
    ):
        group.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=None, help=summary)
