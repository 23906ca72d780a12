"""Dask's part: a cluster on this computer, or a studio's scheduler; what all workers may send together.

Scheduling, queues, retries and the dashboard are Dask's own.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster, Semaphore, Variable, WorkerPlugin, as_completed
from tornado.ioloop import PeriodicCallback

from batch import task
from batch import worker as gimps
from batch.ledger import Ledger
from batch.plan import Entry
from batch.report import Outcome
from batch.worker import GimpEnded, Surroundings
from gimp.real_gimp import CHECKOUT, SCRIPTS

#: How often Dask gives a file to a worker again after GIMP or its bridge has ended in the middle.
RETRIES = 2

#: How often the worker of a file may be killed before Dask gives the file up. Few of them are to blame for it.
_KILLED = 10

#: Seconds between two looks whether all workers are there.
_LOOK = 5


@dataclass(frozen=True)
class Place:
    """Where the files are worked on.

    Attributes:
        scheduler: its address; None: a cluster on this computer.
        workers: how many that has, each with a GIMP.
        in_flight: how many files each of them has at work at once.
        dashboard: the port of Dask's dashboard; 0: any.
    """

    scheduler: str | None = None
    workers: int = 1
    in_flight: int = 4
    dashboard: int = 8787


@dataclass(frozen=True)
class Allowance:
    """What all workers may send together. It is kept by the scheduler.

    Attributes:
        most: requests in all; None: any number.
        per_minute: requests a minute; None: as fast as can be.
        batch: names it.
    """

    most: int | None = None
    per_minute: float | None = None
    batch: str = field(default_factory=lambda: f"photio-{secrets.token_hex(6)}")

    def open(self, client: Client) -> None:
        """Begins with nothing spent."""
        Variable(self.batch, client=client).set({"spent": {}, "next": 0.0})

    def used_up(self, key: str) -> bool:
        """Whether nothing is left for an entry."""
        if self.most is None:
            return False
        spent = Variable(self.batch).get()["spent"]
        return key not in spent and sum(spent.values()) >= self.most

    def take(self, key: str, requests: int) -> bool:
        """Waits until an entry may send its requests. Returns False if that would exceed the budget.

        An entry whose worker was killed has taken its requests already.
        """
        if self.most is None and self.per_minute is None:
            return True
        now = time.time()
        with Semaphore(max_leases=1, name=self.batch):  # that of a killed worker is free again after half a minute
            kept = Variable(self.batch)
            known = kept.get()
            spent = {**known["spent"], key: requests}
            if self.most is not None and sum(spent.values()) > self.most:
                return False
            begin = max(now, known["next"]) if self.per_minute else now
            pause = 60 / self.per_minute * requests if self.per_minute else 0
            kept.set({"spent": spent, "next": begin + pause})
        time.sleep(max(0.0, begin - time.time()))
        return True


@dataclass(frozen=True)
class Order:
    """All that a worker must know; it may be on another computer.

    Attributes:
        folder: of the ledger and the journal.
        job, dry, ask_again: see `task.Resources`.
    """

    folder: str
    job: dict[str, Any]
    allowance: Allowance
    release: str | None = None
    visible: tuple[str, ...] = ()
    dry: bool = False
    ask_again: bool = False


class _Keeper(WorkerPlugin):
    """Ends a worker's GIMP with the worker. Ctrl-C in the terminal is for the script, which then ends the workers."""

    name = "photio"

    def setup(self, worker: object) -> None:
        with contextlib.suppress(ValueError):  # not in the main thread: then Ctrl-C does not reach it either
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    def teardown(self, worker: object) -> None:
        gimps.close()


def process(entry: Entry, order: Order) -> Outcome:
    """One file, in a worker."""
    ledger = Ledger(Path(order.folder))
    around = Surroundings(order.release, str(ledger.journal), order.visible)
    gimp, allowance = (lambda: gimps.gimp(around)), order.allowance
    resources = task.Resources(gimp, ledger, allowance, order.job, allowance.batch, order.dry, order.ask_again)
    return task.process(entry, resources)


def run(
    entries: Sequence[Entry],
    order: Order,
    place: Place,
    prepare: Callable[[], None],
    tell: Callable[[Outcome], None],
    say: Callable[[str], None],
) -> None:
    """Has all files worked on. `tell` hears what becomes of each.

    Args:
        prepare: is called while Dask starts, which takes seconds as well, and has returned before the first file.
        say: hears a sentence about the cluster.

    Raises:
        KeyboardInterrupt: Ctrl-C; the workers of this computer have ended.
        OSError: there is no scheduler at that address.
        Exception: what `prepare` raises.
    """
    with ThreadPoolExecutor(1) as beside, _started(beside.submit(prepare), place) as client:
        say(f"Dask's dashboard: {client.dashboard_link}")
        client.register_plugin(_Keeper())
        order.allowance.open(client)
        keys = [f"process-{order.allowance.batch}-{entry.key}" for entry in entries]
        futures = client.map(process, entries, order=order, key=keys, retries=RETRIES, batch_size=100)
        waiting = dict(zip(futures, entries, strict=True))
        try:
            for future in as_completed(futures):
                tell(_outcome(future, waiting.pop(future)))
                future.release()
        except KeyboardInterrupt:
            client.cancel(list(waiting))
            raise


@contextlib.contextmanager
def _started(preparation: Future[None], place: Place) -> Iterator[Client]:
    with _client(place) as client:
        preparation.result()
        yield client


def _outcome(future: Any, entry: Entry) -> Outcome:
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001  (one file must not end the batch)
        sentence = str(error) if isinstance(error, GimpEnded) else f"{type(error).__name__}: {error}"
        return Outcome(entry.input, entry.name, "failed", sentence)


@contextlib.contextmanager
def _client(place: Place) -> Iterator[Client]:
    if place.scheduler:
        with Client(place.scheduler, timeout=20) as client:
            yield client
        return
    dask.config.set({"distributed.scheduler.allowed-failures": _KILLED})
    with (
        LocalCluster(
            n_workers=place.workers,
            threads_per_worker=place.in_flight,
            processes=True,
            memory_limit=0,  # the pictures are in GIMP's memory
            host="127.0.0.1",
            dashboard_address=f"127.0.0.1:{place.dashboard}",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        # 15 s after a worker was killed, Dask gives it up if no new one is there by then, and starts none by itself
        again = PeriodicCallback(lambda: cluster.scale(place.workers), _LOOK * 1000)
        cluster.loop.add_callback(again.start)
        yield client
        cluster.loop.add_callback(again.stop)


def be_scheduler(listen: str, dashboard: int) -> None:
    """Becomes a scheduler that a studio's workers and `--scheduler` connect to. Never returns.

    Args:
        listen: host and port, as in "192.168.1.5:8786".
        dashboard: its dashboard's port.
    """
    host, _colon, port = listen.rpartition(":")
    host = host or "127.0.0.1"
    _become("dask_scheduler", "--host", host, "--port", port, "--dashboard-address", f"{host}:{dashboard}")


def be_worker(scheduler: str, in_flight: int) -> None:
    """Becomes a worker. Never returns."""
    _become("dask_worker", scheduler, "--nworkers", "1", "--nthreads", str(in_flight), "--no-dashboard")


def _become(program: str, *arguments: str) -> None:
    path = os.pathsep.join(map(str, (SCRIPTS, CHECKOUT)))
    settings = {"SCHEDULER__ALLOWED_FAILURES": str(_KILLED), "WORKER__MEMORY__TERMINATE": "False"}
    environment = {**os.environ, "PYTHONPATH": path}
    environment |= {f"DASK_DISTRIBUTED__{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments]
    os.execve(sys.executable, command, environment)
