"""What a repair costs does not depend on the canvas: pixels and bytes are counted, so no busy machine can matter."""

import re
from collections import Counter

import pytest
from gi.repository import Gimp

from support import PLUGIN, select

SIZES = ((1600, 1200), (6400, 4800))
SELECTION = (700, 500, 200, 100)  # as far from the edges as its crop reaches, on both

#: Names of jobs, and numbers: a canvas of more digits is no more work.
_NUMBER = re.compile(rb"[0-9]{8}-[0-9]{6}-[0-9a-f]{6}|[0-9.]+")


class CountingBuffer:
    """A layer's pixels, that tells how many of them are read and written."""

    def __init__(self, buffer, costs):
        self._buffer, self._costs = buffer, costs

    def get(self, area, scale, *others):
        self._costs["pixels read"] += area.width * area.height
        return self._buffer.get(area, scale, *others)

    def set(self, area, *others):
        self._costs["pixels written"] += area.width * area.height
        self._buffer.set(area, *others)

    def flush(self):
        self._buffer.flush()


@pytest.fixture
def plugin(monkeypatch):
    """The plug-in's own modules, in this process."""
    monkeypatch.syspath_prepend(str(PLUGIN))
    import bridge_process
    from canvas import generation

    return generation, bridge_process


@pytest.fixture
def costs(plugin, monkeypatch):
    """Counts from now on: pixels through GEGL, bytes through the pipes."""
    _generation, bridge_process = plugin
    from bridge.protocol import Progress

    counted = Counter()
    get_buffer, encode, decode = Gimp.Drawable.get_buffer, bridge_process.encode, bridge_process.decode

    def sent(message, question):
        line = encode(message, question)
        counted["bytes sent"] += len(_NUMBER.sub(b"0", line))
        return line

    def received(line):
        said = decode(line)
        if not isinstance(said.message, Progress):  # of these there are as many as there is time for
            counted["bytes received"] += len(_NUMBER.sub(b"0", bytes(line)))
        return said

    def counting(maker):
        def made(*arguments):
            image = maker(*arguments)
            counted["pixels of canvases made"] += image.get_width() * image.get_height()
            return image

        return made

    # a canvas is rendered as soon as GIMP has nothing else to do, and it answers nobody meanwhile
    for name in ("duplicate", "new", "new_with_precision"):
        monkeypatch.setattr(Gimp.Image, name, counting(getattr(Gimp.Image, name)))
    monkeypatch.setattr(Gimp.Drawable, "get_buffer", lambda drawable: CountingBuffer(get_buffer(drawable), counted))
    monkeypatch.setattr(bridge_process, "encode", sent)
    monkeypatch.setattr(bridge_process, "decode", received)
    return counted


def white_image(width, height):
    image = Gimp.Image.new(width, height, Gimp.ImageBaseType.RGB)
    layer = Gimp.Layer.new(image, "paper", width, height, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    layer.fill(Gimp.FillType.WHITE)
    image.insert_layer(layer, None, 0)
    select(image, *SELECTION)
    return image


def repair(plugin, image, sample):
    """One job, as `photio-remove` does it; the bytes of all uncompressed pictures in its folder."""
    generation, bridge_process = plugin
    from bridge.protocol import Job

    (layer,) = image.get_layers()
    job = Job(
        prompt="", negative_prompt="", quality="LOW", seed=1, cfg_scale=2.5, variations=1, sample=sample, context=50.0,
        grow=6, feather=3, engine="auto", areas="auto", resolution="recommended", fill_transparent=False,
        match_colour=True, match_grain=True, source=layer.get_tattoo(),
    )  # fmt: skip
    captured, job = generation.capture(image, layer, job, again=False)
    bridge = bridge_process.Bridge()
    try:
        draft = generation.open_draft(bridge)
        planned = generation.plan(bridge, draft, captured, job)
        generation.export(draft, captured, planned)
        outcome = generation.run(bridge, draft, captured, job)
        assert generation.insert(bridge, outcome)
    finally:
        bridge.close()
    return sum(file.stat().st_size for file in draft.folder.glob("*.p?m"))


@pytest.mark.parametrize("sample", ["layer", "visible"])
def test_a_canvas_of_sixteen_times_the_size_costs_not_one_pixel_more(server, plugin, costs, sample):
    found = []
    for size in SIZES:
        image = white_image(*size)
        costs.clear()
        costs["bytes of pictures"] = repair(plugin, image, sample)
        found.append(dict(costs))
    assert found[0] == found[1]
    assert min(found[0].values()) > 0
    counted = {"pixels read", "pixels written", "bytes sent", "bytes received", "bytes of pictures"}
    assert set(found[0]) == counted | ({"pixels of canvases made"} if sample == "visible" else set())
