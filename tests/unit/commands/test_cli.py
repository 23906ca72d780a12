"""What a person at a shell sees."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.regen_server import RegenServer
from tests.unit.command_line import KEY, ROOT, bridge


@pytest.fixture(scope="module")
def running() -> Iterator[RegenServer]:
    with RegenServer() as server:
        yield server


@pytest.fixture
def server(running: RegenServer) -> RegenServer:
    running.clear()
    running.script()
    return running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.effect_noise((96, 64), 60).convert("RGB").save(tmp_path / "base.png")
    Image.new("L", (96, 64), 0).save(tmp_path / "mask.png")
    return tmp_path


def regen(folder: Path, *more: str, out: str = "out.png", **environment: str) -> subprocess.CompletedProcess[str]:
    files = (
        "--base",
        str(folder / "base.png"),
        "--mask",
        str(folder / "mask.png"),
        "--out",
        str(folder / out),
    )
    return bridge(folder, "regen", "--raw", *files, *more, **environment)


def test_help_names_every_command_and_is_instant(folder: Path) -> None:
    done = bridge(folder, "--help")
    assert done.returncode == 0
    for word in (
        "regen",
        "key",
        "serve",
        "service",
        "model",
        "doctor",
        "PHOTIO_API_KEY",
        "PHOTIO_ORIGIN",
        "PHOTIO_HOME",
    ):
        assert word in done.stdout
    heavy = "{'requests', 'PIL', 'numpy', 'keyring'}"
    heavy = f"import sys, bridge.commands.cli; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", heavy], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("command", [["regen"], ["key"], ["key", "set"], ["serve"], ["model", "fetch"], ["doctor"]])
def test_every_command_explains_itself(folder: Path, command: list[str]) -> None:
    assert bridge(folder, *command, "--help").stdout.startswith("usage: python -m bridge " + command[0])


def test_every_option_reaches_the_service_and_the_seed_is_told(folder: Path, server: RegenServer) -> None:
    done = regen(
        folder,
        *(
            "--prompt",
            "a cat",
            "--negative-prompt",
            "a dog",
            "--quality",
            "high",
            "--seed",
            "77",
            "--cfg-scale",
            "3",
        ),
        PHOTIO_ORIGIN=server.origin,
        PHOTIO_API_KEY=KEY,
    )
    assert done.returncode == 0, done.stderr
    (record,) = server.requests()
    body = {name: value for name, value in record["body"].items() if not name.endswith("_image")}
    assert body == {
        "prompt": "a cat",
        "negative_prompt": "a dog",
        "quality": "HIGH",
        "seed": 77,
        "cfg_scale": 3.0,
    }
    assert record["headers"]["x-photio-key"] == KEY
    assert "seed 77" in done.stdout
    assert "not recommended" in done.stderr
    assert Image.open(folder / "out.png").tobytes() == Image.open(folder / "base.png").tobytes()


def test_a_drawn_seed_is_told(folder: Path, server: RegenServer) -> None:
    done = regen(folder, "--origin", server.origin)
    assert done.stdout.endswith(f"seed {server.requests()[0]['body']['seed']}\n")


def test_urls_are_passed_through(folder: Path, server: RegenServer) -> None:
    urls = ("--base", "https://example.org/b.png", "--mask", "https://example.org/m.png")
    done = bridge(folder, "regen", "--raw", *urls, "--out", str(folder / "o.png"), "--origin", server.origin)
    assert done.returncode == 0, done.stderr
    assert server.requests()[0]["body"]["base_image"] == "https://example.org/b.png"


@pytest.mark.parametrize(("out", "kind"), [("o.jpg", "JPEG"), ("o.WEBP", "WEBP"), ("o.png", "PNG")])
def test_the_result_has_the_format_of_its_name(folder: Path, server: RegenServer, out: str, kind: str) -> None:
    server.script({"format": "WEBP"})
    assert regen(folder, "--origin", server.origin, out=out).returncode == 0
    assert Image.open(folder / out).format == kind
    assert (folder / out).stat().st_mode & 0o777 == 0o666 & ~current_umask()
    assert not list(folder.glob(".*"))


def current_umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


@pytest.mark.parametrize(
    "wrong",
    [
        ["--seed", "0"],
        ["--cfg-scale", "nan"],
        ["--quality", "best"],
        ["--out", "/nowhere/out.png"],
        ["--out", "out.gif"],
        ["--base", "/nowhere/base.png"],
        ["--mask", str(ROOT / "pyproject.toml")],
        ["--origin", "http://example.org"],
    ],
    ids=" ".join,
)
def test_what_cannot_work_is_refused_in_one_sentence_before_anything_is_sent(
    folder: Path, server: RegenServer, wrong: list[str]
) -> None:
    done = regen(folder, *wrong, PHOTIO_ORIGIN=server.origin)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.endswith(".\n")
    assert server.requests() == []


def test_the_services_refusal_is_one_sentence_and_no_file(folder: Path, server: RegenServer) -> None:
    server.script({"answer": "status", "status_code": 401, "body": f"unknown key {KEY}"})
    done = regen(folder, PHOTIO_ORIGIN=server.origin, PHOTIO_API_KEY=KEY)
    assert done.returncode == 1
    assert "does not accept the API key" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert KEY not in done.stdout + done.stderr
    assert not (folder / "out.png").exists()


def test_without_a_key_the_offline_engine_removes_the_object(folder: Path) -> None:
    base = Image.new("RGB", (96, 64), (90, 120, 60))
    base.paste((255, 0, 255), (40, 25, 56, 41))
    base.save(folder / "base.png")
    mask = Image.new("L", base.size, 255)
    mask.paste(0, (36, 21, 60, 45))
    mask.save(folder / "mask.png")
    done = regen(folder, "--seed", "5")
    assert done.returncode == 0, done.stderr
    assert "No API key" in done.stderr
    assert Image.open(folder / "out.png").convert("RGB").getpixel((48, 33)) != (255, 0, 255)


def test_a_key_is_typed_shown_in_part_and_forgotten(folder: Path) -> None:
    assert "No key" in bridge(folder, "key", "show").stdout
    done = bridge(folder, "key", "set", text=KEY + "\n")
    assert done.returncode == 0, done.stderr
    shown = bridge(folder, "key", "show").stdout
    assert shown == f"…cdef (file {folder / 'home' / 'api-key'})\n"
    assert KEY not in done.stdout + done.stderr + shown
    assert "forgotten" in bridge(folder, "key", "clear").stdout
    assert "No key" in bridge(folder, "key", "show").stdout


#: A keyring in a file, which is locked as long as there is a file "locked" beside it.
RING = """
import json
from pathlib import Path
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked
HERE = Path(__file__).parent
class Ring(KeyringBackend):
    priority = 5
    def _entries(self):
        if (HERE / "locked").exists():
            raise KeyringLocked("it is locked")
        return json.loads((HERE / "entries").read_text()) if (HERE / "entries").exists() else {}
    def _keep(self, entries):
        (HERE / "entries").write_text(json.dumps(entries))
    def get_password(self, service, username):
        return self._entries().get(username)
    def set_password(self, service, username, password):
        self._keep({**self._entries(), username: password})
    def delete_password(self, service, username):
        self._keep({name: value for name, value in self._entries().items() if name != username})
"""


def test_with_a_locked_keyring_a_person_is_told_that_the_key_is_still_there(folder: Path) -> None:
    (folder / "own_ring.py").write_text(RING)

    def key(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(folder), "PYTHON_KEYRING_BACKEND": "own_ring.Ring"}
        done = bridge(folder, "key", *arguments, text=text, **own)
        assert KEY not in done.stdout + done.stderr
        return done

    assert "keyring" in key("set", text=KEY).stdout
    (folder / "locked").touch()
    cleared = key("clear")
    assert (cleared.returncode, cleared.stdout) == (1, "")
    assert "cannot be removed from the keyring: unlock it" in cleared.stderr
    replaced = key("set", text="another-key-of-mine")
    assert "is stored: file" in replaced.stdout
    assert "older key is still in the system's keyring" in replaced.stderr
    assert "older key" in key("show").stderr
    (folder / "locked").unlink()
    assert key("show").stdout.startswith("…mine (file")
    assert key("clear").stdout.startswith("The key is forgotten: keyring and file")
    assert KEY not in (folder / "entries").read_text()


def test_a_key_is_never_an_argument(folder: Path) -> None:
    done = bridge(folder, "key", "set", KEY)
    assert done.returncode == 2
    assert not (folder / "home").exists()


def test_a_bad_key_is_refused_without_being_repeated(folder: Path) -> None:
    done = bridge(folder, "key", "set", text="two words\n")
    assert done.returncode == 1
    assert "two words" not in done.stderr


def test_broken_settings_are_a_warning_and_no_end(folder: Path) -> None:
    (folder / "home").mkdir()
    (folder / "home" / "settings.json").write_text("{")
    done = bridge(folder, "key", "show")
    assert done.returncode == 0
    assert "settings.json.broken-1" in done.stderr


def test_doctor_speaks_json_and_never_of_the_key(folder: Path) -> None:
    done = bridge(folder, "doctor", "--json", PHOTIO_API_KEY=KEY, PHOTIO_ORIGIN="http://127.0.0.1:1")
    document = json.loads(done.stdout)
    checks = {check["name"]: check for check in document["checks"]}
    assert done.returncode == int(any(check["state"] == "problem" for check in checks.values()))
    assert checks["API key"]["found"] == "PHOTIO_API_KEY"
    assert KEY not in done.stdout + done.stderr


@pytest.mark.parametrize("options", [[], ["-I"], ["-I", "-B"]], ids=["plain", "-I", "-I -B"])
def test_it_runs_as_a_directory_where_nothing_is_installed(folder: Path, options: list[str]) -> None:
    copy = folder / "plug in" / "bridge"
    shutil.copytree(ROOT / "bridge", copy, ignore=shutil.ignore_patterns("__pycache__"))

    def run(*arguments: str) -> str:
        command = [sys.executable, *options, str(copy), *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180).stdout

    assert run("--version").startswith("Photio for GIMP ")
    (copy / "commands" / "cli.py").write_text("import json, sys\ndef main(): print(json.dumps(sys.path))\n")
    path = json.loads(run())
    assert path[0] == str(copy.parent)
    assert str(copy) not in path, "its modules would hide others of the same name"


def test_a_result_that_cannot_be_put_in_place_is_kept_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.commands import raw, saving
    from bridge.regen.client import RegenResult
    from bridge.store.private_files import StorageError

    buffer = io.BytesIO()
    Image.open(folder / "base.png").save(buffer, "PNG")
    result = RegenResult(np.asarray(Image.open(folder / "base.png")), buffer.getvalue(), "image/png", (), 1, 1)

    def full(out: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "replace", full)
    monkeypatch.setattr(saving.tempfile, "tempdir", str(folder))
    with pytest.raises(StorageError, match="the result is in") as caught:
        saving.write(folder / "out.png", raw._encode(result, "PNG"))
    (kept,) = folder.glob("photio-*.png")
    assert str(kept) in caught.value.sentence
    assert kept.read_bytes() == result.encoded
