#!/usr/bin/env python3
"""Removes or regenerates the same thing in many files: GIMP opens each, Photio works on it, GIMP saves it.

    batch.py IN … --out DIR [--mask NAME | --mask-dir DIR | --fill-transparent] [--format xcf,png,…] [PARAMETERS]
    batch.py IN … --out DIR --dry-run          what would be sent, and what would be skipped and why
    batch.py --role scheduler --listen HOST:PORT        on a studio's computers: see docs/batch.md
    batch.py --role worker --scheduler tcp://HOST:PORT

IN are files that GIMP opens (XCF, PNG, JPEG, TIFF, WebP, PSD, ORA, …) or folders of them. Without a mask, each XCF's
saved selection is what is changed. The same command again goes on where it was stopped: what is done stays, and
answers that were paid for come from the journal. Exit status: 0 all files came out as wanted, 1 none, 3 some;
2 wrong arguments; 130 after Ctrl-C. The first run sets up Dask in the user's cache directory.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gimp import real_gimp, rootfs
from test import environment

LOCK = Path(__file__).resolve().parent / "batch" / "requirements.lock"
environment.require("distributed", "bokeh", "PIL", build=lambda: environment.prepared("batch", [LOCK]))
sys.path.append(str(real_gimp.CHECKOUT))  # for the bridge

from batch import cluster, parameters, plan, report, worker  # noqa: E402
from batch.ledger import Ledger  # noqa: E402


def parser() -> argparse.ArgumentParser:
    """The command line; see the module's text."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    files = made.add_argument_group("files")
    files.add_argument("inputs", nargs="*", type=Path, metavar="IN", help="files and folders")
    files.add_argument("--out", type=Path, help="the folder of the results")
    kinds = ", ".join(plan.FORMATS)
    files.add_argument("--format", default="xcf", help=f"one or more of {kinds}, with commas (default: xcf)")
    area = files.add_mutually_exclusive_group()
    area.add_argument("--mask", metavar="NAME", help="of a channel, path, layer mask or layer in each file")
    area.add_argument("--mask-dir", type=Path, metavar="DIR", help="has a picture of the same name for each file")
    files.add_argument("--mask-means", choices=("keep", "edit"), help="what is done with the white part of its masks")
    files.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    files.add_argument("--journal", type=Path, metavar="DIR", help="what was sent and received (default: in --out)")
    files.add_argument("--report", type=Path, metavar="FILE", help="write a report in JSON")
    course = made.add_argument_group("how it goes")
    course.add_argument("--dry-run", action="store_true", help="only say what would be sent, and what would be skipped")
    course.add_argument("--max-requests", type=int, metavar="N", help="send no more than that in this run")
    course.add_argument("--requests-per-minute", type=float, metavar="N", help="of all workers together")
    course.add_argument("--ask-again", action="store_true", help="send again what may have been billed without answer")
    course.add_argument("--workers", type=int, default=1, help="each with a GIMP (default 1)")
    course.add_argument("--in-flight", type=int, default=4, help="files that each worker has at work (default 4)")
    course.add_argument("--dashboard", type=int, default=8787, metavar="PORT", help="Dask's dashboard (default 8787)")
    course.add_argument("--release", choices=sorted(rootfs.SUITES), help="GIMP's (default: the machine's, else 3.0)")
    studio = made.add_argument_group("a studio's computers")
    studio.add_argument("--scheduler", metavar="ADDRESS", help="as in tcp://192.168.1.5:8786")
    studio.add_argument("--role", choices=("batch", "scheduler", "worker"), default="batch")
    studio.add_argument("--listen", default="127.0.0.1:8786", metavar="HOST:PORT", help="where a scheduler listens")
    parameters.add_options(made.add_argument_group("what to make"))
    return made


def main() -> int:
    """The command line; see the module's text."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    made = parser()
    asked = made.parse_args()
    try:
        if asked.role == "scheduler":
            cluster.be_scheduler(asked.listen, asked.dashboard)
        if asked.role == "worker":
            if not asked.scheduler:
                made.error("a worker needs --scheduler")
            worker.of_batches(asked.release).install_plugin()
            cluster.be_worker(asked.scheduler, asked.in_flight)
        if not asked.inputs or not asked.out:
            made.error("name files or folders, and a folder for the results with --out")
        return batch(asked)
    except plan.PlanError as error:
        made.error(str(error))
    except (rootfs.SetupError, OSError) as error:
        print(error, file=sys.stderr)
        return report.NONE


def batch(asked: argparse.Namespace) -> int:
    """All files. Returns the exit status.

    Raises:
        PlanError: nothing can be begun.
    """
    began = time.monotonic()
    wishes = wished(asked)
    folder = (asked.journal or asked.out / ".photio").absolute()
    ledger = Ledger(folder)
    ledger.prepare()
    entries = plan.entries(wishes, ledger.written())
    progress, outcomes = report.Progress(len(entries)), list[report.Outcome]()

    def tell(outcome: report.Outcome) -> None:
        outcomes.append(outcome)
        progress.tell(outcome)

    waiting = []
    for entry in entries:
        if entry.refused:
            tell(report.Outcome(entry.input, entry.name, "skipped", entry.refused))
        elif ledger.done(entry.key, entry.outputs):
            there = list(entry.outputs.values())
            tell(report.Outcome(entry.input, entry.name, "there already", outputs=there))
        else:
            waiting.append(entry)
    interrupted = False
    try:
        work(waiting, asked, wishes, folder, tell)
    except KeyboardInterrupt:
        interrupted = True
    progress.end()
    if interrupted:
        ended = {outcome.input for outcome in outcomes}
        rest = [entry for entry in entries if entry.input not in ended]
        outcomes += [report.Outcome(entry.input, entry.name, "not begun", "It was stopped.") for entry in rest]
        print("Stopped. What was sent is still received: the same command goes on from here.", file=sys.stderr)
    if not asked.scheduler:  # elsewhere, workers may go on
        plan.remove_unfinished(entries)
    seconds = time.monotonic() - began
    if asked.report:
        report.write(asked.report, outcomes, seconds, {"out": str(wishes.out), "parameters": wishes.job})
    print(report.summary(outcomes, seconds))
    return report.INTERRUPTED if interrupted else report.exit_status(outcomes)


def wished(asked: argparse.Namespace) -> plan.Wishes:
    """What the options say. Raises a PlanError if they do not fit together."""
    formats = list(dict.fromkeys(asked.format.split(",")))
    if unknown := [each for each in formats if each not in plan.FORMATS]:
        raise plan.PlanError(f"“{unknown[0]}” is no format: known are {', '.join(plan.FORMATS)}.")
    for name in ("max_requests", "requests_per_minute", "workers", "in_flight"):
        value = getattr(asked, name)
        if value is not None and value <= 0 and not (name == "max_requests" and value == 0):
            raise plan.PlanError(f"--{name.replace('_', '-')} must be above 0.")
    job = parameters.job_of(asked)
    masks = (asked.mask, asked.mask_dir, asked.mask_means, asked.overwrite)
    return plan.Wishes(asked.inputs, asked.out.absolute(), formats, job, *masks)


def work(
    entries: list[plan.Entry],
    asked: argparse.Namespace,
    wishes: plan.Wishes,
    folder: Path,
    tell: Callable[[report.Outcome], None],
) -> None:
    """Has Dask work on the files. Raises a KeyboardInterrupt after Ctrl-C."""
    if not entries:
        return
    prepare = (lambda: None) if asked.scheduler else worker.of_batches(asked.release).install_plugin
    seen = {os.path.dirname(entry.input) for entry in entries} | {str(wishes.out), str(folder)}
    seen |= {os.path.dirname(entry.area["file"]) for entry in entries if entry.area.get("file")}
    allowance = cluster.Allowance(asked.max_requests, asked.requests_per_minute)
    visible = tuple(sorted(seen - {"/"}))
    order = cluster.Order(str(folder), wishes.job, allowance, asked.release, visible, asked.dry_run, asked.ask_again)
    place = cluster.Place(asked.scheduler, asked.workers, asked.in_flight, asked.dashboard)
    cluster.run(entries, order, place, prepare, tell, lambda text: print(text, file=sys.stderr))


if __name__ == "__main__":
    sys.exit(main())
