"""The retouch layer: one layer that collects repairs, and that the next repair sees."""

import json

import pytest
from gi.repository import Gimp

from support import PdbError, add_layer, box, every_layer, pixels, rendered, run, select
from test_stacks import AS_IT_IS, BLUE, INSIDE, SIDE, close, layer_on, looks, paint, stack

RED, GREEN = (255, 0, 0), (0, 255, 0)
from bridge.protocol import PROVENANCE, Finished, Patch, Result  # noqa: E402
from bridge.protocol.history import Recall, Recalled  # noqa: E402
from bridge_process import Bridge  # noqa: E402
from canvas import reinsertion, stacking  # noqa: E402
from canvas.placing import place_at  # noqa: E402


def answer(rgb):
    """What the server is to answer."""
    return {"answer": "colour", "rgb": list(rgb)}


def retouch(image, layer, where=INSIDE, **arguments):
    """Repairs a part of a layer, into the retouch layer. Returns the new layers."""
    select(image, *where)
    return run("photio-remove", image, [layer], **{**AS_IT_IS, "insert_as": "retouch", **arguments})


def result(folder, rgb, where, coverage=255, alpha=255, made="{}"):
    """A result of one colour, and its files: as the bridge writes them."""
    width, height = where[2:]
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 65535\nTUPLTYPE RGB_ALPHA\nENDHDR\n".encode()
    name = f"{len(list(folder.iterdir()))}"
    pixel = bytes(value for channel in (*rgb, alpha) for value in (channel, channel))
    (folder / f"{name}.pam").write_bytes(header + pixel * (width * height))
    (folder / f"{name}.pgm").write_bytes(f"P5\n{width} {height}\n255\n".encode() + bytes([coverage]) * (width * height))
    made = Result((Patch(f"{name}.pam", where),), 1, 1, made)
    return Finished(where, (Patch(f"{name}.pgm", where),), (made,), ())


def collected(image, layer, finished, folder, sample="layer"):
    """Puts a result into the retouch layer of a layer, as a job does. Returns the retouch layer."""
    (found,) = place_at(stacking.collecting(image, sample, layer, None, None), finished, folder, "")
    return found


def names(image):
    return [layer.get_name() for layer in every_layer(image)]


def provenances(layer):
    """The names of the parasites that say how a layer was made."""
    return sorted(name for name in layer.get_parasite_list() if name.startswith(PROVENANCE))


def test_five_repairs_are_one_layer_with_a_mask_and_a_list_of_how_each_was_made(server):
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255)]
    server.script(*map(answer, colours))
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    before = pixels(photograph)
    (layer,) = retouch(image, photograph, (0, 8, 8, 8))
    for number in range(1, 5):
        assert retouch(image, photograph, (12 * number, 8, 8, 8)) == []
    assert names(image) == ["Photio: retouch", "below"]
    for number, colour in enumerate(colours):
        assert close(at(image, 12 * number + 4, 12), (*colour, 255)), number
        assert pixels(layer.get_mask(), "Y u8")[12 * SIDE + 12 * number + 4] == 255
        assert pixels(layer.get_mask(), "Y u8")[12 * SIDE + 12 * number + 10] == 0
    assert provenances(layer) == [PROVENANCE, *(f"{PROVENANCE}-{number}" for number in range(2, 6))]
    jobs = {json.loads(text_of(layer, name))["job"] for name in provenances(layer)}
    assert len(jobs) == 5
    assert pixels(photograph) == before
    assert image.get_selected_layers() == [photograph]


def text_of(layer, name):
    return bytes(value & 0xFF for value in layer.get_parasite(name).get_data()).decode()


def at(image, x=32, y=32):
    """The pixel of the image as it looks."""
    place = 4 * (y * image.get_width() + x)
    return tuple(rendered(image)[place : place + 4])


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_LINEAR", "FLOAT_NON_LINEAR"])
@pytest.mark.parametrize("base", ["RGB", "GRAY"])
def test_the_overlap_of_two_repairs_looks_as_if_the_second_lay_above_the_first(tmp_path, precision, base):
    kind, precision = getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    first = result(tmp_path, RED, (8, 8, 32, 32), coverage=100)
    second = result(tmp_path, GREEN, (20, 20, 32, 32), coverage=180)
    looked = []
    for into_one in (False, True):
        image = Gimp.Image.new_with_precision(SIDE, SIDE, kind, precision)
        for _count in range(2):  # so that GIMP composites in linear light either way
            add_layer(image, "below", SIDE, SIDE)
        photograph = image.get_layers()[0]
        target = stacking.target_of(image, "layer", photograph, photograph, None)
        for finished in (first, second):
            if into_one:
                layer = collected(image, photograph, finished, tmp_path)
            else:
                (above,) = place_at(target, finished, tmp_path, "")
                target = stacking.Target(image, above)
        looked.append(looks(image))
    assert len(every_layer(image)) == 3
    assert layer.get_width() == SIDE
    assert close(*looked, by=2)


def test_the_next_repair_sees_what_the_retouch_layer_has_collected(server):
    server.script(answer(RED))  # afterwards each request gets back what was sent
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    retouch(image, photograph, (8, 8, 16, 16))
    retouch(image, photograph, (16, 8, 24, 16))
    assert close(at(image, 20, 16), (*RED, 255))
    assert close(at(image, 32, 16), (*BLUE, 255))
    select(image, 16, 8, 24, 16)
    (alone,) = run("photio-remove", image, [photograph], **AS_IT_IS)
    assert set(pixels(alone, "R'G'B' u8")[:3]) == set(BLUE)  # a layer of its own is made of the current layer alone


@pytest.mark.parametrize("insert_as", ["new", "retouch"])
def test_the_retouch_layer_stands_for_the_layer_that_it_repairs(server, insert_as):
    server.script(answer(RED))
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    (layer,) = retouch(image, photograph, (8, 8, 16, 16))
    more = retouch(image, layer, (16, 8, 24, 16), insert_as=insert_as)
    assert close(at(image, 20, 16), (*RED, 255))
    assert close(at(image, 32, 16), (*BLUE, 255))
    assert names(image) == ["Photio: removed"] * len(more) + ["Photio: retouch", "below"]
    assert len(provenances(layer)) == 2 - len(more)


@pytest.mark.parametrize("kind", ["40 %", "multiply", "soft", "group"])
def test_every_repair_is_composited_as_the_layer_is(server, kind):
    server.script(answer(RED), answer(GREEN))
    image = stack((128, 128, 128))
    alpha = 128 if kind == "soft" else 255
    layer = layer_on(image, alpha=alpha)
    if kind == "40 %":
        layer.set_opacity(40)
    if kind == "multiply":
        layer.set_mode(Gimp.LayerMode.MULTIPLY)
    if kind == "group":
        group = Gimp.GroupLayer.new(image, "group")
        image.insert_layer(group, None, 0)
        image.reorder_item(layer, group, 0)
        group.set_opacity(60)
    truth = image.duplicate()
    twin = next(each for each in every_layer(truth) if each.get_name() == "layer")
    for colour, where in ((RED, (8, 8, 24, 24)), (GREEN, (24, 24, 24, 24))):
        paint(twin, colour, alpha, where)
        retouch(image, layer, where)
        assert close(looks(image), looks(truth))
    assert names(image).count("Photio: retouch") == 1
    assert len([each for each in every_layer(image) if each.is_group()]) == 1
    truth.delete()


def test_a_soft_part_makes_the_retouch_layer_follow_the_layers_opacity(server):
    server.script(answer(RED), answer(GREEN))
    image = stack((255, 255, 255))
    layer = layer_on(image)
    paint(layer, BLUE, 128, (32, 0, 32, SIDE))
    truth = image.duplicate()
    twin = truth.get_layers()[0]
    (found,) = retouch(image, layer, (4, 4, 16, 16))
    assert found.get_parent() is None
    retouch(image, layer, (40, 4, 16, 16))
    paint(twin, RED, 255, (4, 4, 16, 16))
    paint(twin, GREEN, 128, (40, 4, 16, 16))
    assert close(looks(image), looks(truth))
    assert found.get_parent().get_children() == [found, layer]
    truth.delete()


def test_a_layer_whose_mode_was_changed_since_takes_its_retouch_layer_along(server):
    server.script(answer(RED), answer(GREEN))
    image = stack((128, 128, 128))
    layer = layer_on(image)
    (found,) = retouch(image, layer, (4, 4, 16, 16))
    layer.set_mode(Gimp.LayerMode.MULTIPLY)
    retouch(image, layer, (40, 4, 16, 16))
    assert found.get_parent().get_children() == [found, layer]
    assert close(at(image, 10, 10), (128, 0, 0, 255))
    assert close(at(image, 48, 10), (0, 128, 0, 255))


@pytest.mark.parametrize("sample", ["below", "visible"])
def test_each_sample_has_a_retouch_layer_of_its_own_in_its_own_place(server, sample):
    server.script(*map(answer, (RED, GREEN)))
    image = stack((100, 150, 200))
    (photograph,) = image.get_layers()
    layer_on(image, (200, 200, 200), mode=Gimp.LayerMode.MULTIPLY).set_name("grade")
    (first,) = retouch(image, photograph, (4, 4, 16, 16), sample=sample)
    assert retouch(image, photograph, (30, 4, 16, 16), sample=sample) == []
    retouch(image, photograph, (12, 4, 22, 16), sample=sample)
    at_top = ["Photio: retouch", "grade", "below"] if sample == "visible" else ["grade", "Photio: retouch", "below"]
    assert names(image) == at_top
    full = 255 if sample == "visible" else 200
    assert [close(at(image, x, 10), pixel, by=2) for x, pixel in ((18, (full, 0, 0, 255)), (32, (0, full, 0, 255)))]
    assert len(provenances(first)) == 3
    (other,) = retouch(image, photograph, (4, 40, 16, 16))
    assert other.get_id() != first.get_id()


def test_above_all_visible_layers_a_new_retouch_layer_begins_when_another_layer_lies_above(server):
    image = stack((100, 150, 200))
    (photograph,) = image.get_layers()
    retouch(image, photograph, sample="visible")
    layer_on(image, alpha=0)
    assert len(retouch(image, photograph, sample="visible")) == 1
    assert names(image) == ["Photio: retouch #1", "layer", "Photio: retouch", "below"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda layer: layer.set_visible(False), "is hidden: show it"),
        (lambda layer: layer.set_lock_content(True), "is locked: unlock"),
        (lambda layer: layer.set_lock_alpha(True), "is locked: unlock"),
    ],
    ids=["hidden", "pixels", "alpha"],
)
def test_a_retouch_layer_that_takes_nothing_is_named_before_anything_is_sent(server, change, sentence):
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    (layer,) = retouch(image, photograph)
    change(layer)
    with pytest.raises(PdbError, match=f"The retouch layer “Photio: retouch” {sentence}"):
        retouch(image, photograph)
    assert len(server.requests) == 1


def test_several_variations_at_once_are_refused_before_anything_is_sent(server):
    image = stack(BLUE)
    with pytest.raises(PdbError, match="one result at a time: set Variations to 1"):
        retouch(image, image.get_layers()[0], variations=2)
    assert not server.requests


def test_a_retouch_layer_is_not_rerolled(server):
    image = stack(BLUE)
    (layer,) = retouch(image, image.get_layers()[0])
    with pytest.raises(PdbError, match="A retouch layer has many repairs"):
        run("photio-reroll", image, [layer])
    assert len(server.requests) == 1


def test_the_selection_and_the_users_settings_stay_as_they_are(tmp_path):
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    layer = collected(image, photograph, result(tmp_path, RED, (8, 8, 16, 16)), tmp_path)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 5, 9, 33, 27)
    Gimp.Selection.feather(image, 6)
    image.set_component_active(Gimp.ChannelType.RED, False)
    before = pixels(image.get_selection(), "Y u8")
    assert len(set(before)) > 50
    collected(image, photograph, result(tmp_path, RED, (20, 20, 30, 30)), tmp_path)
    assert pixels(image.get_selection(), "Y u8") == before
    assert not image.get_component_active(Gimp.ChannelType.RED)
    assert close(at(image, 45, 45), (*RED, 255))
    Gimp.Selection.none(image)
    collected(image, photograph, result(tmp_path, RED, (40, 40, 8, 8)), tmp_path)
    assert Gimp.Selection.is_empty(image)
    assert names(image) == ["Photio: retouch", "below"]
    assert image.get_selected_layers() != [layer]


def test_what_was_painted_on_the_mask_stays_outside_of_the_next_repair(tmp_path):
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    layer = collected(image, photograph, result(tmp_path, RED, (8, 8, 16, 16)), tmp_path)
    mask = layer.get_mask()
    mask.get_buffer().set(box(8, 8, 4, 16), "Y u8", bytes(4 * 16))
    mask.update(8, 8, 4, 16)
    collected(image, photograph, result(tmp_path, GREEN, (16, 8, 16, 16)), tmp_path)
    assert [close(at(image, x, 12), (*rgb, 255)) for x, rgb in ((9, BLUE), (13, RED), (20, GREEN))] == [True] * 3
    assert layer.get_mask() == mask


def test_a_retouch_layer_without_a_mask_goes_on_without_one(tmp_path):
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    layer = collected(image, photograph, result(tmp_path, RED, (8, 8, 16, 16)), tmp_path)
    layer.remove_mask(Gimp.MaskApplyMode.APPLY)
    collected(image, photograph, result(tmp_path, GREEN, (16, 8, 16, 16), coverage=128), tmp_path)
    assert layer.get_mask() is None
    assert [close(at(image, x, 12), (*rgb, 255)) for x, rgb in ((9, RED), (40, BLUE))] == [True] * 2
    assert close(at(image, 20, 12), (127, 128, 0, 255))


def test_on_a_larger_canvas_the_retouch_layer_grows(tmp_path):
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    layer = collected(image, photograph, result(tmp_path, RED, (8, 8, 16, 16)), tmp_path)
    image.resize(2 * SIDE, SIDE, SIDE, 0)
    collected(image, photograph, result(tmp_path, GREEN, (SIDE - 8, 8, 16, 16)), tmp_path)
    assert layer.get_width() == SIDE + 8 == layer.get_mask().get_width()
    assert [close(at(image, x, 12), (*rgb, 255)) for x, rgb in ((SIDE - 2, GREEN), (SIDE + 10, RED))] == [True] * 2


def test_a_result_of_the_history_goes_into_the_retouch_layer_if_the_settings_say_so(server):
    server.script(answer(RED), answer(GREEN))
    image = stack(BLUE)
    (photograph,) = image.get_layers()
    (layer,) = retouch(image, photograph, (4, 4, 16, 16))
    select(image, 30, 30, 16, 16)
    (other,) = run("photio-remove", image, [photograph], **AS_IT_IS)
    recalled = recall(json.loads(text_of(other, PROVENANCE))["job"])
    image.remove_layer(other)
    assert reinsertion.insert(image, recalled, 1, "retouch").layer == layer
    assert close(at(image, 38, 38), (*GREEN, 255))
    assert names(image) == ["Photio: retouch", "below"]
    assert reinsertion.insert(image, recalled, 1, "new").layer != layer


def recall(job):
    """A job of the history."""
    bridge = Bridge()
    try:
        return bridge.ask(Recall(job), Recalled)
    finally:
        bridge.close()
