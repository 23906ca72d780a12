"""Recent prompts, for the window's menu. Errors are only logged, because a job does not need them."""

from __future__ import annotations

import json
import logging
import re

from bridge.store.places import config_directory
from bridge.store.private_files import StorageError, read_private, write_private

#: The number of prompts that are kept.
MOST = 50
#: Longer prompts are not kept, in characters: all prompts together are one message.
LONGEST = 2000

_FILE = "prompts.json"
_LONGEST_FILE = 1 << 20  # bytes
_SURROGATE = re.compile("[\ud800-\udfff]")  # cannot be encoded

_log = logging.getLogger(__name__)


def recent() -> tuple[str, ...]:
    """The prompts, newest first, without duplicates, at most `MOST`; none if the file is damaged."""
    try:
        content = read_private(config_directory() / _FILE, _LONGEST_FILE)
        found = json.loads(content.decode()) if content else []
    except (StorageError, ValueError, RecursionError) as error:
        _log.warning("prompts: %s", type(error).__name__)  # not its text, which may contain a prompt
        return ()
    texts = [text for text in found if isinstance(text, str) and _is_kept(text)] if isinstance(found, list) else []
    return tuple(dict.fromkeys(texts))[:MOST]


def remember(prompt: str) -> None:
    """Puts a prompt at the beginning, unless it is blank or very long."""
    if not _is_kept(prompt):
        return
    texts = tuple(dict.fromkeys((prompt, *recent())))[:MOST]
    try:
        write_private(config_directory() / _FILE, json.dumps(texts, indent=1, ensure_ascii=False).encode())
    except StorageError as error:
        _log.warning("prompts: %s", error.code)


def _is_kept(prompt: str) -> bool:
    return bool(prompt.strip()) and len(prompt) <= LONGEST and not _SURROGATE.search(prompt)
