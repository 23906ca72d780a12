"""Any stack of layers: after a repair, the image looks as if the layer's own pixels had been repaired."""

import pytest
from gi.repository import Gimp

from support import PdbError, add_layer, box, every_layer, pixels, rendered, run, select

RED = {"answer": "colour", "rgb": [255, 0, 0]}
from bridge.protocol import PROVENANCE, Finished, Patch, Result  # noqa: E402
from canvas import hiding, reading  # noqa: E402
from canvas.placing import place_at  # noqa: E402
from canvas.stacking import target_of  # noqa: E402

AS_IT_IS = {"match_colour": False, "match_grain": False, "grow": 0, "feather": 0}
SIDE = 64
INSIDE = (16, 16, 32, 32)
BLUE = (60, 120, 200)

MODES = sorted(
    name
    for name in dir(Gimp.LayerMode)
    if name.isupper()
    and name not in ("SEPARATOR", "PASS_THROUGH")
    and isinstance(getattr(Gimp.LayerMode, name), int | Gimp.LayerMode)
)


def paint(layer, rgb, alpha=255, where=None):
    """Fills a layer, or a part of it, with one colour."""
    x, y, width, height = where or (0, 0, layer.get_width(), layer.get_height())
    layer.get_buffer().set(box(x, y, width, height), "R'G'B'A u8", bytes((*rgb, alpha)) * (width * height))
    layer.update(x, y, width, height)


def stack(*below, side=SIDE, precision=Gimp.Precision.U8_NON_LINEAR):
    """An image with opaque layers of these colours, from the bottom."""
    image = Gimp.Image.new_with_precision(side, side, Gimp.ImageBaseType.RGB, precision)
    for rgb in below:
        paint(add_layer(image, "below", side, side), rgb)
    return image


def layer_on(image, rgb=BLUE, alpha=255, **properties):
    """A layer of one colour on top, with these properties."""
    layer = add_layer(image, "layer", image.get_width(), image.get_height(), alpha=True)
    paint(layer, rgb, alpha)
    for name, value in properties.items():
        getattr(layer, f"set_{name}")(value)
    return layer


def at(image, x=32, y=32):
    """The pixel of the image as it looks."""
    place = 4 * (y * image.get_width() + x)
    return tuple(rendered(image)[place : place + 4])


def close(one, other, by=1):
    """Whether values differ by so much at the most."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= by


def repaired(image, layer, **arguments):
    """Repairs the middle of a layer; the layer with the result."""
    select(image, *INSIDE)
    return next(
        new for new in run("photio-remove", image, [layer], **{**AS_IT_IS, **arguments}) if new.get_parasite(PROVENANCE)
    )


@pytest.mark.parametrize(
    ("below", "properties", "alpha", "expected"),
    [
        ((0, 0, 0), {"opacity": 40}, 255, (170, 0, 0)),
        ((128, 128, 128), {"mode": Gimp.LayerMode.MULTIPLY}, 255, (128, 0, 0)),
        ((255, 255, 255), {}, 128, None),
        ((255, 255, 255), {}, 255, (255, 0, 0)),
    ],
    ids=["40 %", "multiply", "soft", "plain"],
)
def test_the_repair_is_composited_as_the_layer_is(server, below, properties, alpha, expected):
    server.script(RED)
    image = stack(below)
    layer = layer_on(image, alpha=alpha, **properties)
    before, source = rendered(image), pixels(layer)
    truth = image.duplicate()
    paint(truth.get_layers()[0], (255, 0, 0), alpha, INSIDE)
    repaired(image, layer)
    assert close(at(image), at(truth))
    if expected:
        assert close(at(image)[:3], expected)
    assert rendered(image)[: 4 * SIDE * 16] == before[: 4 * SIDE * 16]
    assert pixels(layer) == source
    truth.delete()


def test_an_opaque_layer_gets_no_group(server):
    image = stack((0, 0, 0))
    result = repaired(image, layer_on(image))
    assert [layer.get_name() for layer in every_layer(image)] == ["Photio: removed", "layer", "below"]
    assert result.get_composite_mode() == Gimp.LayerCompositeMode.AUTO


def test_another_repair_goes_into_the_same_group(server):
    server.script(RED, RED)
    image = stack((0, 0, 0))
    layer = layer_on(image, opacity=40, mode=Gimp.LayerMode.SCREEN)
    first = repaired(image, layer)
    (group,) = (each for each in image.get_layers() if each.is_group())
    assert group.get_name() == "layer (retouched)"
    assert (group.get_mode(), group.get_opacity()) == (Gimp.LayerMode.SCREEN, 40)
    assert (layer.get_mode(), layer.get_opacity()) == (Gimp.LayerMode.NORMAL, 100)
    assert image.get_selected_layers() == [layer]
    second = repaired(image, layer)
    assert [each.get_id() for each in every_layer(image)[:4]] == [
        each.get_id() for each in (group, first, second, layer)
    ]


def test_the_selected_layers_mask_is_kept_and_hides_the_repair_too(server):
    server.script(RED)
    image = stack((255, 255, 255))
    layer = layer_on(image)
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    mask.get_buffer().set(box(0, 0, 32, SIDE), "Y u8", bytes(32 * SIDE))
    mask.get_buffer().set(box(32, 0, 8, SIDE), "Y u8", bytes([128]) * 8 * SIDE)
    coverage = pixels(mask, "Y u8")
    truth = image.duplicate()
    paint(truth.get_layers()[0], (255, 0, 0), 255, INSIDE)
    repaired(image, layer)
    for x in (20, 35, 44):
        assert close(at(image, x), at(truth, x)), x
    assert pixels(mask, "Y u8") == coverage
    mask.get_buffer().set(box(0, 0, SIDE, SIDE), "Y u8", b"\xff" * SIDE * SIDE)
    mask.update(0, 0, SIDE, SIDE)
    assert close(at(image, 20), (255, 0, 0, 255))  # whoever paints the mask later sees the repair
    truth.delete()


def test_a_mask_that_gimp_shows_instead_of_the_layer_is_not_sent(server):
    image = stack((255, 255, 255))
    layer = layer_on(image)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.WHITE))
    layer.set_show_mask(True)
    result = repaired(image, layer)
    assert close(pixels(result)[:3], BLUE)
    assert layer.get_show_mask()


def test_several_variations_are_composited_as_the_layer_is(server):
    server.script(RED, RED)
    image = stack((128, 128, 128))
    layer = layer_on(image, mode=Gimp.LayerMode.MULTIPLY, alpha=128)
    truth = image.duplicate()
    paint(truth.get_layers()[0], (255, 0, 0), 128, INSIDE)
    repaired(image, layer, variations=2)
    assert close(at(image), at(truth))
    truth.delete()


def test_a_reroll_is_composited_as_the_layer_is(server):
    server.script(RED, RED)
    image = stack((128, 128, 128))
    layer = layer_on(image, mode=Gimp.LayerMode.MULTIPLY, alpha=128)
    first = repaired(image, layer)
    once = rendered(image)
    (second,) = run("photio-reroll", image, [first])
    assert not first.get_visible()
    assert second.get_parent() == first.get_parent()
    assert rendered(image) == once


def looks(image):
    """Every pixel of the image as it looks; of transparent ones only the alpha."""
    visible = Gimp.Layer.new_from_visible(image, image, "visible")
    shown = pixels(visible, "RaGaBaA u8")
    visible.delete()
    return shown


def finished(folder, rgb, alpha):
    """A result of one colour in the middle, and its files: as the bridge writes them."""
    width, height = INSIDE[2:]
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode()
    pixel = bytes(value for channel in (*rgb, alpha) for value in (channel, channel))
    (folder / "result.pam").write_bytes(header + pixel * (width * height))
    (folder / "mask.pgm").write_bytes(f"P5\n{width} {height}\n255\n".encode() + b"\xff" * (width * height))
    result = Result((Patch("result.pam", INSIDE),), 1, 1, "{}")
    return Finished(INSIDE, (Patch("mask.pgm", INSIDE),), (result,), ())


@pytest.mark.parametrize("answer", [BLUE, (255, 0, 0)], ids=["same", "red"])
@pytest.mark.parametrize("opacity", [100, 40])
@pytest.mark.parametrize("alpha", [255, 128])
@pytest.mark.parametrize("group", [None, "NORMAL", "PASS_THROUGH", "MULTIPLY"])
def test_in_every_mode_it_looks_as_if_the_layer_had_been_repaired(tmp_path, answer, opacity, alpha, group):
    wrong, result = [], finished(tmp_path, answer, alpha)
    for mode in MODES:
        image = stack((128, 128, 128), (50, 180, 100))
        layer = layer_on(image, alpha=alpha, mode=getattr(Gimp.LayerMode, mode), opacity=opacity)
        if group:
            outer = Gimp.GroupLayer.new(image, "outer")
            image.insert_layer(outer, None, 0)
            image.reorder_item(layer, outer, 0)
            outer.set_mode(getattr(Gimp.LayerMode, group))
            outer.set_opacity(70)
        paint(layer, answer, alpha, INSIDE)
        expected = looks(image)
        paint(layer, BLUE, alpha, INSIDE)
        place_at(target_of(image, "layer", layer, layer, None), result, tmp_path, "repair")
        if not close(looks(image), expected):
            wrong.append((mode, at(image)))
        image.delete()
    assert not wrong


@pytest.mark.parametrize("inner", [False, True], ids=["layer", "group"])
def test_what_would_not_be_seen_is_refused_before_anything_is_sent(server, inner):
    image = stack((0, 0, 0))
    layer = layer_on(image)
    if inner:
        group = Gimp.GroupLayer.new(image, "dark")
        image.insert_layer(group, None, 0)
        image.reorder_item(layer, group, 0)
        group.set_visible(False)
    else:
        layer.set_visible(False)
    with pytest.raises(PdbError, match="The layer group “dark” is hidden" if inner else "The layer “layer” is hidden"):
        repaired(image, layer)
    assert not server.requests
    if not inner:
        run("photio-remove", image, [layer], sample="visible")


def test_a_group_that_passes_through_is_refused_with_what_to_do(server):
    image = stack((0, 0, 0))
    layer = layer_on(image)
    group = Gimp.GroupLayer.new(image, "parts")
    image.insert_layer(group, None, 0)
    image.reorder_item(layer, group, 0)
    group.set_mode(Gimp.LayerMode.PASS_THROUGH)
    with pytest.raises(PdbError, match=r"“parts” is in mode Pass Through.*Current layer and below"):
        repaired(image, group)
    assert not server.requests
    repaired(image, group, sample="below")


def test_the_quick_mask_is_named_and_never_takes_the_whole_layer(server):
    image = stack((0, 0, 0))
    layer = layer_on(image)
    channel = Gimp.Channel.new(image, "Qmask", SIDE, SIDE, 50, image.get_layers()[0] and Gimp.context_get_foreground())
    image.insert_channel(channel, None, 0)
    for drawable in (layer, channel):
        with pytest.raises(PdbError, match="The Quick Mask is on: leave it with Select > Toggle Quick Mask"):
            run("photio-remove", image, [drawable])
    assert not server.requests


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"])
def test_below_a_grading_layer_the_repair_is_graded_once(server, precision):
    image = stack((100, 150, 200), precision=getattr(Gimp.Precision, precision))
    (photograph,) = image.get_layers()
    grade = layer_on(image, (200, 120, 60), mode=Gimp.LayerMode.MULTIPLY)
    grade.set_name("grade")
    before = rendered(image)
    repaired(image, photograph, sample="below")
    assert [each.get_name() for each in image.get_layers()] == ["grade", "Photio: removed", "below"]
    assert close(rendered(image), before)


def test_all_visible_layers_are_repaired_on_top_of_them(server):
    image = stack((100, 150, 200))
    (photograph,) = image.get_layers()
    layer_on(image, (200, 120, 60), mode=Gimp.LayerMode.MULTIPLY)
    before = rendered(image)
    repaired(image, photograph, sample="visible")
    assert [each.get_name() for each in image.get_layers()] == ["Photio: removed", "layer", "below"]
    assert close(rendered(image), before)


def test_of_soft_layers_all_visible_ones_together_keep_their_alpha(server):
    server.script(RED)
    image = stack()
    layer = layer_on(image, alpha=128)
    repaired(image, layer, sample="visible")
    assert close(at(image), (255, 0, 0, 128))


def remarks(image, layer):
    """What the user is told about the middle of a layer."""
    select(image, *INSIDE)
    return hiding.remarks(reading.capture(image, layer, layer, "layer", whole_layer=False))


@pytest.mark.parametrize("kind", ["opaque", "masked", "group"])
def test_an_opaque_layer_above_is_named_before_anything_is_sent(kind):
    image = stack((0, 0, 0))
    layer = layer_on(image)
    cover = add_layer(image, "cover", SIDE, SIDE, alpha=True)
    if kind == "masked":
        mask = cover.create_mask(Gimp.AddMaskType.WHITE)
        cover.add_mask(mask)
    if kind == "group":
        group = Gimp.GroupLayer.new(image, "cover group")
        image.insert_layer(group, None, 0)
        image.reorder_item(cover, group, 0)
    name = "cover group" if kind == "group" else "cover"
    assert remarks(image, layer) == (
        f"The layer “{name}” lies above and hides the result: hide it, or select that layer instead.",
    )


@pytest.mark.parametrize("kind", ["hidden", "soft", "small", "hole", "half"])
def test_a_layer_above_that_leaves_something_to_see_is_not_named(kind):
    image = stack((0, 0, 0))
    layer = layer_on(image)
    cover = add_layer(image, "cover", *((40, 40) if kind == "small" else (SIDE, SIDE)), alpha=True)
    if kind == "hidden":
        cover.set_visible(False)
    if kind == "soft":
        cover.set_opacity(99)
    if kind == "hole":
        paint(cover, (0, 0, 0), 0, (30, 30, 4, 4))
    if kind == "half":
        cover.add_mask(cover.create_mask(Gimp.AddMaskType.BLACK))
    assert remarks(image, layer) == ()


def test_an_edge_that_fades_is_filled_all_along(server):
    server.script(RED)
    image = stack(side=320)
    layer = layer_on(image)
    row = bytes(byte for x in range(320) for byte in (60, 120, 200, min(max(x * 4 - 400, 0), 255)))
    layer.get_buffer().set(box(0, 0, 320, 320), "R'G'B'A u8", row * 320)
    layer.update(0, 0, 320, 320)
    Gimp.Selection.none(image)
    run("photio-remove", image, [layer], fill_transparent=True, **{**AS_IT_IS, "feather": 40})
    alpha = rendered(image)[3 : 4 * 320 : 4]
    assert set(alpha) == {255}
