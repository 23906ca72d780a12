"""What runs in a worker's GIMP: takes files one after another from its worker, over a local socket.

The worker sends lines of JSON, each with a number, and each answer has the number of its question:

    prepare   opens a file, selects its area and plans the job; answered with what it would send
    run       sends a prepared job's requests; answered when the results are saved
    recover   opens a file, and saves it with the results that an earlier job left in the journal
    forget    drops a prepared job

While the service works on the requests of some files, others are prepared and saved. When the worker's end of the
socket closes, GIMP ends at once. The bridge still waits for answers that may be billed, and keeps them in the journal.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gi.repository import Gimp, Gio, GLib

sys.path.insert(0, os.path.join(os.environ["GIMP3_DIRECTORY"], "plug-ins", "photio"))  # the plug-in's own parts
import desktop_proxy
from batch import pictures
from bridge.protocol import Finished, Job, Placed, Run
from bridge.protocol.history import Recall, Recalled
from bridge_process import Bridge, BridgeError, Pending
from canvas import generation, hiding, reading
from canvas.generation import Draft, layer_name
from canvas.placing import place
from canvas.reading import Capture, Refusal


@dataclass
class Work:
    """One file at work."""

    image: Gimp.Image
    flat: pictures.Flat
    captured: Capture
    job: Job
    outputs: dict[str, str]
    draft: Draft | None = None
    remarks: tuple[str, ...] = ()
    pending: Pending | None = None


class Line:
    """The socket to the worker: its questions wait in `questions`. GLib's main loop reads it."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(address)
        self._stream = Gio.DataInputStream.new(Gio.UnixInputStream.new(self._socket.fileno(), False))
        self.questions: collections.deque[dict] = collections.deque()
        self.ended = False
        self._read()

    def answer(self, number: int, **facts: object) -> None:
        """Answers a question."""
        self._socket.sendall(json.dumps({"number": number, **facts}).encode() + b"\n")

    def _read(self) -> None:
        self._stream.read_line_async(GLib.PRIORITY_DEFAULT, None, self._on_line)

    def _on_line(self, stream: Gio.DataInputStream, result: Gio.AsyncResult) -> None:
        try:
            line, _length = stream.read_line_finish(result)
            question = json.loads(line or "null")  # at its end, PyGObject gives an empty line
        except (GLib.Error, ValueError):
            question = None
        if question is None:
            self.ended = True
            return
        self.questions.append(question)
        self._read()


class Studio:
    """All files that this GIMP works on."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._bridge: Bridge | None = None
        self._prepared: dict[str, Work] = {}  # by the job's identifier
        self._running: dict[int, Work] = {}  # by the question's number

    def serve(self) -> None:
        """Works until the worker has gone."""
        main_loop = GLib.MainContext.default()
        while not self._line.ended:
            if done := next((number for number, work in self._running.items() if work.pending.done), None):
                work = self._running.pop(done)
                self._guarded(done, work, lambda work=work: self._finish(work))
            elif self._line.questions:
                question = self._line.questions.popleft()
                act = getattr(self, f"_{question['do']}")
                self._guarded(question["number"], None, lambda act=act, question=question: act(question))
            else:
                main_loop.iteration(True)  # blocks until something happens
        if self._bridge:
            self._bridge.close()

    def _guarded(self, number: int, work: Work | None, act) -> None:
        """Answers with what `act` returns, or with the sentence of its error. No error may end GIMP."""
        try:
            if (facts := act()) is not None:
                self._line.answer(number, **facts)
            return
        except BridgeError as error:
            if error.code in ("bridge", "damaged", "setup"):
                self._bridge = None  # the next file gets a new one
            problem = {"code": error.code, "sentence": str(error)}
        except Refusal as error:
            problem = {"code": "refused", "sentence": str(error)}
        except Exception as error:  # noqa: BLE001  (the worker hears it, and the log has everything)
            traceback.print_exc()
            problem = {"code": "internal", "sentence": f"Something unexpected happened: {error!r}."}
        if work:
            work.image.delete()
        self._line.answer(number, problem=problem)

    def _started(self) -> Bridge:
        if self._bridge is None:
            self._bridge = Bridge()
        return self._bridge

    @contextlib.contextmanager
    def _opened(self, question: dict) -> Iterator[Work]:
        """The question's file with its area captured, which has to be used in the block. Closed after an error."""
        image = pictures.open_image(question["input"])
        try:
            image.undo_disable()
            flat = pictures.Flat(image)
            layer = reading.single_layer(image, [pictures.layer_of(image)])
            job = Job(**{**question["parameters"], "source": layer.get_tattoo()})
            with pictures.selecting(image, question["area"]) as selecting:
                captured = reading.capture(image, layer, layer, job.sample, job.fill_transparent, selecting)
                yield Work(image, flat, captured, job, question["outputs"])
        except BaseException:
            image.delete()
            raise

    def _prepare(self, question: dict) -> dict:
        bridge = self._started()
        with self._opened(question) as work:
            work.draft = generation.open_draft(bridge)
            planned = generation.plan(bridge, work.draft, work.captured, work.job)
            if not question["dry"]:
                generation.export(work.draft, work.captured, planned)
                desktop_proxy.tell(bridge, planned.origin)
        work.remarks = (*hiding.remarks(work.captured), *planned.remarks)
        self._prepared[work.draft.id] = work
        return {
            "job": work.draft.id,
            "requests": planned.requests,
            "sizes": [crop.size for crop in planned.crops],
            "engine": planned.engine,
            "remarks": work.remarks,
        }

    def _forget(self, question: dict) -> dict:
        self._prepared.pop(question["job"]).image.delete()
        return {}

    def _run(self, question: dict) -> None:
        work = self._prepared.pop(question["job"])
        try:
            work.pending = self._started().begin(Run())
        except BaseException:
            work.image.delete()
            raise
        self._running[question["number"]] = work

    def _finish(self, work: Work) -> dict:
        """Places and saves the results that have arrived."""
        finished = self._started().wait(work.pending, Finished)
        return self._save(work, finished, work.draft.folder)

    def _recover(self, question: dict) -> dict:
        recalled = self._started().ask(Recall(question["job"]), Recalled)
        with self._opened(question) as work:
            work.draft, work.job = Draft(question["job"], Path(recalled.folder)), recalled.job
            return self._save(work, recalled.finished, work.draft.folder)

    def _save(self, work: Work, finished: Finished, folder: Path) -> dict:
        placed = place(work.captured, finished, folder, layer_name(work.job.prompt))
        for path in work.outputs.values():
            pictures.save(work.image, path, work.flat, placed)
        work.image.delete()
        self._started().notify(Placed(work.draft.id, tuple(each.variation for each in finished.results)))
        seeds = [result.seed for result in finished.results]
        return {"seeds": seeds, "remarks": [*work.remarks, *finished.remarks]}


address = sys.argv[1]
Studio(Line(address)).serve()
