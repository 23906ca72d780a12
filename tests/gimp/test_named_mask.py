"""`mask-name`: a channel, path, layer mask or layer of that name says what is regenerated, not the selection."""

import pytest
from gi.repository import Gegl, Gimp

from support import PdbError, add_layer, every_layer, make_image, pixels, run, select

NAME = "dust, Staub, 埃"
AREA = (100, 80, 60, 40)
PRECISIONS = [Gimp.Precision.U8_NON_LINEAR, Gimp.Precision.U16_LINEAR, Gimp.Precision.FLOAT_NON_LINEAR]


def image_of(precision=Gimp.Precision.U8_NON_LINEAR, base=Gimp.ImageBaseType.RGB):
    return make_image(precision=precision, base=base)


def select_softly(image):
    """An ellipse with a soft edge: its greys show whether a mask is taken as it is."""
    image.select_ellipse(Gimp.ChannelOps.REPLACE, *AREA)
    Gimp.Selection.feather(image, 12)


def channel(image):
    Gimp.Selection.save(image).set_name(NAME)


def hidden_layer(image, alpha, name=NAME):
    """A layer that does not begin where the canvas does."""
    layer = add_layer(image, name, 200, 150, 50, 40, alpha=alpha)
    layer.set_visible(False)
    return layer


def layer_mask(image):
    layer = hidden_layer(image, alpha=True)
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))


def layer_mask_of_a_group(image):
    group = Gimp.GroupLayer.new(image, NAME)
    image.insert_layer(group, None, 0)
    add_layer(image, "inside", 200, 150, 50, 40, parent=group)
    group.add_mask(group.create_mask(Gimp.AddMaskType.SELECTION))
    group.set_visible(False)


def layer_mask_by_its_own_name(image):
    """GIMP itself names a mask after its layer."""
    layer = hidden_layer(image, alpha=True, name="sky")
    layer.add_mask(layer.create_mask(Gimp.AddMaskType.SELECTION))
    return layer.get_mask().get_name()


def white_on_black(image, alpha=False):
    """Drawn as dark as the selection is soft: 128 of 255 is half."""
    layer = hidden_layer(image, alpha)
    coverage = pixels(image.get_selection(), "Y u8")
    rows = [coverage[320 * y + 50 : 320 * y + 250] for y in range(40, 190)]
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, 200, 150), "Y' u8", b"".join(rows))


def white_on_nothing(image):
    """Drawn in white, as transparent as the selection is soft."""
    layer = hidden_layer(image, alpha=True)
    coverage = pixels(image.get_selection(), "Y u8")
    rows = [coverage[320 * y + 50 : 320 * y + 250] for y in range(40, 190)]
    drawn = b"".join(bytes((255, alpha)) for alpha in b"".join(rows))
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, 200, 150), "Y'A u8", drawn)


def white_in_a_group(image):
    group = Gimp.GroupLayer.new(image, NAME)
    image.insert_layer(group, None, 0)
    white_on_black(image)
    drawn = image.get_layers()[0]
    drawn.set_name("drawn")
    drawn.set_visible(True)
    image.reorder_item(drawn, group, 0)
    group.set_visible(False)


KINDS = [
    channel,
    layer_mask,
    layer_mask_of_a_group,
    layer_mask_by_its_own_name,
    white_on_black,
    white_on_nothing,
    white_in_a_group,
]


def masked(image, **arguments):
    """Removes what the mask shows; the new layer."""
    photograph = next(layer for layer in every_layer(image) if layer.get_name() == "photograph")
    (layer,) = run("photio-remove", image, [photograph], seed=7.0, **arguments)
    return layer


def looks(layer):
    """Where a result is, what it shows, and how far."""
    return tuple(layer.get_offsets()), pixels(layer, "R'G'B' u16"), pixels(layer.get_mask(), "Y u16")


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_a_named_mask_does_what_the_same_selection_does_and_leaves_the_selection_alone(server, make):
    image = image_of()
    select_softly(image)
    name = make(image) or NAME
    assert name in (NAME, "sky mask")
    wanted = looks(masked(image))
    image.remove_layer(next(layer for layer in image.get_layers() if layer.get_name().startswith("Photio")))
    select(image, 5, 5, 20, 20)
    selection, chosen = pixels(image.get_selection(), "Y u8"), image.get_selected_layers()
    channels, paths = image.get_channels(), image.get_paths()
    images = Gimp.get_images()
    assert looks(masked(image, mask_name=name)) == wanted
    first, second = server.requests
    assert second["mask_image"] == first["mask_image"]
    assert second["base_image"] == first["base_image"]
    assert pixels(image.get_selection(), "Y u8") == selection
    assert (image.get_channels(), image.get_paths(), image.get_selected_layers()) == (channels, paths, chosen)
    assert Gimp.get_images() == images


@pytest.mark.parametrize("precision", PRECISIONS, ids=lambda precision: precision.value_nick)
@pytest.mark.parametrize("make", [channel, layer_mask, white_on_black], ids=lambda make: make.__name__)
def test_a_mask_counts_the_same_in_gray_images_and_at_every_precision(server, make, precision):
    image = image_of(precision, Gimp.ImageBaseType.GRAY)
    select_softly(image)
    make(image)
    wanted = looks(masked(image))
    Gimp.Selection.none(image)
    assert looks(masked(image, mask_name=NAME)) == wanted


def test_a_path_is_filled_with_a_smooth_edge(server):
    image = image_of()
    path = Gimp.Path.new(image, NAME)
    image.insert_path(path, None, 0)
    path.bezier_stroke_new_ellipse(130, 100, 30, 20, 0.3)
    path.stroke_new_from_points(Gimp.PathStrokeType.BEZIER, [30, 30] * 3 + [60, 33] * 3 + [40, 60] * 3, True)
    image.select_item(Gimp.ChannelOps.REPLACE, path)
    wanted = looks(masked(image, areas="together"))
    Gimp.Selection.none(image)
    Gimp.context_set_feather(True)
    try:
        assert looks(masked(image, areas="together", mask_name=NAME)) == wanted
    finally:
        Gimp.context_set_feather(False)


def test_effects_on_a_layer_that_is_a_mask_count(server):
    image = image_of()
    layer = hidden_layer(image, alpha=False)
    layer.get_buffer().set(Gegl.Rectangle.new(0, 0, 200, 150), "Y' u8", bytes([255]) * 200 * 150)
    layer.get_buffer().set(Gegl.Rectangle.new(50, 40, 60, 40), "Y' u8", bytes(60 * 40))
    layer.append_filter(Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", "inverted"))
    select(image, *AREA)
    wanted = looks(masked(image))
    Gimp.Selection.none(image)
    assert looks(masked(image, mask_name=NAME)) == wanted


def test_a_mask_works_with_a_retouch_layer_and_on_a_layer_of_photios_own(server):
    image = image_of()
    select_softly(image)
    channel(image)
    Gimp.Selection.none(image)
    first = masked(image, mask_name=NAME, insert_as="retouch")
    assert first.get_name() == "Photio: retouch"
    result = masked(image, mask_name=NAME)
    again = run("photio-remove", image, [result], mask_name=NAME)  # two layers if it isolates the one with soft edges
    assert again
    one, _two, three = server.requests
    assert three["mask_image"] == one["mask_image"]


def refusal(image, name, **arguments):
    with pytest.raises(PdbError) as refused:
        masked(image, mask_name=name, **arguments)
    return str(refused.value)


def test_an_unknown_name_is_refused_with_the_names_that_there_are(server):
    image = image_of()
    select(image, *AREA)
    channel(image)
    layer_mask_by_its_own_name(image)
    sentence = refusal(image, "dusty")
    assert sentence == (
        "No channel, path, layer mask or layer is called “dusty”. "
        f"There are: “{NAME}”, “sky mask”, “sky”, “photograph”."
    )
    for number in range(12):
        add_layer(image, f"{number} " + "x" * 100, 4, 4)
    assert len(refusal(image, "dusty")) < 500
    assert server.requests == []


def test_a_name_that_two_have_is_refused(server):
    image = image_of()
    select(image, *AREA)
    channel(image)
    white_on_black(image)
    assert refusal(image, NAME) == (
        f"2 channels, paths, layer masks or layers are called “{NAME}”: rename all but one of them."
    )
    assert server.requests == []


@pytest.mark.parametrize("arguments", [{}, {"fill_transparent": True}], ids=["alone", "with fill-transparent"])
def test_an_empty_mask_is_refused_and_never_means_everything(server, arguments):
    image = image_of()
    channel(image)
    assert f"“{NAME}” selects nothing" in refusal(image, NAME, **arguments)
    empty = Gimp.Path.new(image, "empty path")
    image.insert_path(empty, None, 0)
    assert "“empty path” selects nothing" in refusal(image, "empty path", **arguments)
    with pytest.raises(PdbError, match="selects nothing"):
        run("photio-regenerate", image, prompt="a boat", mask_name=NAME)
    assert server.requests == []


def test_a_mask_beside_the_layer_is_refused(server):
    image = image_of()
    select(image, *AREA)
    channel(image)
    small = add_layer(image, "small", 20, 20, 0, 0)
    with pytest.raises(PdbError, match="The mask lies outside the layer"):
        run("photio-remove", image, [small], mask_name=NAME)
    assert server.requests == []


@pytest.mark.parametrize("colour", [(255, 0, 0), (128, 128, 127)])
def test_a_layer_with_colours_is_no_mask(server, colour):
    image = image_of()
    white_on_black(image)
    layer = image.get_layers()[0]
    layer.get_buffer().set(Gegl.Rectangle.new(3, 3, 1, 1), "R'G'B' u8", bytes(colour))
    assert f"The layer “{NAME}” has colours" in refusal(image, NAME)
    assert server.requests == []


def test_who_chooses_the_command_again_gets_what_is_selected(server):
    image = image_of()
    select(image, *AREA)
    channel(image)
    masked(image, mask_name=NAME)
    select(image, 10, 10, 20, 20)
    (layer,) = run("photio-remove", image, image.get_layers()[-1:], run_mode=Gimp.RunMode.WITH_LAST_VALS)
    assert tuple(layer.get_offsets())[1:] < (10, 10)
