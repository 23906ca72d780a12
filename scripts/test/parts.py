"""Runs parts of the tests, each in a process of its own, and reports their outcomes."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from gimp import surroundings

CHECKOUT = Path(__file__).resolve().parents[2]

#: Seconds after which a part is ended: in all, and, if its tests are counted, since the last test passed.
LONGEST, STALLED = 3600, 600

#: Seconds that the processes of a part have to end after it.
LEAVING = 30

#: The variable by which they are found.
_PART = "PHOTIO_PART"

#: pytest's exit status if no test has the word in its name.
NOTHING = 5

#: Lines that GIMP and its libraries print in every run.
NOISE = re.compile(r"Gtk-CRITICAL|Gdk-CRITICAL|Glycin running without sandbox|^\s*$")


@dataclass(frozen=True)
class Outcome:
    """The outcome of one part of the tests.

    Attributes:
        name: what was tested.
        output: what it printed.
        green: whether all of it passed.
        seconds: how long it took.
        passed: number of tests that passed; None: read it from the output.
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
        """The part of the output that is worth reading: the last line if green, otherwise the failures."""
        lines = [line for line in self.output.splitlines() if not NOISE.search(line)]
        if self.green:
            return next((line for line in reversed(lines) if " passed" in line), "\n".join(lines[-1:]))
        start = next((number for number, line in enumerate(lines) if "= FAILURES =" in line), len(lines) - 150)
        return "\n".join(lines[max(start, 0) :])


def run(
    name: str, command: list[str], environment: dict[str, str] | None = None, progress: Path | None = None
) -> Outcome:
    """Runs one part and collects its output.

    Ends it if it hangs, that is, if the file `progress` stops growing. Ends what it leaves running, too, which is a
    failure.

    Args:
        environment: added to what every test sees (`surroundings.own`).
    """
    began, part = time.time(), secrets.token_hex(8)
    with tempfile.TemporaryFile() as written:  # no pipe: whoever is left would hold its other end
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**surroundings.own(), **(environment or {}), _PART: part},
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        trouble = _wait(process, began, progress)
        if left := _end_what_is_left(part):
            trouble += "\nIt left this running, which was ended:\n" + "\n".join(left)
        written.seek(0)
        output = written.read().decode("utf-8", "replace") + trouble
    nothing_to_do = process.returncode == NOTHING and "-k" in command
    outcome = Outcome(name, output, not trouble and (process.returncode == 0 or nothing_to_do), time.time() - began)
    print(f"{name}: {'done' if outcome.green else 'FAILED'}, {outcome.seconds:.0f} s", file=sys.stderr, flush=True)
    if not outcome.green:  # at once, because the other parts take a while
        failed = [line for line in output.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        print("\n".join(failed), file=sys.stderr, flush=True)
    return outcome


def _wait(process: subprocess.Popen[bytes], began: float, progress: Path | None) -> str:
    """Waits until it ends. Returns "", or what was there when it hung and was ended."""
    while True:
        try:
            process.wait(5)
            return ""
        except subprocess.TimeoutExpired:
            grown = progress.stat().st_mtime if progress and progress.exists() else began
            if time.time() - max(grown, began) > (STALLED if progress else LONGEST):
                break
    there = subprocess.run(
        ["ps", "-N", "--ppid", "2", "-o", "pid,ppid,etimes,stat,wchan:20,args"], capture_output=True, text=True
    )
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return f"\nIt hung, and was stopped. There was:\n{there.stdout}"


def _end_what_is_left(part: str) -> list[str]:
    """Ends all processes of a part that has ended, if they do not end by themselves. Returns their command lines.

    Only Linux tells which they are: by a variable that every process inherits.
    """
    patience = time.monotonic() + LEAVING
    while (left := _processes(part)) and time.monotonic() < patience:
        time.sleep(0.2)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return list(left.values())


def _processes(part: str) -> dict[int, str]:
    """The processes of a part, with their command lines."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if f"{_PART}={part}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                found[int(entry.name)] = f"{entry.name}  {' '.join(words)[:200]}"
    return found


def run_counted(name: str, command: list[str], **variables: str) -> Outcome:
    """Runs a part and counts its tests one by one: if GIMP crashes, pytest prints no sum."""
    with tempfile.TemporaryDirectory(prefix="photio-tests-") as folder:
        passed = Path(folder) / "passed"
        outcome = run(name, command, {**variables, "PHOTIO_PASSED": str(passed)}, passed)
        count = len(passed.read_text().splitlines()) if passed.exists() else 0
        return replace(outcome, passed=count)


def report(outcomes: list[Outcome]) -> int:
    """Prints the outcomes, failures last. Returns the exit status."""
    for outcome in sorted(outcomes, key=lambda outcome: not outcome.green):
        state = "ok" if outcome.green else "FAILED"
        print(f"\n===== {outcome.name}: {state} ({outcome.seconds:.0f} s)\n{outcome.told()}")
    passed, failed = (sum(numbers) for numbers in zip(*(outcome.counts() for outcome in outcomes), strict=True))
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0
