"""Not written yet."""

from __future__ import annotations

from bridge.protocol import Message


def answer(message: Message) -> Message | None:
    """None."""
    return None
