"""Runs pytest, also inside GIMP (`scripts/gimp.py run`). Arguments: a folder with pytest in it, then pytest's own.

What passes is written into the file that PHOTIO_PASSED names, a line each.
"""

import os
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(sys.argv[1])
sys.path.insert(0, __file__.rpartition("/")[0])  # `support`, for tests/gui too

import pytest  # noqa: E402


class Passed:
    """Notes what has passed, though GIMP itself may end in the middle."""

    def __init__(self, file):
        self.file = Path(file)
        self.called = None

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.called = report.nodeid
        if report.when == "teardown" and report.passed and report.nodeid == self.called:
            with self.file.open("a") as passed:
                passed.write(f"{report.nodeid}\n")


plugins = [Passed(os.environ["PHOTIO_PASSED"])] if "PHOTIO_PASSED" in os.environ else []
sys.exit(int(pytest.main(["-p", "no:cacheprovider", *sys.argv[2:]], plugins)))
