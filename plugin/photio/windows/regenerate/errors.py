"""Which buttons help against which error, and sentences about jobs that gave no layer. No GTK here."""

from __future__ import annotations

from bridge.common.i18n import _

_KEY = frozenset({"no-key", "authentication", "key-format", "offline-limit"})
_AGAIN = frozenset(
    {"connection", "time-out", "service", "rate-limit", "malformed-response", "redirect", "refused", "regen", "storage"}
)
_NOT_OURS = frozenset({"nothing-to-do", "parameter", "too-many-requests", "picture", "settings", "cancelled"})


def helps_for(code: str, removes: bool) -> tuple[str, ...]:
    """Which of "key", "again", "offline" and "log" help, the most helpful first.

    Args:
        code: of the `BridgeError`.
        removes: the prompt is empty, so the offline engine could do the job.
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
    """The sentence after a cancelled generation."""
    if may_be_billed:
        return _(
            "Cancelled. The request had been sent and may have been billed: its result will be in Filters > Photio > "
            "History."
        )
    return _("Cancelled. Nothing had been sent completely, so nothing is billed.")


def image_closed() -> str:
    """The sentence that says where the results of a closed image are."""
    return _("The image was closed: its results are in Filters > Photio > History.")
