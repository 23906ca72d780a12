"""History's pictures show a result as the image has it, small, large or in part. Jobs run with a service of ours."""

import numpy as np
import pytest
from PIL import Image

from bridge.common.errors import PhotioError
from bridge.history import listing, pictures
from bridge.history.records import HistoryError
from bridge.pixels.imaging import read_pnm
from bridge.protocol.history import ShowPart
from bridge.store import places
from tests.unit.history_jobs import TWO_AREAS, recall, run_a_job


def picture(folder, variation, size):
    shown = pictures.show(places.journal_directory(), folder.name, variation, size)
    with Image.open(folder / shown.file) as image:
        image.load()
        return image, shown.box


def test_the_picture_shows_the_crop_with_the_result_through_its_mask(server):
    folder, finished = run_a_job()
    after, box = picture(folder, 1, 2048)
    crop = read_pnm(folder / "base-1.pnm")
    mask = read_pnm(folder / "layer-mask-1.pgm").astype(float)[..., None] / 255
    deep = (folder / "result-1-1-1.pnm").read_bytes()
    x, y, width, height = finished.box
    shown = np.frombuffer(deep[-width * height * 6 :], ">u2").reshape(height, width, 3) / 257
    expected = crop.astype(float)
    top, left = y - box[1], x - box[0]
    part = expected[top : top + height, left : left + width]
    part[...] = part * (1 - mask) + shown * mask
    assert np.abs(np.asarray(after).astype(float) - expected).max() <= 1.5
    before, same = picture(folder, 0, 2048)
    assert same == box
    np.testing.assert_array_equal(np.asarray(before), crop)
    assert np.abs(np.asarray(after).astype(int) - crop).max() > 5  # there is something to see at all


def test_a_result_without_colour_is_kept_as_one_channel_recalled_and_shown(server):
    server.script({"answer": "colour", "rgb": [90, 90, 90]})
    folder, finished = run_a_job(gray=True, match_colour=False, match_grain=False)
    assert (folder / "result-1-1-1.pnm").read_bytes().startswith(b"P5\n")
    (folder / "answer-1-1.png").unlink()  # of which it could be made again
    assert recall(folder).finished == finished
    image, box = picture(folder, 1, 2048)
    x, y, width, height = finished.box
    assert image.getpixel((x + width // 2 - box[0], y + height // 2 - box[1])) == (90, 90, 90)


@pytest.mark.parametrize("size", [1, 7, 100, 333, 700])
def test_a_small_picture_is_the_large_one_scaled_down(server, size):
    folder, _finished = run_a_job()
    large, box = picture(folder, 1, 2048)
    small, same = picture(folder, 1, size)
    assert same == box
    assert max(small.size) == min(size, max(large.size))
    assert small.mode == "RGB"
    wanted = large.resize(small.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - np.asarray(wanted)).mean() < 3


def test_parts_of_the_canvas_that_were_not_sent_are_left_out_of_the_picture(server):
    folder, _finished = run_a_job(
        selections=((40, 40, 90, 60), (7000, 5000, 80, 90)), canvas=(8000, 6000), areas="separate"
    )
    image, box = picture(folder, 1, 400)
    assert image.mode == "RGBA"
    assert max(image.size) == 400
    assert image.getpixel((200, 150))[3] == 0
    x, y = (85 - box[0]) * image.width // box[2], (70 - box[1]) * image.height // box[3]
    assert image.getpixel((x, y))[3] == 255


def test_what_is_transparent_in_the_image_shows_a_board(server):
    folder, _finished = run_a_job(alpha=True)
    image, _box = picture(folder, 0, 2048)
    corner = np.asarray(image.crop((0, 0, 16, 16)))
    assert sorted(np.unique(corner)) == [230, 255]


def part(folder, variation, where, step=1, linear=False):
    asked = ShowPart(folder.name, variation, where, step, linear)
    shown = pictures.show_part(places.journal_directory(), asked)
    return read_pnm(folder / shown.file), shown.box


def test_a_closer_look_shows_the_same_in_full_size(server):
    folder, finished = run_a_job(feather=9)
    large, box = picture(folder, 1, 2048)
    x, y, width, height = finished.box
    where = (x - 5, y + 3, width // 2, height)
    seen, same = part(folder, 1, where)
    assert same == where
    corner = (where[0] - box[0], where[1] - box[1])
    expected = large.crop((*corner, corner[0] + where[2], corner[1] + where[3]))
    np.testing.assert_array_equal(seen, np.asarray(expected))
    before, _same = part(folder, 0, where)
    assert np.abs(before.astype(int) - seen).max() > 5


def test_a_closer_look_at_a_soft_edge_blends_as_gimp_will(server):
    server.script({"answer": "colour", "rgb": [255, 255, 255]})
    folder, finished = run_a_job(feather=9, match_colour=False, match_grain=False)
    encoded, light = part(folder, 1, finished.box)[0], part(folder, 1, finished.box, linear=True)[0]
    before = part(folder, 0, finished.box)[0]
    mask = read_pnm(folder / "layer-mask-1.pgm").astype(float)[..., None] / 255

    def linear(values):
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)

    wanted = linear(before / 255) * (1 - mask) + mask
    np.testing.assert_allclose(linear(light / 255), wanted, atol=0.005)
    np.testing.assert_allclose(encoded, before * (1 - mask) + 255 * mask, atol=1.5)
    assert np.abs(light.astype(int) - encoded).max() > 10
    np.testing.assert_array_equal(light[mask[..., 0] == 0], before[mask[..., 0] == 0])


@pytest.mark.parametrize("step", [2, 3, 7])
def test_a_part_that_is_looked_at_from_afar_is_small_and_lies_on_whole_pixels(server, step):
    folder, _finished = run_a_job()
    large, box = picture(folder, 1, 2048)
    seen, shown = part(folder, 1, (box[0] + 11, box[1] + 5, 90, 61), step)
    assert seen.shape[:2] == (shown[3] // step, shown[2] // step)
    assert (shown[0] - box[0]) % step == (shown[1] - box[1]) % step == 0
    assert shown[0] <= box[0] + 11
    assert shown[0] + shown[2] >= box[0] + 101
    left, top = shown[0] - box[0], shown[1] - box[1]
    expected = large.crop((left, top, left + shown[2], top + shown[3])).reduce(step)
    np.testing.assert_allclose(seen, np.asarray(expected), atol=1)


def test_a_part_beyond_all_crops_is_cut_off_and_one_elsewhere_is_refused(server):
    folder, _finished = run_a_job()
    box = picture(folder, 1, 2048)[1]
    assert part(folder, 1, (box[0] - 500, box[1] - 500, 10_000_000, 10_000_000))[1] == box
    for where in ((box[0] - 20, box[1], 20, 20), (box[0], box[1], 0, 5), (box[0], box[1], -5, -5)):
        with pytest.raises(HistoryError):
            part(folder, 1, where)


def test_between_the_crops_a_part_is_transparent(server):
    folder, _finished = run_a_job(
        selections=((40, 40, 90, 60), (7000, 5000, 80, 90)), canvas=(8000, 6000), areas="separate"
    )
    assert part(folder, 1, (4000, 3000, 50, 40))[0].tolist() == [[[0] * 4] * 50] * 40
    assert part(folder, 1, (60, 50, 20, 20))[0].shape == (20, 20, 3)


def test_a_picture_is_made_once_and_again_when_there_is_more_to_see(server):
    folder, _finished = run_a_job(selections=TWO_AREAS, areas="separate")
    first = pictures.show(places.journal_directory(), folder.name, 1, 300)
    (folder / first.file).write_bytes(b"marked")
    assert pictures.show(places.journal_directory(), folder.name, 1, 300) == first
    assert (folder / first.file).read_bytes() == b"marked"
    (folder / "result-2-1-2.pnm").unlink()
    recall(folder)
    assert not (folder / first.file).exists()


def test_there_is_no_picture_of_what_is_not_there(server):
    folder, _finished = run_a_job(variations=2)
    listing.discard(places.journal_directory(), folder.name, 1)
    for variation in (1, 3, -1):
        with pytest.raises(PhotioError):
            picture(folder, variation, 100)
    assert picture(folder, 2, 100)
    (folder / "base-1.pnm").write_bytes(b"P6\n")
    with pytest.raises(PhotioError):
        picture(folder, 0, 100)
