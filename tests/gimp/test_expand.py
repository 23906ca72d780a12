"""*Expand…* from a script: the canvas becomes larger, and what is new is filled."""

import pytest
from gi.repository import Gimp, Gio

from bridge.protocol.history import Recall, Recalled
from bridge_process import Bridge
from canvas import expanding, reinsertion
from canvas.edges import Edges
from canvas.placing import place
from canvas.reading import Refusal
from support import PdbError, add_layer, box, make_image, pixels, rendered, run, select
from test_retouch import result
from test_stacks import SIDE, close, layer_on, looks, stack

RED, GREEN, BLUE = (250, 20, 30), (10, 200, 30), (20, 30, 240)

#: The canvas's own edge is the answer's.
HARD = {"grow": 0, "feather": 0, "match_colour": False, "match_grain": False}


def answer(rgb):
    return {"answer": "colour", "rgb": list(rgb)}


def size(image):
    return (image.get_width(), image.get_height())


def at(image, x, y):
    """The pixel of the image as it looks."""
    place = 4 * (y * image.get_width() + x)
    return tuple(rendered(image)[place : place + 4])


def part(image, area, pixel_format):
    """A part of the image as it looks."""
    copy = image.duplicate()
    visible = Gimp.Layer.new_from_visible(copy, copy, "visible")
    looked = visible.get_buffer().get(box(*area), 1.0, pixel_format, 0)
    copy.delete()
    return looked


def test_the_arguments_have_the_names_and_defaults_that_scripts_rely_on():
    procedure = Gimp.get_pdb().lookup_procedure("photio-expand")
    names = [argument.name for argument in procedure.get_arguments()]
    config = procedure.create_config()
    defaults = {name: config.get_property(name) for name in names if name not in ("run-mode", "image", "drawables")}
    own = {"left": 0, "top": 0, "right": 0, "bottom": 0, "unit": "px", "ratio": "", "anchor": "center"}
    assert list(defaults)[: len(own)] == list(own)
    assert {
        **defaults,
        **own,
        "prompt": "",
        "sample": "visible",
        "areas": "auto",
        "grow": -1,
        "feather": -1,
    } == defaults
    assert not {"variations", "insert-as", "spill", "spill-unit", "fill-transparent", "mask-name"} & set(defaults)


def test_the_canvas_grows_and_one_new_layer_fills_what_is_new(server):
    server.script(answer(RED))
    image = make_image()
    (photograph,) = image.get_layers()
    before = pixels(photograph)
    select(image, 10, 10, 20, 20)
    (layer,) = run("photio-expand", image, left=40, bottom=30, **HARD)
    assert size(image) == (360, 270)
    assert photograph.get_offsets()[1:] == (40, 0)
    assert pixels(photograph) == before
    assert image.get_layers() == [layer, photograph]
    assert layer.get_name() == "Photio: expanded"
    assert layer.get_mask()
    assert image.get_selected_layers() == [photograph]
    assert Gimp.Selection.bounds(image)[2:4] == (50, 10)
    for x, y in ((5, 5), (5, 265), (350, 265)):
        assert close(at(image, x, y), (*RED, 255))


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_LINEAR", "HALF_NON_LINEAR"])
@pytest.mark.parametrize("base", ["RGB", "GRAY"])
def test_the_picture_stays_the_same_to_the_last_bit_but_for_a_soft_edge(server, precision, base):
    server.script(answer(RED))
    kinds = (getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision))
    image = make_image(320, 240, *kinds)
    inner = part(image, (40, 40, 240, 160), "R'G'B'A double")
    run("photio-expand", image, left=40, top=40, right=40, bottom=40)
    assert part(image, (80, 80, 240, 160), "R'G'B'A double") == inner
    assert at(image, 2, 2)[3] == 255


@pytest.mark.parametrize(
    ("arguments", "canvas", "where"),
    [
        ({"left": 10.0, "right": 50.0, "unit": "percent"}, (512, 240), (32, 0)),
        ({"ratio": "16:9"}, (427, 240), (54, 0)),
        ({"ratio": "1:1", "anchor": "top"}, (320, 320), (0, 0)),
        ({"ratio": "1:1", "anchor": "bottom-right"}, (320, 320), (0, 80)),
        ({"ratio": "2:1", "anchor": "left", "top": 10}, (500, 250), (0, 10)),
    ],
)
def test_edges_can_be_given_in_percent_or_as_a_ratio(server, arguments, canvas, where):
    image = make_image()
    (photograph,) = image.get_layers()
    run("photio-expand", image, **arguments)
    assert size(image) == canvas
    assert photograph.get_offsets()[1:] == where


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"resolution": "native"}, "would not become larger"),
        ({"right": 524000}, "at most 524288 px"),
        ({"ratio": "wide"}, "no ratio"),
        ({"ratio": "4:3"}, "would not become larger"),
    ],
)
def test_what_cannot_be_expanded_is_refused_before_anything_is_sent(server, arguments, words):
    image = make_image()
    with pytest.raises(PdbError, match=words):
        run("photio-expand", image, **arguments)
    assert server.requests == []
    assert size(image) == (320, 240)


def test_a_layer_smaller_than_the_canvas_is_refused_unless_the_image_is_continued_as_it_looks(server):
    server.script(answer(RED))
    image = make_image()
    small = add_layer(image, "small", 100, 100, 50, 50)
    with pytest.raises(PdbError, match="does not reach all edges"):
        run("photio-expand", image, [small], right=40, sample="layer")
    assert server.requests == []
    (layer,) = run("photio-expand", image, [small], right=40, **HARD)
    assert image.get_layers()[0] == layer
    assert close(at(image, 350, 120), (*RED, 255))


def test_an_error_of_the_service_leaves_canvas_and_layers_as_they_were(server):
    server.script({"answer": "status", "status_code": 401, "http": 401})
    image = make_image()
    with pytest.raises(PdbError):
        run("photio-expand", image, right=40)
    assert size(image) == (320, 240)
    assert len(image.get_layers()) == 1


def test_several_requests_give_one_layer_in_which_each_answer_goes_on_from_the_one_before(server):
    server.script(*map(answer, (RED, GREEN, BLUE)))
    image = Gimp.Image.new(1000, 4000, Gimp.ImageBaseType.RGB)
    layer_of = Gimp.Layer.new(image, "photograph", 1000, 4000, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer_of, None, 0)
    (layer,) = run("photio-expand", image, right=300, match_colour=False)
    assert len(server.requests) == 3
    assert size(image) == (1300, 4000)
    column = part(image, (1200, 0, 1, 4000), "R'G'B' u8")
    assert tuple(column[:3]) == RED
    assert tuple(column[-3:]) == BLUE
    steps = [abs(column[3 * y + c] - column[3 * (y - 1) + c]) for y in range(1, 4000) for c in range(3)]
    assert max(steps) < 20
    assert image.get_layers() == [layer, layer_of]


def test_together_is_one_request_whatever_that_costs_in_resolution(server):
    image = Gimp.Image.new(1000, 4000, Gimp.ImageBaseType.RGB)
    photograph = Gimp.Layer.new(image, "photograph", 1000, 4000, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(photograph, None, 0)
    run("photio-expand", image, right=300, areas="together")
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["40 %", "multiply"])
def test_a_layer_is_continued_as_if_it_had_been_larger_itself(server, kind):
    server.script(answer(RED))
    image = stack((128, 128, 128))
    layer = layer_on(image)
    (below,) = [each for each in image.get_layers() if each != layer]
    if kind == "40 %":
        layer.set_opacity(40)
    else:
        layer.set_mode(Gimp.LayerMode.MULTIPLY)
    truth = image.duplicate()
    run("photio-expand", image, [layer], right=16, sample="layer", **HARD)
    assert size(image) == (SIDE + 16, SIDE)
    twin = next(each for each in truth.get_layers() if each.get_name() == layer.get_name())
    truth.resize(SIDE + 16, SIDE, 0, 0)
    twin.resize(SIDE + 16, SIDE, 0, 0)
    twin.get_buffer().set(box(SIDE, 0, 16, SIDE), "R'G'B'A u8", bytes((*RED, 255)) * (16 * SIDE))
    twin.update(0, 0, SIDE + 16, SIDE)
    assert below.get_width() == SIDE
    assert close(looks(image), looks(truth))
    truth.delete()


def test_layers_that_reach_beyond_the_canvas_are_seen_and_kept(server):
    server.script(answer(RED))
    image = make_image()
    wide = add_layer(image, "wide", 340, 120, 0, 0)
    beyond = pixels(wide)[4 * 330 : 4 * 331]
    run("photio-expand", image, [wide], right=40, **HARD)
    assert at(image, 330, 0) == tuple(beyond)
    assert close(at(image, 330, 200), (*RED, 255))


def test_the_history_expands_an_image_again_whose_expansion_was_taken_back(server, journal):
    server.script(answer(RED))
    image = make_image()
    image.set_file(Gio.File.new_for_path("/tmp/expanded.xcf"))
    (layer,) = run("photio-expand", image, left=40, bottom=30, **HARD)
    image.remove_layer(layer)
    image.resize(320, 240, -40, 0)
    bridge = Bridge()
    recalled = bridge.ask(Recall(journal()[-1].name), Recalled)
    bridge.close()
    assert reinsertion.is_same(image, recalled.document)
    inserted = reinsertion.insert(image, recalled, 1)
    assert size(image) == (360, 270)
    assert inserted.layer.get_offsets()[1:] == (0, 0)
    assert close(at(image, 5, 265), (*RED, 255))


def test_a_re_roll_fills_what_was_new_again(server):
    server.script(answer(RED), answer(GREEN))
    image = make_image()
    (first,) = run("photio-expand", image, right=60, **HARD)
    (second,) = run("photio-reroll", image, [first])
    assert size(image) == (380, 240)
    assert not first.get_visible()
    assert close(at(image, 370, 120), (*GREEN, 255))
    assert second.get_parasite("photio-regen")


def test_with_a_prompt_the_layer_is_named_after_it(server):
    image = make_image()
    (layer,) = run("photio-expand", image, right=40, prompt="a lake")
    assert layer.get_name() == "Photio: a lake"
    assert server.requests[0]["prompt"] == "a lake"


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize(330, 240, 0, 0),
        lambda image: image.scale(360, 240),
        lambda image: image.resize(360, 240, 40, 0),  # of the same size, but the picture is elsewhere
    ],
)
def test_an_image_that_was_changed_otherwise_meanwhile_does_not_get_the_result(tmp_path, change):
    image = make_image()
    (photograph,) = image.get_layers()
    captured = expanding.capture(image, photograph, "visible", Edges(right=40))
    finished = result(tmp_path, RED, (300, 0, 60, 240))
    change(image)
    after = size(image)
    with pytest.raises(Refusal, match="scaled, rotated or cropped"):
        place(captured, finished, tmp_path, "new")
    assert size(image) == after
    assert image.get_layers() == [photograph]


def test_a_second_result_of_the_same_edges_leaves_the_canvas_as_it_is(tmp_path):
    image = make_image()
    captured = expanding.capture(image, image.get_layers()[0], "visible", Edges(left=40))
    for number, rgb in enumerate((RED, GREEN), 1):
        (layer,) = place(captured, result(tmp_path, rgb, (0, 0, 60, 240)), tmp_path, "new")
        assert size(image) == (360, 240)
        assert layer.get_offsets()[1:] == (0, 0)
        assert len(image.get_layers()) == number + 1
        assert close(at(image, 5, 5), (*rgb, 255))
