"""An installation of the version before is upgraded: nothing of its code is left, and nothing of the user's is lost.

`data/save_old_installation.py` made the saved installation, with the code of that version.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.common import environments
from bridge.protocol.history import AskUnclaimed, Browse, Page, Recall, Recalled, Unclaimed
from bridge.service import history_messages
from bridge.setup import contents
from bridge.store import settings
from bridge.store.key import find_key
from tests.unit.install_world import REPOSITORY, World, make_world, tree
from tests.unit.plugin_side import plugin

SAVED = Path(__file__).parent / "data" / "old-installation"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The new version's checkout, and a home in which the old version is installed."""
    made = make_world(tmp_path, monkeypatch)
    for name in ("PHOTIO_API_KEY", "PHOTIO_ORIGIN"):
        monkeypatch.delenv(name, raising=False)
    no_catalogues = shutil.ignore_patterns("__pycache__", "locale")
    shutil.copytree(
        REPOSITORY / "plugin/photio", made.checkout / "plugin/photio", ignore=no_catalogues, dirs_exist_ok=True
    )
    shutil.copytree(SAVED / "config", made.home / ".config/photio")
    shutil.copytree(SAVED / "data", made.home / ".local/share/photio")
    folder = made.gimp() / "plug-ins/photio"
    for name in json.loads((SAVED / "install.json").read_text())["files"]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("raise ImportError('of the old version')\n")
    for name, target in (("install.json", folder), ("data/installations.json", made.home / ".local/share/photio")):
        text = (SAVED / name).read_text().replace("{home}", str(made.home)).replace("{python}", sys.executable)
        (target / Path(name).name).write_text(text)
    old = made.environments / "old"
    old.mkdir(parents=True)
    (old / environments.MARKER).touch()
    return made


def test_no_module_of_the_old_version_is_left_to_be_imported(world: World) -> None:
    folder = world.gimp() / "plug-ins/photio"
    assert (folder / "canvas.py").exists(), "it would be imported in place of the folder `canvas`"
    assert world.install() == 0
    bridge = {f"bridge/{name}" for name in tree(world.checkout / "bridge")}
    expected = {*tree(world.checkout / "plugin/photio"), *bridge, "bridge", contents.LIST}
    assert {name for name in tree(folder) if not name.startswith("locale")} == expected
    assert contents.damage(folder) == []


def test_settings_and_key_stay_as_they_were(world: World) -> None:
    before = tree(world.home / ".config/photio")
    assert world.install() == 0
    assert tree(world.home / ".config/photio") == before
    found, warnings = settings.load()
    assert warnings == ()
    assert (found.engine, found.answer_timeout) == ("photio", 120.0)
    assert (found.history_days, found.history_gigabytes) == (365, 2.5)
    key = find_key(found)
    assert key is not None
    assert (key.value, key.place) == ("sk-old-0123456789abcdef", "file")


def test_the_history_lists_the_old_result_and_gives_all_that_inserting_it_takes(world: World) -> None:
    journal = world.home / ".local/share/photio/journal"
    before = tree(journal)
    assert world.install() == 0
    assert tree(journal) == before
    page = history_messages.answer(Browse("red door", 0, 10))
    assert isinstance(page, Page)
    (entry,) = page.entries
    assert (entry.prompt, entry.seed, entry.engine, entry.inserted) == ("a red door, Tür", 1234, "photio", True)
    recalled = history_messages.answer(Recall(entry.id))
    assert isinstance(recalled, Recalled)
    (result,) = recalled.finished.results
    assert all((Path(recalled.folder) / patch.file).is_file() for patch in (*recalled.finished.masks, *result.patches))
    assert history_messages.answer(AskUnclaimed()) == Unclaimed(0)


def test_a_layer_of_the_old_version_can_be_made_again(world: World) -> None:
    (record,) = (world.home / ".local/share/photio/journal").glob("*/request.json")
    provenance = json.loads(record.read_text())["result"]["results"][0]["provenance"].encode()
    data = [value - 256 if value > 127 else value for value in provenance]  # as PyGObject gives a parasite's bytes
    parasite = SimpleNamespace(size=len(data), get_data=lambda: data)
    layer = SimpleNamespace(is_group=lambda: False, get_parasite=lambda _name: parasite)
    with plugin("canvas.provenance") as (provenance,):
        job = provenance.made_by(layer)
    assert (job.prompt, job.seed, job.context, job.source) == ("a red door, Tür", -1, 50.0, 1)


def test_the_packages_of_the_old_version_are_removed_when_nothing_uses_them_any_more(world: World) -> None:
    assert world.install() == 0
    assert world.present() == [world.environment()]


def test_another_gimp_that_still_has_the_old_version_keeps_its_packages(world: World) -> None:
    shutil.copytree(world.gimp() / "plug-ins", world.gimp("3.2") / "plug-ins")
    assert world.install(gimp_dir=(world.gimp(),)) == 0
    assert world.present() == [world.environment(), "old"]
