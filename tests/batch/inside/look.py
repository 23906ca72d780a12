"""Writes what GIMP finds in files as JSON: the first argument is the file to write, the others are looked at."""

import hashlib
import json
import sys
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio


def every(layers):
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from every(layer.get_children())


def digest(drawable):
    """Of all pixels, as they are stored."""
    buffer = drawable.get_buffer()
    box = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    return hashlib.sha256(buffer.get(box, 1.0, None, Gegl.AbyssPolicy.NONE)).hexdigest()


def told(layer):
    mask = layer.get_mask()
    return {
        "name": layer.get_name(),
        "parent": layer.get_parent().get_name() if layer.get_parent() else None,
        "offsets": list(layer.get_offsets())[1:],
        "mode": layer.get_mode().value_nick,
        "opacity": layer.get_opacity(),
        "visible": layer.get_visible(),
        "filters": [each.get_operation_name() for each in layer.get_filters()],
        "mask": digest(mask) if mask else None,
        "pixels": None if layer.is_group() else digest(layer),
        "parasites": layer.get_parasite_list(),
    }


def look(path):
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(path))
    profile = image.get_color_profile()
    found = {
        "layers": [told(layer) for layer in every(image.get_layers())],
        "size": [image.get_width(), image.get_height()],
        "precision": image.get_precision().value_nick,
        "base": image.get_base_type().value_nick,
        "profile": profile.get_label() if profile else None,
        "channels": {channel.get_name(): digest(channel) for channel in image.get_channels()},
        "selection": digest(image.get_selection()),
        "selected": [layer.get_name() for layer in image.get_selected_layers()],
    }
    image.delete()
    return found


Path(sys.argv[1]).write_text(json.dumps({path: look(path) for path in sys.argv[2:]}))
