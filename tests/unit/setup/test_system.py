"""What the set-up says about a failure, and that it leaves no program running."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from bridge.setup import system
from bridge.setup.system import SetupError, failed_to_fetch, failed_to_store, run

#: What uv 0.12 and pip 24 said in these situations; only the index has another name here.
FETCH = "Failed to fetch: `https://index.example/simple/certifi/`"
SENDING = (
    "  cause: error sending request for url (https://index.example/simple/certifi/)\n  cause: client error (Connect)"
)
HASHES = "\n".join(f"           sha256:{number:064x}" for number in range(0x407000, 0x407028))
UV_HASH = f"""error: Failed to download `jaraco-context==6.1.2`
  cause: Hash mismatch for `jaraco-context==6.1.2`

         Expected:
{HASHES}

         Computed:
           sha256:bf8150b79a2d5d91ae48629d8b427a8f7ba0e1097dd6202a9059f29a36379535"""
PIP_HASH = f"""ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the \
package versions, please update the hashes. Otherwise, examine the package contents carefully; \
someone may have tampered with them.
    uv==0.12.21 from https://index.example/uv.whl:
        Expected sha256 {HASHES.replace("           sha256:", "        Expected     or ")}
             Got        0083454d25479f1cd03547c8c98c235b4af92bd07f0e61c3eae5d1cbb0c1834c"""
PIP_PROXY = """WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by \
'ProxyError('Cannot connect to proxy.', {reason})': /simple/uv/
ERROR: Could not find a version that satisfies the requirement uv==0.12.21 (from versions: none)
ERROR: No matching distribution found for uv==0.12.21"""

PROXY, NETWORK, HASH = "The proxy did not let", "check the internet connection", "is not what Photio knows"
DISK, READ_ONLY, DENIED = "The disk is full", "“: Read-only file system”", "“: Permission denied”"


def _uv(first: str, *causes: str) -> str:
    return f"Using Python 3.11.7 environment at: /e\nerror: {first}" + "".join(f"\n  cause: {each}" for each in causes)


SAID = {
    "no network": (
        _uv("Request failed after 1 retry in 1.1s", FETCH)
        + f"\n{SENDING}\n  cause: dns error\n  cause: failed to lookup address information: Temporary failure in name"
        " resolution",
        "network",
        NETWORK,
    ),
    "dead proxy": (
        _uv("Request failed after 1 retry in 1.0s", FETCH)
        + f"\n{SENDING}\n  cause: tunnel error: failed to create underlying connection\n  cause: tcp connect error\n"
        "  cause: Connection refused (os error 111)",
        "proxy",
        PROXY,
    ),
    "407": (
        _uv("Request failed after 1 retry in 1.0s", FETCH) + f"\n{SENDING}\n  cause: tunnel error: unsuccessful",
        "proxy",
        PROXY,
    ),
    "dead index": (
        _uv("Request failed after 1 retry in 1.0s", FETCH)
        + f"\n{SENDING}\n  cause: tcp connect error\n  cause: Connection refused (os error 111)",
        "network",
        NETWORK,
    ),
    "dead index that is called a proxy": (
        _uv("Request failed after 1 retry in 1.0s", FETCH.replace("index.", "pypi-proxy.").replace("certifi", "407"))
        + "\n  cause: tcp connect error\n  cause: Connection refused (os error 111)",
        "network",
        NETWORK,
    ),
    "503": (
        _uv(
            "Request failed after 1 retry in 1.3s",
            FETCH,
            "HTTP status server error (503 Service Unavailable) for url (https://index.example/simple/certifi/)",
        ),
        "network",
        NETWORK,
    ),
    "404": (
        _uv(
            "No solution found when resolving dependencies",
            "Because certifi was not found in the package registry and you require certifi==2026.7.22, we can conclude"
            " that your requirements are unsatisfiable.",
        ),
        "network",
        NETWORK,
    ),
    "no wheel for Intel Macs": (
        _uv(
            "No solution found when resolving dependencies",
            "Because onnxruntime==1.26.0 has no wheels with a matching platform tag (e.g., `macosx_13_0_x86_64`) and"
            " you require onnxruntime==1.26.0, we can conclude that your requirements are unsatisfiable.",
        )
        + "\n\nhint: Wheels are available for `onnxruntime` (v1.26.0) on the following platforms:"
        " `manylinux_2_28_x86_64`, `macosx_14_0_arm64`, `win_amd64`, `win_arm64`",
        "setup",
        "MI-GAN is not available for this computer: go on with PatchMatch",
    ),
    "wrong hash": (UV_HASH, "setup", HASH),
    "full": (
        _uv(
            "Failed to download `numpy==2.4.6`",
            "Failed to extract archive: numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
            "I/O operation failed during extraction",
            "failed to write to file `/t/c/.tmpVWg60Y/numpy/_core/x.so`: No space left on device (os error 28)",
        ),
        "disk",
        DISK,
    ),
    "quota": (
        _uv(
            "Failed to write to the client cache", "failed to write to file `/t/x`: Disk quota exceeded (os error 122)"
        ),
        "disk",
        DISK,
    ),
    "read-only": (
        _uv(
            "Failed to create virtual environment",
            "failed to create directory `/t/env`: Read-only file system (os error 30)",
        ),
        "permission",
        "Read-only file system (os error 30)",
    ),
    "not ours": (
        _uv(
            "Failed to initialize cache at `/t/c`",
            "failed to create directory `/t/c`: Permission denied (os error 13)",
        ),
        "permission",
        "Permission denied (os error 13)",
    ),
    "pip: dead proxy": (
        PIP_PROXY.format(
            reason="NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7fbae9917150>: "
            "Failed to establish a new connection: [Errno 111] Connection refused')"
        ),
        "proxy",
        PROXY,
    ),
    "pip: 407": (
        PIP_PROXY.format(reason="OSError('Tunnel connection failed: 407 Proxy Authentication Required')"),
        "proxy",
        PROXY,
    ),
    "pip: no network": (
        "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection "
        "broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7f6b93e4070>: "
        "Failed to "
        "establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/uv/\n"
        "ERROR: Could not find a version that satisfies the requirement uv==0.12.21 (from versions: none)\n"
        "ERROR: No matching distribution found for uv==0.12.21",
        "network",
        NETWORK,
    ),
    "pip: wrong hash": (PIP_HASH, "setup", HASH),
    "pip: full": ("Traceback …\nOSError: [Errno 28] No space left on device", "disk", DISK),
}


@pytest.mark.parametrize(("said", "code", "sentence"), SAID.values(), ids=SAID)
def test_what_a_program_could_not_fetch_becomes_the_sentence_that_helps(said: str, code: str, sentence: str) -> None:
    error = failed_to_fetch(said)
    assert (error.code, sentence in error.sentence) == (code, True), error.sentence
    assert "\n" not in error.sentence
    assert len(error.sentence) < 200
    assert error.details.splitlines()[-1] in said


@pytest.mark.parametrize(
    ("number", "code", "sentence"),
    [
        (errno.ENOSPC, "disk", "The disk is full: free some space"),
        (errno.EDQUOT, "disk", "The disk is full: free some space"),
        (errno.EROFS, "permission", "(“/photio: Read-only file system”): correct that"),
        (errno.EACCES, "permission", "(“/photio: Permission denied”): correct that"),
    ],
)
def test_what_cannot_be_stored_is_said_with_its_place(number: int, code: str, sentence: str) -> None:
    error = failed_to_store(OSError(number, os.strerror(number), "/photio"))
    assert (error.code, sentence in error.sentence) == (code, True), error.sentence


def test_a_program_that_is_not_there_is_an_outcome_and_no_exception(tmp_path: Path) -> None:
    outcome = run([str(tmp_path / "uv")])
    assert (outcome.returncode, outcome.stderr) == (127, f"{tmp_path}/uv: No such file or directory")


def test_both_streams_are_kept_whatever_they_hold() -> None:
    code = "import os; os.write(1, b'a\\r\\n\\xff'); os.write(2, b'x' * 300_000); os._exit(3)"
    outcome = run([sys.executable, "-c", code])
    assert (outcome.returncode, outcome.stdout, len(outcome.stderr)) == (3, "a\n\ufffd", 300_000)


def test_a_program_that_does_not_end_is_killed_and_named() -> None:
    outcome = run([sys.executable, "-c", "import time; time.sleep(600)"], seconds=0.1)
    assert outcome.returncode == 127
    assert outcome.stderr == f"{sys.executable} did not end within 0 seconds"


def test_when_the_user_cancels_the_program_that_runs_is_killed(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    code = f"import os, time; open({str(noted)!r}, 'x').write(str(os.getpid()) + '.'); time.sleep(600)"

    def look() -> None:
        if noted.exists() and noted.read_text().endswith("."):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([sys.executable, "-c", code], 600.0, look=look)
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text()[:-1]), signal.SIGCONT)


def test_another_pythons_variables_do_not_reach_the_program_and_those_given_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/of/gimp")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example")
    code = "import os; print(os.environ.get('PYTHONHOME'), os.environ['HTTPS_PROXY'], os.environ['UV_CACHE_DIR'])"
    assert run([sys.executable, "-c", code], variables={"UV_CACHE_DIR": "/c"}).stdout.split() == [
        "None",
        "http://proxy.example",
        "/c",
    ]


def test_links_are_removed_and_not_what_they_lead_to(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").write_text("theirs")
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/link").symlink_to(tmp_path / "theirs")
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    for name in ("ours", "link", "nothing"):
        system.remove(tmp_path / name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "theirs"]


def test_where_the_file_system_has_no_locks_the_set_up_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_more: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("bridge.store.locks._lock", refuse)
    with system.only_one(tmp_path / "new/install.lock"):
        assert (tmp_path / "new").is_dir()


def test_an_error_is_one_kind_of_error_to_whoever_shows_it() -> None:
    error = SetupError("Do this.", "because", "proxy")
    assert (error.sentence, error.details, error.code) == ("Do this.", "because", "proxy")
