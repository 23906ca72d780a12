"""A job as large as they get: 64 megapixels, all of them selected."""

import re

import pytest

from support import PdbError, every_layer, make_image, run, select

WIDTH = HEIGHT = 8000


@pytest.fixture
def image():
    made = make_image(64, 64)
    made.scale(WIDTH, HEIGHT)
    select(made, 0, 0, WIDTH, HEIGHT)
    return made


def test_a_whole_image_of_64_megapixels_gets_a_layer_as_large(server, image):
    (layer,) = run("photio-regenerate", image, prompt="a lake", match_colour=False, match_grain=False)
    assert (layer.get_width(), layer.get_height()) == (WIDTH, HEIGHT)
    assert layer.get_mask()
    assert len(server.requests) == 1


def test_a_whole_image_without_surroundings_is_refused_by_the_offline_engine_in_words(server, image):
    layers = every_layer(image)
    with pytest.raises(PdbError) as refused:
        run("photio-remove", image, engine="offline")
    assert re.search(r"[.!]$", str(refused.value))
    assert every_layer(image) == layers
