"""A company's mirror, over HTTPS, with a certificate that only its own authority vouches for."""

from __future__ import annotations

import functools
import hashlib
import html
import json
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.faults.certificates import authority
from tests.sandboxes import supplies


class Mirror:
    """Serves packages as an index, uv's release and a build of Python, while it is a context.

    Attributes:
        origin: https://host:port.
        certificate: the file with the authority to trust.
        asked: the paths that were asked for.
        held: what a path begins with that is not answered until `free` is set; `waiting` is set when it is asked for.
    """

    held = "-"

    def __init__(self, supply: Path, folder: Path) -> None:
        self.asked: list[str] = []
        self.waiting, self.free = threading.Event(), threading.Event()
        _index(supply / "wheels", folder)
        (folder / "releases").symlink_to(supply / "releases")
        (folder / "wheels").symlink_to(supply / "wheels")
        self._http = _Server(("127.0.0.1", 0), functools.partial(_Handler, mirror=self, directory=str(folder)))
        self._http.socket = (
            authority().context("good").wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        )
        self.origin = f"https://localhost:{self._http.server_address[1]}"
        self.index, self.releases = f"{self.origin}/simple", f"{self.origin}/releases"
        self.certificate = folder / "authority.pem"
        self.certificate.write_bytes(authority().pem)
        self.pythons = folder / "pythons.json"
        self.pythons.write_text(json.dumps(_pythons(supply / "releases", self.releases)))

    def __enter__(self) -> Mirror:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def variables(self) -> dict[str, str]:
        """What somebody sets who uses the mirror for uv's release and for the packages."""
        return {
            "UV_DOWNLOAD_URL": self.releases,
            "UV_DEFAULT_INDEX": self.index,
            "SSL_CERT_FILE": str(self.certificate),
        }


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error of the server's."""


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *arguments: Any, mirror: Mirror, directory: str) -> None:
        self.mirror = mirror
        super().__init__(*arguments, directory=directory)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self.mirror.asked.append(self.path)
        if self.path.startswith(self.mirror.held):
            self.mirror.waiting.set()
            self.mirror.free.wait(300)
        super().do_GET()


def _index(wheels: Path, folder: Path) -> None:
    """The pages of a simple index (PEP 503)."""
    for wheel in sorted(wheels.glob("*.whl")):
        page = folder / "simple" / re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower() / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        name = html.escape(wheel.name)
        with page.open("a") as stream:
            stream.write(f'<a href="/wheels/{name}#sha256={digest}">{name}</a><br>\n')


def _pythons(releases: Path, address: str) -> dict[str, Any]:
    """The list of builds that UV_PYTHON_DOWNLOADS_JSON_URL names."""
    archive = supplies.python_archive(releases)
    version, machine = archive.name.split("-")[1:3]
    major, minor, patch = map(int, version.split("."))
    about = {
        "name": "cpython",
        "arch": {"family": machine, "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": f"{address}/{archive.name}",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "variant": None,
        "build": None,
    }
    return {f"cpython-{version}-linux-{machine}-gnu": about}
