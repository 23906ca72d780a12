"""The procedures: capture → bridge → place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gi.repository import Gegl, Gimp, GLib, GObject

import canvas
from bridge.protocol import SELECTION_FILE, Finished, Job, Open, Opened, Placed, Plan, Planned, Run
from bridge_process import Bridge, BridgeError

NEGATIVE_PROMPT = "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch"
HIGHEST_SEED = 4294967296

QUALITIES = (("LOW", "Low", "fastest"), ("MIDDLE", "Middle", ""), ("HIGH", "High", "most detail, slowest"))
SAMPLES = (
    ("layer", "Current layer", "the selected layer alone"),
    ("visible", "All visible layers", "the image as it looks"),
)
ENGINES = (
    ("auto", "Automatic", "Photio when there is an API key, else the offline engine"),
    ("photio", "Photio", "the service; needs an API key"),
    ("offline", "Offline", "on this computer; can only remove"),
)


@dataclass(frozen=True)
class Declaration:
    """What distinguishes the procedures."""

    label: str
    blurb: str
    has_prompt: bool
    grow: int
    feather: int


PROCEDURES = {
    "photio-remove": Declaration("_Remove Object", "Removes what is selected, in a new layer", False, 6, 3),
    "photio-regenerate": Declaration(
        "Re_generate…", "Regenerates what is selected from a description, in a new layer", True, 0, 0
    ),
}


def create(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    """Declares the procedure of that name."""
    declared = PROCEDURES[name]
    procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, _run, None)
    procedure.set_image_types("RGB*, GRAY*")
    procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
    procedure.set_menu_label(declared.label)
    procedure.add_menu_path("<Image>/Filters/Photio")
    procedure.set_documentation(declared.blurb, f"{declared.blurb}, using Photio or the offline engine.", name)
    procedure.set_attribution("Photio for GIMP", "Photio for GIMP, GPL-3.0-or-later", "2026")
    _declare_arguments(procedure, declared)
    procedure.add_core_object_array_return_value(
        "layers", "Layers", "The new layers, top to bottom", Gimp.Layer.__gtype__, GObject.ParamFlags.READWRITE
    )
    return procedure


def _choice(options: tuple[tuple[str, str, str], ...]) -> Gimp.Choice:
    choice = Gimp.Choice.new()
    for number, (nick, label, help_text) in enumerate(options):
        choice.add(nick, number, label, help_text)
    return choice


def _declare_arguments(procedure: Gimp.Procedure, declared: Declaration) -> None:
    flags = GObject.ParamFlags.READWRITE
    add = procedure
    if declared.has_prompt:
        add.add_string_argument(
            "prompt", "_Prompt", "What to put there, in English; empty: remove what is there", "", flags
        )
    add.add_string_argument("negative-prompt", "_Negative prompt", "What should not appear", NEGATIVE_PROMPT, flags)
    add.add_choice_argument("quality", "_Quality", "Higher quality takes longer", _choice(QUALITIES), "LOW", flags)
    add.add_double_argument(  # an int argument is 32-bit signed, too small for a seed
        "seed", "See_d (−1: random)", "The same seed gives the same result", -1, HIGHEST_SEED, -1, flags
    )
    add.add_double_argument(
        "cfg-scale", "CFG sc_ale", "How closely to follow the prompt; 1.0–2.5 is recommended", 0, 30, 2.5, flags
    )
    add.add_int_argument("variations", "_Variations", "How many results, one request each", 1, 8, 1, flags)
    add.add_choice_argument("sample", "Sa_mple", "What the service gets to see", _choice(SAMPLES), "layer", flags)
    add.add_int_argument(
        "context", "Conte_xt (%)", "Surroundings to show, in percent of the selection's longer side", 0, 400, 50, flags
    )
    add.add_int_argument("grow", "Gro_w (px)", "Grow the selection first", 0, 500, declared.grow, flags)
    add.add_int_argument("feather", "_Feather (px)", "Fade the result's edge", 0, 500, declared.feather, flags)
    add.add_choice_argument("engine", "_Engine", "Who does the work", _choice(ENGINES), "auto", flags)


def _run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: None,
) -> Gimp.ValueArray:
    """Runs a procedure; every error becomes the procedure's, with one sentence."""
    Gegl.init(None)
    declared = PROCEDURES[procedure.get_name()]
    if run_mode == Gimp.RunMode.INTERACTIVE and declared.has_prompt:
        from regenerate_dialog import ask

        if not ask(procedure, config):
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    try:
        layers = _regenerate(image, drawables, _job(config, image, declared))
    except (canvas.Refusal, BridgeError) as error:
        return _failed(procedure, str(error))
    except OSError as error:
        return _failed(procedure, f"Photio could not read or write {error.filename}: {error.strerror}.")
    return _returned(procedure, layers)


def _failed(procedure: Gimp.Procedure, sentence: str) -> Gimp.ValueArray:
    error = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, error)


def _returned(procedure: Gimp.Procedure, layers: list[Gimp.Layer]) -> Gimp.ValueArray:
    """Success, with the layers. PyGObject makes no array of objects by itself, but a config has a property of one."""
    carrier = Gimp.get_pdb().lookup_procedure("gimp-image-set-selected-layers").create_config()
    carrier.set_core_object_array("layers", layers)
    value = GObject.Value()
    value.init(GObject.type_from_name("GimpCoreObjectArray"))
    value.set_boxed(carrier.get_property("layers"))
    returned = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    returned.remove(1)
    returned.insert(1, value)
    return returned


def _job(config: Gimp.ProcedureConfig, image: Gimp.Image, declared: Declaration) -> Job:
    get: Callable[[str], Any] = config.get_property
    seed = get("seed")
    if seed != int(seed):
        raise canvas.Refusal(f"The seed {seed} is no whole number: use −1, or 1 to {HIGHEST_SEED}.")
    return Job(
        prompt=(get("prompt") or "") if declared.has_prompt else "",  # an untouched one can be None
        negative_prompt=get("negative-prompt") or "",
        quality=get("quality"),
        seed=int(seed),
        cfg_scale=get("cfg-scale"),
        variations=get("variations"),
        sample=get("sample"),
        context=float(get("context")),
        grow=get("grow"),
        feather=get("feather"),
        engine=get("engine"),
        image=image.get_name(),
    )


def _regenerate(image: Gimp.Image, drawables: list[Gimp.Drawable], job: Job) -> list[Gimp.Layer]:
    """The whole way of one job."""
    captured = canvas.capture(image, drawables, job.sample, whole_layer=bool(job.prompt.strip()))
    Gimp.progress_init("Photio")
    bridge = Bridge(_show_progress)
    try:
        opened = bridge.ask(Open(job), Opened)
        folder = Path(opened.folder)
        if captured.masked:
            canvas.export_selection(captured, folder / SELECTION_FILE)
        planned = bridge.ask(Plan(captured.canvas, captured.selection, captured.masked), Planned)
        for crop in planned.crops:
            canvas.export_crop(captured, crop.box, folder / crop.file)
        finished = bridge.ask(Run(), Finished)
        layers = canvas.place(captured, finished, folder, _layer_name(job.prompt))
        bridge.send(Placed())
    finally:
        bridge.close()
        Gimp.progress_end()
    for remark in (*planned.remarks, *finished.remarks):
        Gimp.message(remark)
    return layers


def _show_progress(fraction: float, text: str) -> None:
    Gimp.progress_set_text(text)
    Gimp.progress_update(fraction)


def _layer_name(prompt: str) -> str:
    words = " ".join(prompt.split())
    return f"Photio: {words}" if words else "Photio: removed"
