"""The user's language: every sentence that a person gets to see goes through here. Standard library only.

With `bridge.protocol` the only modules that both sides import. The catalogues are made by `install.py`.
"""

from __future__ import annotations

import gettext
from pathlib import Path

DOMAIN = "photio"

_BESIDE_PLUGIN = Path(__file__).absolute().parent.parent / "locale"

#: GIMP puts the language that it was told into the environment of its plug-ins, and so into the bridge's.
_catalogue = gettext.translation(DOMAIN, _BESIDE_PLUGIN, fallback=True)

_ = _catalogue.gettext
ngettext = _catalogue.ngettext


def marked(text: str) -> str:
    """For the catalogue only: GIMP itself, or a later `_`, translates it."""
    return text
