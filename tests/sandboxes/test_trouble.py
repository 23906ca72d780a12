"""Set-ups that are interrupted, damaged or have no room: the next one works, and nothing is left over."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.store import locks
from tests.sandboxes import rig
from tests.sandboxes.mirror import Mirror
from tests.sandboxes.rig import Sandbox
from tests.sandboxes.setting_up import SetUp, below, plan, set_up
from tests.sandboxes.test_fetching import trust, using

MOMENTS = ("plan", "uv", "python", "packages", "check")


def interrupt(sandbox: Sandbox, moment: str, end: Callable[[SetUp], object]) -> None:
    """Ends a set-up at that moment."""
    running = SetUp(sandbox)
    if moment == "plan":
        running.hear(kind="plan")
    else:
        running.go()
        assert running.hear(step=moment)["step"] == moment
    end(running)


def names(sandbox: Sandbox) -> set[str]:
    """What the set-up has made, two folders deep, but for the name of the environment."""
    found = {path for path in below(sandbox.programs) if path.count("/") < 2}
    return {"environments/*" if path.startswith("environments/") and path.count("-") == 2 else path for path in found}


@pytest.fixture
def debian(tree: Path, home: Path, mirror: Mirror, supply: Path) -> Sandbox:
    """GIMP on a Debian without `pip`, where everything comes from a mirror."""
    made = rig.bare(rig.native(tree, home))
    trust(made, supply)
    return using(mirror, made)


COMPLETE = {"install.lock", "environments", "environments/*", "uv-0.12.21-x86_64", "uv-0.12.21-x86_64/uv"}


def test_a_set_up_that_is_cancelled_leaves_nothing_half_made(debian: Sandbox) -> None:
    for moment in MOMENTS:
        interrupt(debian, moment, SetUp.leave)
        assert names(debian) <= COMPLETE - {"environments", "environments/*"}, moment
    assert set_up(debian)["kind"] == "done"
    assert names(debian) == COMPLETE


def test_after_set_ups_that_were_killed_the_next_one_works_and_tidies_up(debian: Sandbox) -> None:
    for moment in MOMENTS:
        interrupt(debian, moment, SetUp.kill)
        assert plan(debian)["kind"] == "plan", moment
    assert set_up(debian)["kind"] == "done"
    assert names(debian) == COMPLETE
    assert plan(debian)["kind"] == "done"


def test_what_a_killed_set_up_had_started_disturbs_no_other(debian: Sandbox, mirror: Mirror) -> None:
    mirror.held = "/wheels/numpy"
    running = SetUp(debian)
    running.go()
    mirror.waiting.wait(300)
    running.kill()
    assert locks.is_held(debian.programs / "install.lock")  # by uv, which still waits for the mirror
    mirror.free.set()
    assert set_up(debian)["kind"] == "done"
    assert names(debian) == COMPLETE


def test_an_environment_that_lost_numpy_is_found_and_made_again(gimp: Sandbox) -> None:
    assert set_up(gimp)["kind"] == "done"
    (numpy,) = gimp.programs.glob("environments/*/lib/python3*/site-packages/numpy")
    shutil.rmtree(numpy)
    assert plan(gimp)["reason"] == "damaged"
    assert set_up(gimp)["kind"] == "done"
    assert plan(gimp)["kind"] == "done"


@pytest.mark.parametrize("megabytes", [30, 90], ids=["too-small-for-uv", "too-small-for-packages"])
def test_a_full_disk_is_named_and_nothing_is_left_on_it(gimp: Sandbox, megabytes: int) -> None:
    share = gimp.home / ".local" / "share"
    small = gimp.having("--size", megabytes << 20, "--tmpfs", share)
    running = SetUp(small, then=f"find {share} -mindepth 1 >&2")
    running.go()
    said = running.result()
    assert said["code"] == "disk"
    assert "The disk is full" in said["sentence"]
    left = {Path(path).relative_to(share / "photio").as_posix() for path in said["errors"].splitlines()}
    assert left <= {".", "install.lock", "uv-0.12.21-x86_64", "uv-0.12.21-x86_64/uv"}
    assert "uv-0.12.21-x86_64" not in left or "uv-0.12.21-x86_64/uv" in left


@pytest.mark.parametrize("how", ["mounted", "permissions"])
def test_a_home_that_cannot_be_written_to_is_named(gimp: Sandbox, how: str) -> None:
    share = gimp.home / ".local" / "share"
    if how == "permissions":
        share.chmod(0o500)
    else:
        gimp = gimp.having("--ro-bind", gimp.home, gimp.home)
    said = set_up(gimp)
    assert said["code"] == "permission"
    assert str(share) in said["sentence"]
    assert not below(share)
