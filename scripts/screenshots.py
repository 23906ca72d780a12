#!/usr/bin/env python3
"""Takes pictures of every window and state of the plug-in, in a real GIMP on a virtual display.

    screenshots.py [--release 3.0|3.2] [--out DIR] [--variant NAME …] [--photo FILE] [--docs] [STATE …]
    screenshots.py --gradient

STATE and NAME are those of the tables below; without them all are taken, as OUT/STATE.png (light theme) and
OUT/STATE-NAME.png. `--docs` puts them, with fewer colours, into docs/ and writes docs/windows.md. `--gradient`
draws docs/gradient.png, which shows that a repair in a 16-bit sky causes no banding.

FILE is a photograph with FILE-object.png beside it, white where the object is. The offline engine really removes the
object. If a state needs the Photio service, tests/regen_server.py takes its place and forwards each request to the
offline engine without the prompt. So the prompts in the pictures describe what that engine can do. Seeds are fixed:
another run gives the same pictures, except for the times shown in them.

Languages need Debian's `locales` and a Japanese font: this script adds them to the GIMP that gimp.py sets up.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gimp import real_gimp, rootfs, surroundings
from gimp.rootfs import SetupError
from screenshots.docs import write_docs
from test import environment

HERE = Path(__file__).resolve().parent
PHOTO = HERE / "photos" / "extreme-desert-hike.jpg"


@dataclass(frozen=True)
class Variant:
    """How GIMP looks.

    Attributes:
        caption: says so.
        scheme: the theme's colours, as gimprc has them.
        scale: device pixels for one of the window's.
        locale: the language and country, as "de_DE"; empty: English.
    """

    caption: str
    scheme: str = "light"
    scale: int = 1
    locale: str = ""


VARIANTS = {
    "light": Variant("light theme"),
    "dark": Variant("dark theme", scheme="dark"),
    "scale-2": Variant("two device pixels for each pixel", scale=2),
    "de": Variant("German", locale="de_DE"),
    "ja": Variant("Japanese", locale="ja_JP"),
}

STATES = {
    "setup-before": "Photio is not set up yet: the window says first what it would fetch.",
    "setup-running": "It fetches the packages. *Cancel* leaves nothing half-made.",
    "setup-failed": "There is no network. *Details* is unfolded.",
    "setup-done": "The last moment before the window closes. Then *Remove Object*, which was asked for, goes on.",
    "setup-neural": "*Settings… > Add MI-GAN…*: the same window, with the licence.",
    "menu": "The menu *Filters > Photio*.",
    "regenerate-empty": "*Regenerate…* when it is first opened. No key is stored yet; the window works all the same.",
    "regenerate-area": "*Regenerate…* with a prompt. *Area* is unfolded; the preview marks what is regenerated.",
    "regenerate-areas": "Two distant parts of one selection. Each is sent in its own request, at full resolution.",
    "regenerate-running": "Three variations are being generated.",
    "regenerate-results": "Three results. One of them is inserted.",
    "regenerate-before": "*Show before* compares a result with the original.",
    "regenerate-closer": "A detail of a result at 400 %: the pixels that *Insert* will place.",
    "regenerate-closer-plan": "What will be sent, at 100 %. The part to be regenerated is marked.",
    "regenerate-error": "An error, with the button that helps to solve it.",
    "regenerate-cancelled": "A job, cancelled after its request was sent. The message says what that costs.",
    "expand": "*Expand…*: the canvas becomes a square, and the picture stays at its bottom.",
    "expand-requests": "So much is new that one request would lose resolution: each outline is one request.",
    "expand-result": "The result, in place. *Insert* makes the canvas larger and inserts it, in one undo step.",
    "remove-progress": "*Remove Object* opens no window. GIMP's status bar shows the progress.",
    "layers": "Three variations in GIMP's layers dock: a group with a mask, in which the first variation is visible.",
    "history": "*History…* lists all results, inserted or not.",
    "history-empty": "*History…* before the first result.",
    "settings": "*Settings…* with a stored and tested key.",
    "settings-no-key": "*Settings…* without a key.",
    "settings-engine": "*Settings…*: the engine, the service and the limits.",
    "settings-history": "*Settings…*: how long results are kept, and where to find help.",
    "doctor": "The *Doctor*.",
}

#: The states that are taken in every variant. The others are taken in the light one alone.
MAIN = ("regenerate-empty", "regenerate-results", "regenerate-error", "history", "settings", "settings-engine")

#: The first one that the Debian release has is installed.
JAPANESE_FONTS = ("fonts-vlgothic", "fonts-ipafont-gothic")


#: GIMP's window fills the screen, and its layers dock shows names.
SESSION = """
(session-info "toplevel"
    (factory-entry "gimp-single-image-window")
    (position 0 0)
    (size 1300 700)
    (open-on-exit)
    (aux-info (left-docks-width "188") (right-docks-width "340") (maximized "yes"))
    (gimp-toolbox (side left) (book (current-page 0) (dockable "gimp-tool-options")))
    (gimp-dock (side right) (book (current-page 0) (dockable "gimp-layer-list" (preview-size 32)))))
"""


@dataclass(frozen=True)
class Studio(real_gimp.RealGimp):
    """A GIMP in the look of a variant. Its profile is new at each start, so no window has a remembered place."""

    name: str = "light"

    @property
    def variant(self) -> Variant:
        """How it looks."""
        return VARIANTS[self.name]

    @property
    def profile(self) -> Path:
        """GIMP's configuration directory."""
        return self.home / f"screenshots-{self.name}"

    def environment(self, extra: dict[str, str] | None = None) -> dict[str, str]:
        """What the process inside sees."""
        desk = {"XDG_CONFIG_HOME": str(self.profile / "config"), "PHOTIO_HOME": str(self.profile / "photio")}
        if self.variant.locale:
            language = self.variant.locale
            desk |= {"LANG": f"{language}.UTF-8", "LC_ALL": f"{language}.UTF-8", "LANGUAGE": language[:2]}
        if self.variant.scale != 1:
            desk["GDK_SCALE"] = str(self.variant.scale)
        return super().environment({**desk, **(extra or {})})

    def furnish(self) -> None:
        """Makes an empty profile with the plug-in, and without animations."""
        shutil.rmtree(self.profile, ignore_errors=True)
        self._quieten()
        lines = f"(theme-color-scheme {self.variant.scheme})\n"
        if self.variant.locale:
            lines += f'(language "{self.variant.locale[:2]}")\n'
        with (self.profile / "gimprc").open("a") as settings:
            settings.write(lines)
        (self.profile / "sessionrc").write_text(SESSION)
        still = self.profile / "config" / "gtk-3.0" / "settings.ini"
        still.parent.mkdir(parents=True)
        still.write_text("[Settings]\ngtk-cursor-blink=false\ngtk-enable-animations=false\n")
        if self.tree and self.variant.locale:
            _add_language(self.tree, self.variant.locale)
        self.install_plugin()

    @contextmanager
    def service(self) -> Iterator[list[str]]:
        """Runs the service and the offline engine behind it; their addresses."""
        python = self.bridge[:-1]
        # the settings show the port, so it is the same in every run
        server = [*python, str(HERE.parent / "tests" / "regen_server.py"), "--port", "8190"]
        engine = [*python, str(HERE.parent / "bridge"), "serve", "--port", "0"]
        running, origins = [], []
        try:
            for command in (server, engine):
                process = subprocess.Popen(
                    self.command(command, [HERE.parent]),
                    env=self.environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                running.append(process)
                said = process.stdout.readline() if process.stdout else ""
                if not (found := re.search(r"http://[\d.]+:\d+", said)):
                    raise SetupError(f"“{' '.join(command)}” does not start; what it said is above.")
                origins.append(found.group())
            yield origins
        finally:
            for process in running:
                process.terminate()
                process.wait()

    def take(self, states: list[str], photo: Path, out: Path, service: list[str]) -> int:
        """Takes the pictures. Returns how many states failed."""
        suffix = "" if self.name == "light" else f"-{self.name}"
        order = {"states": states, "photo": str(photo), "out": str(out), "suffix": suffix, "service": service}
        scale = self.variant.scale
        screen = f"{1366 * scale}x{768 * scale}"
        return real_gimp.run_file(
            self, HERE / "screenshots" / "inside.py", [json.dumps(order)], window=True, screen=screen
        )


def _add_language(tree: Path, locale: str) -> None:
    """Adds a locale, and for Japanese a font, to a tree that rootfs.py built."""
    if (tree / "usr/lib/locale" / f"{locale}.utf8").exists():
        return
    print(f"Adding {locale} to {tree} (once) …", file=sys.stderr, flush=True)
    install = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends"
    steps = ["apt-get update -qq", f"{install} locales"]
    if locale.startswith("ja"):
        steps.append("(" + " || ".join(f"{install} {font}" for font in JAPANESE_FONTS) + ")")
    # not into the archive of all locales: a folder of its own shows that the locale is installed
    steps += ["rm -rf /var/lib/apt/lists/*", f"localedef --no-archive -i {locale} -f UTF-8 {locale}.UTF-8"]
    log = tree.with_name(f"{tree.name}.{locale}.log")
    with log.open("wb") as output:
        command = rootfs.enter(tree, ["sh", "-c", " && ".join(steps)])
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode:
        raise SetupError(f"The language {locale} could not be added to {tree}; {log} says why.")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", choices=sorted(rootfs.SUITES), help="default: the machine's GIMP, else 3.0")
    parser.add_argument("--out", type=Path, default=Path("out/screenshots"), help="default: ./out/screenshots")
    parser.add_argument("--variant", action="append", choices=VARIANTS, help="may be given more than once")
    parser.add_argument("--photo", type=Path, default=PHOTO)
    parser.add_argument("--docs", action="store_true", help="renew docs/windows.md and its pictures, and the README's")
    parser.add_argument("--gradient", action="store_true", help="draw docs/gradient.png and do nothing else")
    parser.add_argument("states", nargs="*", metavar="STATE", help=", ".join(STATES))
    asked = parser.parse_args()
    surroundings.enter(surroundings.NETWORK)
    if unknown := [state for state in asked.states if state not in STATES]:
        parser.error(f"there is no state {unknown[0]}: choose from {', '.join(STATES)}")
    return asked


def draw_gradient() -> None:
    """Draws docs/gradient.png, with the bridge's own colour correction. Needs no GIMP."""
    environment.require("numpy", "PIL")
    sys.path.insert(0, str(HERE.parent))
    from screenshots import gradient

    gradient.draw(HERE.parent / "docs" / "gradient.png")


def main() -> int:
    """The command line; see the module's text."""
    asked = _asked()
    if asked.gradient:
        draw_gradient()
        return 0
    failed = 0
    names = asked.variant or list(VARIANTS)
    try:
        found = real_gimp.find(asked.release)
        asked.out.mkdir(parents=True, exist_ok=True)
        studios = [Studio(found.release, found.tree, name=name) for name in names]
        for studio in studios:
            studio.furnish()
        with studios[0].service() as service:
            for studio in studios:
                began = time.perf_counter()
                states = asked.states or [state for state in STATES if studio.name == "light" or state in MAIN]
                failed += studio.take(states, asked.photo.resolve(), asked.out.resolve(), service)
                print(f"{time.perf_counter() - began:6.0f} s  GIMP {found.release}, {studio.name}", flush=True)
        if asked.docs:
            captions = {name: variant.caption for name, variant in VARIANTS.items() if name != "light"}
            write_docs(asked.out.resolve(), STATES, captions, found.command)
    except (SetupError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
