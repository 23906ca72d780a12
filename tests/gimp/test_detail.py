"""Match detail, as somebody meets it who repairs a large part of a photograph."""

from __future__ import annotations

import itertools
import json

from support import make_image, pixels, rendered, run, select

#: px: the photograph, and what is selected: it is sent at half its size.
WIDTH, HEIGHT = 2400, 1600
X, Y, ACROSS, DOWN = 700, 400, 1000, 800
AS_IT_IS = {"match_colour": False, "match_grain": False, "grow": 0, "feather": 0, "seed": 5.0}


def fine(looks):
    """The mean difference of neighbouring px in the middle of the repair, levels."""
    total = count = 0
    for y in range(Y + 100, Y + DOWN - 100, 7):
        row = looks[4 * (y * WIDTH + X + 100) : 4 * (y * WIDTH + X + ACROSS - 100) : 4]
        total += sum(abs(one - other) for one, other in itertools.pairwise(row))
        count += len(row) - 1
    return total / count


def outside(looks):
    """All that is not selected."""
    rows = [looks[4 * y * WIDTH : 4 * (y + 1) * WIDTH] for y in range(HEIGHT)]
    return [row[: 4 * X] + row[4 * (X + ACROSS) :] if Y <= y < Y + DOWN else row for y, row in enumerate(rows)]


def repaired(**arguments):
    """The photograph before, with the repair, and the repair's layer."""
    image = make_image(WIDTH, HEIGHT)
    select(image, X, Y, ACROSS, DOWN)
    before = rendered(image)
    (layer,) = run("photio-remove", image, **AS_IT_IS, **arguments)
    return before, rendered(image), layer


def test_a_large_repair_is_as_detailed_as_the_photograph_and_nothing_changes_outside(server):
    before, on, layer = repaired()
    _before, off, plain = repaired(match_detail=False)
    told = [json.loads(bytes(each.get_parasite("photio-regen").get_data())) for each in (layer, plain)]
    assert [each["match_detail"] for each in told] == [True, False]
    assert told[0]["crops"][0]["size"][0] < 0.8 * told[0]["crops"][0]["box"][2]
    assert fine(off) < 0.5 * fine(before)
    assert fine(on) > 1.5 * fine(off)
    assert outside(on) == outside(before) == outside(off)


def test_a_repair_that_was_not_scaled_is_the_same_with_and_without(server):
    def small(**arguments):
        image = make_image()
        select(image, 100, 80, 60, 40)
        (layer,) = run("photio-remove", image, resolution="native", **AS_IT_IS, **arguments)
        return pixels(layer)

    assert small() == small(match_detail=False)
