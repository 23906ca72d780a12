"""Every kind of image, layer and selection: exact outside, right inside, and the right mask on the wire.

All pairs of the kinds below are tried (not all combinations): `pairwise` picks images that together hold each pair.
"""

import array
import itertools
import json

import pytest
from gi.repository import Gegl, Gimp, Gio

from bridge.protocol import PROVENANCE
from support import add_layer, every_layer, make_image, pixels, run, select

KINDS = {
    "precision": [
        "U8_NON_LINEAR", "U8_LINEAR", "U16_NON_LINEAR", "U16_LINEAR", "U32_NON_LINEAR", "HALF_LINEAR",
        "HALF_NON_LINEAR", "FLOAT_NON_LINEAR", "FLOAT_LINEAR", "DOUBLE_LINEAR",
    ],
    "base": ["RGB", "GRAY"],
    "profile": ["built-in", "wide", "linear"],
    "layer": ["full", "offset", "negative", "small", "in-group", "group", "masked", "effect", "text"],
    "selection": ["hard", "feathered", "islands", "edge", "everything", "pixel"],
}  # fmt: skip

WIDTH, HEIGHT = 200, 160
GROW, FEATHER = 4, 3


def pairwise(kinds):
    """Few combinations that hold every pair of values of any two kinds: the greedy choice, always the same."""
    names = list(kinds)
    missing = {((a, x), (b, y)) for a, b in itertools.combinations(names, 2) for x in kinds[a] for y in kinds[b]}
    combinations = [dict(zip(names, values, strict=True)) for values in itertools.product(*kinds.values())]
    held = [set(itertools.combinations(combination.items(), 2)) for combination in combinations]
    while missing:
        best = max(range(len(combinations)), key=lambda index: len(held[index] & missing))
        missing -= held[best]
        yield combinations[best]


CASES = list(pairwise(KINDS))


def profile_of(kind, base):
    """A colour profile, or None for the built-in one."""
    if kind == "built-in":
        return None
    if base == "GRAY":
        return Gimp.ColorProfile.new_d65_gray_linear() if kind == "linear" else Gimp.ColorProfile.new_d50_gray_lab_trc()
    return Gimp.ColorProfile.new_rgb_srgb_linear() if kind == "linear" else Gimp.ColorProfile.new_rgb_adobe()


def make(case):
    """The image and the layer that is to be repaired."""
    base = getattr(Gimp.ImageBaseType, case["base"])
    profile = profile_of(case["profile"], case["base"])
    image = make_image(WIDTH, HEIGHT, base, getattr(Gimp.Precision, case["precision"]), profile)
    kind = case["layer"]
    if kind == "full":
        return image, image.get_layers()[0]
    if kind == "text":
        font = Gimp.context_get_font()
        layer = Gimp.TextLayer.new(image, "Photio\nPhotio", font, 60, Gimp.Unit.pixel())
        image.insert_layer(layer, None, 0)
        return image, layer
    if kind in ("in-group", "group"):
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        layer = add_layer(image, "inner", WIDTH, HEIGHT, parent=group)
        return image, group if kind == "group" else layer
    places = {"offset": (150, 120, 30, 20), "negative": (180, 150, -20, -30), "small": (90, 60, 80, 50)}
    layer = add_layer(image, kind, *places.get(kind, (WIDTH, HEIGHT, 0, 0)), alpha=kind != "offset")
    if kind == "masked":
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mask)
        mask.get_buffer().set(Gegl.Rectangle.new(0, 0, WIDTH, HEIGHT // 3), "Y u8", bytes(WIDTH * (HEIGHT // 3)))
        mask.update(0, 0, WIDTH, HEIGHT)
    if kind == "effect":
        layer.append_filter(Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", "inverted"))
    return image, layer


def choose(image, kind):
    """Selects; the box of all that is selected at all."""
    if kind == "everything":
        Gimp.Selection.all(image)
    elif kind == "pixel":
        select(image, 90, 75, 1, 1)
    elif kind == "edge":
        select(image, 150, 40, 50, 60)
    else:
        select(image, 70, 60, 40, 30)
    if kind == "feathered":
        Gimp.Selection.feather(image, 10)
    if kind == "islands":
        image.select_rectangle(Gimp.ChannelOps.ADD, 20, 20, 10, 10)
    _, _, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
    return x1, y1, x2, y2


def values(image, precision):
    """All values of the rendered image, as they are stored."""
    copy = image.duplicate()
    looks = Gimp.Layer.new_from_visible(copy, copy, "visible")
    # taken for sRGB they are read as they are: a conversion's last bit may depend on where in memory a pixel lies
    gray = image.get_base_type() == Gimp.ImageBaseType.GRAY
    copy.set_color_profile(Gimp.ColorProfile.new_d65_gray_srgb_trc() if gray else Gimp.ColorProfile.new_rgb_srgb())
    copy.insert_layer(looks, None, 0)
    stored = array.array(
        "d", pixels(looks, "RGBA double" if "_LINEAR" in precision and "NON" not in precision else "R'G'B'A double")
    )
    copy.delete()
    return stored


def tolerated(precision):
    """How far values may differ where nothing was done: the rounding of GIMP's own compositing."""
    return 5e-7 if precision.startswith(("U32", "FLOAT", "DOUBLE")) else 0


def differences(before, after, tolerance):
    """The pixels that differ, and by how much: {(x, y): difference}."""
    if before == after:
        return {}
    return {
        (index // 4 % WIDTH, index // 4 // WIDTH): abs(one - other)
        for index, (one, other) in enumerate(zip(before, after, strict=True))
        if abs(one - other) > tolerance
    }


def outside(touched, box, reach):
    """Those of the pixels that are not in the box grown by `reach`."""
    x1, y1, x2, y2 = box
    return {
        (x, y): by
        for (x, y), by in touched.items()
        if not (x1 - reach <= x < x2 + reach and y1 - reach <= y < y2 + reach)
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
def test_exact_outside_and_faithful_inside(server, case):
    image, layer = make(case)
    box = choose(image, case["selection"])
    before = values(image, case["precision"])
    sources = {each.get_id(): pixels(each, "RGBA double") for each in every_layer(image) if not each.is_group()}

    server.script({"answer": "invert"}, {"answer": "invert"})
    painted = run("photio-remove", image, [layer], grow=GROW, feather=FEATHER, resolution="native")
    touched = differences(before, values(image, case["precision"]), tolerated(case["precision"]))
    assert not outside(touched, box, GROW + FEATHER)
    assert {each.get_id(): pixels(each, "RGBA double") for each in every_layer(image) if each.get_id() in sources} == (
        sources
    )
    for each in painted:
        if each.get_parasite(PROVENANCE):  # a soft layer is in a group by now
            image.remove_layer(each)

    server.script()
    run("photio-remove", image, [layer], grow=GROW, feather=FEATHER, resolution="native", match_grain=False)
    if case["layer"] not in ("group", "effect"):
        now = values(image, case["precision"])
        # one step of 8 bits in sRGB, and in the image's own precision and primaries
        assert max(differences(before, now, 0).values(), default=0) <= 1.5 / 255


@pytest.mark.parametrize("precision", ["U16_NON_LINEAR", "FLOAT_NON_LINEAR"])
def test_a_reroll_is_exact_outside_too(server, precision):
    image = make_image(
        WIDTH, HEIGHT, Gimp.ImageBaseType.RGB, getattr(Gimp.Precision, precision), profile_of("wide", "RGB")
    )
    box = choose(image, "hard")
    before = values(image, precision)
    server.script({"answer": "invert"}, {"answer": "invert"})
    (old,) = run("photio-remove", image, grow=GROW, feather=FEATHER, resolution="native")
    run("photio-reroll", image, [old])
    assert not outside(differences(before, values(image, precision), 0), box, GROW + FEATHER)


def png(path):
    """The gray values of a PNG file, and its size."""
    loaded = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path(str(path)))
    layer = loaded.get_layers()[0]
    read = pixels(layer, "Y' u8"), layer.get_width(), layer.get_height()
    loaded.delete()
    return read


@pytest.mark.parametrize("kind", KINDS["selection"])
def test_the_mask_on_the_wire_is_black_just_where_the_layer_shows_something(server, journal, kind):
    image = make_image(WIDTH, HEIGHT)
    choose(image, kind)
    (layer,) = run("photio-remove", image, grow=GROW, feather=FEATHER, resolution="native", areas="together")
    (folder,) = journal()
    record = json.loads((folder / "request.json").read_text())
    (crop,) = record["crops"]
    (left, top, width, height), (pad_left, pad_top, *_rest) = crop["box"], crop["padding"]
    sent, sent_width, _height = png(folder / "mask-1.png")
    shown = pixels(layer.get_mask(), "Y u8")
    _, x, y = layer.get_offsets()
    for row in range(height):
        for column in range(width):
            inside_x, inside_y = left + column - x, top + row - y
            inside = 0 <= inside_x < layer.get_width() and 0 <= inside_y < layer.get_height()
            visible = inside and shown[inside_y * layer.get_width() + inside_x] > 0
            assert (sent[(row + pad_top) * sent_width + column + pad_left] == 0) == visible, (row, column)
