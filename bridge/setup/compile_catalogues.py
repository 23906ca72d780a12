"""Compiles the catalogues. Run under an interpreter that has `polib`, so it imports nothing else of ours.

compile_catalogues.py SOURCE TARGET [PACKAGES]

Prints a line "language: reason" for each catalogue that cannot be used; nothing of it is left in TARGET.
"""

from __future__ import annotations

import gettext
import sys
from pathlib import Path


def compile_one(catalogue: Path, target: Path) -> str:
    """Makes `<language>/LC_MESSAGES/photio.mo` in `target`. Returns why that failed, or ""."""
    compiled = target / catalogue.stem / "LC_MESSAGES" / "photio.mo"
    try:
        import polib

        content = polib.pofile(str(catalogue), encoding="utf-8").to_binary()
        compiled.parent.mkdir(parents=True)
        compiled.write_bytes(content)
        with compiled.open("rb") as stream:  # a plural rule that cannot be read would stop the whole plug-in
            gettext.GNUTranslations(stream).ngettext("", "", 2)
    except Exception as error:  # noqa: BLE001  (polib raises what it likes; a language less is no reason to fail)
        compiled.unlink(missing_ok=True)
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def main(source: str, target: str, packages: str = "") -> None:
    """Compiles every catalogue of `source`."""
    if packages:
        sys.path.insert(0, packages)
    for catalogue in sorted(Path(source).glob("*.po")):
        if reason := compile_one(catalogue, Path(target)):
            print(f"{catalogue.stem}: {reason}")


if __name__ == "__main__":
    main(*sys.argv[1:])
