"""The procedures: capture → bridge → place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gi.repository import Gegl, Gimp, GLib, GObject

import canvas
from arguments import Defaults, declare_all, declare_engine, declare_seed, job_of, seed_of, start_from
from bridge.protocol import (
    PROVENANCE,
    SELECTION_FILE,
    Finished,
    Job,
    Open,
    Opened,
    Placed,
    Plan,
    Planned,
    ProtocolError,
    Run,
    job_again,
)
from bridge_process import Bridge, BridgeError
from canvas import Capture, Refusal
from placing import place


@dataclass(frozen=True)
class Declaration:
    """What distinguishes the procedures; `defaults` is None for *Re-roll Layer*."""

    label: str
    blurb: str
    defaults: Defaults | None


PROCEDURES = {
    "photio-remove": Declaration(
        "_Remove Object", "Removes what is selected, in a new layer", Defaults(False, grow=6, feather=3)
    ),
    "photio-regenerate": Declaration(
        "Re_generate…",
        "Regenerates what is selected from a description, in a new layer",
        Defaults(True, grow=0, feather=0),
    ),
    "photio-reroll": Declaration(
        "Re-ro_ll Layer", "Makes a Photio layer again with another seed, and hides the old one", None
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
    if declared.defaults:
        declare_all(procedure, declared.defaults)
    else:
        declare_seed(procedure)
        declare_engine(procedure)
    procedure.add_core_object_array_return_value(
        "layers", "Layers", "The new layers, top to bottom", Gimp.Layer.__gtype__, GObject.ParamFlags.READWRITE
    )
    return procedure


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
    defaults = PROCEDURES[procedure.get_name()].defaults
    try:
        layer = canvas.single_layer(image, drawables)
        if defaults and defaults.has_prompt and run_mode == Gimp.RunMode.INTERACTIVE:
            from regenerate_dialog import ask

            if before := _made_by(layer, image):
                start_from(config, before)
            if not ask(procedure, config):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
        job = job_of(config, image, layer, defaults) if defaults else _same_again(layer, image, config)
        layers = _regenerate(*_captured(image, layer, job, again=not defaults))
    except (Refusal, BridgeError) as error:
        return _failed(procedure, str(error))
    except OSError as error:
        return _failed(
            procedure, f"Photio could not read or write {error.filename}: {error.strerror}. Mend that, then try again."
        )
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


def _made_by(layer: Gimp.Layer, image: Gimp.Image) -> Job | None:
    """The job that made a layer, as far as it says so; of a group of variations: the first one's."""
    for candidate in (layer, *(layer.get_children() if layer.is_group() else ())):
        if parasite := candidate.get_parasite(PROVENANCE):
            try:
                told = bytes(value & 0xFF for value in parasite.get_data())  # PyGObject takes bytes for signed
                return job_again(told, image.get_name())
            except ProtocolError:  # a stranger's, or a later version's
                return None
    return None


def _same_again(layer: Gimp.Layer, image: Gimp.Image, config: Gimp.ProcedureConfig) -> Job:
    job = _made_by(layer, image)
    if job is None:
        raise Refusal("This layer does not say how it was made: select a layer that Photio made, then try again.")
    return replace(job, seed=seed_of(config), engine=config.get_property("engine"))


def _captured(image: Gimp.Image, layer: Gimp.Layer, job: Job, again: bool) -> tuple[Capture, Job]:
    """What to work on. A layer of ours with nothing selected means its own area, of what it was made of."""
    before = _made_by(layer, image)
    if before and (again or Gimp.Selection.is_empty(image)):
        source = _source(image, layer, before)
        captured = canvas.capture_again(image, layer, source, job.sample)
        # the mask is already grown and feathered, or painted on since
        return captured, replace(job, grow=0, feather=0, source=source.get_tattoo())
    whole_layer = bool(job.prompt.strip()) or job.fill_transparent
    return canvas.capture(image, layer, layer, job.sample, whole_layer), job


def _source(image: Gimp.Image, layer: Gimp.Layer, before: Job) -> Gimp.Layer:
    """The layer that a result was made of, or, where that is gone, the next one below that is not ours."""
    source = image.get_layer_by_tattoo(before.source) if before.source > 0 else None
    if source and source.get_id() != layer.get_id():
        return source
    below = list(canvas.every_layer(image))
    below = below[[other.get_id() for other in below].index(layer.get_id()) + 1 :]
    for other in below:
        if not other.is_group() and not other.get_parasite(PROVENANCE):
            return other
    raise Refusal("The layer that this one was made of is gone: use Regenerate… on another layer.")


def _regenerate(captured: Capture, job: Job) -> list[Gimp.Layer]:
    """The whole way of one job."""
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
        layers = place(captured, finished, folder, _layer_name(job.prompt))
        bridge.mention(Placed())
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
