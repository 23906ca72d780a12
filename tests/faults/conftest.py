"""What the servers that misbehave need: trust in their authority, and a folder of their own for temporary files."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import surroundings as own_environment
from tests.faults.certificates import authority
from tests.faults.disks import unmount
from tests.faults.world import World, undisturbed
from tests.regen_server import RegenServer

own_environment.enter()


@pytest.fixture(scope="session", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The certificate to trust, which the environment names."""
    folder = tmp_path_factory.mktemp("faults")
    certificate = folder / "authority.pem"
    certificate.write_bytes(authority().pem)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            patch.delenv(name, raising=False)
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        (folder / "temporary").mkdir()
        patch.setattr(tempfile, "tempdir", str(folder / "temporary"))
        yield certificate


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The checksum of what a job without any fault places."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A home with a key in it, and a service that is on its own computer."""
    with RegenServer() as service:
        made = World(tmp_path, service)
        yield made
        made.end()
    unmount(made.home)


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[object], World]]:
    """Likewise, with another service."""
    made: list[World] = []

    def make(service: object) -> World:
        made.append(World(tmp_path, service))
        return made[-1]

    yield make
    for each in made:
        each.end()
