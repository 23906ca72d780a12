"""Places results: has each layer built completely, then inserts it into the image."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gi.repository import Gimp

from bridge.common.i18n import _
from bridge.protocol import Finished
from canvas import retouching, stacking
from canvas.building import Files, build, closed, deleted_on_failure, moved
from canvas.reading import Capture, Refusal, bounds, locked_group
from canvas.stacking import Stacking, Target


def place(captured: Capture, finished: Finished, folder: Path, name: str) -> list[Gimp.Layer]:
    """Inserts the results where what was captured is repaired; see `place_at`.

    Raises:
        Refusal: also if the image was scaled, rotated or cropped meanwhile.
    """
    target = captured.target
    if captured.image.is_valid():
        if captured.before and not _is_enlarged(captured):
            target = replace(target, enlarged=(*captured.canvas, *captured.before[:2]))
        elif not captured.before:
            finished = moved(finished, *_shift(captured))
    return place_at(target, finished, folder, name)


def place_at(target: Target, finished: Finished, folder: Path, name: str) -> list[Gimp.Layer]:
    """Inserts the results, with one undo step. Selected layers stay selected.

    Several variations are put into a group with a common mask; only the first one is visible. They never go into the
    retouch layer. The image is redrawn only after `Gimp.displays_flush`, which keeps GIMP busy for a while.

    Args:
        finished: the results.
        folder: the folder of their files.
        name: of the new layer.

    Returns:
        The variations' layers, or the retouch layer.

    Raises:
        Refusal: the image cannot take the result now. Its layers stay as they were.
        OSError: the result's files cannot be read. The image stays as it was.
    """
    if target.hidden and not target.hidden.is_valid():
        target = replace(target, hidden=None)
    collected = target.collected if len(finished.results) == 1 else None
    if collected and collected.source and not collected.source.is_valid():
        collected = None
    with _errors_are_ours():
        kind = _kind(target)
        while collected and (layer := retouching.find(target.image, collected)):
            if _add(target, layer, finished, Files(folder)):
                return [layer]
        if collected:
            finished, name = retouching.begun(target, finished), _("Photio: retouch")
        soft = Files(folder).soft(finished)
        while True:
            chosen = stacking.decide(target, soft)
            layer = build(target, chosen, finished, folder, name)
            with deleted_on_failure(layer):
                if collected:
                    retouching.mark(layer, collected)
                # the user goes on working, and may have changed the image while the layer was built
                built_for, kind = (kind, chosen), _kind(target)
                if built_for == (kind, stacking.decide(target, soft)):
                    _insert(target, chosen, layer)
                    return layer.get_children() if len(finished.results) > 1 else [layer]
                layer.delete()


def _add(target: Target, layer: Gimp.Layer, finished: Finished, files: Files) -> bool:
    """Puts a result into the retouch layer. Returns False if the user changed the image meanwhile.

    Raises:
        Refusal: nothing may be put there.
    """

    def state() -> tuple[object, ...]:
        if not target.image.is_valid() or not layer.is_valid():
            return (_kind(target),)
        if retouching.is_locked(layer):
            sentence = _(
                "The retouch layer “{name}” was locked meanwhile: unlock it, then insert the result from Filters > "
                "Photio > History."
            )
            raise Refusal(sentence.format(name=layer.get_name()))
        return (_kind(target), bounds(layer), bool(layer.get_mask()), stacking.decide(target, soft))

    soft = retouching.is_clipped(layer) or files.soft(finished)
    before = state()
    chosen = stacking.decide(target, soft)
    with retouching.composited(layer, finished, replace(files, opaque=chosen.clipped)) as new:
        if state() != before:
            return False
        retouching.add(target, chosen, layer, finished, new)
    return True


def _shift(captured: Capture) -> tuple[int, int]:
    """How far the layer has moved because the canvas was resized, in px.

    Raises:
        Refusal: the layer was resized, too, or is gone.
    """
    if (captured.image.get_width(), captured.image.get_height()) == captured.canvas:
        return (0, 0)
    if captured.layer.is_valid():
        x, y, *size = bounds(captured.layer)
        left, top, *size_before = captured.where
        if size == size_before:
            return (x - left, y - top)
    raise _unfit()


def _is_enlarged(captured: Capture) -> bool:
    """Whether the canvas has become larger already, with another result for the same edges.

    Raises:
        Refusal: it has changed in another way.
    """
    assert captured.before
    size, layer = (captured.image.get_width(), captured.image.get_height()), captured.layer
    left, top, *old = captured.before
    x, y, *layer_size = captured.where
    if size == tuple(old):
        return False
    if size == captured.canvas and (not layer.is_valid() or bounds(layer) == (x + left, y + top, *layer_size)):
        return True
    raise _unfit()


def _unfit() -> Refusal:
    return Refusal(
        _(
            "The image was scaled, rotated or cropped meanwhile, so the result does not fit it. Undo that, then insert "
            "the result from Filters > Photio > History."
        )
    )


def _kind(target: Target) -> tuple[object, ...]:
    """The properties of the image that a new layer must share: base type, precision and profile.

    Raises:
        Refusal: no result can be placed in the image, or not there.
    """
    image, below = target.image, target.below
    if not image.is_valid():
        raise closed()
    base = image.get_base_type()
    if base == Gimp.ImageBaseType.INDEXED:
        sentence = _(
            "The image is indexed now: convert it with Image > Mode > RGB, then insert the result from "
            "Filters > Photio > History."
        )
        raise Refusal(sentence)
    if below and below.is_valid() and (locked := locked_group(below)):
        sentence = _(
            "The layer group “{name}” was locked meanwhile: unlock its pixels, then insert the result from Filters > "
            "Photio > History."
        )
        raise Refusal(sentence.format(name=locked.get_name()))
    profile = image.get_color_profile()
    return (base, image.get_precision(), profile.get_icc_profile() if profile else b"")


@contextlib.contextmanager
def _errors_are_ours() -> Iterator[None]:
    """Keeps GIMP from showing its own messages about failed calls: the user sees one sentence, ours."""
    plug_in = Gimp.get_plug_in()
    before = plug_in.get_pdb_error_handler()
    plug_in.set_pdb_error_handler(Gimp.PDBErrorHandler.PLUGIN)
    try:
        yield
    finally:
        plug_in.set_pdb_error_handler(before)


def _insert(target: Target, chosen: Stacking, layer: Gimp.Layer) -> None:
    """The insertion, as one undo step.

    Raises:
        Refusal: GIMP refused it, because the image was converted at this very moment, for example. An empty undo step
            stays then, which cannot be removed.
    """
    image, below = target.image, chosen.below
    before = image.get_selected_layers()
    image.undo_group_start()
    try:
        parent, position = None, 0
        old = (image.get_width(), image.get_height())
        if target.enlarged:
            image.resize(*target.enlarged)
        if chosen.isolated:
            with_it = below if below and below.get_parent() == chosen.isolated.get_parent() else None
            parent = stacking.isolate(image, chosen.isolated)
            if with_it and with_it != chosen.isolated and retouching.is_retouch_layer(with_it):
                image.reorder_item(with_it, parent, 0)
        elif below:
            parent, position = below.get_parent(), image.get_item_position(below)
        if not image.insert_layer(layer, parent, position):
            reason = Gimp.get_pdb().get_last_error()
            if chosen.isolated and image.is_valid():
                stacking.release(image, parent, chosen.isolated)
            if target.enlarged and image.is_valid():
                image.resize(*old, -target.enlarged[2], -target.enlarged[3])
            sentence = _("GIMP could not insert the layer ({reason}): the result is in Filters > Photio > History.")
            raise Refusal(sentence.format(reason=reason)) if image.is_valid() else closed()
        if target.hidden:
            target.hidden.set_visible(False)
        image.set_selected_layers(before)
    finally:
        image.undo_group_end()
