"""What is done with which file: inputs, masks, outputs, and what cannot be done. No GIMP here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: The files of a folder that are taken; a file that is named is always tried.
SUFFIXES = {".xcf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".psd", ".ora", ".bmp"}

#: The endings of the formats that can be written; "same" is the input's.
FORMATS = {"xcf": ".xcf", "png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp", "same": ""}

#: The most bytes in a file's name.
LONGEST_NAME = 255

#: Before the name of a file that is not whole yet.
UNFINISHED = ".photio-"


class PlanError(Exception):
    """Nothing can be begun. The text says what to do."""


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes:
        input: its absolute path.
        name: how the user knows it: relative to what was named.
        outputs: the files that are written, by format.
        area: what is selected; see `pictures.select_area`.
        key: identifies file, mask and parameters: 20 hexadecimal digits.
        refused: why nothing is done with it; empty if something is.
    """

    input: str
    name: str
    outputs: dict[str, str]
    area: dict[str, str | None]
    key: str = ""
    refused: str = ""

    def unfinished(self, writer: str) -> dict[str, str]:
        """Where the outputs are written before they get their names.

        Args:
            writer: names the process. The GIMP of a worker that was killed may go on writing for a moment, while
                another one writes the same output.
        """
        paths = {kind: Path(path) for kind, path in self.outputs.items()}
        name = f"{UNFINISHED}{self.key}-{writer}"
        return {kind: str(path.with_name(f"{name}{path.suffix}")) for kind, path in paths.items()}


@dataclass(frozen=True)
class Wishes:
    """What is wanted of all files.

    Attributes:
        inputs: files and folders.
        out: the folder of the results.
        formats: of `FORMATS`.
        job: the fields of `bridge.protocol.Job` but for `source`.
        mask_name: of a channel, path, layer mask or layer in each file.
        mask_folder: has a picture for each file.
        mask_means: what its white means; None to find out.
        overwrite: whether files that are there already are replaced.
    """

    inputs: Sequence[Path]
    out: Path
    formats: Sequence[str] = ("xcf",)
    job: dict[str, Any] = field(default_factory=dict)
    mask_name: str | None = None
    mask_folder: Path | None = None
    mask_means: str | None = None
    overwrite: bool = False


def entries(wishes: Wishes, written: Iterable[str] = ()) -> list[Entry]:
    """What is done with each file, in the order of the inputs and of the names in folders.

    Args:
        written: outputs of earlier runs, which may be there already.

    Raises:
        PlanError: an input or the folder of the masks does not exist, or there are no files.
    """
    ours = set(written)
    masks = _masks(wishes.mask_folder) if wishes.mask_folder else {}
    taken: dict[str, str] = {}  # the input that an output is for
    found = []
    for file, name in _files(wishes):
        outputs = _outputs(wishes, name)
        area = _area(wishes, masks, name)
        refused = ""
        if area["how"] == "picture" and area["file"] is None:
            refused = f"There is no mask for it in {wishes.mask_folder}."
        refused = refused or _clash(file, outputs, taken, ours, wishes.overwrite)
        taken.update(dict.fromkeys(outputs.values(), str(name)))
        key = "" if refused else _key(file, area, wishes.job)
        found.append(Entry(str(file), str(name), outputs, area, key, refused))
    if not found:
        raise PlanError("There is nothing to do: the folders have no pictures in them.")
    return found


def _files(wishes: Wishes) -> Iterator[tuple[Path, Path]]:
    """All files, absolute, with their names relative to what was named; each once."""
    seen = set()
    out = wishes.out.resolve()
    for named in wishes.inputs:
        if named.is_dir():
            root = named.resolve()
            pairs = [(file, file.relative_to(root)) for file in sorted(root.rglob("*")) if _is_taken(file, root, out)]
        elif named.exists():
            file = named.resolve()
            pairs = [(file, Path(file.name))]
        else:
            raise PlanError(f"There is no file or folder {named}: name pictures or folders of pictures.")
        for file, name in pairs:
            if file not in seen:
                seen.add(file)
                yield file, name


def remove_unfinished(entries: Iterable[Entry]) -> None:
    """Removes what any process has left unfinished of them."""
    keys: dict[str, set[str]] = {}  # by folder, so that each is read once
    for entry in entries:
        for folder in {os.path.dirname(path) for path in entry.outputs.values()} if entry.key else ():
            keys.setdefault(folder, set()).add(entry.key)
    for folder, own in keys.items():
        for left in Path(folder).glob(f"{UNFINISHED}*"):
            if left.name.removeprefix(UNFINISHED).partition("-")[0] in own:
                left.unlink(missing_ok=True)


def _outputs(wishes: Wishes, name: Path) -> dict[str, str]:
    """The files to write, by format; only one if two formats come to the same, as `xcf,same` do of an XCF."""
    endings = {kind: FORMATS[kind] or name.suffix for kind in wishes.formats}
    kinds = {ending.lower(): kind for kind, ending in endings.items()}
    return {kind: str(wishes.out / name.with_suffix(endings[kind])) for kind in kinds.values()}


def _is_taken(file: Path, root: Path, out: Path) -> bool:
    """Whether a file in a folder is an input: a picture, not hidden, and no result."""
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    is_result = out != root and root in out.parents and out in file.parents
    return file.suffix.lower() in SUFFIXES and not hidden and not is_result and file.is_file()


def _masks(folder: Path) -> dict[str, Path]:
    """The masks, by their path in the folder without its ending."""
    if not folder.is_dir():
        raise PlanError(f"There is no folder {folder}: name a folder of masks.")
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix.lower() in SUFFIXES)
    return {str(file.relative_to(folder).with_suffix("")): file.resolve() for file in files}


def _area(wishes: Wishes, masks: dict[str, Path], name: Path) -> dict[str, str | None]:
    if wishes.mask_folder:
        mask = masks.get(str(name.with_suffix(""))) or masks.get(name.stem)
        return {"how": "picture", "file": str(mask) if mask else None, "means": wishes.mask_means}
    if wishes.mask_name:
        return {"how": "name", "name": wishes.mask_name}
    return {"how": "transparent" if wishes.job.get("fill_transparent") else "selection"}


def _clash(file: Path, outputs: dict[str, str], taken: dict[str, str], ours: set[str], overwrite: bool) -> str:
    """Why the outputs cannot be written; empty if they can."""
    for path in outputs.values():
        if other := taken.get(path):
            return f"“{other}” is written to {path}, too: put them into folders of their own."
        if os.path.realpath(path) == str(file):
            return "It would be overwritten: choose another folder with --out."
        if len(os.fsencode(os.path.basename(path))) > LONGEST_NAME:
            return "Its name would become too long: give it a shorter one."
        if os.path.lexists(path) and path not in ours and not overwrite:
            return f"There is already a file {path}: remove it, or replace it with --overwrite."
    return ""


def _key(file: Path, area: dict[str, str | None], job: dict[str, Any]) -> str:
    """Changes whenever the result would: with the file, its mask or the parameters."""
    stamps = [_stamp(file)]
    if mask := area.get("file"):
        stamps.append(_stamp(Path(mask)))
    what = json.dumps([str(file), area, job, stamps], sort_keys=True)
    return hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()[:20]


def _stamp(file: Path) -> tuple[int, int]:
    status = file.stat()
    return (status.st_size, status.st_mtime_ns)
