"""Margins: spill shows the rest of what was added and nothing else. Forgotten specks, and selections too weak."""

import json

import pytest
from gi.repository import Gegl, Gimp

from support import PLUGIN, PdbError, make_image, pixels, rendered, run, select

#: In an image of this size the crop can be the whole canvas, so that nothing is scaled.
WIDTH, HEIGHT = 1216, 832
WHOLE = {"context": 400}
SELECTION = (500, 400, 200, 100)
RED = (230, 20, 30)

#: Around the selection's middle, and beyond it by 20 px at the top and at the bottom.
DISC = {"answer": "disc", "rgb": RED, "box": [530, 380, 670, 520]}


def shaded_image(precision="U8_NON_LINEAR", base="RGB"):
    """An image with a smooth photograph in it."""
    image = make_image(WIDTH, HEIGHT, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision))
    row = bytes(value for x in range(WIDTH) for value in (60 + x // 16, 90 + x // 20, 120 + x // 24))
    whole = Gegl.Rectangle.new(0, 0, WIDTH, HEIGHT)
    image.get_layers()[0].get_buffer().set(whole, "R'G'B' u8", row * HEIGHT)
    select(image, *SELECTION)
    return image


def changes(before, after, step=4):
    """Where two renderings differ: the coordinates of the px."""
    differ = (at for at in range(0, len(before), step) if before[at : at + step] != after[at : at + step])
    return {(at // step % WIDTH, at // step // WIDTH) for at in differ}


def in_disc(x, y, radius):
    return (x - 600) ** 2 + (y - 450) ** 2 <= radius**2


def test_a_disc_larger_than_the_selection_is_whole_and_all_around_it_stays(server):
    server.script(DISC)
    image = shaded_image()
    (photograph,) = image.get_layers()
    before, source = rendered(image), pixels(photograph)
    run("photio-regenerate", image, [photograph], prompt="a ball", spill=40, **WHOLE)
    after = rendered(image)
    assert pixels(photograph) == source
    for x, y in [(600, 382), (600, 390), (566, 392), (600, 517), (640, 507), (600, 450)]:
        at = 4 * (y * WIDTH + x)
        assert max(abs(one - other) for one, other in zip(after[at : at + 3], RED, strict=True)) <= 3, (x, y)
    left, top, width, height = SELECTION
    beyond = {
        (x, y)
        for x, y in changes(before, after)
        if not (left - 4 <= x < left + width + 4 and top - 4 <= y < top + height + 4)
    }
    assert beyond
    assert all(in_disc(x, y, 80) for x, y in beyond)
    assert min(y for _x, y in beyond) >= top - 4 - 40


def test_without_spill_it_ends_at_the_selection_as_before(server):
    server.script(DISC)
    image = shaded_image()
    before = rendered(image)
    run("photio-regenerate", image, prompt="a ball", spill=0, **WHOLE)
    assert all(396 <= y < 504 for _x, y in changes(before, rendered(image)))


@pytest.mark.parametrize("precision", ["U8_NON_LINEAR", "U16_NON_LINEAR"])
@pytest.mark.parametrize(
    "drift",
    [
        {"answer": "drift", "gamma": 1.0, "levels": 18},
        {"answer": "drift", "gamma": 0.75, "levels": 0},
        {"answer": "identity", "format": "JPEG"},
    ],
    ids=["uniform", "gamma", "JPEG"],
)
def test_a_service_that_shifts_all_colours_changes_nothing_outside(server, drift, precision):
    server.script(drift)
    image = shaded_image(precision)
    before = rendered(image, "R'G'B'A float")
    (layer,) = run("photio-regenerate", image, prompt="a ball", spill=40, **WHOLE)
    left, top, width, height = SELECTION
    assert (layer.get_width(), layer.get_height()) == (width + 88, height + 88)
    assert all(
        left - 4 <= x < left + width + 4 and top - 4 <= y < top + height + 4
        for x, y in changes(before, rendered(image, "R'G'B'A float"), step=16)
    )


def test_variations_that_reach_beyond_have_masks_of_their_own_and_can_be_made_again(server):
    server.script({"answer": "identity"}, DISC)
    image = shaded_image()
    group, *layers = run("photio-regenerate", image, prompt="a ball", variations=2, spill=40, **WHOLE)
    assert not group.get_mask()
    coverage = [pixels(layer.get_mask(), "Y u8") for layer in layers]
    # the service may answer in any order
    assert sorted(mask.count(0) == min(each.count(0) for each in coverage) for mask in coverage) == [False, True]
    server.clear()
    for chosen in (layers[1], group):  # which hides the group
        assert run("photio-reroll", image, [chosen])
    assert len(server.requests) == 2


def test_the_layer_says_what_the_automatic_margins_were(server):
    image = shaded_image()
    (layer,) = run("photio-regenerate", image, prompt="a ball")
    told = json.loads(bytes(layer.get_parasite("photio-regen").get_data()))
    assert (told["grow"], told["feather"], told["spill"], told["spill_unit"]) == (2, 2, 10, "px")
    (layer,) = run("photio-remove", image, [image.get_layers()[1]])
    told = json.loads(bytes(layer.get_parasite("photio-regen").get_data()))
    assert (told["grow"], told["feather"], told["spill"]) == (6, 3, 0)


def test_a_spill_in_percent_follows_the_selection(server):
    image = shaded_image()
    (layer,) = run("photio-regenerate", image, prompt="a ball", grow=0, feather=0, spill=10, spill_unit="percent")
    assert (layer.get_width(), layer.get_height()) == (240, 140)


def test_a_forgotten_pixel_is_not_paid_for_and_not_in_the_layer(server):
    image = make_image(2400, 1200)
    select(image, 100, 100, 200, 150)
    image.select_rectangle(Gimp.ChannelOps.ADD, 2390, 1190, 1, 1)
    (layer,) = run("photio-remove", image, grow=0, feather=0)
    assert len(server.requests) == 1
    assert (layer.get_width(), layer.get_height()) == (200, 150)


def test_the_user_is_told_of_the_speck(server, monkeypatch):
    monkeypatch.syspath_prepend(str(PLUGIN))
    import bridge_process
    from bridge.protocol import Job
    from canvas import generation

    image = make_image(2400, 1200)
    select(image, 100, 100, 200, 150)
    image.select_rectangle(Gimp.ChannelOps.ADD, 2390, 1190, 1, 1)
    (layer,) = image.get_layers()
    job = Job(
        prompt="", negative_prompt="", quality="LOW", seed=1, cfg_scale=2.5, variations=1, sample="layer",
        context=50.0, grow=-1, feather=-1, engine="auto", areas="auto", resolution="recommended",
        fill_transparent=False, match_colour=True, match_grain=True, source=layer.get_tattoo(),
    )  # fmt: skip
    captured, job = generation.capture(image, layer, job, again=False)
    bridge = bridge_process.Bridge()
    try:
        planned = generation.plan(bridge, generation.open_draft(bridge), captured, job)
    finally:
        bridge.close()
    assert (planned.requests, planned.grow, planned.feather, planned.spill) == (1, 6, 3, 0)
    assert [remark.split(" was")[0] for remark in planned.remarks] == ["1 selected speck"]


def test_a_selection_that_shows_no_ants_is_refused_and_costs_nothing(server):
    image = make_image()
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 150, 110, 20, 20)
    Gimp.Selection.feather(image, 50)
    with pytest.raises(PdbError, match="marching ants"):
        run("photio-remove", image)
    assert server.requests == []
    assert len(image.get_layers()) == 1
