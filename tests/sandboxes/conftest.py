"""Trees, supplies and homes for the tests of sandboxes."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.gimp import rootfs
from scripts.gimp import surroundings as callers
from tests import surroundings
from tests.sandboxes import rig, supplies
from tests.sandboxes.mirror import Mirror
from tests.sandboxes.rig import Sandbox
from tests.sandboxes.setting_up import unpack

DOWNLOADING = callers.own(callers.NETWORK)  # before the tests forget how the network is reached
surroundings.enter()


@pytest.fixture(scope="session")
def tree() -> Path:
    """The system that has GIMP 3.0."""
    return rootfs.provision("3.0")


@pytest.fixture(scope="session")
def newer_tree() -> Path:
    """The system that has GIMP 3.2, and a newer Python."""
    return rootfs.provision("3.2")


@pytest.fixture(scope="session")
def supply(tree: Path) -> Path:
    """Packages and archives; see `supplies`."""
    return supplies.folder(tree, DOWNLOADING)


@pytest.fixture(scope="session")
def mirror(supply: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """A company's mirror."""
    with Mirror(supply, tmp_path_factory.mktemp("mirror")) as serving:
        yield serving


@pytest.fixture(scope="session")
def started_before(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a GIMP 3.0 that was started before, and so has asked the system's plug-ins what they do."""
    return _start(rig.native(tree, tmp_path_factory.mktemp("started-before")))


@pytest.fixture(scope="session")
def newer_started_before(newer_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of GIMP 3.2."""
    return _start(rig.native(newer_tree, tmp_path_factory.mktemp("newer-started-before"), "3.2"))


def _start(gimp: Sandbox) -> Path:
    done = gimp.run("gimp-console", "-i", "--quit", "--batch-interpreter=python-fu-eval", "-b", "pass")
    assert done.returncode == 0, done.stderr
    return gimp.config


@pytest.fixture
def home(tmp_path: Path, started_before: Path) -> Path:
    """A user's home, where GIMP 3.0 was started before, and Photio's folder was unpacked into its plug-ins."""
    return _home(tmp_path / "home", started_before, "3.0")


@pytest.fixture
def newer_home(tmp_path: Path, newer_started_before: Path) -> Path:
    """The same with GIMP 3.2."""
    return _home(tmp_path / "newer" / "home", newer_started_before, "3.2")


def _home(home: Path, config: Path, release: str) -> Path:
    (home / ".local" / "share").mkdir(parents=True)
    shutil.copytree(config, home / ".config" / "GIMP")
    unpack(home / ".config" / "GIMP" / release / "plug-ins" / "photio")
    return home


@pytest.fixture
def gimp(tree: Path, home: Path, supply: Path) -> Sandbox:
    """A distribution's GIMP, without a network, with a folder of wheels."""
    return with_wheels(rig.native(tree, home), supply)


def with_wheels(sandbox: Sandbox, supply: Path) -> Sandbox:
    """Likewise, without a network, with a folder of wheels."""
    wheels = supply / "wheels"
    return sandbox.offline().seeing(wheels).having(PHOTIO_WHEELS=wheels)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says why nothing can be tested here, if so."""
    if (
        not shutil.which("bwrap")
        or subprocess.run(["bwrap", "--unshare-user", "--ro-bind", "/", "/", "true"]).returncode
    ):
        for item in items:
            item.add_marker(pytest.mark.skip(reason="there is no bwrap that works here"))
