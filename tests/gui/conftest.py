"""The fixtures of `support`, for every test here; and `driver` can be imported."""

import sys
from pathlib import Path

from support import empty_home, journal, no_image_left, running_server, server  # noqa: F401

sys.path.insert(0, str(Path(__file__).parent))

from regenerating import shown, window  # noqa: F401  (`driver` is beside them)
