"""Answers the plug-in's messages about the history. Only those about pictures import numpy and Pillow."""

from __future__ import annotations

from bridge.history import listing
from bridge.protocol import Message
from bridge.protocol.history import (
    AskPrompts,
    AskUnclaimed,
    Browse,
    Discard,
    Discarded,
    Prompts,
    Recall,
    Show,
    ShowPart,
    Unclaimed,
)
from bridge.store import prompts
from bridge.store.places import journal_directory


def answer(message: Message) -> Message | None:
    """The answer to a message about the history; None to any other message.

    Raises:
        PhotioError: there is no answer.
    """
    journal = journal_directory()
    if isinstance(message, Browse):
        return listing.browse(journal, message.search, message.offset, message.count)
    if isinstance(message, Show):
        from bridge.history import pictures

        return pictures.show(journal, message.id, message.variation, message.size)
    if isinstance(message, ShowPart):
        from bridge.history import pictures

        return pictures.show_part(journal, message)
    if isinstance(message, Recall):
        from bridge.history import recovery

        return recovery.recall(journal, message.id)
    if isinstance(message, Discard):
        listing.discard(journal, message.id, message.variation)
        return Discarded()
    if isinstance(message, AskUnclaimed):
        return Unclaimed(listing.claim(journal))
    return Prompts(prompts.recent()) if isinstance(message, AskPrompts) else None
