"""`python -m bridge regen`: regenerates a part of a photograph, as GIMP does, and writes the result to a file."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from bridge.commands import saving
from bridge.commands.colours import Conversion
from bridge.commands.masks import read_mask
from bridge.commands.photograph import Photograph, open_photograph
from bridge.commands.placing import placed
from bridge.commands.raw import is_url, send_raw
from bridge.commands.regen_job import RegenJob
from bridge.common.errors import PhotioError
from bridge.job.backend import Backend, choose
from bridge.pixels.imaging import Pixels
from bridge.protocol import AUTOMATIC, Finished, Job, ProtocolError
from bridge.regen.errors import ParameterError
from bridge.regen.request import DEFAULT_NEGATIVE_PROMPT, RegenRequest
from bridge.store import log
from bridge.store.settings import Settings

_NO_KEY = "No API key is configured, so the offline engine on this computer is used."


def regenerate_files(chosen: argparse.Namespace, settings: Settings, warn: Callable[[str], None]) -> int:
    """Regenerate, write the results and print their seeds; returns the exit status.

    Raises:
        PhotioError: it failed, or a result could not be written to `--out`.
    """
    log.start()  # also for what a library or a job's thread has to say
    if chosen.origin is not None:
        settings = dataclasses.replace(settings, origin=chosen.origin)
    negative = DEFAULT_NEGATIVE_PROMPT if chosen.negative_prompt is None else chosen.negative_prompt
    if chosen.raw:
        return send_raw(chosen, negative, lambda: _backend(chosen, settings, warn), warn)
    job = _job(chosen, negative)
    outs = _outs(chosen, job.variations)
    kind = saving.format_of(outs[0])
    photograph, coverage, said = _pictures(chosen)
    conversion = Conversion(photograph)
    for sentence in (*saving.not_kept(photograph, kind), *conversion.remarks, *said):
        warn(sentence)
    with RegenJob(settings, warn) as running:
        planned = running.plan(job, photograph, coverage)
        if planned.engine == "offline" and settings.engine != "offline" and job.engine == "auto":
            warn(_NO_KEY)
        running.export(photograph, conversion)
        try:
            finished = running.run()
        finally:
            saving.keep_unreadable(chosen.out, running.unreadable(), warn)
        for result in finished.results:
            out = outs[result.variation - 1]
            pixels = placed(photograph, conversion, finished, result, running.folder.path)
            saving.write(out, saving.encode(photograph, pixels, kind))
            running.note_written(result.variation)
            print(f"{out}: seed {result.seed}", flush=True)
    return 0 if _is_whole(finished, job) else 1


def _is_whole(finished: Finished, job: Job) -> bool:
    """Whether all parts of all variations came."""
    parts = len(finished.masks)
    return len(finished.results) == job.variations and all(len(each.patches) == parts for each in finished.results)


def _backend(chosen: argparse.Namespace, settings: Settings, warn: Callable[[str], None]) -> Backend:
    """For `--raw`: Photio, or the offline engine when it is configured or there is no key."""
    backend = choose(chosen.engine, chosen.prompt, settings)
    for remark in backend.remarks:
        warn(remark)
    if backend.name == "offline" and settings.engine != "offline" and chosen.engine == "auto":
        warn(_NO_KEY)
    return backend


def _job(chosen: argparse.Namespace, negative_prompt: str) -> Job:
    """What was asked for.

    Raises:
        ParameterError: a value is not allowed.
    """
    picture = Image.new("L", (1, 1))  # only to check the values that the service gets
    wishes = (chosen.prompt, negative_prompt, chosen.quality, chosen.seed, chosen.cfg_scale)
    RegenRequest(picture, picture, *wishes)

    def given(name: str, otherwise: Any) -> Any:
        value = getattr(chosen, name)
        return otherwise if value is None else value

    spill, spill_unit = given("spill", (AUTOMATIC, "px"))
    try:
        return Job(
            *wishes,
            variations=given("variations", 1),
            sample="layer",
            context=float(min(max(given("context", 50), -1), 401)),  # an integer may be too large for a float
            grow=given("grow", AUTOMATIC),
            feather=given("feather", AUTOMATIC),
            engine=chosen.engine,
            areas=given("areas", "auto"),
            resolution=given("resolution", "recommended"),
            fill_transparent=given("fill_transparent", False),
            match_colour=given("match_colour", True),
            match_grain=given("match_grain", True),
            source=0,
            spill=spill,
            spill_unit=spill_unit,
            match_detail=given("match_detail", True),
        )
    except ProtocolError as error:
        name, _colon, allowed = str(error).partition(": ")
        value = spill if name == "spill" else getattr(chosen, name)
        raise ParameterError(name, value, allowed.removesuffix(" expected")) from error


def _outs(chosen: argparse.Namespace, variations: int) -> list[Path]:
    """The files to write, one for each variation.

    Raises:
        ParameterError: one cannot be written, or is one of those that are read.
    """
    out: Path = chosen.out
    saving.format_of(out)
    numbered = [out.with_name(f"{out.stem}-{number}{out.suffix}") for number in range(1, variations + 1)]
    outs = numbered if variations > 1 else [out]
    for each in outs:
        saving.format_of(each)
        for name in ("base", "mask"):
            read = getattr(chosen, name)
            if read is not None and not is_url(read) and _is_same_file(each, Path(read)):
                raise PhotioError(f"“{each}” would be overwritten: name another file with --out.")
    return outs


def _is_same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):
        return False


def _pictures(chosen: argparse.Namespace) -> tuple[Photograph, Pixels | None, tuple[str, ...]]:
    """The photograph, what of it is regenerated (None: only what is transparent), and sentences.

    Raises:
        PhotioError: they cannot be used.
    """
    for name in ("base", "mask"):
        if is_url(getattr(chosen, name) or ""):
            raise PhotioError(f"“--{name}” is an address: download the picture, or send its address with “--raw”.")
    if chosen.mask is None and not chosen.fill_transparent:
        raise PhotioError("“--mask” is missing: it shows which part is to be regenerated.")
    photograph = open_photograph(Path(chosen.base), "photograph")
    if chosen.mask is None:
        return photograph, None, ()
    coverage, said = read_mask(Path(chosen.mask), photograph, chosen.mask_means)
    return photograph, coverage, () if chosen.mask_means else (said,)
