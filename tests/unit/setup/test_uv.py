"""Where the set-up gets uv from: the places in their order, over a real server, and only ever the very file."""

from __future__ import annotations

import hashlib
import http.server
import io
import platform
import re
import sys
import tarfile
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.setup import uv
from bridge.setup.system import SetupError
from tests.faults.certificates import authority
from tests.faults.proxies import Proxy
from tests.unit.install_world import tree

PROGRAM = b"#!/bin/sh\necho uv 99\n" + bytes(range(256)) * 300
NETWORK, KNOWN = "check the internet connection", "is not what Photio knows"


def _archive() -> bytes:
    """A release's archive, as far as the set-up looks into it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name in ("uv-x86_64/uvx", "uv-x86_64/uv"):
            entry = tarfile.TarInfo(name)
            entry.size = len(PROGRAM)
            archive.addfile(entry, io.BytesIO(PROGRAM))
    return made.getvalue()


ARCHIVE = _archive()


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers as the path's first folder says, in the protocol's version that has chunks."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.close_connection = True
        how = self.path.split("/")[1]
        if how == "good":
            self._send(ARCHIVE, len(ARCHIVE))
        elif how == "moved":
            self.send_response(302)
            self.send_header("Location", f"/good/{self.path.rsplit('/', 1)[1]}")
            self.end_headers()
        elif how == "another":
            self._send(b"another" + ARCHIVE, 7 + len(ARCHIVE))
        elif how == "cut-off":
            self._send(ARCHIVE[:-100], len(ARCHIVE))
        elif how == "cut-off-chunk":
            self._chunked([ARCHIVE[:-100]])
            self.wfile.write(b"1000\r\nhalf")
        elif how == "endless":
            self._chunked(iter(lambda: bytes(10_000), None))
        elif how == "garbage":
            self.wfile.write(b"220 mail.example ESMTP\r\n")
        else:
            self.send_error(int(how))

    def _send(self, content: bytes, length: int) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(content)

    def _chunked(self, blocks: Iterator[bytes] | list[bytes]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for block in blocks:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
        except OSError:
            return  # the client has had enough

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    yield from _serve(lambda server: None)


@pytest.fixture
def tls_server() -> Iterator[http.server.ThreadingHTTPServer]:
    def secure(server: http.server.ThreadingHTTPServer) -> None:
        server.socket = authority().context("good").wrap_socket(server.socket, server_side=True)

    yield from _serve(secure)


def _serve(prepare: Callable[[http.server.ThreadingHTTPServer], None]) -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []  # type: ignore[attr-defined]
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        prepare(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that a set-up keeps uv in; there is none, no pip either, and the releases have the made-up archive."""
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", uv.WHEELS_VARIABLE, uv.MIRROR_VARIABLE):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setitem(sys.modules, "pip", None)  # it cannot be found then
    monkeypatch.setattr(uv, "ARCHIVES", {(sys.platform, platform.machine()): "uv.tar.gz"})
    know(tmp_path, monkeypatch, ARCHIVE)
    (tmp_path / "photio").mkdir()
    return tmp_path / "photio"


def know(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Only this is known now."""
    lock = folder / "uv.lock"
    lock.write_text(f"uv=={uv.VERSION} \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n")
    monkeypatch.setattr(uv, "_LOCK", lock)


def get(programs: Path, report: uv.Report) -> str:
    """As the set-up does, which removes what is needed only meanwhile."""
    with tempfile.TemporaryDirectory(dir=programs) as scratch:
        return uv.get(programs, Path(scratch), report)


def mirror(server: http.server.ThreadingHTTPServer, how: str, scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{server.server_port}/{how}"


def quiet(_done: int) -> None:
    """Nobody looks at the progress."""


def on_path(tmp_path: Path, version: str) -> str:
    program = tmp_path / "path" / "uv"
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("how", ["good", "moved"])
def test_the_mirror_is_used_and_the_next_set_up_fetches_nothing(
    server: http.server.ThreadingHTTPServer, programs: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setenv(uv.MIRROR_VARIABLE, mirror(server, how) + "/")
    told: list[int] = []
    path = get(programs, told.append)
    assert Path(path).read_bytes() == PROGRAM
    assert Path(path).stat().st_mode & 0o111
    assert told == sorted(told)
    assert told[-1] == len(ARCHIVE)
    assert [name for name, content in tree(programs).items() if content] == [str(Path(path).relative_to(programs))]
    asked = list(server.asked)  # type: ignore[attr-defined]
    assert f"/{how}/uv.tar.gz" in asked
    assert uv.present(programs) == get(programs, quiet) == path
    assert asked == server.asked  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("how", "sentence", "code"),
    [
        ("another", KNOWN, "setup"),
        ("cut-off", KNOWN, "setup"),
        ("cut-off-chunk", NETWORK, "network"),
        ("endless", NETWORK, "network"),
        ("garbage", NETWORK, "network"),
        ("404", NETWORK, "network"),
        ("503", NETWORK, "network"),
        ("407", "The proxy did not let", "proxy"),
    ],
)
def test_what_is_not_the_very_file_is_a_sentence_and_leaves_nothing(
    server: http.server.ThreadingHTTPServer,
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    sentence: str,
    code: str,
) -> None:
    monkeypatch.setattr(uv, "SIZE", len(ARCHIVE))
    monkeypatch.setenv(uv.MIRROR_VARIABLE, mirror(server, how))
    with pytest.raises(SetupError) as caught:
        get(programs, quiet)
    assert sentence in caught.value.sentence
    assert caught.value.code == code
    assert mirror(server, how) in caught.value.details
    assert list(programs.iterdir()) == []
    assert uv.present(programs) is None


def test_a_mirror_that_is_gone_is_said_at_once(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(uv.MIRROR_VARIABLE, "http://127.0.0.1:1")
    with pytest.raises(SetupError, match=NETWORK) as caught:
        get(programs, quiet)
    assert "Connection refused" in caught.value.details
    assert list(programs.iterdir()) == []


def test_if_the_first_place_fails_the_second_is_asked(
    server: http.server.ThreadingHTTPServer, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uv, "RELEASES", (mirror(server, "404"), mirror(server, "good")))
    assert Path(get(programs, quiet)).read_bytes() == PROGRAM


@pytest.mark.parametrize("trusted", [True, False])
def test_a_companys_certificate_is_honoured_and_no_other(
    tls_server: http.server.ThreadingHTTPServer,
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,
) -> None:
    (tmp_path / "company.pem").write_bytes(authority().pem)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    address = mirror(tls_server, "good", "https")
    monkeypatch.setenv(uv.MIRROR_VARIABLE, address)
    if trusted:
        assert Path(get(programs, quiet)).read_bytes() == PROGRAM
    else:
        with pytest.raises(SetupError) as caught:
            get(programs, quiet)
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.details


def test_a_proxy_that_wants_a_password_is_named_as_the_cause(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Proxy(1, "407 Proxy Authentication Required")
    monkeypatch.setenv("HTTPS_PROXY", proxy.origin)
    with pytest.raises(SetupError, match="The proxy did not let") as caught:
        get(programs, quiet)
    proxy.close()
    assert caught.value.code == "proxy"
    assert len(proxy.asked) == len(uv.RELEASES)
    assert list(programs.iterdir()) == []


@pytest.mark.parametrize(
    ("version", "suits"),
    [
        ("uv 0.8.0", True),
        ("uv 0.12.21 (30b16e2 2026-10-02)", True),
        ("uv 1.0.0", True),
        ("uv 0.7.22", False),
        ("", False),
        ("uvicorn 0.30.1", False),
    ],
)
def test_a_uv_in_the_search_path_is_used_unless_it_is_too_old(
    programs: Path, tmp_path: Path, version: str, suits: bool
) -> None:
    program = on_path(tmp_path, version)
    assert uv.present(programs) == (program if suits else None)
    if suits:
        assert get(programs, quiet) == program
        assert list(programs.iterdir()) == []


def test_what_an_earlier_set_up_kept_comes_before_that_in_the_search_path(
    server: http.server.ThreadingHTTPServer, programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(uv.MIRROR_VARIABLE, mirror(server, "good"))
    kept = get(programs, quiet)
    on_path(tmp_path, "uv 0.13.0")
    assert get(programs, quiet) == kept


def wheel(folder: Path, monkeypatch: pytest.MonkeyPatch, known: bool = True) -> None:
    """A folder with a wheel of uv, as pip downloads it, and a lock that knows it or another one."""
    folder.mkdir(exist_ok=True)
    system = {"darwin": "macosx_11_0", "win32": "win"}.get(sys.platform, "manylinux_2_17")
    path = folder / f"uv-{uv.VERSION}-py3-none-{system}_{platform.machine().lower()}.whl"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("uv/__init__.py", "")
        made.writestr(f"uv-{uv.VERSION}.data/scripts/uv", PROGRAM)
    know(folder.parent, monkeypatch, path.read_bytes() if known else b"")


def test_a_folder_of_wheels_is_enough_without_a_network(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel(tmp_path / "wheels", monkeypatch)
    monkeypatch.setenv(uv.WHEELS_VARIABLE, str(tmp_path / "wheels"))
    assert Path(get(programs, quiet)).read_bytes() == PROGRAM


@pytest.mark.parametrize("lacks", ["the wheel", "the known wheel", "the folder"])
def test_a_folder_of_wheels_that_lacks_uv_is_named_and_nothing_else_is_tried(
    server: http.server.ThreadingHTTPServer,
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lacks: str,
) -> None:
    wheels = tmp_path / "wheels"
    if lacks == "the known wheel":
        wheel(wheels, monkeypatch, known=False)
    elif lacks == "the wheel":
        wheels.mkdir()
    monkeypatch.setenv(uv.WHEELS_VARIABLE, str(wheels))
    monkeypatch.setenv(uv.MIRROR_VARIABLE, mirror(server, "good"))
    with pytest.raises(SetupError) as caught:
        get(programs, quiet)
    assert caught.value.sentence.startswith(f"{wheels} has no wheel of uv {uv.VERSION}")
    assert server.asked == []  # type: ignore[attr-defined]
    assert list(programs.iterdir()) == []


def test_where_pip_cannot_fetch_it_the_mirror_is_asked(
    server: http.server.ThreadingHTTPServer, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "pip")
    for name, value in (("INDEX_URL", "http://127.0.0.1:1/simple"), ("RETRIES", "0"), ("CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv(uv.MIRROR_VARIABLE, mirror(server, "good"))
    assert Path(get(programs, quiet)).read_bytes() == PROGRAM
    monkeypatch.setenv(uv.MIRROR_VARIABLE, mirror(server, "404"))
    Path(get(programs, quiet)).unlink()
    with pytest.raises(SetupError, match=NETWORK) as caught:
        get(programs, quiet)
    assert "No matching distribution found for uv" in caught.value.details
    assert "/404: Not Found" in caught.value.details


def test_a_computer_that_uv_is_not_made_for_is_told_so(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "ARCHIVES", {})
    with pytest.raises(SetupError, match=r"There is no uv for this computer .*: install uv yourself"):
        get(programs, quiet)


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({}, "releases.astral.sh"),
        ({"UV_DOWNLOAD_URL": "https://mirror.example/uv"}, "https://mirror.example/uv"),
        ({"UV_DOWNLOAD_URL": "https://mirror.example/uv", "PHOTIO_WHEELS": "/wheels"}, "/wheels"),
    ],
)
def test_the_window_says_where_it_would_come_from(variables: dict[str, str], source: str) -> None:
    assert uv.source(variables) == source


def test_every_archive_is_pinned_by_a_hash_of_its_own() -> None:
    lock = Path(uv.__file__).with_name("uv.lock").read_text()
    assert f"uv=={uv.VERSION} " in lock
    hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})\b", lock)
    assert len(set(hashes)) == lock.count("--hash") > len(uv.ARCHIVES)
