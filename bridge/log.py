"""The bridge's log: a small rotating file, only for this user's eyes. No prompt and no key is ever logged."""

from __future__ import annotations

import logging
import logging.handlers
import os

from bridge import places


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A log file that only its owner can read, whatever the umask."""

    def _open(self):  # type: ignore[no-untyped-def]  # the standard library's stubs leave it open as well
        return open(
            self.baseFilename, self.mode, encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)
        )


def start() -> None:
    """Logs to `places.log_file()` (3 files of 1 MB), or to stderr where that cannot be written."""
    handler: logging.Handler
    try:
        places.log_file().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handler = _PrivateFile(places.log_file(), maxBytes=1_000_000, backupCount=2)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger("bridge")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
