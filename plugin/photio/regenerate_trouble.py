"""Which buttons help after which error. No GTK here."""

from __future__ import annotations

_KEY = frozenset({"no-key", "authentication", "key-format", "offline-limit"})
_AGAIN = frozenset(
    {"connection", "time-out", "service", "rate-limit", "malformed-response", "redirect", "refused", "regen", "storage"}
)
_NOT_OURS = frozenset({"nothing-to-do", "parameter", "too-many-requests", "picture", "settings", "cancelled"})


def helps_for(code: str, removes: bool) -> tuple[str, ...]:
    """Of "key", "again", "offline" and "log" those that help; what helps most is first.

    Args:
        code: the bridge's word for the error.
        removes: the prompt is empty, so the offline engine could do it.
    """
    offline = ("offline",) if removes and code in _KEY | _AGAIN and code != "storage" else ()
    if code in _KEY:
        return ("key", *offline)
    if code in _AGAIN:
        return ("again", *offline)
    return () if code in _NOT_OURS else ("again", "log")
