"""What the servers that misbehave need: trust in their authority, and a folder of their own for temporary files."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.certificates import authority


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
