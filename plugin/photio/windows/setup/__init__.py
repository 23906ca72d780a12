"""The window that sets Photio up, the process behind it, and when it is needed."""

from bridge.common.i18n import _

#: The window helps against a `BridgeError` with one of these codes: there is no environment, or a package is damaged.
HELPS = frozenset({"setup", "damaged"})


def needed(code: str) -> str:
    """The sentence for a script, for which no window is opened.

    Args:
        code: one of `HELPS`.
    """
    if code == "damaged":
        return _("Photio is damaged: choose anything in Filters > Photio once, or run “python3 install.py”.")
    return _("Photio is not set up yet: choose anything in Filters > Photio once, or run “python3 install.py”.")
