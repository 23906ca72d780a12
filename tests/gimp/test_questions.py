"""The plug-in asks its bridge: every question gets its own answer, whatever else comes in between."""

import os
import shutil
import signal
import sys

import pytest
from gi.repository import GLib

from support import BRIDGE, PLUGIN, make_image, processes, rendered, run, select

sys.path[:0] = [path for path in (str(PLUGIN),) if path not in sys.path]

from bridge.protocol import Job, Placed  # noqa: E402
from bridge.protocol.history import AskPrompts, Prompts, Recall, Recalled  # noqa: E402
from bridge_process import Bridge, BridgeCancelled, BridgeError  # noqa: E402
from canvas import generation, reading, reinsertion  # noqa: E402

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200))


@pytest.fixture
def failures():
    return []


@pytest.fixture
def bridge(server, failures):
    started = Bridge(on_failure=failures.append)
    yield started
    started.close()


def exported(bridge, image):
    """A job that only waits to be run: its draft, what was captured, and the job."""
    reading.start_gegl()
    select(image, 100, 80, 60, 40)
    (layer,) = image.get_layers()
    job = Job(
        prompt="", negative_prompt="", quality="LOW", seed=1, cfg_scale=2.5, variations=1, sample="layer", context=50.0,
        grow=0, feather=0, engine="auto", areas="auto", resolution="recommended", fill_transparent=False,
        match_colour=False, match_grain=False, source=layer.get_tattoo(),
    )  # fmt: skip
    captured, job = generation.capture(image, layer, job, again=False)
    draft = generation.open_draft(bridge)
    generation.export(draft, captured, generation.plan(bridge, draft, captured, job))
    return draft, captured, job


def soon(action):
    """Does that in the main loop, while somebody waits in it."""
    GLib.idle_add(lambda: action() and False)


def test_a_result_that_cannot_be_noted_as_inserted_does_not_put_its_neighbours_picture_into_the_image(
    bridge, server, journal, failures
):
    server.script(*({"answer": "colour", "rgb": list(colour)} for colour in COLOURS))
    for _colour in COLOURS:
        image = make_image()
        select(image, 100, 80, 60, 40)
        run("photio-remove", image, grow=0, feather=0, match_colour=False)
    image = make_image()
    for folder, colour in zip(journal(), COLOURS, strict=True):
        recalled = bridge.ask(Recall(folder.name), Recalled)
        reinsertion.insert(image, recalled, 1)
        assert tuple(rendered(image)[4 * (100 * 320 + 130) :][:3]) == colour
        image.remove_layer(image.get_layers()[0])
        shutil.rmtree(folder)  # another window deletes it
        bridge.notify(Placed(folder.name, (1,)))
    bridge.ask(AskPrompts(), Prompts)
    assert [str(error) for error in failures] == [
        "The history could not be brought up to date: This result is no longer in the history."
    ] * 3


def test_a_question_asked_while_another_one_waits_is_answered_first_and_both_get_their_own(bridge, server):
    server.script({"hold": "before-answer"})
    image, meanwhile = make_image(), []
    draft, captured, job = exported(bridge, image)

    def ask():
        server.wait("body")
        meanwhile.append(bridge.ask(AskPrompts(), Prompts))
        server.release()

    soon(ask)
    outcome = generation.run(bridge, draft, captured, job)
    assert outcome.finished.results[0].seed == 1
    assert isinstance(meanwhile[0], Prompts)


def test_a_cancel_ends_the_job_and_the_next_question_gets_its_answer(bridge, server):
    server.script({"hold": "before-answer"})
    draft, captured, job = exported(bridge, make_image())
    soon(lambda: (server.wait("body"), bridge.cancel()))
    with pytest.raises(BridgeCancelled) as cancelled:
        generation.run(bridge, draft, captured, job)
    assert cancelled.value.may_be_billed
    assert isinstance(bridge.ask(AskPrompts(), Prompts), Prompts)


def test_a_cancel_that_is_too_late_or_too_early_disturbs_nobody(bridge, server):
    image = make_image()
    bridge.cancel()
    draft, captured, job = exported(bridge, image)
    bridge.cancel()
    assert generation.run(bridge, draft, captured, job).finished.results
    bridge.cancel()
    assert isinstance(bridge.ask(AskPrompts(), Prompts), Prompts)


def test_everybody_who_waits_hears_that_the_bridge_has_died(bridge, server):
    server.script({"hold": "before-answer"})
    draft, captured, job = exported(bridge, make_image())
    (process,) = processes(BRIDGE)
    sentences = []

    def ask():
        server.wait("body")
        os.kill(process, signal.SIGSTOP)  # so that it does not answer any more
        soon(lambda: os.kill(process, signal.SIGKILL))
        with pytest.raises(BridgeError) as died:
            bridge.ask(AskPrompts(), Prompts)
        sentences.append(str(died.value))

    soon(ask)
    with pytest.raises(BridgeError, match="ended unexpectedly"):
        generation.run(bridge, draft, captured, job)
    assert "ended unexpectedly" in sentences[0]


def test_two_windows_have_bridges_of_their_own_and_neither_hears_the_others_answers(bridge, server):
    server.script({"hold": "before-answer"})
    draft, captured, job = exported(bridge, make_image())
    other = Bridge()

    def ask():
        server.wait("body")
        for _time in range(9):  # beyond the numbers that the first one has given
            assert isinstance(other.ask(AskPrompts(), Prompts), Prompts)
        other.close()
        server.release()

    soon(ask)
    assert generation.run(bridge, draft, captured, job).finished.results
