"""Variations, provenance, and making a layer again."""

import json

import pytest
from gi.repository import Gegl, Gimp

from support import KEY, PdbError, add_layer, make_image, pixels, rendered, run, select

#: For a server that paints everything in one colour: its answer is not to be fitted to the photograph.
AS_IT_IS = {"match_colour": False, "match_grain": False}
GREEN = {"answer": "colour", "rgb": [10, 200, 30]}
RED = {"answer": "colour", "rgb": [250, 20, 30]}


def selected_image():
    image = make_image()
    select(image, 100, 80, 60, 40)
    return image


def provenance(layer):
    return json.loads(bytes(layer.get_parasite("photio-regen").get_data()))


def names(layers):
    return [layer.get_name() for layer in layers]


def test_variations_come_as_one_group_with_one_mask_the_first_one_shown(server):
    server.script(GREEN, GREEN, GREEN)
    image = selected_image()
    before = rendered(image)
    group, *layers = run("photio-remove", image, variations=3, seed=4294967295.0, **AS_IT_IS)
    assert names(image.get_layers()) == ["Photio: removed", "photograph"]
    assert group.is_group()
    assert group.get_mask()
    assert names(layers) == [f"Photio: removed (seed {seed})" for seed in (4294967295, 4294967296, 1)]
    assert [layer.get_visible() for layer in layers] == [True, False, False]
    assert not any(layer.get_mask() for layer in layers)
    assert tuple(group.get_offsets())[1:] == (91, 71)
    after = rendered(image)
    middle, outside = 4 * (100 * 320 + 130), slice(0, 4 * 320 * 70)
    assert after[middle : middle + 4] == bytes([10, 200, 30, 255])
    assert after[outside] == before[outside]
    assert [provenance(layer)["seed"] for layer in layers] == [4294967295, 4294967296, 1]


def test_a_layer_says_how_it_was_made_and_not_by_whom(server, journal):
    image = selected_image()
    (layer,) = run("photio-regenerate", image, prompt="a boat, 船", quality="HIGH", seed=77.0, grow=2)
    parasite = layer.get_parasite("photio-regen")
    assert parasite.is_persistent()
    told = provenance(layer)
    expected = {
        "format": 1, "variation": 1, "engine": "photio", "prompt": "a boat, 船", "quality": "HIGH", "seed": 77,
        "cfg_scale": 2.5, "variations": 1, "sample": "layer", "context": 50.0, "grow": 2, "feather": 2,
        "fill_transparent": False, "areas": "auto", "resolution": "recommended", "match_colour": True,
        "match_detail": True, "match_grain": True, "job": journal()[-1].name,
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected
    assert told["crops"][0]["size"] == [1024, 1024]
    assert KEY not in json.dumps(told)
    assert image.get_name() not in json.dumps(told)


def test_rerolling_asks_again_with_another_seed_and_hides_the_old_layer(server):
    server.script(GREEN, RED)
    image = selected_image()
    (old,) = run("photio-regenerate", image, prompt="a boat", seed=77.0)
    Gimp.Selection.none(image)
    (new,) = run("photio-reroll", image, [old])
    assert names(image.get_layers()) == ["Photio: a boat #1", "Photio: a boat", "photograph"]
    assert image.get_layers()[0] == new
    assert not old.get_visible()
    first, second = server.requests
    assert second["prompt"] == "a boat"
    assert second["seed"] != 77
    assert second["base_image"] == first["base_image"]
    assert second["mask_image"] == first["mask_image"]
    assert pixels(new.get_mask(), "Y u8") == pixels(old.get_mask(), "Y u8")


def test_rerolling_takes_the_mask_as_it_was_repainted(server):
    image = selected_image()
    (old,) = run("photio-remove", image, grow=0, feather=0)
    mask = old.get_mask()
    mask.get_buffer().set(Gegl.Rectangle.new(0, 0, 60, 20), "Y u8", bytes(60 * 20))
    mask.update(0, 0, 60, 40)
    (new,) = run("photio-reroll", image, [old])
    assert tuple(new.get_offsets())[1:] == (100, 100)
    assert (new.get_width(), new.get_height()) == (60, 20)


def test_rerolling_one_of_several_variations_keeps_the_group(server):
    image = selected_image()
    group, first, *_others = run("photio-remove", image, variations=2)
    (new,) = run("photio-reroll", image, [first])
    assert names(image.get_layers()) == ["Photio: removed #1", "Photio: removed", "photograph"]
    assert image.get_layers()[0] == new
    assert not group.get_visible()


def test_rerolling_what_showed_all_layers_does_not_show_the_old_result(server):
    server.script(GREEN)
    image = selected_image()
    (old,) = run("photio-remove", image, sample="visible")
    run("photio-reroll", image, [old])
    first, second = server.requests
    assert second["base_image"] == first["base_image"]


def test_rerolling_within_a_group_does_not_show_the_old_result(server):
    server.script(GREEN)
    image = selected_image()
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    inner = add_layer(image, "inner", 320, 240, parent=group)
    (old,) = run("photio-remove", image, [inner], sample="visible")
    hidden = add_layer(image, "hidden in the group", 320, 240, parent=group)
    hidden.fill(Gimp.FillType.WHITE)
    hidden.set_visible(False)
    run("photio-reroll", image, [old])
    first, second = server.requests
    assert second["base_image"] == first["base_image"]


def test_a_reroll_of_something_else_is_refused(server):
    with pytest.raises(PdbError, match="select a layer that Photio made"):
        run("photio-reroll", selected_image())
    assert server.requests == []


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b'{"format": 1}', b'{"format": 1, "grow": 1e99}', b'"\\udcff"', b"[" * 50_000]
)
def test_a_strangers_parasite_is_never_trusted(server, text):
    image = selected_image()
    (layer,) = run("photio-remove", image)
    layer.attach_parasite(Gimp.Parasite.new("photio-regen", 1, text))
    with pytest.raises(PdbError, match="does not say how it was made"):
        run("photio-reroll", image, [layer])


def test_two_areas_far_apart_are_sent_separately_and_come_as_one_layer(server):
    server.script(GREEN, GREEN)
    image = make_image(4000, 1000)
    select(image, 100, 100, 40, 40)
    image.select_rectangle(Gimp.ChannelOps.ADD, 3800, 800, 40, 40)
    (layer,) = run("photio-remove", image, grow=0, feather=0, **AS_IT_IS)
    assert len(server.requests) == 2
    assert (layer.get_width(), layer.get_height()) == (3740, 740)
    after = rendered(image)
    for x, y in ((120, 120), (3820, 820)):
        assert after[4 * (y * 4000 + x) :][:4] == bytes([10, 200, 30, 255])


def test_areas_can_be_sent_together_and_the_request_limit_holds(server):
    image = make_image(2000, 500)
    Gimp.Selection.none(image)
    for number in range(9):
        image.select_rectangle(Gimp.ChannelOps.ADD, 20 + 200 * number, 20, 10, 10)
    with pytest.raises(PdbError, match="9 requests, more than the 8"):
        run("photio-remove", image, areas="separate", grow=0, feather=0)
    assert server.requests == []
    run("photio-remove", image, areas="together")
    assert len(server.requests) == 1


def test_transparent_parts_are_filled_when_that_is_wanted(server):
    server.script(GREEN)
    image = make_image(300, 200)
    (photograph,) = image.get_layers()
    photograph.add_alpha()
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 200, 0, 100, 200)
    photograph.edit_clear()
    Gimp.Selection.none(image)
    (layer,) = run("photio-remove", image, fill_transparent=True, grow=0, feather=0, **AS_IT_IS)
    after = rendered(image)
    assert after[4 * (100 * 300 + 250) :][:4] == bytes([10, 200, 30, 255])
    assert after[4 * (100 * 300 + 100) :][:4] == pixels(photograph)[4 * (100 * 300 + 100) :][:4]
    assert layer.get_mask()


def test_nothing_transparent_and_nothing_selected_is_nothing_to_do(server):
    with pytest.raises(PdbError, match="nothing to fill"):
        run("photio-remove", make_image(), fill_transparent=True)
    assert server.requests == []


def test_a_locked_group_is_refused(server):
    image = make_image()
    group = Gimp.GroupLayer.new(image, "sky")
    image.insert_layer(group, None, 0)
    inner = add_layer(image, "inner", 320, 240, parent=group)
    group.set_lock_content(True)
    select(image, 10, 10, 20, 20)
    with pytest.raises(PdbError, match="“sky” is locked"):
        run("photio-remove", image, [inner])
    assert server.requests == []


def test_effects_and_layer_masks_are_seen_by_the_service(server):
    image = make_image(1024, 1024)
    (photograph,) = image.get_layers()
    plain = pixels(photograph, "R'G'B' u8")
    photograph.append_filter(Gimp.DrawableFilter.new(photograph, "gegl:invert-gamma", "inverted"))
    photograph.set_opacity(40)
    select(image, 500, 500, 50, 50)
    _group, layer = run("photio-remove", image, resolution="native", grow=0, feather=0, match_grain=False)
    inverted = bytes(255 - value for value in plain[3 * (520 * 1024 + 520) :][:3])
    assert pixels(layer, "R'G'B' u8")[3 * (20 * 50 + 20) :][:3] == inverted
    assert pixels(photograph, "R'G'B' u8") == plain


@pytest.mark.parametrize("sample", ["layer", "visible"])
def test_channels_shown_or_hidden_for_looking_at_are_not_what_the_service_sees(server, sample):
    image = make_image(1024, 1024)
    (photograph,) = image.get_layers()
    photograph.append_filter(Gimp.DrawableFilter.new(photograph, "gegl:invert-gamma", "inverted"))
    Gimp.Selection.all(image)
    Gimp.Selection.save(image).set_visible(True)
    image.set_component_visible(Gimp.ChannelType.RED, False)
    plain = pixels(photograph, "R'G'B' u8")
    select(image, 500, 500, 50, 50)
    (layer,) = run("photio-remove", image, sample=sample, resolution="native", grow=0, feather=0, match_grain=False)
    inverted = bytes(255 - value for value in plain[3 * (520 * 1024 + 520) :][:3])
    assert pixels(layer, "R'G'B' u8")[3 * (20 * 50 + 20) :][:3] == inverted
