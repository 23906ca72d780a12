"""The bridge's log: a small rotating file that only this user can read. No prompt and no key is ever logged."""

from __future__ import annotations

import logging
import logging.handlers

from bridge.store import places
from bridge.store.private_files import make_private_folder, open_private


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A log file that only its owner can read, whatever the umask."""

    def _open(self):  # type: ignore[no-untyped-def]  # the standard library's stubs leave it open as well
        return open(self.baseFilename, self.mode, encoding="utf-8", opener=open_private)


def start() -> None:
    """Logs to `places.log_file()` (3 files of 1 MB), or to stderr if that cannot be written. Later calls do nothing."""
    root = logging.getLogger("bridge")
    if root.handlers:
        return
    handler: logging.Handler
    try:
        make_private_folder(places.log_file().parent)
        handler = _PrivateFile(places.log_file(), maxBytes=1_000_000, backupCount=2)
    except OSError:
        handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.INFO)
