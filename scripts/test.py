#!/usr/bin/env python3
"""All tests: style, types, the bridge and the installer, then both real GIMPs without and with a window.

    test.py [--release 3.0|3.2 …] [WORD]

WORD goes to pytest's -k. Sets up what is missing: a virtual environment for the tests and the GIMPs that the
machine does not have, all in the user's cache directory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import gimp
import rootfs

CHECKOUT = gimp.CHECKOUT
LOCKS = [CHECKOUT / "tests" / "requirements.lock", CHECKOUT / "bridge" / "requirements-neural.lock"]

#: What pytest needs inside GIMP, whatever Python that has: pure Python, taken from the tests' environment.
INSIDE = ["pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments"]


#: A part that takes longer, in seconds, hangs.
LONGEST = 1200


@dataclass(frozen=True)
class Outcome:
    """One part of the tests: its name, what it printed, and whether it is green."""

    name: str
    output: str
    green: bool
    seconds: float


def environment_directory() -> Path:
    """The tests' virtual environment, built where it is missing.

    Raises:
        SetupError: it could not be built.
    """
    content = sys.version.encode() + b"".join(lock.read_bytes() for lock in LOCKS)
    folder = rootfs.cache_directory() / f"tests-{hashlib.sha256(content).hexdigest()[:8]}"
    if (folder / ".complete").exists():
        return folder
    print(f"Setting up the tests' packages in {folder} (once) …", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    make = [sys.executable, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(make, stdout=subprocess.DEVNULL, check=False).returncode:
        rootfs.install_packages("python3-venv")  # Debian keeps the half of `venv` that makes pip apart
        _must(make)
    for lock in LOCKS:
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        _must([*pip, "--only-binary=:all:", "-r", str(lock)])
    (folder / "inside").mkdir()
    (packages,) = folder.glob("lib/python3*/site-packages")
    for name in INSIDE:
        (folder / "inside" / name).symlink_to(packages / name)
    (folder / ".complete").touch()
    return folder


def _must(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise rootfs.SetupError(f"“{' '.join(command)}” failed; what it said is above.")


def run(name: str, command: list[str], environment: dict[str, str] | None = None) -> Outcome:
    """Runs one part; its output is kept together."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=CHECKOUT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output = process.communicate()[0] + f"\nstopped after {LONGEST} s"
    return Outcome(name, output, process.returncode == 0, time.monotonic() - began)


def checks(folder: Path, word: list[str]) -> list[Outcome]:
    """What needs no GIMP."""
    python = str(folder / "bin" / "python")
    model_home = {"PHOTIO_HOME": str(rootfs.cache_directory() / "model")}
    outcomes = [
        run("ruff check", [python, "-m", "ruff", "check", "--no-cache", "."]),
        run("ruff format", [python, "-m", "ruff", "format", "--no-cache", "--check", "."]),
        run("mypy", [python, "-m", "mypy", "--cache-dir", str(folder / "mypy")]),
    ]
    outcomes.append(audit(python))
    fetched = run("MI-GAN's model", [python, "-m", "bridge", "model", "fetch"], model_home)
    if not fetched.green:
        print(f"MI-GAN will NOT be tested: its model could not be fetched.\n{fetched.output}", file=sys.stderr)
    pytest = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit", *word]
    outcomes.append(run("bridge and installer", pytest, model_home))
    faults = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/faults", "--ignore=tests/faults/inside"]
    outcomes.append(run("faults", [*faults, *word]))
    return outcomes


def audit(python: str) -> Outcome:
    """Whether a known weakness is in a package that users get. Where nobody can be asked, it is said aloud."""
    lock = "bridge/requirements.lock"
    command = [python, "-m", "pip_audit", "--requirement", lock, "--disable-pip", "--require-hashes", "--format=json"]
    asked = run("audit of the packages", [*command, "--progress-spinner=off", "--timeout=20"])
    found = re.search(r'^\{"dependencies":.*$', asked.output, re.MULTILINE)
    packages = json.loads(found.group())["dependencies"] if found else []
    weak = [f"{each['name']} {each['version']}: {each['vulns']}" for each in packages if each.get("vulns")]
    looked_at = sum("vulns" in each for each in packages)
    if weak:
        return Outcome(asked.name, "\n".join(weak), False, asked.seconds)
    if looked_at < len(packages) or not packages:
        text = f"NOT AUDITED: nothing could be learned of {len(packages) - looked_at} packages here."
        return Outcome(asked.name, text, True, asked.seconds)
    return Outcome(asked.name, f"nothing is known against {looked_at} packages", True, asked.seconds)


def in_gimp(release: str, folder: Path, word: list[str]) -> list[Outcome]:
    """The tests inside one GIMP, first without a window, then with one.

    Raises:
        SetupError: there is no such GIMP, though root could have set one up.
    """
    try:
        real = gimp.find(release)
    except rootfs.SetupError as error:
        if os.geteuid() == 0:
            raise
        return [Outcome(f"GIMP {release}", f"NOT TESTED: {error}", True, 0)]
    real.install_plugin()
    outcomes = []
    for directory, window in (("gimp", []), ("gui", ["--window"])):
        if window and not real.tree and not shutil.which("xvfb-run"):
            outcomes.append(Outcome("windows", "NOT TESTED: install xvfb, openbox and at-spi2-core.", True, 0))
            continue
        home = real.home / f"tests-{directory}"
        command = [sys.executable, str(CHECKOUT / "scripts" / "gimp.py"), "--release", release, "run", *window]
        command += [str(CHECKOUT / "tests" / "gimp" / "run_pytest.py"), str(folder / "inside")]
        command += ["-q", f"--rootdir={CHECKOUT}", str(CHECKOUT / "tests" / directory), *word]
        outcomes.append(run(f"GIMP {release}, tests/{directory}", command, {"PHOTIO_HOME": str(home)}))
    return outcomes


def report(outcomes: list[Outcome]) -> tuple[int, int]:
    """Prints each part; how many tests passed and failed in all."""
    passed = failed = 0
    for outcome in outcomes:
        state = "ok" if outcome.green else "FAILED"
        print(f"\n===== {outcome.name}: {state} ({outcome.seconds:.0f} s)\n{outcome.output.strip()}", flush=True)
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", outcome.output)}
        passed += counts.get("passed", 0) if "passed" in counts else int(outcome.green)
        failed += counts.get("failed", 0) + counts.get("error", 0) or int(not outcome.green)
    return passed, failed


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", choices=sorted(rootfs.SUITES), help="default: both")
    parser.add_argument("word", nargs="?", help="only tests with this in their names")
    asked = parser.parse_args()
    word = ["-k", asked.word] if asked.word else []
    passed = failed = 0
    try:
        folder = environment_directory()
        with ThreadPoolExecutor() as pool:
            parts: list[Future[list[Outcome]]] = [pool.submit(checks, folder, word)]
            parts += [pool.submit(in_gimp, release, folder, word) for release in asked.release or sorted(rootfs.SUITES)]
            for part in parts:
                green, red = report(part.result())
                passed, failed = passed + green, failed + red
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
