"""Compiles the catalogues of languages. Needs `polib`, imports no other module of ours, and can be run as a file:

python -I -B bridge/commands/catalogues.py LOCALE_FOLDER
"""

from __future__ import annotations

import gettext
import io
import os
import secrets
import sys
from pathlib import Path


def compile_all(locale: Path) -> list[str]:
    """Compiles each `<language>.po` of the folder to `<language>/LC_MESSAGES/photio.mo` in it, where it is out of date.

    Returns a line “language: reason” for each language that is left out. It is in English then, and the others work.
    """
    left_out = []
    for catalogue in sorted(locale.glob("*.po")):
        compiled = locale / catalogue.stem / "LC_MESSAGES" / "photio.mo"
        try:
            if not compiled.exists() or compiled.stat().st_mtime < catalogue.stat().st_mtime:
                _compile(catalogue, compiled)
        except Exception as error:  # noqa: BLE001  (polib may raise anything, and the other languages still work)
            left_out.append(f"{catalogue.stem}: {' '.join(str(error).split()) or type(error).__name__}")
    return left_out


def _compile(catalogue: Path, compiled: Path) -> None:
    import polib

    try:
        content = polib.pofile(str(catalogue), encoding="utf-8").to_binary()
        gettext.GNUTranslations(io.BytesIO(content)).ngettext("", "", 2)  # raises if the plural rule is invalid
    except Exception:
        compiled.unlink(missing_ok=True)  # not what the catalogue said before
        raise
    compiled.parent.mkdir(parents=True, exist_ok=True)
    # Under a name that no other process has: a process id is no such name, because each sandbox counts its own.
    part = compiled.with_name(f"{compiled.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(content)
        os.replace(part, compiled)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    for line in compile_all(Path(sys.argv[1])):
        print(line)
