"""The fixtures of `support`, for every test here."""

from support import empty_home, journal, no_image_left, nobody_at_work, running_server, server  # noqa: F401
