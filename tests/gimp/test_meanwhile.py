"""What became of the image between the question and the answer: the result fits what is there now, or is kept."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from gi.repository import Gimp

from support import PLUGIN, add_layer, every_layer, make_image, rendered, select, until

sys.path[:0] = [path for path in (str(PLUGIN),) if path not in sys.path]

from bridge.protocol import Job  # noqa: E402
from bridge.protocol.history import Recall, Recalled  # noqa: E402
from bridge_process import Bridge  # noqa: E402
from canvas import generation, reinsertion  # noqa: E402
from canvas.reading import Refusal  # noqa: E402

GRAY_ANSWER = {"answer": "colour", "rgb": [90, 90, 90]}
AREA = (100, 80, 60, 40)
INSIDE = 4 * (100 * 320 + 130)


@pytest.fixture
def waiting(server):
    """Starts jobs, each in a bridge of its own that has its result already: what is left to do is to place it."""
    bridges = []

    def answered(image, layer, variations=1, again=False):
        job = Job(
            prompt="", negative_prompt="", quality="LOW", seed=1, cfg_scale=2.5, variations=variations, sample="layer",
            context=50.0, grow=0, feather=0, engine="auto", areas="auto", resolution="native", fill_transparent=False,
            match_colour=False, match_grain=False, source=layer.get_tattoo(),
        )  # fmt: skip
        bridges.append(Bridge())
        captured, job = generation.capture(image, layer, job, again)
        draft = generation.open_draft(bridges[-1])
        planned = generation.plan(bridges[-1], draft, captured, job)
        generation.export(draft, captured, planned)
        outcome = generation.run(bridges[-1], draft, captured, job)
        return SimpleNamespace(outcome=outcome, insert=lambda: generation.insert(bridges[-1], outcome))

    yield answered
    for bridge in bridges:
        bridge.close()


@pytest.fixture
def image():
    image = make_image()
    select(image, *AREA)
    return image


def items():
    """The numbers of all layers, masks and channels that GIMP has, those in no image too."""
    image = Gimp.Image.new(1, 1, Gimp.ImageBaseType.RGB)
    newest = Gimp.Layer.new(image, "newest", 1, 1, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
    number = newest.get_id()
    newest.delete()
    image.delete()
    return {each for each in range(number) if Gimp.Item.id_is_valid(each)}


def state(journal):
    """What the journal says of the last job."""
    return json.loads((journal()[-1] / "request.json").read_text())["state"]


def from_history(image, journal):
    """What “History… > Insert” does with the last job's result."""
    bridge = Bridge()
    try:
        recalled = bridge.ask(Recall(journal()[-1].name), Recalled)
    finally:
        bridge.close()
    return reinsertion.insert(image, recalled, recalled.finished.results[0].variation)


def to_indexed(image):
    image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 255, False, False, "")


def refused(image, job, journal, sentence):
    """Nothing may be placed: the image stays as it is, and the result is in the history."""
    image.clean_all()
    layers, looks, known = every_layer(image), rendered(image), items()
    with pytest.raises(Refusal, match=sentence):
        job.insert()
    assert items() == known, "a layer that nobody sees is left in GIMP"
    assert every_layer(image) == layers
    assert rendered(image) == looks
    assert not image.is_dirty()
    assert state(journal) == "received"


@pytest.mark.parametrize("variations", [1, 2])
def test_an_image_that_became_indexed_stays_as_it_is_and_a_sentence_says_what_to_do(
    waiting, image, journal, server, variations
):
    server.script(*[GRAY_ANSWER] * variations)
    (photograph,) = image.get_layers()
    job = waiting(image, photograph, variations)
    to_indexed(image)
    refused(image, job, journal, "indexed.*Image > Mode > RGB.*History")
    image.convert_rgb()
    layers = job.insert()
    assert [layer.is_rgb() for layer in layers] == [True] * variations
    assert rendered(image)[INSIDE : INSIDE + 3] == bytes([90, 90, 90])


@pytest.mark.parametrize("variations", [1, 2])
@pytest.mark.parametrize("before", ["RGB", "GRAY"])
def test_an_image_that_became_gray_or_rgb_gets_its_result_as_that(waiting, server, journal, before, variations):
    server.script(*[GRAY_ANSWER] * variations)
    image = make_image(base=getattr(Gimp.ImageBaseType, before))
    select(image, *AREA)
    job = waiting(image, image.get_layers()[0], variations)
    assert image.convert_grayscale() if before == "RGB" else image.convert_rgb()
    job.insert()
    assert [layer.is_gray() for layer in every_layer(image)] == [before == "RGB"] * len(every_layer(image))
    assert rendered(image)[INSIDE : INSIDE + 3] == bytes([90, 90, 90])
    until(lambda: state(journal) == "placed")


def test_an_image_of_another_precision_gets_its_result_in_that(waiting, server, image):
    server.script(GRAY_ANSWER)
    job = waiting(image, image.get_layers()[0])
    image.convert_precision(Gimp.Precision.FLOAT_LINEAR)
    (layer,) = job.insert()
    assert layer.get_bpp() == 16
    assert rendered(image)[INSIDE : INSIDE + 3] == bytes([90, 90, 90])


CHANGES = {
    "gray": (Gimp.Image.convert_grayscale, lambda layer: layer.is_gray()),
    "precise": (  # three or four floats a pixel
        lambda image: image.convert_precision(Gimp.Precision.FLOAT_LINEAR),
        lambda layer: layer.get_bpp() >= 12,
    ),
}


@pytest.mark.parametrize("variations", [1, 2])
@pytest.mark.parametrize(("change", "fits"), CHANGES.values(), ids=CHANGES)
def test_an_image_that_changes_while_its_layer_is_being_made_gets_one_that_fits(
    waiting, server, image, monkeypatch, change, fits, variations
):
    server.script(*[GRAY_ANSWER] * variations)
    job = waiting(image, image.get_layers()[0], variations)
    known = items()
    attach, changes = Gimp.Layer.attach_parasite, [change]

    def the_user_is_quick(layer, parasite):
        if changes:
            changes.pop()(image)
        return attach(layer, parasite)

    monkeypatch.setattr(Gimp.Layer, "attach_parasite", the_user_is_quick)
    layers = job.insert()
    assert len(layers) == variations
    assert all(fits(layer) for layer in every_layer(image))
    placed = every_layer(image)[:-1]
    assert len(items() - known) == len(placed) + 1, "layers and one mask; all else is left over"
    assert rendered(image)[INSIDE : INSIDE + 3] == bytes([90, 90, 90])


def test_an_image_that_changes_at_the_last_moment_is_left_alone(waiting, server, image, journal, monkeypatch):
    job = waiting(image, image.get_layers()[0])
    start, layers, known = Gimp.Image.undo_group_start, every_layer(image), items()

    def the_user_is_quicker(image):
        image.convert_grayscale()
        return start(image)

    monkeypatch.setattr(Gimp.Image, "undo_group_start", the_user_is_quicker)
    with pytest.raises(Refusal, match=r"gray.*History"):
        job.insert()
    monkeypatch.undo()
    assert (every_layer(image), items(), state(journal)) == (layers, known, "received")
    job.insert()
    until(lambda: state(journal) == "placed")
    assert len(every_layer(image)) == 2


def test_where_its_group_was_deleted_the_result_goes_to_the_top(waiting, image, journal):
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    inner = add_layer(image, "inner", 320, 240, parent=group)
    add_layer(image, "notes", 50, 50, alpha=True)
    job = waiting(image, inner)
    image.remove_layer(group)
    (layer,) = job.insert()
    assert [each.get_name() for each in image.get_layers()] == [layer.get_name(), "notes", "photograph"]
    until(lambda: state(journal) == "placed")


def test_a_group_that_was_locked_meanwhile_is_respected(waiting, image, journal):
    group = Gimp.GroupLayer.new(image, "group")
    image.insert_layer(group, None, 0)
    inner = add_layer(image, "inner", 320, 240, parent=group)
    job = waiting(image, inner)
    group.set_lock_content(True)
    refused(image, job, journal, "“group” was locked.*History")
    group.set_lock_content(False)
    (layer,) = job.insert()
    assert layer.get_parent() == group


def test_when_the_image_was_closed_a_sentence_says_where_the_result_is(waiting, image, journal):
    job = waiting(image, image.get_layers()[0])
    image.delete()
    known = items()
    with pytest.raises(Refusal, match=r"closed.*History"):
        job.insert()
    assert items() <= known
    assert state(journal) == "received"


def test_when_the_image_is_closed_while_its_layer_is_being_made_a_sentence_says_where_the_result_is(
    waiting, image, journal, monkeypatch
):
    job = waiting(image, image.get_layers()[0], 2)
    new, known = Gimp.GroupLayer.new, items()

    def the_user_is_quick(scratch, name):
        image.delete()
        return new(scratch, name)

    monkeypatch.setattr(Gimp.GroupLayer, "new", the_user_is_quick)
    with pytest.raises(Refusal, match=r"closed.*History"):
        job.insert()
    assert items() <= known
    assert state(journal) == "received"


@pytest.mark.parametrize("variations", [1, 2])
def test_a_result_whose_files_are_gone_leaves_nothing_in_gimp(waiting, image, journal, variations):
    job = waiting(image, image.get_layers()[0], variations)
    layers, known = every_layer(image), items()
    for patch in job.outcome.finished.masks:
        (job.outcome.draft.folder / patch.file).unlink()
    with pytest.raises(FileNotFoundError):
        job.insert()
    assert (every_layer(image), items(), state(journal)) == (layers, known, "received")


def test_on_a_canvas_that_was_enlarged_the_result_stays_on_what_it_repairs(waiting, image, server):
    server.script(GRAY_ANSWER)
    job = waiting(image, image.get_layers()[0])
    image.resize(400, 300, 30, 20)
    (layer,) = job.insert()
    assert tuple(layer.get_offsets())[1:] == (AREA[0] + 30, AREA[1] + 20)


FITTING_NO_MORE = {
    "scaled": lambda image: image.scale(160, 120),
    "rotated": lambda image: image.rotate(Gimp.RotationType.DEGREES90),
    "cropped": lambda image: image.crop(200, 150, 60, 40),
}


@pytest.mark.parametrize("change", FITTING_NO_MORE.values(), ids=FITTING_NO_MORE)
def test_an_image_that_the_result_fits_no_more_stays_as_it_is(waiting, image, journal, change):
    job = waiting(image, image.get_layers()[0])
    change(image)
    refused(image, job, journal, "scaled, rotated or cropped.*History")


def test_what_could_not_be_placed_goes_to_its_old_place_from_the_history(waiting, image, journal, server):
    server.script(GRAY_ANSWER)
    job = waiting(image, image.get_layers()[0])
    to_indexed(image)
    refused(image, job, journal, "History")
    with pytest.raises(Refusal, match="indexed"):
        from_history(image, journal)
    image.convert_rgb()
    done = from_history(image, journal)
    assert "old place" in done.sentence
    assert tuple(done.layer.get_offsets())[1:] == AREA[:2]


def test_a_layer_made_again_that_cannot_be_placed_leaves_the_old_one_visible(waiting, image, journal):
    (old,) = waiting(image, image.get_layers()[0]).insert()
    job = waiting(image, old, again=True)
    to_indexed(image)
    refused(image, job, journal, "indexed")
    assert old.get_visible()


# --- which image is which


def test_a_copy_of_an_unsaved_image_is_another_image(waiting, image, journal):
    waiting(image, image.get_layers()[0]).insert()
    assert "old place" in from_history(image, journal).sentence
    assert "in the middle" in from_history(image.duplicate(), journal).sentence


def test_to_be_recognised_an_image_is_not_changed(waiting, image, journal, tmp_path):
    image.clean_all()
    waiting(image, image.get_layers()[0])
    assert not image.is_dirty()
    assert image.get_parasite_list() == []
    assert not [
        name for name in Gimp.get_parasite_list() if Gimp.get_parasite(name).is_persistent() and "photio" in name
    ]


SECOND = """
import sys
sys.path[:0] = {path!r}
sys.argv = ["gimp"]
from gi.repository import Gegl, Gimp
Gegl.init(None)
from canvas import reinsertion
from bridge.protocol.history import Recall, Recalled
from bridge_process import Bridge
image = Gimp.Image.new(320, 240, Gimp.ImageBaseType.RGB)
layer = Gimp.Layer.new(image, "photograph", 320, 240, Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL)
layer.fill(Gimp.FillType.WHITE)
image.insert_layer(layer, None, 0)
image.select_rectangle(Gimp.ChannelOps.REPLACE, *{area!r})
job = {job!r}
if job:
    bridge = Bridge()
    recalled = bridge.ask(Recall(job), Recalled)
    bridge.close()
    done = reinsertion.insert(image, recalled, recalled.finished.results[0].variation)
    open({said!r}, "w").write(done.sentence)
else:
    procedure = Gimp.get_pdb().lookup_procedure("photio-remove")
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", [layer])
    procedure.run(config)
"""

#: A process number of its own for each, always the same: as in a Flatpak.
SANDBOX = ["unshare", "--pid", "--fork", "--kill-child"]


def can_sandbox():
    return subprocess.run([*SANDBOX, "true"], capture_output=True).returncode == 0


def sandboxed(job, said):
    """One GIMP in a sandbox: it makes an image, and repairs it or inserts a job's result into it."""
    script = SECOND.format(path=[str(PLUGIN)], area=AREA, job=job, said=str(said))
    command = [*SANDBOX, "gimp-console", "-i", "--quit", "--batch-interpreter=python-fu-eval", "-b", script]
    silent = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    subprocess.run(command, **silent, timeout=200, check=True, env={**os.environ, "PHOTIO_RUN": ""})


@pytest.mark.skipif(not can_sandbox(), reason="this user may not make process namespaces (unshare --pid)")
def test_the_first_image_of_todays_sandbox_is_not_taken_for_the_first_of_yesterdays(server, journal, tmp_path):
    sandboxed("", tmp_path / "said")
    (yesterdays,) = journal()
    sandboxed(yesterdays.name, tmp_path / "said")
    assert "in the middle" in (tmp_path / "said").read_text()
