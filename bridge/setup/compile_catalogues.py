"""Compiles the catalogues. It runs under an interpreter that has `polib`, and imports no other module of ours.

compile_catalogues.py SOURCE TARGET [PACKAGES]

Prints a line "language: reason" for each catalogue that cannot be compiled, and writes no file for it.
"""

from __future__ import annotations

import gettext
import sys
from pathlib import Path


def main(source: str, target: str, packages: str = "") -> None:
    """Writes `<language>/LC_MESSAGES/photio.mo` in `target` for every catalogue of `source`."""
    if packages:
        sys.path.insert(0, packages)
    for catalogue in sorted(Path(source).glob("*.po")):
        compiled = Path(target) / catalogue.stem / "LC_MESSAGES" / "photio.mo"
        try:
            import polib

            content = polib.pofile(str(catalogue), encoding="utf-8").to_binary()
            compiled.parent.mkdir(parents=True)
            compiled.write_bytes(content)
            with compiled.open("rb") as stream:  # an invalid plural rule would make the plug-in fail
                gettext.GNUTranslations(stream).ngettext("", "", 2)
        except Exception as error:  # noqa: BLE001  (polib may raise anything, and the other languages still work)
            compiled.unlink(missing_ok=True)
            print(f"{catalogue.stem}: {' '.join(str(error).split()) or type(error).__name__}")


if __name__ == "__main__":
    main(*sys.argv[1:])
