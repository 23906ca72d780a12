#!/usr/bin/env python3
"""All tests: style, types, the bridge and the installer, then both real GIMPs without and with a window.

    test.py [--release 3.0|3.2 …] [WORD]

WORD goes to pytest's -k. Sets up what is missing: a virtual environment for the tests and the GIMPs that the
machine does not have, all in the user's cache directory. Nothing is tried twice: a test that fails now and then has
found something, be it in itself.
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
import tempfile
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import gimp
import rootfs

CHECKOUT = gimp.CHECKOUT
LOCKS = [CHECKOUT / "tests" / "requirements.lock", CHECKOUT / "bridge" / "requirements-neural.lock"]

RUN_PYTEST = CHECKOUT / "tests" / "gimp" / "run_pytest.py"

#: What pytest needs inside GIMP, whatever Python that has: pure Python, taken from the tests' environment.
INSIDE = ["pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments"]


#: A part that takes longer, in seconds, hangs; so does one whose tests are counted where none passes for so long.
LONGEST, STALLED = 3600, 600

#: pytest's exit status where no test has the word in its name.
NOTHING = 5

#: GIMP's colour conversions without shortcuts. babl takes whichever conversion it finds to be the fastest, among those
#: that are nearly exact: in a busy moment another one, and then any new layer changes 16-bit pixels elsewhere, too.
EXACT = {"BABL_TOLERANCE": "0"}

#: What GIMP and its libraries say of themselves in every run.
NOISE = re.compile(r"Gtk-CRITICAL|Gdk-CRITICAL|Glycin running without sandbox|^\s*$")


@dataclass(frozen=True)
class Outcome:
    """One part of the tests.

    Attributes:
        name: what was tested.
        output: what it printed.
        green: whether all of it passed.
        seconds: how long it took.
        passed: tests that did; None: as the output says.
    """

    name: str
    output: str
    green: bool
    seconds: float
    passed: int | None = None

    def counts(self) -> tuple[int, int]:
        """How many tests passed and failed."""
        said = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|error)", self.output)}
        passed = self.passed if self.passed is not None else said.get("passed", int(self.green))
        return passed, 0 if self.green else said.get("failed", 0) + said.get("error", 0) or 1

    def told(self) -> str:
        """What is worth reading of its output: of a green one, the last line."""
        lines = [line for line in self.output.splitlines() if not NOISE.search(line)]
        if self.green:
            return next((line for line in reversed(lines) if " passed" in line), "\n".join(lines[-1:]))
        start = next((number for number, line in enumerate(lines) if "= FAILURES =" in line), len(lines) - 150)
        return "\n".join(lines[max(start, 0) :])


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


def run(
    name: str, command: list[str], environment: dict[str, str] | None = None, progress: Path | None = None
) -> Outcome:
    """Runs one part; its output is kept together. One that hangs is ended; `progress` grows while it does not."""
    began = time.time()
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
    output, hangs = "", False
    while not output and not hangs:
        try:
            output = process.communicate(timeout=5)[0] or "\n"
        except subprocess.TimeoutExpired:
            grown = progress.stat().st_mtime if progress and progress.exists() else began
            hangs = time.time() - max(grown, began) > (STALLED if progress else LONGEST)
    if hangs:
        there = subprocess.run(
            ["ps", "-N", "--ppid", "2", "-o", "pid,ppid,etimes,stat,wchan:20,args"], capture_output=True, text=True
        )
        os.killpg(process.pid, signal.SIGKILL)
        output = f"{process.communicate()[0]}\nIt hung, and was stopped. There was:\n{there.stdout}"
    nothing_to_do = process.returncode == NOTHING and "-k" in command
    outcome = Outcome(name, output, process.returncode == 0 or nothing_to_do, time.time() - began)
    print(f"{name}: {'done' if outcome.green else 'FAILED'}, {outcome.seconds:.0f} s", file=sys.stderr, flush=True)
    if not outcome.green:  # at once, for the rest takes a while
        failed = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        print("\n".join(failed), file=sys.stderr, flush=True)
    return outcome


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
    faults = [python, str(RUN_PYTEST), str(folder / "inside"), "-q", "tests/faults", "--ignore=tests/faults/inside"]
    outcomes.append(_counted("faults", [*faults, *word]))
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
        if window and not real.tree and not all(map(shutil.which, ("Xvfb", "openbox", "xdotool"))):
            outcomes.append(Outcome("windows", "NOT TESTED: install xvfb, openbox, xdotool, at-spi2-core.", True, 0))
            continue
        command = [sys.executable, str(CHECKOUT / "scripts" / "gimp.py"), "--release", release, "run", *window]
        command += [str(RUN_PYTEST), str(folder / "inside")]
        command += ["-q", f"--rootdir={CHECKOUT}", "-o", f"faulthandler_timeout={STALLED - 60}"]
        command += [str(CHECKOUT / "tests" / directory), *word]
        home = real.home / f"tests-{directory}"
        outcomes.append(_counted(f"GIMP {release}, tests/{directory}", command, PHOTIO_HOME=str(home), **EXACT))
    return outcomes


def _counted(name: str, command: list[str], **variables: str) -> Outcome:
    """Runs a part whose tests are counted one by one: GIMP may end in the middle, and then pytest does not say."""
    with tempfile.TemporaryDirectory(prefix="photio-tests-") as folder:
        passed = Path(folder) / "passed"
        outcome = run(name, command, {**variables, "PHOTIO_PASSED": str(passed)}, passed)
        count = len(passed.read_text().splitlines()) if passed.exists() else 0
        return replace(outcome, passed=count)


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", choices=sorted(rootfs.SUITES), help="default: both")
    parser.add_argument("word", nargs="?", help="only tests with this in their names")
    asked = parser.parse_args()
    word = ["-k", asked.word] if asked.word else []
    outcomes: list[Outcome] = []
    try:
        folder = environment_directory()
        with ThreadPoolExecutor() as pool:
            parts: list[Future[list[Outcome]]] = [pool.submit(checks, folder, word)]
            parts += [pool.submit(in_gimp, release, folder, word) for release in asked.release or sorted(rootfs.SUITES)]
            for part in parts:
                outcomes += part.result()
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return report(outcomes)


def report(outcomes: list[Outcome]) -> int:
    """Prints each part, those with failures last; the exit status."""
    for outcome in sorted(outcomes, key=lambda outcome: not outcome.green):
        state = "ok" if outcome.green else "FAILED"
        print(f"\n===== {outcome.name}: {state} ({outcome.seconds:.0f} s)\n{outcome.told()}")
    passed, failed = (sum(numbers) for numbers in zip(*(outcome.counts() for outcome in outcomes), strict=True))
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
