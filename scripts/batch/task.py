"""One file's way through a worker. Dask calls `process`, again if the worker or its GIMP ends in the middle."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from batch.ledger import Found, Ledger
from batch.plan import Entry, remove_unfinished
from batch.report import Outcome
from batch.worker import Gimp, GimpEnded

#: Codes of problems after which the file gets another try: nothing is wrong with it.
_ENDED = {"bridge"}

#: Names this process in its unfinished files.
_WRITER = secrets.token_hex(4)


class Limits(Protocol):
    """What all workers may send together."""

    def used_up(self, key: str) -> bool:
        """Whether nothing is left of the budget for an entry, however few requests it needs."""

    def take(self, key: str, requests: int) -> bool:
        """Waits until an entry may send its requests. Returns False if that would exceed the budget."""


class Problem(Exception):
    """Nothing comes of this file. The text is a sentence for the user."""

    def __init__(self, sentence: str, state: str = "failed", requests: int = 0) -> None:
        super().__init__(sentence)
        self.state, self.requests = state, requests


@dataclass(frozen=True)
class Resources:
    """What a worker has at hand for its files.

    Attributes:
        job: the fields of `bridge.protocol.Job` but for `source`.
        batch: names this run.
        dry: only plans.
        ask_again: whether to repeat what may have been billed, without an answer, in an earlier run.
    """

    gimp: Callable[[], Gimp]
    ledger: Ledger
    limits: Limits
    job: dict[str, Any]
    batch: str
    dry: bool = False
    ask_again: bool = False


def process(entry: Entry, resources: Resources) -> Outcome:
    """Does all that is to be done with one file.

    Raises:
        GimpEnded: GIMP or its bridge has ended; another try finds in the journal how far it was.
    """
    began = time.monotonic()
    facts: dict[str, Any]
    try:
        with resources.ledger.alone(entry.key):
            state, facts = _plan(entry, resources) if resources.dry else _work(entry, resources)
    except Problem as problem:
        state, facts = problem.state, {"why": str(problem), "requests": problem.requests}
    except OSError as error:
        state, facts = "failed", {"why": f"{error.strerror or error}: {error.filename or entry.input}."}
    return Outcome(entry.input, entry.name, state, seconds=time.monotonic() - began, **facts)


def _plan(entry: Entry, resources: Resources) -> tuple[str, dict[str, Any]]:
    """What would be done."""
    if resources.ledger.done(entry.key, entry.outputs):
        return "there already", {"outputs": list(entry.outputs.values())}
    known = resources.ledger.read(entry.key)
    if known.get("job") and _found(entry, resources, known) == Found.ANSWERED:
        return "planned", {"remarks": ["Its answers are in the journal: nothing is sent."], "job": known["job"]}
    gimp = resources.gimp()
    with gimp.drafting:
        planned = _prepared(gimp, entry, resources)
        gimp.ask(do="forget", job=planned["job"])
    return "planned", {name: planned[name] for name in ("requests", "sizes", "engine", "remarks")}


def _work(entry: Entry, resources: Resources) -> tuple[str, dict[str, Any]]:
    if resources.ledger.done(entry.key, entry.outputs):
        return "there already", {"outputs": list(entry.outputs.values())}
    for path in entry.outputs.values():
        os.makedirs(os.path.dirname(path), exist_ok=True)
    known = resources.ledger.read(entry.key)
    if known.get("job") and _found(entry, resources, known) == Found.ANSWERED:
        gimp, job = resources.gimp(), known["job"]
        answer = _good(gimp.ask(do="recover", job=job, **_question(entry, resources)))
        facts = {"job": job, "requests": _sent(resources, known), "engine": known.get("engine", "")}
        return "done" if facts["requests"] else "recovered", _published(entry, resources, facts, answer)
    return "done", _made(entry, resources)


def _found(entry: Entry, resources: Resources, known: dict[str, Any]) -> Found:
    """What the journal has of the entry's earlier job.

    Raises:
        Problem: it may have been billed, and the user has not allowed to send it again.
    """
    found = resources.ledger.found(known["job"])
    if found == Found.ANSWERED:
        return found
    again = resources.ask_again and known.get("batch") != resources.batch  # once in a run, also if its worker is killed
    if (found == Found.UNSURE or known["state"] == "unsure") and not again:
        resources.ledger.note(entry.key, **{**known, "state": "unsure"})
        raise Problem(
            "A request was sent for it earlier and no answer came, so it may have been billed: --ask-again sends it.",
            requests=_sent(resources, known),
        )
    return Found.NOTHING


def _sent(resources: Resources, known: dict[str, Any]) -> int:
    """How many requests an earlier try in this very run has sent."""
    return int(known.get("requests", 0)) if known.get("batch") == resources.batch else 0


def _made(entry: Entry, resources: Resources) -> dict[str, Any]:
    """Sends the requests, and saves what comes of them."""
    if resources.limits.used_up(entry.key):
        raise Problem("The requests that --max-requests allows are used up.", "skipped")
    gimp = resources.gimp()
    with gimp.drafting:
        planned = _prepared(gimp, entry, resources)
        if not resources.limits.take(entry.key, planned["requests"]):
            gimp.ask(do="forget", job=planned["job"])
            count = planned["requests"]
            raise Problem(f"--max-requests does not allow the {count} requests that it needs.", "skipped")
        _note_asked(entry, resources, planned)  # before anything is sent
        running = gimp.begin(do="run", job=planned["job"])
    answer = running.result()
    if problem := answer.get("problem"):
        _note_failed(entry, resources, planned["job"], problem)
    return _published(entry, resources, planned, _good(answer, planned["requests"]))


def _note_asked(entry: Entry, resources: Resources, planned: dict[str, Any]) -> None:
    """Notes the job that is about to be run. Outputs that are there from now on are ours."""
    facts = {name: planned[name] for name in ("job", "requests", "engine")}
    outputs = [*resources.ledger.read(entry.key).get("outputs", []), *entry.outputs.values()]
    resources.ledger.note(entry.key, state="asked", batch=resources.batch, outputs=sorted(set(outputs)), **facts)


def _note_failed(entry: Entry, resources: Resources, job: str, problem: dict[str, str]) -> None:
    """Notes how a job failed, unless the bridge ended: the next try looks into the journal."""
    if problem["code"] in _ENDED or resources.ledger.found(job) == Found.ANSWERED:
        return
    if resources.ledger.may_be_billed(job):
        resources.ledger.note(entry.key, **{**resources.ledger.read(entry.key), "state": "unsure"})
    else:
        resources.ledger.forget(entry.key)


def _prepared(gimp: Gimp, entry: Entry, resources: Resources) -> dict[str, Any]:
    return _good(gimp.ask(do="prepare", dry=resources.dry, **_question(entry, resources)))


def _question(entry: Entry, resources: Resources) -> dict[str, Any]:
    return {"input": entry.input, "area": entry.area, "parameters": resources.job, "outputs": entry.unfinished(_WRITER)}


def _good(answer: dict[str, Any], requests: int = 0) -> dict[str, Any]:
    """The answer, unless it tells a problem; `requests` were sent by then."""
    if problem := answer.get("problem"):
        if problem["code"] in _ENDED:
            raise GimpEnded(problem["sentence"])
        raise Problem(problem["sentence"], requests=requests)
    return answer


def _published(entry: Entry, resources: Resources, planned: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Gives the outputs their names, now that all of them are whole."""
    for kind, path in entry.unfinished(_WRITER).items():
        os.replace(path, entry.outputs[kind])
    remove_unfinished([entry])
    outputs = list(entry.outputs.values())
    before = resources.ledger.read(entry.key).get("outputs", [])
    resources.ledger.note(entry.key, state="done", job=planned["job"], outputs=sorted({*before, *outputs}))
    facts = {name: planned[name] for name in ("requests", "engine", "job")}
    return {**facts, "outputs": outputs, "seeds": answer["seeds"], "remarks": answer["remarks"]}
