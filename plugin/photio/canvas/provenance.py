"""How a layer was made, as parasites of the layer. docs/provenance.md describes them."""

from __future__ import annotations

import re

from gi.repository import Gimp

from bridge.protocol import LONGEST_PROVENANCE, PROVENANCE, Job, ProtocolError, job_again

#: Saved with the image, and attaching it to an inserted layer can be undone.
PERSISTENT, UNDOABLE = 1, 2

_FURTHER = re.compile(re.escape(PROVENANCE) + "-([2-9]|[1-9][0-9]{1,8})")


def attach(layer: Gimp.Layer, provenance: str) -> None:
    """Says how a layer was made that is not inserted yet."""
    layer.attach_parasite(Gimp.Parasite.new(PROVENANCE, PERSISTENT, provenance.encode()))


def attach_further(layer: Gimp.Layer, provenance: str) -> None:
    """Says how a further repair in an inserted layer was made.

    It gets a parasite of its own: one for all would be written, and kept for undo, as a whole with each repair.
    """
    name = f"{PROVENANCE}-{max([1, *_further(layer)]) + 1}"
    layer.attach_parasite(Gimp.Parasite.new(name, PERSISTENT | UNDOABLE, provenance.encode()))


def made_by(layer: Gimp.Layer) -> Job | None:
    """The job that made a layer, from its parasite; None if it has none.

    For a group, that of its first variation; for a retouch layer, that of its first repair.
    """
    for candidate in (layer, *(layer.get_children() if layer.is_group() else ())):
        if parasite := candidate.get_parasite(PROVENANCE):
            if (
                parasite.size > LONGEST_PROVENANCE
            ):  # a stranger's file can hold 256 MB, which would become a list of as many numbers
                return None
            try:
                return job_again(text_of(parasite))
            except ProtocolError:  # made by another program or a later version
                return None
    return None


def text_of(parasite: Gimp.Parasite) -> bytes:
    """What is in a parasite. PyGObject gives signed bytes."""
    return bytes(value & 0xFF for value in parasite.get_data())


def _further(layer: Gimp.Layer) -> list[int]:
    """The numbers of all repairs after the first one, in any order."""
    return [int(found[1]) for name in layer.get_parasite_list() if (found := _FURTHER.fullmatch(name))]
