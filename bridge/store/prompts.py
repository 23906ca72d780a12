"""The last prompts, for the window's menu. They help, and that is all: nothing of this can stop a job."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from bridge.store.places import config_directory
from bridge.store.private_files import StorageError, read_private, write_private

#: So many are kept …
MOST = 50
#: … and none that is longer, in characters: all together are one message.
LONGEST = 2000

_LONGEST_FILE = 1 << 20  # bytes

_log = logging.getLogger(__name__)


def prompts_file() -> Path:
    """Where they are."""
    return config_directory() / "prompts.json"


def recent() -> tuple[str, ...]:
    """Newest first, each once, at most `MOST`; none when the file cannot be understood."""
    try:
        content = read_private(prompts_file(), _LONGEST_FILE)
        told = json.loads(content.decode()) if content else []
    except StorageError as error:
        _log.warning("prompts: %s", error.code)
        return ()
    except (ValueError, RecursionError):
        _log.warning("prompts: not JSON")
        return ()
    texts = [text for text in told if isinstance(text, str) and _is_kept(text)] if isinstance(told, list) else []
    return tuple(dict.fromkeys(texts))[:MOST]


def remember(prompt: str) -> None:
    """Puts a prompt at the beginning; blank ones and very long ones are not kept."""
    if not _is_kept(prompt):
        return
    texts = tuple(dict.fromkeys((prompt, *recent())))[:MOST]
    try:
        write_private(prompts_file(), json.dumps(texts, indent=1, ensure_ascii=False).encode())
    except StorageError as error:
        _log.warning("prompts: %s", error.code)


def _is_kept(prompt: str) -> bool:
    if not prompt.strip() or len(prompt) > LONGEST:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in prompt)  # half a pair: no text that can be written
