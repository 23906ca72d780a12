"""What a user who does not read English notices: texts that were forgotten, or that say something else."""

from __future__ import annotations

import os
import re
import shutil
import string
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from bridge.commands.catalogues import compile_all
from bridge.protocol import Document, Failed, Job, Open, Plan, decode, encode
from scripts import words
from tests.unit.install_world import REPOSITORY, tree
from tests.unit.visible_texts import misused, unmarked

CATALOGUES = words.Catalogues(REPOSITORY)
each_language = pytest.mark.parametrize("language", words.LANGUAGES)

#: Command lines, the protocols between programs, and what only programmers get to see: these stay English.
NOT_FOR_USERS = (
    "bridge/commands/", "bridge/setup/", "bridge/protocol/", "bridge/engine/models.py", "bridge/engine/parameters.py",
    "bridge/engine/server.py",
)  # fmt: skip

#: Not words of a language; what an f-string fills in is “{…}”.
SAME_IN_EVERY_LANGUAGE = {
    "Photio", "Photio for GIMP", "Photio for GIMP, GPL-3.0-or-later", "Photio for GIMP {…}", "Python", "{} × {} px",
    # what the service is sent: it understands English only
    "worst quality, low quality, illustration, 3d, 2d, painting, cartoons, sketch",
    # formats of pixels and files, and names of folders
    "Y u8", "Y u16", "R'aG'aB'aA u8", "R'G'B' u8", "R'G'B'A u8", "R'G'B' u16", "R'G'B'A u16", "Y' u16", "A u8", "Qmask",
    "Application Support",
    "P7\nWIDTH {…}\nHEIGHT {…}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
    "P7\nWIDTH {…}\nHEIGHT {…}\nDEPTH 4\nMAXVAL {…}\nTUPLTYPE RGB_ALPHA\nENDHDR\n",
    # for the log, for who reads the code, and for who sends HTTP requests to the offline engine
    "JSON with ", "to {…}", "Tunnel connection failed: ([0-9]{3})",
    "Mobile landscape", "Mobile portrait", "{…} is not valid Base64.",
}  # fmt: skip

#: Names in the API and the settings, and what is filled in: their underscores are no mnemonics.
IDENTIFIERS = re.compile(
    r"HTTPS_PROXY|https_proxy|PHOTIO_WHEELS|base_image|mask_image|cfg_scale|negative_prompt|most_requests|native_limit|\{\w+\}"
)


def _modules() -> list[str]:
    names = [path.relative_to(REPOSITORY).as_posix() for path in words.sources(REPOSITORY)]
    return [name for name in names if not name.startswith(NOT_FOR_USERS)]


@pytest.mark.parametrize("name", _modules())
def test_no_visible_text_is_forgotten(name: str) -> None:
    forgotten = [text for text in unmarked(REPOSITORY / name, name) if text.text not in SAME_IN_EVERY_LANGUAGE]
    assert not forgotten, "mark these with _(…):\n" + "\n".join(map(str, forgotten))


@pytest.mark.parametrize("name", _modules())
def test_every_mark_can_be_extracted(name: str) -> None:
    assert misused(REPOSITORY / name, name) == []


@pytest.mark.parametrize(
    "code",
    [
        'Refusal("Stop.")', 'button("_Cancel", act)', 'button(_("_Cancel"), act, "Ends it")', 'Gtk.Label(label="Seed")',
        'label.set_text(f"{count} results")', 'notice.tell("Gone")', 'window.set_title("History" if old else _("New"))',
        'icon_button("edit-clear", "Clear", act)', 'WORDS = ("What was lost",)', 'return "Cancelled"',
        'Gimp.message("offline")', 'Gtk.Button(label=f"{number} px")', 'raise BridgeError("ended")',
    ],
)  # fmt: skip
def test_a_forgotten_text_would_be_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "window.py").write_text(f"def do():\n    {code}\n")
    assert unmarked(tmp_path / "window.py", "plugin/photio/window.py")


@pytest.mark.parametrize(
    "code",
    [
        '_(f"{count} results")',
        '_("{count} results".format(count=1))',
        'def f():\n    _, x = bounds()\n    _("Stop")',
        'lambda _: act(_("Stop"))',
        'marked("Stop")',
    ],
)
def test_a_mark_that_cannot_work_would_be_found(code: str, tmp_path: Path) -> None:
    (tmp_path / "window.py").write_text(f"from bridge.common.i18n import _\n{code}\n")
    assert misused(tmp_path / "window.py", "window.py")


def test_the_catalogues_are_up_to_date() -> None:
    assert words.stale(CATALOGUES) == [], "run: python3 scripts/words.py update"


@each_language
def test_nothing_is_left_in_english(language: str) -> None:
    assert words.untranslated(words.load(CATALOGUES.of(language), language)) == []


@each_language
def test_a_translation_fills_in_what_the_original_fills_in(language: str) -> None:
    def filled_in(text: str) -> Counter[str]:
        return Counter(name for _before, name, _format, _type in string.Formatter().parse(text) if name is not None)

    def layout(text: str) -> tuple[int, int, bool, bool, bool]:
        return text.count("\n"), text.count("%"), text[:1].isspace(), text[-1:].isspace(), "…" in text[-6:]

    for original, translation in _pairs(language):
        assert filled_in(translation) == filled_in(original), translation
        assert layout(translation) == layout(original), translation


@each_language
def test_a_label_keeps_its_mnemonic(language: str) -> None:
    for original, translation in _pairs(language):
        wanted, found = (IDENTIFIERS.sub("", text).count("_") for text in (original, translation))
        assert found == wanted, f"{original!r} became {translation!r}"
        assert sorted(IDENTIFIERS.findall(translation)) == sorted(IDENTIFIERS.findall(original)), translation
        if wanted == 1:  # in scripts without an alphabet the Latin letter follows in parentheses
            form = r"\(_[A-Z0-9]\)" if language in ("ja", "ko", "zh_CN") else r"_\w"
            assert re.search(form, translation), f"{original!r} became {translation!r}"


def test_the_same_code_gives_the_same_catalogues(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in ("bridge", "plugin"):
        shutil.copytree(REPOSITORY / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    words.update(words.Catalogues(checkout))
    first = tree(checkout)
    (checkout / "bridge/regen/validation.py").write_text("\n\n" + (checkout / "bridge/regen/validation.py").read_text())
    words.update(words.Catalogues(checkout))
    assert words.stale(words.Catalogues(checkout)) == []
    assert {name for name, content in tree(checkout).items() if first.get(name) != content} == {
        "bridge/regen/validation.py"
    }


def test_an_update_keeps_translations_and_says_which_to_look_at_again(tmp_path: Path) -> None:
    catalogues = words.Catalogues(tmp_path)
    code = tmp_path / "bridge/code.py"
    code.parent.mkdir()
    catalogues.folder.mkdir(parents=True)
    code.write_text('_("Select exactly one layer."), _("Cancel it")')
    words.update(catalogues)
    path = catalogues.of("de")
    text = path.read_text(encoding="utf-8")
    for english, german in (("Select exactly one layer.", "Genau eine Ebene auswählen."), ("Cancel it", "Abbrechen")):
        text = text.replace(f'msgid "{english}"\nmsgstr ""', f'msgid "{english}"\nmsgstr "{german}"')
    path.write_text(text, encoding="utf-8")
    code.write_text('_("Select exactly one layers."), _("Cancel it")')
    words.update(catalogues)
    (again, kept) = words.messages(words.load(path, "de"))
    assert (again.string, again.fuzzy, kept.string, kept.fuzzy) == (
        "Genau eine Ebene auswählen.", True, "Abbrechen", False,
    )  # fmt: skip
    assert words.untranslated(words.load(path, "de")) == ["Select exactly one layers."]


def _pairs(language: str) -> list[tuple[str, str]]:
    """Each translation that there is, beside the original that it stands for; of plural forms each."""
    pairs = []
    for message in words.messages(words.load(CATALOGUES.of(language), language)):
        forms = words.translations(message)
        for number, form in enumerate(forms):
            if form and not message.fuzzy:
                pairs.append((_original(message, number, len(forms)), form))
    return pairs


def _original(message: Message, number: int, forms: int) -> str:
    if isinstance(message.id, str):
        return message.id
    # where a language has one form alone, that one has to serve for every number
    return str(message.id[0 if number == 0 and forms > 1 else 1])


# What the bridge makes of them


def _refusal(folder: Path, home: Path, language: str) -> str:
    """What the installed bridge says to someone who wants Photio and has no key."""
    job = Job(
        prompt="", negative_prompt="", quality="LOW", seed=7, cfg_scale=2.5, variations=1, sample="layer",
        context=50.0, grow=0, feather=0, engine="photio", areas="auto", resolution="recommended",
        fill_transparent=False, match_colour=True, match_grain=True, source=1,
    )  # fmt: skip
    asked = [Open(), Plan(job, Document("a.xcf", (), "1-1", (64, 64), 1), (8, 8, 16, 16), False, (0, 0))]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("PHOTIO_", "LC_"))}
    done = subprocess.run(
        [sys.executable, "-I", "-B", str(folder / "bridge"), "service"],
        input=b"".join(encode(message, number) for number, message in enumerate(asked, 1)),
        env={**variables, "PHOTIO_HOME": str(home), "LANG": "C.UTF-8", "LANGUAGE": language},
        capture_output=True,
        timeout=180,
        check=True,
    )
    heard = [decode(line).message for line in done.stdout.splitlines()]
    return next(message.sentence for message in heard if isinstance(message, Failed))


def test_a_german_gimp_gets_german_sentences_from_the_bridge(tmp_path: Path) -> None:
    folder = tmp_path / "photio"
    shutil.copytree(REPOSITORY / "bridge", folder / "bridge", ignore=shutil.ignore_patterns("__pycache__"))
    english = _refusal(folder, tmp_path / "home", "de")
    assert "API key" in english
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (folder / "locale").mkdir()
    translated = f'{header}msgid "{english}"\nmsgstr "Dafür braucht Photio einen API-Schlüssel."\n'
    (folder / "locale/de.po").write_text(translated, encoding="utf-8")
    assert compile_all(folder / "locale") == []
    assert _refusal(folder, tmp_path / "home", "de") == "Dafür braucht Photio einen API-Schlüssel."
    assert _refusal(folder, tmp_path / "home", "de_AT:fr") == "Dafür braucht Photio einen API-Schlüssel."
    assert _refusal(folder, tmp_path / "home", "fr") == english
