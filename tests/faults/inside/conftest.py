"""The fixtures of `support`, for what takes too long for every run of the tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "gimp"))

from support import empty_home, journal, no_image_left, nobody_at_work, running_server, server  # noqa: F401
