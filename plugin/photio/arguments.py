"""The arguments of the procedures, and the job that they describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp, GObject

from bridge.common.i18n import _
from bridge.protocol import AUTOMATIC, Job
from canvas.reading import Refusal

NEGATIVE_PROMPT = "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch"
HIGHEST_SEED = 4294967296

Options = tuple[tuple[str, str, str], ...]

QUALITIES: Options = (
    ("LOW", _("Low"), _("fastest")),
    ("MIDDLE", _("Middle"), ""),
    ("HIGH", _("High"), _("most detail, slowest")),
)
SAMPLES: Options = (
    ("layer", _("Current layer"), _("the selected layer alone, as it looks")),
    ("below", _("Current layer and below"), _("as they look without the layers above")),
    ("visible", _("All visible layers"), _("the image as it looks; the result goes on top")),
)
ENGINES: Options = (
    ("auto", _("Automatic"), _("Photio when there is an API key, else the offline engine")),
    ("photio", "Photio", _("the service; needs an API key")),
    ("offline", _("Offline"), _("on this computer; can only remove")),
)
INSERTIONS: Options = (
    ("new", _("A new layer"), _("each result by itself")),
    ("retouch", _("The retouch layer"), _("one layer, right above the sampled one, that collects repairs")),
)
AREAS: Options = (
    ("auto", _("Automatic"), _("separately where one picture of all would lose resolution")),
    ("together", _("Together"), _("in one request")),
    ("separate", _("Separately"), _("one request each")),
)
RESOLUTIONS: Options = (
    ("recommended", _("Recommended"), _("one of Photio's sizes, about 1 megapixel")),
    ("native", _("Native"), _("the image's own, up to the limit in the settings")),
)

SPILL_UNITS: Options = (
    ("px", _("px"), _("pixels of the image")),
    ("percent", "%", _("of the selection's longer side")),
)

#: What the widgets say about them as well.
GROW_HELP = _("Grow the selection first")
FEATHER_HELP = _("Fade the result's edge")
SPILL_HELP = _("How far beyond the selection the rest of something added may be shown")

#: px, and percent.
LARGEST_MARGIN = 500

FLAGS = GObject.ParamFlags.READWRITE


@dataclass(frozen=True)
class Defaults:
    """How the arguments of the procedures differ."""

    has_prompt: bool


def _choice(options: Options) -> Gimp.Choice:
    choice = Gimp.Choice.new()
    for number, (nick, label, help_text) in enumerate(options):
        choice.add(nick, number, label, help_text)
    return choice


def declare_all(to: Gimp.Procedure, defaults: Defaults) -> None:
    """Declares the arguments of *Remove Object* or *Regenerate…*."""
    if defaults.has_prompt:
        prompt_help = _("What to put there, in English; empty: remove what is there")
        to.add_string_argument("prompt", _("_Prompt"), prompt_help, "", FLAGS)
    to.add_string_argument(
        "negative-prompt", _("_Negative prompt"), _("What should not appear"), NEGATIVE_PROMPT, FLAGS
    )
    to.add_choice_argument("quality", _("_Quality"), _("Higher quality takes longer"), _choice(QUALITIES), "LOW", FLAGS)
    declare_seed(to)
    cfg_help = _("How closely to follow the prompt; 1.0–2.5 is recommended")
    to.add_double_argument("cfg-scale", _("CFG sc_ale"), cfg_help, 0, 30, 2.5, FLAGS)
    to.add_int_argument("variations", _("_Variations"), _("How many results, each sent by itself"), 1, 8, 1, FLAGS)
    to.add_choice_argument("sample", _("Sa_mple"), _("What the service gets to see"), _choice(SAMPLES), "layer", FLAGS)
    insert_help = _("What becomes of a result")
    to.add_choice_argument("insert-as", _("Inse_rt as"), insert_help, _choice(INSERTIONS), "new", FLAGS)
    context_help = _("Surroundings to show, in percent of the selection's longer side")
    to.add_int_argument("context", _("Conte_xt (%)"), context_help, 0, 400, 50, FLAGS)
    declare_margins(to)
    areas_help = _("How disjoint parts of the selection are sent")
    to.add_choice_argument("areas", _("Dis_joint areas"), areas_help, _choice(AREAS), "auto", FLAGS)
    resolution_help = _("At what size the picture is sent")
    to.add_choice_argument("resolution", _("Si_ze sent"), resolution_help, _choice(RESOLUTIONS), "recommended", FLAGS)
    fill_help = _("Regenerate transparent parts around the selection, too; of the whole layer if nothing is selected")
    to.add_boolean_argument("fill-transparent", _("F_ill transparent parts"), fill_help, False, FLAGS)
    colour_help = _("Undo what the service did to colours that it should have kept")
    to.add_boolean_argument("match-colour", _("Match colo_ur"), colour_help, True, FLAGS)
    grain_help = _("Give the result the noise of its surroundings")
    to.add_boolean_argument("match-grain", _("Ma_tch grain"), grain_help, True, FLAGS)
    declare_engine(to)
    mask_help = _("A channel, path, layer mask or layer to use instead of the selection; for scripts only")
    to.add_string_argument("mask-name", _("Mask na_me"), mask_help, "", FLAGS)


def declare_margins(to: Gimp.Procedure) -> None:
    """Declares `grow`, `feather` and `spill`, which are automatic unless they are given."""
    for name, label, help_text in (
        ("grow", _("Gro_w (px, −1: automatic)"), GROW_HELP),
        ("feather", _("_Feather (px, −1: automatic)"), FEATHER_HELP),
        ("spill", _("S_pill (−1: automatic)"), SPILL_HELP),
    ):
        to.add_int_argument(name, label, help_text, AUTOMATIC, LARGEST_MARGIN, AUTOMATIC, FLAGS)
    unit_help = _("What the spill is counted in")
    to.add_choice_argument("spill-unit", _("Spill _unit"), unit_help, _choice(SPILL_UNITS), "px", FLAGS)


def declare_seed(to: Gimp.Procedure) -> None:
    """Declares `seed` as a double, because an int argument has 32 bits with sign: too few for a seed."""
    seed_help = _("The same seed gives the same result")
    to.add_double_argument("seed", _("See_d (−1: random)"), seed_help, -1, HIGHEST_SEED, -1, FLAGS)


def declare_engine(to: Gimp.Procedure) -> None:
    """Declares `engine`."""
    to.add_choice_argument("engine", _("_Engine"), _("Who does the work"), _choice(ENGINES), "auto", FLAGS)


def seed_of(config: Gimp.ProcedureConfig) -> int:
    """The seed.

    Raises:
        Refusal: it has decimals.
    """
    seed: float = config.get_property("seed")
    if seed != int(seed):
        sentence = _("The seed {seed} is no whole number: use −1, or 1 to {most}.")
        raise Refusal(sentence.format(seed=seed, most=HIGHEST_SEED))
    return int(seed)


def job_of(config: Gimp.ProcedureConfig, source: Gimp.Layer, defaults: Defaults) -> Job:
    """The job that the arguments describe.

    Raises:
        Refusal: the seed has decimals.
    """
    get: Callable[[str], Any] = config.get_property
    return Job(
        prompt=(get("prompt") or "") if defaults.has_prompt else "",  # None if nobody set it
        negative_prompt=get("negative-prompt") or "",
        quality=get("quality"),
        seed=seed_of(config),
        cfg_scale=get("cfg-scale"),
        variations=get("variations"),
        sample=get("sample"),
        context=float(get("context")),
        grow=get("grow"),
        feather=get("feather"),
        engine=get("engine"),
        areas=get("areas"),
        resolution=get("resolution"),
        fill_transparent=get("fill-transparent"),
        match_colour=get("match-colour"),
        match_grain=get("match-grain"),
        source=source.get_tattoo(),
        spill=get("spill"),
        spill_unit=get("spill-unit"),
    )


def start_from(config: Gimp.ProcedureConfig, job: Job) -> None:
    """Sets the arguments to those of an earlier job."""
    for name in (
        "prompt", "negative_prompt", "quality", "sample", "grow", "feather", "areas", "resolution",
        "fill_transparent", "match_colour", "match_grain", "spill", "spill_unit",
    ):  # fmt: skip
        config.set_property(name.replace("_", "-"), getattr(job, name))
    config.set_property("cfg-scale", min(max(job.cfg_scale, 0.0), 30.0))
    config.set_property("context", round(job.context))
