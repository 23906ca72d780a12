"""Runs pytest inside GIMP (`scripts/gimp.py run`). Arguments: a folder with pytest in it, then pytest's own."""

import sys

sys.dont_write_bytecode = True
sys.path.append(sys.argv[1])
sys.path.insert(0, __file__.rpartition("/")[0])  # `support`, for tests/gui too

import pytest  # noqa: E402

sys.exit(int(pytest.main(["-p", "no:cacheprovider", *sys.argv[2:]])))
