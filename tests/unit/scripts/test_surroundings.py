"""Whatever the shell has set, tests and scripts run in an environment of their own, and leave nothing running."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.store import key, keyring_entry, settings

CHECKOUT = Path(__file__).parents[3]

#: A shell in which nothing of Photio's works, and the network neither.
NONSENSE = {
    "PHOTIO_API_KEY": "sk-a-real-key-0123456789",
    "PHOTIO_ORIGIN": "https://127.0.0.1:9",
    "PHOTIO_HOME": "/nonexistent",
    "PHOTIO_WHEELS": "/nonexistent",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "nonsense",
    "SSL_CERT_FILE": "/nonexistent",
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
    "PYTHONPATH": "/nonexistent",
    "LANGUAGE": "de",
    "XDG_CONFIG_HOME": "/nonexistent",
    "XDG_DATA_HOME": "/nonexistent",
}

#: As scripts/test.py runs a part of the tests.
PART = """
import json, sys
sys.path.insert(0, {scripts!r})
import test  # ours, and not the standard library's
from test import parts
parts.LEAVING = 1
outcome = parts.run("part", [sys.executable, "-c", sys.argv[1]])
print(json.dumps([outcome.green, outcome.output]))
"""


def part(code: str) -> tuple[bool, str]:
    """What becomes of a part that is this code: whether it is green, and its output."""
    script = PART.format(scripts=str(CHECKOUT / "scripts"))
    environment = {"PATH": os.environ["PATH"], **NONSENSE}
    done = subprocess.run(
        [sys.executable, "-c", script, code], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    green, output = json.loads(done.stdout)
    return green, output


def test_a_part_of_the_tests_sees_none_of_it() -> None:
    green, output = part("import os, json; print(json.dumps(dict(os.environ)))")
    seen = json.loads(output)
    assert green
    assert seen.keys() & NONSENSE.keys() == set()
    assert (seen["PATH"], seen["LANG"]) == (os.environ["PATH"], "C.UTF-8")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux tells whose processes they are")
def test_what_a_part_leaves_running_is_named_and_ended_and_holds_nothing_up() -> None:
    child = "import subprocess, sys; print(subprocess.Popen(['sleep', '1000'], start_new_session=True).pid)"
    green, output = part(child)
    assert not green
    assert "left this running" in output
    pid = output.splitlines()[0]
    assert f"{pid}  sleep 1000" in output
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout
    assert state[:1] in ("", "Z")


@pytest.mark.parametrize("unset", ["PHOTIO_RUN", "PHOTIO_HOME"], ids=["own home", "usual home"])
def test_no_test_finds_a_persons_key(unset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(unset, raising=False)
    assert key.find_key(settings.load()[0]) is None
    assert settings.load()[0].origin == settings.DEFAULT_ORIGIN
    assert not keyring_entry.is_available()


TESTS = [
    "tests/unit/scripts/test_surroundings.py::test_no_test_finds_a_persons_key",
    "tests/faults/test_own_surroundings.py",
]


@pytest.mark.parametrize("test", TESTS, ids=["unit", "faults"])
def test_pytest_finds_no_key_and_no_address_of_the_shell_that_it_is_called_in(test: str, tmp_path: Path) -> None:
    """In a home that has a key as well."""
    (tmp_path / ".config" / "photio").mkdir(parents=True)
    (tmp_path / ".config" / "photio" / "api-key").write_text(NONSENSE["PHOTIO_API_KEY"])
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **NONSENSE}
    del environment["PYTHONPATH"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, env=environment, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
