"""*Regenerate…* from the menu to the inserted layer."""

import subprocess

from gi.repository import Gimp

from driver import keys, write
from regenerating import GREEN, RED, close, focus, generate, notice, results, undo
from screen import State, find, look, press, see, wait_until
from support import pixels, rendered, run, until


def layers(image, count):
    until(lambda: len(image.get_layers()) == count)
    return image.get_layers()


def in_the_menu(entry):
    """Goes up in GIMP's open menu, with the keyboard, to an entry."""

    def items():
        return [seen for seen in look("gimp") if seen.role in ("menu", "menu item")]

    def selected():
        return [(item.name, item.place) for item in items() if item.has(State.SELECTED)]

    wait_until(lambda: any(item.name == entry for item in items()), f"{entry} is not in the menu")
    for _step in range(40):
        before = selected()
        if any(name == entry for name, _place in before):
            return
        keys("Up")
        wait_until(lambda before=before: selected() not in ([], before), f"“Up” leads nowhere: {before}")
    raise AssertionError(f"{entry} cannot be reached")


def test_from_the_menu_to_the_layer_with_the_keyboard_alone(shown, server, window):
    server.script(GREEN, RED)
    selection, before = pixels(shown.get_selection(), "Y u8"), rendered(shown)
    wait_until(lambda: any(seen.role == "frame" and seen.has(State.ACTIVE) for seen in look("gimp")))
    keys("alt+r")
    in_the_menu("Photio")
    keys("Right")
    in_the_menu("Regenerate…")
    keys("Return")
    focus("text", "Prompt")
    write("a wooden bench")
    keys("ctrl+Return")
    wait_until(lambda: len(results()) == 1)
    keys("alt+g")
    wait_until(lambda: len(results()) == 2)
    focus("radio button", "Result 2,*")
    keys("Left")
    focus("radio button", "Result 1,*")
    keys("Return")
    inserted, _photograph = layers(shown, 2)
    assert inserted.get_name() == "Photio: a wooden bench"
    see("radio button", "Result 1, inserted,*")
    keys("Escape")
    wait_until(lambda: not find("dialog", "Regenerate"))
    assert [request["prompt"] for request in server.requests] == ["a wooden bench"] * 2
    assert rendered(shown) != before
    assert pixels(shown.get_selection(), "Y u8") == selection


def test_of_three_variations_the_second_can_be_inserted_and_one_undo_takes_it_back(shown, server, window):
    before = rendered(shown)
    window()
    see("spin button", "Variations").set(3)
    generate(3)
    first, second, third = (int(name.rpartition(" ")[2]) for name in results())
    assert (second, third) == (first + 1, first + 2)
    focus("radio button", "Result 1,*")
    keys("Right")
    focus("radio button", "Result 2,*")
    keys("alt+i")
    inserted, _photograph = layers(shown, 2)
    assert not inserted.is_group()
    assert f'"seed":{second}' in parasite(inserted).replace(" ", "")
    assert results()[1].startswith("Result 2, inserted")
    undo()
    layers(shown, 1)
    assert rendered(shown) == before


def parasite(layer):
    return bytes(value & 0xFF for value in layer.get_parasite("photio-regen").get_data()).decode()


def test_insert_all_makes_a_group_of_one_generation_and_more_keeps_the_earlier_results(shown, server, window):
    before = rendered(shown)
    window()
    generate(1)
    assert not see("button", "Insert All").has(State.SENSITIVE)
    (earlier,) = results()
    see("spin button", "Variations").set(3)
    generate(4)
    assert results()[0] == earlier
    press("button", "Insert All")
    group, _photograph = layers(shown, 2)
    assert group.is_group()
    assert len(group.get_children()) == 3
    assert ["inserted" in name for name in results()] == [False, True, True, True]
    undo()
    layers(shown, 1)
    assert rendered(shown) == before


def test_the_button_insert_all_belongs_to_the_generation_that_is_looked_at(shown, server, window):
    window()
    see("spin button", "Variations").set(2)
    generate(2)
    see("spin button", "Variations").set(1)
    generate(3)
    assert not see("button", "Insert All").has(State.SENSITIVE)
    focus("radio button", "Result 3,*")
    keys("Left")
    focus("radio button", "Result 2,*")
    press("button", "Insert All")
    group, _photograph = layers(shown, 2)
    assert len(group.get_children()) == 2


def test_a_double_click_inserts(shown, server, window):
    window()
    generate(1)
    x, y, width, height = see("radio button", "Result 1,*").place
    pointer = ["mousemove", str(x + width // 2), str(y + height // 2)]
    subprocess.run(["xdotool", *pointer, "click", "--repeat", "2", "--delay", "60", "1"], check=True)
    layers(shown, 2)
    see("radio button", "Result 1, inserted,*")


def test_closing_the_window_with_results_not_inserted_loses_nothing(shown, server, journal, window):
    window()
    generate(1)
    close()
    assert len(shown.get_layers()) == 1
    (folder,) = [folder for folder in journal() if (folder / "request.json").exists()]
    assert '"received"' in (folder / "request.json").read_text()
    window()
    notice("1 result that was paid for has never been inserted*")


def test_on_a_photio_layer_it_starts_from_that_layers_parameters(shown, server, window):
    (old,) = run("photio-regenerate", shown, prompt="a brass bell", grow=11)
    Gimp.Selection.none(shown)
    shown.set_selected_layers([old])
    window()
    assert see("text", "Prompt").text == "a brass bell"
    press("toggle button", "Area")
    assert see("spin button", "Grow (px)").value == 11
    generate(1)
    press("button", "Insert")
    layers(shown, 3)
    wait_until(lambda: not old.get_visible())
    first, second = server.requests
    assert second["mask_image"] == first["mask_image"]
