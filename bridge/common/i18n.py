"""The user's language: every sentence that a person gets to see goes through here. Standard library only.

With `bridge.protocol` and `core_dumps` the only modules that both sides import. The catalogues are made by
`install.py`.
"""

from __future__ import annotations

import gettext
import struct
from pathlib import Path

DOMAIN = "photio"

_BESIDE_PLUGIN = Path(__file__).absolute().parents[2] / "locale"


def _find() -> gettext.NullTranslations:
    """GIMP puts the language that it was told into the environment of its plug-ins, and so into the bridge's."""
    try:
        return gettext.translation(DOMAIN, _BESIDE_PLUGIN, fallback=True)
    except (OSError, ValueError, struct.error):  # a damaged catalogue: English rather than nothing at all
        return gettext.NullTranslations()


_catalogue = _find()

_ = _catalogue.gettext
ngettext = _catalogue.ngettext
