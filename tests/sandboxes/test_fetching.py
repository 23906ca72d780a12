"""Where the set-up gets things from: a folder, a company's mirror, or nowhere. And which Python."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.sandboxes import rig, supplies
from tests.sandboxes.mirror import Mirror
from tests.sandboxes.rig import Sandbox
from tests.sandboxes.setting_up import below, change, plan, set_up


@pytest.fixture
def debian(tree: Path, home: Path) -> Sandbox:
    """GIMP on a Debian without `venv`, `pip` and `curl`."""
    return rig.bare(rig.native(tree, home))


def using(mirror: Mirror, sandbox: Sandbox) -> Sandbox:
    """Likewise, where somebody has named the mirror, and trusts its authority."""
    return sandbox.seeing(mirror.certificate).having(**mirror.variables())


def trust(sandbox: Sandbox, supply: Path) -> None:
    """Makes the plug-in's folder know the mirror's uv.

    The releases of uv cannot be fetched everywhere, so the mirror's archive is made here, of uv's wheel. Only its hash
    is another one.
    """
    archive = supply / "releases" / supplies.release_name()
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    with (sandbox.outside / "bridge" / "setup" / "uv.lock").open("a") as lock:
        lock.write(f"# --hash=sha256:{digest}\n")


def test_a_folder_of_wheels_is_enough_without_a_network(gimp: Sandbox) -> None:
    assert [fetch["source"] for fetch in plan(gimp)["fetches"]] == [gimp.variables["PHOTIO_WHEELS"]] * 2
    assert set_up(gimp)["kind"] == "done"
    assert plan(gimp)["kind"] == "done"


def test_a_debian_as_it_comes_needs_only_a_mirror(debian: Sandbox, mirror: Mirror, supply: Path) -> None:
    trust(debian, supply)
    inside = using(mirror, debian)
    assert set_up(inside)["kind"] == "done"
    assert f"/releases/{supplies.release_name()}" in mirror.asked
    assert inside.remove_object() == "removed"


def test_a_program_that_the_mirror_has_changed_is_not_kept(debian: Sandbox, mirror: Mirror) -> None:
    said = set_up(using(mirror, debian))
    assert said["sentence"].startswith("What was fetched is not what Photio knows")
    assert below(debian.programs) <= {"install.lock"}


def test_a_mirror_that_nobody_vouches_for_is_not_believed(debian: Sandbox, mirror: Mirror, supply: Path) -> None:
    trust(debian, supply)
    said = set_up(debian.having(UV_DOWNLOAD_URL=mirror.releases))
    assert said["kind"] == "failed"
    assert "certificate" in said["details"]
    assert below(debian.programs) <= {"install.lock"}


def test_the_mirror_that_is_configured_for_pip_is_used(tree: Path, home: Path, mirror: Mirror) -> None:
    gimp = rig.native(tree, home).seeing(mirror.certificate)
    asked = len(mirror.asked)
    assert set_up(gimp.having(PIP_INDEX_URL=mirror.index, PIP_CERT=mirror.certificate))["kind"] == "done"
    assert {"/simple/uv/", "/simple/numpy/"} <= set(mirror.asked[asked:])


def test_where_no_python_suits_uv_brings_its_own(newer_home: Path, newer_tree: Path, mirror: Mirror, supply) -> None:
    debian = rig.bare(rig.native(newer_tree, newer_home, "3.2"))
    trust(debian, supply)
    releases = "RELEASES = ((3, 11), (3, 14))"
    change(debian.outside / "bridge" / "common" / "environments.py", releases, "RELEASES = ((3, 11), (3, 13))")
    inside = using(mirror, debian).seeing(mirror.pythons).having(UV_PYTHON_DOWNLOADS_JSON_URL=mirror.pythons)
    assert "Python" in {fetch["what"] for fetch in plan(inside)["fetches"]}
    assert set_up(inside)["kind"] == "done"
    assert next(debian.programs.glob("python/cpython-3.13*/bin/python3.13"))
    assert inside.remove_object() == "removed"


def test_without_a_network_a_sentence_says_so_every_time(debian: Sandbox) -> None:
    alone = debian.offline()
    for _attempt in range(2):
        said = set_up(alone)
        assert said["code"] == "network"
        assert "check the internet connection" in said["sentence"]
        assert below(debian.programs) <= {"install.lock"}
    assert "Photio is not set up yet" in alone.remove_object()


def test_a_network_that_is_gone_after_uv_was_fetched_is_no_other_error(gimp: Sandbox) -> None:
    assert set_up(gimp)["kind"] == "done"
    for environment in gimp.programs.glob("environments/*"):
        (environment / ".photio-complete").unlink()
    said = set_up(gimp.having(PHOTIO_WHEELS=""))
    assert said["code"] == "network"
    assert not list(gimp.programs.glob("environments"))
