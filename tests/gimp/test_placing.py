"""The new layer: where it goes, what it shows, and all that stays as it was."""

import array

import pytest
from gi.repository import Gegl, Gimp, Gio

from support import add_layer, every_layer, make_image, pixels, rendered, run, select

INVERT = {"answer": "invert"}

#: For a server that paints everything in one colour: its answer is not to be fitted to the photograph.
AS_IT_IS = {"match_colour": False, "match_grain": False}


def test_the_result_is_a_masked_layer_right_above_the_current_one(server):
    image = make_image()
    (photograph,) = image.get_layers()
    add_layer(image, "notes", 50, 50, alpha=True)
    select(image, 100, 80, 60, 40)
    (layer,) = run("photio-remove", image, [photograph], grow=6, feather=3)
    assert [each.get_name() for each in image.get_layers()] == ["notes", "Photio: removed", "photograph"]
    assert layer.get_visible()
    assert tuple(layer.get_offsets())[1:] == (91, 71)
    assert (layer.get_width(), layer.get_height()) == (78, 58)
    mask = layer.get_mask()
    coverage = mask.get_buffer().get(Gegl.Rectangle.new(0, 29, 78, 1), 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
    assert coverage[9] == 255
    assert coverage[0] < 30
    assert coverage == coverage[::-1]


def test_outside_the_repair_every_pixel_of_the_image_is_what_it_was(server):
    server.script(INVERT)
    image = make_image()
    (photograph,) = image.get_layers()
    before, source = rendered(image), pixels(photograph)
    select(image, 100, 80, 60, 40)
    run("photio-remove", image, grow=6, feather=3)
    after = rendered(image)
    assert pixels(photograph) == source
    changed = {
        (index % 320, index // 320)
        for index in range(320 * 240)
        if before[4 * index : 4 * index + 4] != after[4 * index : 4 * index + 4]
    }
    assert changed
    assert min(x for x, _ in changed) >= 91
    assert max(x for x, _ in changed) < 169
    assert min(y for _, y in changed) >= 71
    assert max(y for _, y in changed) < 129
    assert {(x, y) for x in range(100, 160) for y in range(80, 120)} & changed


def test_an_identity_answer_changes_nothing_visible(server):
    image = make_image(1216, 832)
    before = rendered(image)
    select(image, 500, 400, 200, 100)
    run("photio-remove", image, context=400)  # the crop is the whole canvas, so nothing is scaled
    assert rendered(image) == before


def test_what_the_service_paints_is_what_the_layer_shows(server):
    server.script({"answer": "colour", "rgb": [10, 200, 30]})
    image = make_image()
    select(image, 100, 80, 60, 40)
    (layer,) = run("photio-remove", image, **AS_IT_IS)
    assert pixels(layer)[:4] == bytes([10, 200, 30, 255])
    middle = 4 * (100 * 320 + 130)
    assert rendered(image)[middle : middle + 4] == bytes([10, 200, 30, 255])


def test_selection_and_selected_layers_stay_as_they_were(server):
    image = make_image()
    (photograph,) = image.get_layers()
    select(image, 100, 80, 60, 40)
    selection = pixels(image.get_selection(), "Y u8")
    run("photio-remove", image)
    assert pixels(image.get_selection(), "Y u8") == selection
    assert image.get_selected_layers() == [photograph]


def test_inside_a_group_the_result_stays_in_the_group(server):
    image = make_image()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    add_layer(image, "top", 320, 240, parent=group)
    inner = add_layer(image, "inner", 320, 240, parent=group, position=1)
    select(image, 100, 80, 60, 40)
    (layer,) = run("photio-remove", image, [inner])
    assert layer.get_parent() == group
    assert [each.get_name() for each in group.get_children()] == ["top", "Photio: removed", "inner"]


@pytest.mark.parametrize("offset", [(40, 30), (-50, -20), (200, 150)])
def test_a_layer_that_is_not_at_the_origin_is_repaired_in_place(server, offset):
    server.script({"answer": "colour", "rgb": [255, 0, 0]})
    image = make_image()
    small = add_layer(image, "small", 160, 120, *offset)
    select(image, max(0, offset[0]) + 20, max(0, offset[1]) + 20, 30, 20)
    (layer,) = run("photio-remove", image, [small], grow=0, feather=0)
    assert tuple(layer.get_offsets())[1:] == (max(0, offset[0]) + 20, max(0, offset[1]) + 20)
    assert (layer.get_width(), layer.get_height()) == (30, 20)


def test_nothing_is_painted_where_the_layer_has_no_pixels(server):
    server.script({"answer": "colour", "rgb": [255, 0, 0]})
    image = make_image()
    small = add_layer(image, "small", 100, 100, 0, 0)
    before = rendered(image)
    select(image, 80, 40, 60, 20)
    run("photio-remove", image, [small], grow=0, feather=0, **AS_IT_IS)
    after = rendered(image)
    right_of_layer = [4 * (50 * 320 + x) for x in range(100, 140)]
    assert all(before[at : at + 4] == after[at : at + 4] for at in right_of_layer)
    on_layer = 4 * (50 * 320 + 90)
    assert after[on_layer : on_layer + 4] == bytes([255, 0, 0, 255])


def untouched(image, before):
    """Whether all rows above the repair are as before, but for the rounding of GIMP's own compositing of floats."""
    rows = slice(0, 4 * 320 * 70)
    after = array.array("f", rendered(image, "RGBA float"))
    return all(abs(one - other) <= 5e-7 for one, other in zip(after[rows], before[rows], strict=True))


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U8_LINEAR", "U16_NON_LINEAR", "FLOAT_LINEAR"])
@pytest.mark.parametrize("base", ["RGB", "GRAY"])
def test_every_kind_of_image_gets_a_layer_of_its_own_kind(server, base, precision):
    image = make_image(base=getattr(Gimp.ImageBaseType, base), precision=getattr(Gimp.Precision, precision))
    before = array.array("f", rendered(image, "RGBA float"))
    select(image, 100, 80, 60, 40)
    server.script({"answer": "colour", "rgb": [90, 90, 90]})
    (layer,) = run("photio-remove", image, **AS_IT_IS)
    assert layer.is_gray() == (base == "GRAY")
    assert pixels(layer, "R'G'B' u8")[:3] == bytes([90, 90, 90])
    assert untouched(image, before)


def test_the_result_of_all_visible_layers_shows_what_was_visible(server):
    image = make_image(1216, 832)
    (photograph,) = image.get_layers()
    add_layer(image, "above", 300, 300, 450, 350)
    before = rendered(image)
    select(image, 500, 400, 200, 100)
    run("photio-remove", image, [photograph], sample="visible", context=400, grow=0, feather=0)
    assert [each.get_name() for each in every_layer(image)] == ["Photio: removed", "above", "photograph"]
    assert rendered(image) == before


def test_groups_masks_modes_and_hidden_layers_are_seen_by_the_service_as_gimp_shows_them(server):
    image = make_image(1216, 832)
    (photograph,) = image.get_layers()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    group.set_opacity(60)
    group.add_mask(group.create_mask(Gimp.AddMaskType.COPY))
    multiplied = add_layer(image, "multiplied", 400, 300, 450, 350, parent=group)
    multiplied.set_mode(Gimp.LayerMode.MULTIPLY)
    add_layer(image, "hidden in the group", 300, 300, 450, 350, parent=group).set_visible(False)
    add_layer(image, "blurred", 200, 200, 560, 380)
    blur = Gimp.DrawableFilter.new(image.get_layers()[0], "gegl:gaussian-blur", "")
    image.get_layers()[0].append_filter(blur)
    add_layer(image, "hidden", 300, 300, 450, 350).set_visible(False)
    before = rendered(image)
    select(image, 500, 400, 200, 100)
    run("photio-remove", image, [photograph], sample="visible", context=400, grow=0, feather=0)
    assert rendered(image) == before


def linked(image, folder):
    """A link layer (GIMP 3.2) that shows a file."""
    shown = make_image(320, 240)
    file = Gio.File.new_for_path(str(folder / "linked.png"))
    Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, shown, file, None)
    shown.delete()
    return Gimp.LinkLayer.new(image, file)


def drawn(image, _folder):
    """A vector layer (GIMP 3.2) that shows a filled ellipse."""
    path = Gimp.Path.new(image, "ellipse")
    image.insert_path(path, None, 0)
    path.bezier_stroke_new_ellipse(130, 100, 120, 90, 0)
    return Gimp.VectorLayer.new(image, path)


@pytest.mark.skipif(not hasattr(Gimp, "LinkLayer"), reason="GIMP 3.0 has no link and vector layers")
@pytest.mark.parametrize("made", [linked, drawn])
def test_link_and_vector_layers_can_be_repaired_and_stay_what_they_are(server, tmp_path, made):
    server.script({"answer": "colour", "rgb": [10, 200, 30]})
    image = make_image()
    layer = made(image, tmp_path)
    image.insert_layer(layer, None, 0)
    before = pixels(layer)
    select(image, 100, 80, 60, 40)
    (result,) = run("photio-remove", image, [layer], **AS_IT_IS)
    assert type(layer).__name__ in ("LinkLayer", "VectorLayer")
    assert pixels(layer) == before
    assert image.get_layers()[0] == result
    assert rendered(image)[4 * (100 * 320 + 130) :][:4] == bytes([10, 200, 30, 255])


def test_a_group_can_be_repaired(server):
    image = make_image()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    add_layer(image, "inner", 320, 240, parent=group)
    select(image, 100, 80, 60, 40)
    (layer,) = run("photio-remove", image, [group])
    assert layer.get_parent() is None
    assert image.get_item_position(layer) == 0
