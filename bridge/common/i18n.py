"""Translates every text that a user sees. Standard library only, valid on Python 3.10: the plug-in imports it too.

`install.py` compiles the catalogues.
"""

from __future__ import annotations

import gettext
import struct
from pathlib import Path

DOMAIN = "photio"

_LOCALE = Path(__file__).absolute().parents[2] / "locale"

# GIMP passes its language to plug-ins in the environment, and the bridge inherits that.
try:
    _catalogue = gettext.translation(DOMAIN, _LOCALE, fallback=True)
except (OSError, ValueError, struct.error):  # a damaged catalogue: fall back to English
    _catalogue = gettext.NullTranslations()

_ = _catalogue.gettext
ngettext = _catalogue.ngettext
