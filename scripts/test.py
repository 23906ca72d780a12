#!/usr/bin/env python3
"""All tests: style, types, bridge, installer; both real GIMPs without and with a window, in sandboxes, in batches.

    test.py [--release 3.0|3.2 …] [WORD]

WORD goes to pytest's -k. Sets up what is missing: a virtual environment for the tests and the GIMPs that the
machine does not have, all in the user's cache directory. No test is repeated: one that fails now and then has found
a bug, even if the bug is in the test.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from batch import worker
from gimp import real_gimp, rootfs, surroundings
from gimp.real_gimp import CHECKOUT
from test import environment
from test.parts import STALLED, Outcome, report, run, run_counted

RUN_PYTEST = CHECKOUT / "tests" / "gimp" / "run_pytest.py"

#: Only exact colour conversions. By default babl measures which of the nearly exact ones is fastest. On a busy machine
#: it can choose another one, and then a new layer changes 16-bit pixels elsewhere, too.
EXACT = {"BABL_TOLERANCE": "0"}

#: The GIMP of the batches' tests.
BATCH_RELEASE = "3.2"


def checks(folder: Path, word: list[str]) -> list[Outcome]:
    """The parts that need no GIMP."""
    python = str(folder / "bin" / "python")
    model_home = {**surroundings.own(surroundings.NETWORK), "PHOTIO_HOME": str(rootfs.cache_directory() / "model")}
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
    outcomes.append(run("bridge and installer", pytest))
    faults = [python, str(RUN_PYTEST), str(folder / "inside"), "-q", "tests/faults", "--ignore=tests/faults/inside"]
    outcomes.append(run_counted("faults", [*faults, *word]))
    return outcomes


def audit(python: str) -> Outcome:
    """Looks for known vulnerabilities in the packages that users get. Says so if the database cannot be reached."""
    lock = "bridge/requirements.lock"
    command = [python, "-m", "pip_audit", "--requirement", lock, "--disable-pip", "--require-hashes", "--format=json"]
    command += ["--progress-spinner=off", "--timeout=20"]
    asked = run("audit of the packages", command, surroundings.own(surroundings.NETWORK))
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
        real = real_gimp.find(release)
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
        command += ["--home", str(real.home / f"tests-{directory}"), str(RUN_PYTEST), str(folder / "inside")]
        command += ["-q", f"--rootdir={CHECKOUT}", "-o", f"faulthandler_timeout={STALLED - 60}"]
        command += [str(CHECKOUT / "tests" / directory), *word]
        outcomes.append(run_counted(f"GIMP {release}, tests/{directory}", command, **EXACT))
    return outcomes


def in_sandboxes(folder: Path, word: list[str]) -> list[Outcome]:
    """The tests that imitate GIMP's packages with `bwrap`, and set Photio up in each; see docs/sandboxes.md.

    Raises:
        SetupError: what they need is missing, though root could have set it up.
    """
    try:
        for release in rootfs.SUITES:
            rootfs.provision(release)
        if not shutil.which("bwrap"):
            rootfs.install_packages("bubblewrap")
    except rootfs.SetupError as error:
        if os.geteuid() == 0:
            raise
        return [Outcome("sandboxes", f"NOT TESTED: {error}", True, 0)]
    command = [str(folder / "bin" / "python"), str(RUN_PYTEST), str(folder / "inside"), "-q", "tests/sandboxes"]
    return [run_counted("sandboxes", [*command, *word], **surroundings.own(surroundings.NETWORK))]


def in_batches(folder: Path, word: list[str]) -> list[Outcome]:
    """The tests of `batch.py`, which starts its GIMPs itself.

    Raises:
        SetupError: what they need is missing, though root could have set it up.
    """
    try:
        gimp = worker.of_batches(BATCH_RELEASE)
        environment.prepared("batch", [CHECKOUT / "scripts" / "batch" / "requirements.lock"])
        gimp.install_plugin()
    except rootfs.SetupError as error:
        if os.geteuid() == 0:
            raise
        return [Outcome("batches", f"NOT TESTED: {error}", True, 0)]
    command = [str(folder / "bin" / "python"), str(RUN_PYTEST), str(folder / "inside"), "-q", "tests/batch", *word]
    return [run_counted("batches", command, **EXACT)]


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", action="append", choices=sorted(rootfs.SUITES), help="default: both")
    parser.add_argument("word", nargs="?", help="only tests with this in their names")
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    word = ["-k", asked.word] if asked.word else []
    outcomes: list[Outcome] = []
    try:
        folder = environment.directory()
        with ThreadPoolExecutor() as pool:
            parts: list[Future[list[Outcome]]] = [pool.submit(checks, folder, word)]
            parts.append(pool.submit(in_sandboxes, folder, word))
            parts.append(pool.submit(in_batches, folder, word))
            parts += [pool.submit(in_gimp, release, folder, word) for release in asked.release or sorted(rootfs.SUITES)]
            for part in parts:
                outcomes += part.result()
    except rootfs.SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return report(outcomes)


if __name__ == "__main__":
    sys.exit(main())
