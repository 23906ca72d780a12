"""The procedures as a script meets them: arguments, run modes, refusals, errors."""

import base64
import json
import struct

import pytest
from gi.repository import Gimp

from support import HOME, KEY, PdbError, add_layer, configure, every_layer, make_image, pixels, run, select

ARGUMENTS = [
    "negative-prompt", "quality", "seed", "cfg-scale", "variations", "sample", "insert-as", "context", "grow",
    "feather", "spill", "spill-unit", "areas", "resolution", "fill-transparent", "match-colour", "match-grain",
    "engine", "mask-name",
]  # fmt: skip


def picture(request, name):
    """Width and height of a PNG on the wire."""
    data = base64.b64decode(request[name])
    assert data.startswith(b"\x89PNG")
    return struct.unpack(">II", data[16:24])


def selected_image():
    image = make_image()
    select(image, 100, 80, 60, 40)
    return image


@pytest.mark.parametrize(("name", "own"), [("photio-remove", []), ("photio-regenerate", ["prompt"])])
def test_the_arguments_have_the_names_and_defaults_that_scripts_rely_on(name, own):
    procedure = Gimp.get_pdb().lookup_procedure(name)
    arguments = [argument.name for argument in procedure.get_arguments()]
    assert arguments == ["run-mode", "image", "drawables", *own, *ARGUMENTS]
    config = procedure.create_config()
    defaults = {argument: config.get_property(argument) for argument in ARGUMENTS}
    assert defaults == {
        "negative-prompt": "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch",
        "quality": "LOW",
        "seed": -1.0,
        "cfg-scale": 2.5,
        "variations": 1,
        "sample": "layer",
        "context": 50,
        "grow": -1,
        "feather": -1,
        "spill": -1,
        "spill-unit": "px",
        "areas": "auto",
        "resolution": "recommended",
        "fill-transparent": False,
        "match-colour": True,
        "match-grain": True,
        "insert-as": "new",
        "engine": "auto",
        "mask-name": "",
    }
    assert [value.name for value in procedure.get_return_values()] == ["layers"]
    assert procedure.get_menu_paths() == ["<Image>/Filters/Photio"]


def test_the_new_layers_are_returned(server):
    image = selected_image()
    procedure = Gimp.get_pdb().lookup_procedure("photio-remove")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers())
    returned = procedure.run(config)
    assert returned.length() == 2
    # PyGObject cannot unpack the array, but hand it on: GIMP then selects what it got
    chooser = Gimp.get_pdb().lookup_procedure("gimp-image-set-selected-layers")
    choice = chooser.create_config()
    choice.set_property("image", image)
    choice.set_property("layers", returned.index(1))
    chooser.run(choice)
    assert [layer.get_name() for layer in image.get_selected_layers()] == ["Photio: removed"]


def test_every_parameter_reaches_the_service(server):
    run(
        "photio-regenerate",
        selected_image(),
        prompt="a “lighthouse”, 昼",
        negative_prompt="fog",
        quality="HIGH",
        seed=4294967296.0,
        cfg_scale=1.5,
    )
    (request,) = server.requests
    sizes = picture(request, "base_image"), picture(request, "mask_image")
    assert sizes == ((1024, 1024), (1024, 1024))
    del request["base_image"], request["mask_image"]
    assert request == {
        "prompt": "a “lighthouse”, 昼",
        "negative_prompt": "fog",
        "quality": "HIGH",
        "seed": 4294967296,
        "cfg_scale": 1.5,
    }


def test_removing_sends_an_empty_prompt_and_a_seed_of_our_own(server):
    run("photio-remove", selected_image())
    (request,) = server.requests
    assert request["prompt"] == ""
    assert 1 <= request["seed"] <= 4294967296


def test_a_prompt_names_the_layer(server):
    (layer,) = run("photio-regenerate", selected_image(), prompt="a\nred  boat")
    assert layer.get_name() == "Photio: a red boat"


def test_a_prompt_without_a_selection_regenerates_the_whole_layer(server):
    image = make_image()
    (layer,) = run("photio-regenerate", image, prompt="a boat")
    assert (layer.get_width(), layer.get_height()) == (320, 240)


def test_the_last_values_are_used_again(server):
    image = selected_image()
    procedure = Gimp.get_pdb().lookup_procedure("photio-regenerate")
    for mode, prompt in ((Gimp.RunMode.NONINTERACTIVE, "a boat"), (Gimp.RunMode.WITH_LAST_VALS, "")):
        config = procedure.create_config()
        config.set_property("run-mode", mode)
        config.set_property("image", image)
        config.set_core_object_array("drawables", image.get_layers()[-1:])
        config.set_property("prompt", prompt)
        assert procedure.run(config).index(0) == Gimp.PDBStatusType.SUCCESS
    assert len(server.requests) == 2
    assert len(image.get_layers()) == 3


@pytest.mark.parametrize("name", ["photio-remove", "photio-regenerate"])
def test_without_a_key_the_offline_engine_removes(name, journal):
    image = selected_image()
    (layer,) = run(name, image, seed=5.0)
    assert layer.get_name() == "Photio: removed"
    first = pixels(layer)
    (again,) = run(name, image, image.get_layers()[-1:], seed=5.0)
    assert pixels(again) == first
    record = json.loads((journal()[0] / "request.json").read_text())
    assert record["engine"] == "offline"
    assert record["state"] == "placed"


def test_a_prompt_without_a_key_says_what_is_missing_and_where_it_comes_from():
    with pytest.raises(PdbError, match=r"can only remove.*photio\.io"):
        run("photio-regenerate", selected_image(), prompt="a boat")


def test_asking_for_photio_without_a_key_says_where_to_get_one():
    with pytest.raises(PdbError, match=r"needs an API key.*photio\.io"):
        run("photio-remove", selected_image(), engine="photio")


def test_the_offline_engine_can_be_chosen_in_spite_of_a_key(server):
    run("photio-remove", selected_image(), engine="offline")
    assert server.requests == []


def indexed():
    image = selected_image()
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, "")
    return image, image.get_layers()


def channel():
    image = selected_image()
    red = Gimp.Channel.new_from_component(image, Gimp.ChannelType.RED, "red")
    image.insert_channel(red, None, 0)
    return image, [red]


def two_layers():
    image = selected_image()
    add_layer(image, "second", 10, 10)
    return image, image.get_layers()


def no_layer():
    return selected_image(), []


def nothing_selected():
    image = make_image()
    return image, image.get_layers()


def selection_beside_the_layer():
    image = make_image()
    layer = add_layer(image, "small", 50, 50, 0, 0)
    select(image, 100, 100, 50, 50)
    return image, [layer]


def layer_beside_the_canvas():
    image = make_image()
    return image, [add_layer(image, "outside", 50, 50, 1000, 1000)]


def floating_selection():
    image = selected_image()
    layers = image.get_layers()
    Gimp.Selection.float(image, layers, 5, 5)
    return image, layers


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (indexed, "Image > Mode > RGB"),
        (channel, "select a layer instead"),
        (two_layers, "exactly one layer"),
        (no_layer, "exactly one layer"),
        (nothing_selected, "select what you want to change"),
        (selection_beside_the_layer, "outside the layer"),
        (floating_selection, "floating selection"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_could_not_be_placed_is_refused_before_anything_is_sent(server, made, sentence):
    image, drawables = made()
    layers = every_layer(image)
    with pytest.raises(PdbError, match=sentence):
        run("photio-remove", image, drawables)
    assert server.requests == []
    assert every_layer(image) == layers


def test_a_layer_outside_the_canvas_is_refused_with_a_prompt_too(server):
    image, drawables = layer_beside_the_canvas()
    with pytest.raises(PdbError, match="outside the layer"):
        run("photio-regenerate", image, drawables, prompt="a boat")
    assert server.requests == []


@pytest.mark.parametrize("seed", [0.0, 1.5])
def test_a_seed_that_is_none_is_refused_before_anything_is_sent(server, seed):
    with pytest.raises(PdbError, match="4294967296"):
        run("photio-remove", selected_image(), seed=seed)
    assert server.requests == []


def test_a_layer_mask_means_its_layer(server):
    image = selected_image()
    (photograph,) = image.get_layers()
    mask = photograph.create_mask(Gimp.AddMaskType.WHITE)
    photograph.add_mask(mask)
    (layer,) = run("photio-remove", image, [mask])
    assert [each.get_name() for each in image.get_layers()] == ["Photio: removed", "photograph"]
    assert layer.get_mask()


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ({"answer": "status", "status_code": 401, "body": "no"}, "key"),
        ({"answer": "status", "http": 500, "status_code": 500, "body": "down"}, "try again"),
        ({"answer": "status", "http": 429, "status_code": 429, "body": "slow down"}, "again"),
        ({"answer": "raw", "text": "<html>"}, "."),
        ({"size": [64, 64]}, "."),
        ({"close": "after-body"}, "billed"),
    ],
    ids=["wrong-key", "service-down", "too-many", "not-json", "wrong-size", "connection-lost"],
)
def test_each_failure_of_the_service_is_one_sentence_and_leaves_the_image_alone(server, behaviour, sentence):
    server.script(behaviour)
    image = selected_image()
    layers = every_layer(image)
    with pytest.raises(PdbError, match=sentence) as failure:
        run("photio-remove", image)
    assert "Traceback" not in str(failure.value)
    assert KEY not in str(failure.value)
    assert "\n" not in str(failure.value)
    assert every_layer(image) == layers
    assert len(server.requests) == 1


def test_a_service_that_cannot_be_reached_is_said_so(server):
    configure(origin="http://127.0.0.1:9", key_storage="file")
    with pytest.raises(PdbError, match="reached"):
        run("photio-remove", selected_image())


def test_broken_settings_are_set_aside_and_the_defaults_hold():
    (HOME / "settings.json").write_text("{")
    run("photio-remove", selected_image())
    assert (HOME / "settings.json.broken-1").exists()


def test_the_key_is_in_no_file_that_a_job_leaves(server, journal):
    run("photio-remove", selected_image())
    for file in HOME.rglob("*"):
        if file.is_file() and file.name != "api-key":
            assert KEY.encode() not in file.read_bytes(), file
    (folder,) = journal()
    assert {"request.json", "selection.pgm", "base-1.pnm", "mask-1.png", "answer-1-1.png", "result-1-1-1.pnm"} <= {
        file.name for file in folder.iterdir()
    }
