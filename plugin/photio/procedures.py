"""The procedures: declares them to GIMP, and runs them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gi.repository import Gimp, GLib, GObject

import desktop_proxy
from arguments import Defaults, declare_all, declare_engine, declare_seed, job_of, seed_of, start_from
from bridge.common.i18n import _
from bridge.protocol import Job, Progress
from bridge.protocol.settings import AskSettings, SettingsReport
from bridge_process import Bridge, BridgeError
from canvas import generation, hiding, named_mask, reading, retouching
from canvas.provenance import made_by
from canvas.reading import Refusal
from windows import setup

MENU = "<Image>/Filters/Photio"


@dataclass(frozen=True)
class Declaration:
    """How the procedures that make layers differ; `defaults` is None for *Re-roll Layer*."""

    label: str
    blurb: str
    defaults: Defaults | None


MAKERS = {
    "photio-remove": Declaration(
        _("_Remove Object"),
        _("Removes what is selected, in a new layer"),
        Defaults(has_prompt=False),
    ),
    "photio-regenerate": Declaration(
        _("Re_generate…"),
        _("Regenerates what is selected from a description, in a new layer"),
        Defaults(has_prompt=True),
    ),
    "photio-reroll": Declaration(
        _("Re-ro_ll Layer"), _("Makes a Photio layer again with another seed, and hides the old one"), None
    ),
}

NAMES = (*MAKERS, "photio-history", "photio-settings")


def create(plug_in: Gimp.PlugIn, name: str) -> Gimp.Procedure:
    """Declares the procedure of that name, in the user's language. If that changes, GIMP queries all plug-ins again."""
    if name == "photio-settings":
        procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, _run_settings, None)
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
        return _described(procedure, _("_Settings…"), _("Key, engine, limits and history of Photio"))
    if name == "photio-history":
        procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, _run_history, None)
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.ALWAYS)
        _described(procedure, _("_History…"), _("Shows and inserts every result that Photio ever gave"))
    else:
        procedure = Gimp.ImageProcedure.new(plug_in, name, Gimp.PDBProcType.PLUGIN, _run, None)
        procedure.set_image_types("RGB*, GRAY*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        declared = MAKERS[name]
        _described(procedure, declared.label, declared.blurb)
        if declared.defaults:
            declare_all(procedure, declared.defaults)
        else:
            declare_seed(procedure)
            declare_engine(procedure)
    procedure.add_core_object_array_return_value(
        "layers", _("Layers"), _("The new layers, top to bottom"), Gimp.Layer.__gtype__, GObject.ParamFlags.READWRITE
    )
    return procedure


def _described(procedure: Gimp.Procedure, label: str, blurb: str) -> Gimp.Procedure:
    procedure.set_menu_label(label)
    procedure.add_menu_path(MENU)
    procedure.set_documentation(blurb, blurb, None)  # a help id would make GIMP offer a help page
    procedure.set_attribution("Photio for GIMP", "Photio for GIMP, GPL-3.0-or-later", "2026")
    return procedure


def _run(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: list[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _data: None,
) -> Gimp.ValueArray:
    """Runs a procedure that makes layers."""
    reading.start_gegl()
    defaults = MAKERS[procedure.get_name()].defaults

    def make() -> Gimp.ValueArray:
        layer = reading.single_layer(image, drawables)
        if defaults and defaults.has_prompt and run_mode == Gimp.RunMode.INTERACTIVE:
            from windows.regenerate.window import RegenerateWindow

            before = made_by(layer)
            if before and not retouching.is_retouch_layer(layer):
                start_from(config, before)
            window = RegenerateWindow(procedure, config, image, defaults)
            window.run()
            return _returned(procedure, window.inserted) if window.generated else _cancelled(procedure)
        job = job_of(config, layer, defaults) if defaults else _same_again(layer, config)
        insert_as = _insert_as(config, run_mode, defaults)
        mask_name = _mask_name(config, run_mode, defaults)
        returned = _returned(procedure, _regenerate(image, layer, job, insert_as, mask_name))
        if run_mode != Gimp.RunMode.NONINTERACTIVE:  # a script decides itself when its images are redrawn
            Gimp.displays_flush()
        return returned

    return _answered(procedure, run_mode, make, (image, *drawables))


def _insert_as(config: Gimp.ProcedureConfig, run_mode: Gimp.RunMode, defaults: Defaults | None) -> str | None:
    """What becomes of a result: "again" replaces another result, "new" and "retouch" are as in `insert-as`.

    None: as the settings say, because *Remove Object* asks nothing.
    """
    if not defaults:
        return "again"
    asks_nothing = not defaults.has_prompt and run_mode != Gimp.RunMode.NONINTERACTIVE
    return None if asks_nothing else str(config.get_property("insert-as"))


def _mask_name(config: Gimp.ProcedureConfig, run_mode: Gimp.RunMode, defaults: Defaults | None) -> str:
    """What is used instead of the selection. Only scripts say that: who chooses a command sees the selection."""
    if not defaults or run_mode != Gimp.RunMode.NONINTERACTIVE:
        return ""
    return str(config.get_property("mask-name") or "")  # None if nobody set it


def _run_history(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image | None,
    _drawables: list[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _data: None,
) -> Gimp.ValueArray:
    """Opens the window of *History…*."""
    reading.start_gegl()
    from windows.history import window

    return _answered(procedure, run_mode, lambda: _returned(procedure, window.show(image)), (image,) if image else ())


def _run_settings(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    _image: Gimp.Image | None,
    _drawables: list[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _data: None,
) -> Gimp.ValueArray:
    """Opens the window of *Settings…*."""
    from windows.settings import window

    def show() -> Gimp.ValueArray:
        window.show()
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)

    return _answered(procedure, run_mode, show)


def _answered(
    procedure: Gimp.Procedure,
    run_mode: Gimp.RunMode,
    act: Callable[[], Gimp.ValueArray],
    needed: tuple[Gimp.Image | Gimp.Item, ...] = (),
) -> Gimp.ValueArray:
    """What `act` returns. Errors are returned to GIMP as one sentence.

    Where Photio is not set up, or is damaged, a window sets it up. Then `act` is called again, once.

    Args:
        needed: what `act` works on.
    """
    try:
        try:
            return act()
        except BridgeError as error:
            if error.code not in setup.HELPS:
                raise
            if not _set_up(error.code, run_mode):
                return _cancelled(procedure)
        if not all(item.is_valid() for item in needed):
            raise Refusal(_("The image or the layer is gone that was to be worked on; Photio is set up now."))
        return act()
    except (Refusal, BridgeError) as error:
        sentence = str(error)
    except OSError as error:
        sentence = reading.unreadable(error)
    failure = GLib.Error.new_literal(Gimp.PlugIn.error_quark(), sentence, 0)
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, failure)


def _set_up(code: str, run_mode: Gimp.RunMode) -> bool:
    """Shows the window that sets Photio up. Returns whether it is set up now.

    Args:
        code: one of `setup.HELPS`.

    Raises:
        Refusal: a script runs, so nobody can be asked.
    """
    if run_mode == Gimp.RunMode.NONINTERACTIVE:
        raise Refusal(setup.needed(code))
    from windows.setup import window

    return window.show(damaged=code == "damaged")


def _cancelled(procedure: Gimp.Procedure) -> Gimp.ValueArray:
    return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)


def _returned(procedure: Gimp.Procedure, layers: list[Gimp.Layer]) -> Gimp.ValueArray:
    """Success, with the layers. PyGObject cannot make an array of objects, so this takes one from a config."""
    returned = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    valid = [layer for layer in layers if layer.is_valid()]
    if not valid:  # none inserted, or deleted since: a config rejects an empty array
        return returned
    carrier = Gimp.get_pdb().lookup_procedure("gimp-image-set-selected-layers").create_config()
    carrier.set_core_object_array("layers", valid)
    value = GObject.Value()
    value.init(GObject.type_from_name("GimpCoreObjectArray"))
    value.set_boxed(carrier.get_property("layers"))
    returned.remove(1)
    returned.insert(1, value)
    return returned


def _same_again(layer: Gimp.Layer, config: Gimp.ProcedureConfig) -> Job:
    job = made_by(layer)
    if job is None:
        raise Refusal(_("This layer does not say how it was made: select a layer that Photio made, then try again."))
    return replace(job, seed=seed_of(config), engine=config.get_property("engine"))


def _regenerate(
    image: Gimp.Image, layer: Gimp.Layer, job: Job, insert_as: str | None, mask_name: str
) -> list[Gimp.Layer]:
    """All steps of one job, without a window.

    Args:
        insert_as: see `_insert_as`.
        mask_name: what is used instead of the selection; empty: the selection.
    """
    bridge = Bridge(_show_progress)  # first, because it takes time to start
    try:
        with named_mask.selecting(image, mask_name) as selecting:
            captured, job = generation.capture(image, layer, job, insert_as == "again", selecting)
            insert_as = insert_as or bridge.ask(AskSettings(with_keyring=False), SettingsReport).preferences.insert_as
            if insert_as == "retouch":
                captured = retouching.collecting(captured)
                if job.variations > 1:
                    raise Refusal(_("The retouch layer takes one result at a time: set Variations to 1."))
            remarks = hiding.remarks(captured)
            Gimp.progress_init("Photio")
            draft = generation.open_draft(bridge)
            planned = generation.plan(bridge, draft, captured, job)
        generation.export(draft, captured, planned)
        desktop_proxy.tell(bridge, planned.origin)
        outcome = generation.run(bridge, draft, captured, job)
        layers = generation.insert(bridge, outcome)
    finally:
        bridge.close()
        Gimp.progress_end()
    for remark in (*remarks, *planned.remarks, *outcome.finished.remarks):
        Gimp.message(remark)
    return layers


def _show_progress(progress: Progress) -> None:
    Gimp.progress_set_text(progress.text)
    Gimp.progress_update(progress.fraction)
