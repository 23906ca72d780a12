"""*Regenerate…*: what its preview and its fields show, send and remember."""

import json
import subprocess

import pytest
from gi.repository import Gimp

from driver import keys, write
from regenerating import close, focus, generate, line, line_with, results
from screen import State, find, look, press, see, wait_until, x_window
from support import HOME, select


@pytest.fixture
def recent(empty_home):
    """Prompts of earlier days, newest first."""
    (HOME / "prompts.json").write_text(json.dumps(["a brass bell", "a red boat"]))


def sent(server, field):
    return [request[field] for request in server.requests]


def last_seed():
    return int(results()[-1].rpartition(" ")[2])


def text_of(role, name, text):
    """Waits until that is written there."""
    wait_until(lambda: see(role, name).text == text, lambda: f"{see(role, name).text} is no {text}")


def run_again(image, mode):
    """Runs the procedure without its window."""
    procedure = Gimp.get_pdb().lookup_procedure("photio-regenerate")
    config = procedure.create_config()
    config.set_property("run-mode", mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_layers()[-1:])
    assert procedure.run(config).index(0) == Gimp.PDBStatusType.SUCCESS


def test_more_context_and_another_selection_are_seen_at_once(shown, server, window):
    window()
    assert line().startswith("246 × 246 px")
    press("toggle button", "Area")
    see("spin button", "Context (%)").set(200)
    line_with("518 × 518 px")
    select(shown, 100, 100, 50, 50)
    Gimp.displays_flush()
    line_with("259 × 259 px")
    see("spin button", "Variations").set(3)
    line_with("3 requests")
    Gimp.Selection.none(shown)
    see("label", "*elect*")
    select(shown, 500, 400, 100, 100)
    line_with("518 × 518 px")


def test_automatic_margins_are_shown_in_px_and_can_be_taken_over(shown, server, window):
    window()
    press("toggle button", "Area")
    for name, px in (("Grow (px)", 6), ("Feather (px)", 3), ("Spill", 0)):
        wait_until(lambda name=name, px=px: see("spin button", name).value == px, f"{name} is not {px}")
    press("toggle button", "Area")  # opened, it scrolls the prompt away
    focus("text", "Prompt")
    write("a brass bell")
    press("toggle button", "Area")
    for name, px in (("Grow (px)", 2), ("Feather (px)", 2), ("Spill", 8)):
        wait_until(lambda name=name, px=px: see("spin button", name).value == px, f"{name} is not {px}")
    press("check box", "Grow: automatic")
    see("spin button", "Grow (px)").set(30)
    press("check box", "Spill: automatic")
    see("spin button", "Spill").set(10)
    generate(1)
    job = json.loads(max((HOME / "journal").glob("*/request.json")).read_text())["job"]
    assert (job["grow"], job["feather"], job["spill"], job["spill_unit"]) == (30, 2, 10, "px")


def test_detail_is_matched_until_its_check_mark_is_cleared(shown, server, window):
    window()
    press("toggle button", "Finish")
    wait_until(lambda: see("check box", "Match detail").has(State.CHECKED), "detail is not matched")
    press("check box", "Match detail")
    wait_until(lambda: not see("check box", "Match detail").has(State.CHECKED), "detail is still matched")
    generate(1)
    job = json.loads(max((HOME / "journal").glob("*/request.json")).read_text())["job"]
    assert (job["match_detail"], job["match_grain"]) == (False, True)


def test_a_result_is_shown_in_place_and_can_be_compared_with_before(shown, server, window):
    server.script({"answer": "colour", "rgb": [10, 200, 30]})
    window()
    assert not find("toggle button", "Show before")
    press("toggle button", "Finish")
    press("check box", "Match colour")
    wait_until(lambda: not see("check box", "Match colour").has(State.CHECKED), "colours are still matched")
    generate(1)
    seed = last_seed()
    picture = see("icon", f"Photio: removed, seed {seed}")
    see("label", f"Photio: removed, seed {seed}")
    wait_until(lambda: is_green(colour_in_the_middle(picture)), lambda: str(colour_in_the_middle(picture)))
    with_it = colour_in_the_middle(picture)
    press("toggle button", "Show before")
    wait_until(lambda: colour_in_the_middle(picture) != with_it)
    press("toggle button", "Show before")
    wait_until(lambda: colour_in_the_middle(picture) == with_it)
    select(shown, 100, 100, 50, 50)
    see("icon", "Preview of what will be sent, with the part to be regenerated marked")
    assert not find("toggle button", "Show before")


def is_green(colour):
    return colour[1] > 120 > colour[0]


def colour_in_the_middle(seen):
    """The mean of a few pixels of the window, which nothing covers: neither another one nor a tip at the pointer."""
    window = x_window("^Regenerate$")
    subprocess.run(["xdotool", "mousemove", "1", "1", "windowraise", window], check=True)
    x, y, width, height = seen.place_in_window
    area = f"9x9+{x + width // 2 - 4}+{y + height // 2 - 4}"
    command = [
        "import",
        "-window",
        window,
        "-crop",
        area,
        "+repage",
        "-resize",
        "1x1!",
        "-depth",
        "8",
        "rgb:-",
    ]
    return tuple(subprocess.run(command, capture_output=True, check=True).stdout)


def test_a_typed_seed_is_sent_and_an_empty_one_is_drawn_anew_every_time(shown, server, window):
    window()
    see("text", "Seed").focus()
    write("47x11")
    text_of("text", "Seed", "4711")
    generate(1)
    assert see("toggle button", "Keep this seed").has(State.CHECKED) or see("toggle button", "Keep this seed").has(
        State.PRESSED
    )
    see("text", "Seed").write("")
    generate(2)
    generate(3)
    typed, drawn, other = sent(server, "seed")
    assert str(typed) == "4711"
    assert len({str(typed), str(drawn), str(other)}) == 3
    assert all(int(seed) > 0 for seed in (drawn, other))


def test_the_lock_keeps_the_seed_of_the_result_that_is_shown_and_the_dice_draw_another(shown, server, window):
    window()
    generate(1)
    seed = last_seed()
    generate(2)
    focus("radio button", "Result 2,*")
    keys("Left")
    see("label", f"*seed {seed}")
    press("toggle button", "Keep this seed")
    text_of("text", "Seed", str(seed))
    generate(3)
    assert last_seed() == seed
    press("button", "Draw another seed")
    wait_until(lambda: see("text", "Seed").text not in ("", str(seed)))
    thrown = see("text", "Seed").text
    generate(4)
    assert [str(each) for each in sent(server, "seed")][2:] == [str(seed), thrown]


def test_the_last_prompts_come_back_with_the_arrow_keys_and_from_a_menu(shown, server, recent, window):
    window()
    see("text", "Prompt").focus()
    write("a wooden")
    for key, text in (
        ("Up", "a brass bell"),
        ("Up", "a red boat"),
        ("Up", "a red boat"),
        ("Down", "a brass bell"),
        ("Down", "a wooden"),
    ):
        keys(key)
        text_of("text", "Prompt", text)
    press("toggle button", "Recent prompts")
    press("menu item", "a red boat")
    text_of("text", "Prompt", "a red boat")
    generate(1)
    press("toggle button", "Recent prompts")
    see("menu item", "a red boat")
    assert [seen.name for seen in look() if seen.role == "menu item"] == ["a red boat", "a brass bell"]
    keys("Escape")
    assert sent(server, "prompt") == ["a red boat"]


def test_what_was_asked_last_is_remembered_by_the_window_and_without_it_and_can_be_reset(shown, server, window):
    window()
    see("text", "Prompt").write("a brass lamp")
    press("toggle button", "Area")
    see("spin button", "Context (%)").set(120)
    generate(1)
    close()
    run_again(shown, Gimp.RunMode.WITH_LAST_VALS)
    window()
    text_of("text", "Prompt", "a brass lamp")
    press("toggle button", "Area")
    assert see("spin button", "Context (%)").value == 120
    press("button", "Reset")
    press("*", "Reset to Factory Defaults")
    wait_until(lambda: see("spin button", "Context (%)").value == 50)
    press("toggle button", "Area")  # folded again: the prompt comes back into view
    text_of("text", "Prompt", "")
    run_again(shown, Gimp.RunMode.NONINTERACTIVE)
    assert sent(server, "prompt") == ["a brass lamp", "a brass lamp", ""]
    first, second, _third = sent(server, "base_image")
    assert first == second


def test_settings_can_be_saved_and_loaded(shown, server, window):
    window()
    see("text", "Prompt").write("a brass lamp")
    press("button", "Save Settings")
    see("text", "Prompt").write("something else")
    press("button", "Load Saved Settings")
    text_of("text", "Prompt", "a brass lamp")


def test_a_layer_that_hides_the_result_is_named_before_anything_is_sent(shown, server, window):
    (photograph,) = shown.get_layers()
    cover = Gimp.Layer.new_from_drawable(photograph, shown)
    cover.set_name("cover")
    shown.insert_layer(cover, None, 0)
    shown.set_selected_layers([photograph])
    window()
    line_with("The layer “cover” lies above and hides the result: hide it, or select that layer instead.")
    assert not server.requests
    cover.set_visible(False)
    select(shown, 300, 300, 50, 50)
    Gimp.displays_flush()
    line_with("196 × 196 px")
    assert "hides the result" not in line()
