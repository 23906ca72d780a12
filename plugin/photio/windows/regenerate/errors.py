"""What is said when something went another way, and which buttons help after which error. No GTK here."""

from __future__ import annotations

from bridge.common.i18n import _

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
    offline = ("offline",) if removes and code in _KEY | _AGAIN | {"keyring"} and code != "storage" else ()
    if code == "keyring":  # it can be unlocked
        return ("again", "key", *offline)
    if code in _KEY:
        return ("key", *offline)
    if code in _AGAIN:
        return ("again", *offline)
    return () if code in _NOT_OURS else ("again", "log")


def cancelled(may_be_billed: bool) -> str:
    """What a cancelled generation comes to."""
    if may_be_billed:
        return _(
            "Cancelled. The request had been sent and may have been billed: its result will be in Filters > Photio > "
            "History."
        )
    return _("Cancelled. Nothing had been sent completely, so nothing is billed.")


def image_closed() -> str:
    """Where the results are of an image that is no longer there."""
    return _("The image was closed: its results are in Filters > Photio > History.")
