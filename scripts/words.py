#!/usr/bin/env python3
"""The catalogues of all languages: brings them up to date with the code, or says what is missing.

    words.py update    after a change of any visible text; translations are kept
    words.py check     what is missing, and status 1 if anything is

Babel does the work; where it is missing, the tests' own Python (scripts/test.py) takes over. How to translate is
in docs/translating.md.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":
    from test import environment

    environment.require("babel")

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

CHECKOUT = Path(__file__).resolve().parent.parent
LANGUAGES = ("de", "es", "fr", "ja", "ko", "zh_CN")
SOURCES = ("bridge", "plugin/photio")
#: `install.py` speaks English. What the set-up's window shows is in the other modules of the set-up.
NOT_SOURCES = tuple(
    f"bridge/{name}.py" for name in ("setup/commands", "setup/doctor", "setup/plugin_folder", "commands/catalogues")
)
KEYWORDS = {"_": None, "ngettext": (1, 2)}

#: A comment in the code that begins so is shown to translators.
COMMENT_TAG = "Translators:"

_HEADER = """\
# Photio for GIMP, texts that a user of GIMP sees.
# This file is distributed under the same license as Photio for GIMP, GPL-3.0-or-later.
#"""

#: They change without need, or say nothing.
_LEFT_OUT = (
    '"Project-Id-Version:', '"Report-Msgid-Bugs-To:', '"POT-Creation-Date:', '"PO-Revision-Date:',
    '"Last-Translator:', '"Language-Team:', '"Generated-By:',
)  # fmt: skip


@dataclass(frozen=True)
class Catalogues:
    """The catalogues of one checkout."""

    checkout: Path = CHECKOUT

    @property
    def folder(self) -> Path:
        return self.checkout / "plugin" / "photio" / "locale"

    @property
    def template(self) -> Path:
        return self.folder / "photio.pot"

    def of(self, language: str) -> Path:
        return self.folder / f"{language}.po"


def sources(checkout: Path) -> list[Path]:
    """Every Python file that may hold texts for the user."""
    paths = sorted(path for folder in SOURCES for path in (checkout / folder).rglob("*.py"))
    return [path for path in paths if not path.relative_to(checkout).as_posix().startswith(NOT_SOURCES)]


def extract(checkout: Path) -> Catalog:
    """All texts that the code marks, with the files (no lines: those change too often) that they are in."""
    found = Catalog(header_comment=_HEADER, charset="utf-8", fuzzy=False)
    for path in sources(checkout):
        name = path.relative_to(checkout).as_posix()
        for _line, text, comments, _context in extract_from_file("python", path, KEYWORDS, [COMMENT_TAG]):
            found.add(text, locations=[(name, None)], auto_comments=comments)
    return found


def written(catalogue: Catalog) -> str:
    """The catalogue's file. The same texts give the same bytes: no dates, and sorted by file."""
    stream = io.BytesIO()
    write_po(stream, catalogue, width=110, sort_by_file=True, include_lineno=False, include_previous=False)
    lines = stream.getvalue().decode("utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith(_LEFT_OUT)).rstrip("\n") + "\n"


def load(path: Path, language: str | None) -> Catalog:
    """A catalogue's file; an empty catalogue where there is none yet."""
    if not path.exists():
        return Catalog(language, charset="utf-8", fuzzy=False)
    with path.open("rb") as stream:
        return read_po(stream, locale=language, charset="utf-8", abort_invalid=True)


def merged(template: Catalog, catalogue: Catalog) -> Catalog:
    """The template with the catalogue's translations; one whose original changed a little is kept, but fuzzy."""
    catalogue.update(template, update_header_comment=True)
    catalogue.fuzzy = False
    return catalogue


def messages(catalogue: Catalog) -> Iterator[Message]:
    """Every text of a catalogue, without its header and what the code no longer has."""
    return (message for message in catalogue if message.id)


def original(message: Message) -> str:
    """The English text, of several forms the first."""
    return str(message.id if isinstance(message.id, str) else message.id[0])


def translations(message: Message) -> tuple[str, ...]:
    """The translation in all its plural forms."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def update(catalogues: Catalogues) -> None:
    """Writes the template and merges it into every language."""
    template = extract(catalogues.checkout)
    catalogues.folder.mkdir(exist_ok=True)
    catalogues.template.write_text(written(template), encoding="utf-8")
    for language in LANGUAGES:
        path = catalogues.of(language)
        content = written(merged(template, load(path, language)))
        path.write_text(content, encoding="utf-8")


def stale(catalogues: Catalogues) -> list[str]:
    """The files that `update` would change."""
    template = extract(catalogues.checkout)
    wanted = {catalogues.template: written(template)}
    for language in LANGUAGES:
        path = catalogues.of(language)
        wanted[path] = written(merged(template, load(path, language)))
    return [
        path.name
        for path, content in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]


def untranslated(catalogue: Catalog) -> list[str]:
    """The texts without a translation, or with one that a person has to look at again."""
    return [original(message) for message in messages(catalogue) if message.fuzzy or not all(translations(message))]


def check(catalogues: Catalogues) -> int:
    """Prints what is missing. Returns the exit status."""
    missing = [f"{name}: not up to date; run words.py update" for name in stale(catalogues)]
    for language in LANGUAGES:
        texts = untranslated(load(catalogues.of(language), language))
        missing += [f"{language}: {text}" for text in texts]
        print(f"{language}: {len(texts)} to translate", file=sys.stderr)
    print("\n".join(missing))
    return int(bool(missing))


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["update", "check"])
    if parser.parse_args().what == "check":
        return check(Catalogues())
    update(Catalogues())
    return 0


if __name__ == "__main__":
    sys.exit(main())
