"""Answers what the plug-in asks about the history. numpy and Pillow are imported for pictures only."""

from __future__ import annotations

from bridge.history import listing
from bridge.protocol import Message
from bridge.protocol.history import (
    AskPrompts,
    AskUnclaimed,
    Browse,
    Discard,
    Discarded,
    Page,
    Prompts,
    Recall,
    Show,
    Unclaimed,
)
from bridge.store import prompts
from bridge.store.places import journal_directory


def answer(message: Message) -> Message | None:
    """The answer; None to whatever is no question about the history.

    Raises:
        PhotioError: what was asked for cannot be had.
    """
    journal = journal_directory()
    if isinstance(message, Browse):
        return _page(message)
    if isinstance(message, Show):
        from bridge.history import pictures

        return pictures.show(journal, message.id, message.variation, message.size)
    if isinstance(message, Recall):
        from bridge.history import recovery

        return recovery.recall(journal, message.id)
    if isinstance(message, Discard):
        listing.discard(journal, message.id, message.variation)
        return Discarded()
    if isinstance(message, AskUnclaimed):
        return Unclaimed(listing.claim(journal))
    return Prompts(prompts.recent()) if isinstance(message, AskPrompts) else None


def _page(message: Browse) -> Page:
    return listing.browse(journal_directory(), message.search, message.offset, message.count)
