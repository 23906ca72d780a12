"""The plug-in's folder is copied to the next release of GIMP, as people do."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.sandboxes import rig
from tests.sandboxes.conftest import with_wheels
from tests.sandboxes.rig import CHECKOUT, Sandbox
from tests.sandboxes.setting_up import below, plan, set_up


def test_a_folder_that_moved_to_the_next_release_works_and_is_removed_without_a_trace(
    gimp: Sandbox, newer_home: Path, newer_tree: Path, supply: Path
) -> None:
    assert set_up(gimp)["kind"] == "done"
    shutil.copytree(newer_home / ".config" / "GIMP" / "3.2", gimp.config / "3.2")
    newer = with_wheels(rig.native(newer_tree, gimp.home, "3.2"), supply)
    shutil.rmtree(newer.folder)
    shutil.copytree(gimp.folder, newer.folder)
    shutil.rmtree(gimp.folder)
    assert plan(newer)["reason"] == "missing"  # another Python
    assert set_up(newer)["kind"] == "done"
    assert newer.remove_object() == "removed"
    removed = newer.seeing(CHECKOUT).run("python3", "-I", "-B", CHECKOUT / "install.py", "--uninstall", "--purge")
    assert removed.returncode == 0, removed.stdout + removed.stderr
    assert not {path for path in below(gimp.home) if "photio" in path}
