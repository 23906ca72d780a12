"""200 jobs in a row through one GIMP, every tenth with a fault: nothing piles up, and nothing is lost.

Run by `scripts/faults.py` inside GIMP: pytest is not needed. Prints what it measured; ends with 1 when it is too much.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "gimp"))
sys.path.append(sys.argv[1])  # pytest, for `support`

from support import (
    BRIDGE,
    HOME,
    KEY,
    PLUG_IN,
    PdbError,
    Server,
    configure,
    every_layer,
    make_image,
    processes,
    run,
    select,
    wait_for_end,
)

JOBS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
FAULTY = 10  # percent
SETTLED = 50  # jobs until all caches are full
GROWTH = 1.10
SETTINGS = {"resolution": "native", "context": 50, "match_grain": False}

#: What the service does to a request; “kill”: who dies while it is at work.
FAULTS = (
    {"answer": "status", "status_code": 500, "body": "busy"},
    {"answer": "status", "status_code": 401, "body": "who is that?"},
    {"answer": "raw", "text": "<html>"},
    {"size": [5, 5]},
    {"close": "at-accept"},
    {"close": "after-body"},
    {"close": "mid-answer"},
    {"hold": "before-answer", "kill": PLUG_IN},
    {"hold": "before-answer", "close": "after-body", "kill": BRIDGE},
    {"hold": "before-body", "kill": PLUG_IN},
)


def gimp_itself() -> int:
    """The process that has the images: this script's parent."""
    return os.getppid()


def descriptors() -> int:
    return len(os.listdir(f"/proc/{gimp_itself()}/fd"))


def memory() -> int:
    """In KB."""
    for line in Path(f"/proc/{gimp_itself()}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError("VmRSS")


def temporary_files() -> int:
    """Those of ours, wherever programs put them; the journal is meant to stay."""
    places = [Path(tempfile.gettempdir()), Path(os.environ["GIMP3_DIRECTORY"]) / "tmp"]
    found = [path for place in places if place.is_dir() for path in place.iterdir() if "photio" in path.name.lower()]
    return len(found) + len(list(HOME.glob("journal/.*"))) + len(list(HOME.glob("journal/2*/.*.*")))


def killing(server: Server, fault: dict) -> threading.Thread:
    """Kills somebody as soon as the service has the request, then lets it go on."""
    before = len(server._call("GET", "/_requests"))

    def work() -> None:
        stage = "headers" if fault["hold"] == "before-body" else "body"
        server._call("GET", f"/_wait?stage={stage}&count={before + 1 if stage == 'headers' else 1}")
        for pid in processes(fault["kill"]):
            os.kill(pid, signal.SIGKILL)
        server.release()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def one_job(server: Server, fault: dict | None) -> int:
    """Runs a job on a new image; how many layers it got."""
    server.clear()
    server.script(*([{key: value for key, value in fault.items() if key != "kill"}] if fault else []))
    image = make_image(96, 64)
    select(image, 30, 20, 24, 16)
    before = len(every_layer(image))
    killer = killing(server, fault) if fault and "kill" in fault else None
    with contextlib.suppress(PdbError):
        run("photio-remove", image, **SETTINGS)
    if killer:
        killer.join()
        for pid in processes(BRIDGE):
            wait_for_end(pid)
    new = len(every_layer(image)) - before
    image.delete()
    return new


def answers(server: Server) -> int:
    """How many pictures the service gave to somebody who was there, since the last `clear`."""
    return sum(record["stage"] == "answered" for record in server._call("GET", "/_requests"))


def in_the_history() -> int:
    """How many results the journal has."""
    count = 0
    for record in HOME.glob("journal/2*/request.json"):
        told = json.loads(record.read_text())
        count += len(told.get("result", {}).get("results", ()))
    return count


def main() -> int:
    """The soak; its exit status."""
    configure_home()
    server = Server()
    try:
        return soak(server)
    finally:
        server.stop()


def soak(server: Server) -> int:
    """All jobs; the exit status."""
    chance = random.Random(8)
    configure(origin=server.origin, key_storage="file")
    expected = faulty = bridges = 0
    measured: list[tuple[int, int, int]] = []
    for number in range(1, JOBS + 1):
        fault = chance.choice(FAULTS) if chance.randrange(100) < FAULTY else None
        faulty += fault is not None
        bridges += bool(fault) and fault.get("kill") == BRIDGE
        layers = one_job(server, fault)
        comes = fault is None or (fault.get("kill") == PLUG_IN and fault["hold"] == "before-answer")
        comes = comes or fault == {"close": "at-accept"}
        expected += bool(comes)
        if layers not in ((0, 1) if fault else (1,)):
            print(f"job {number}: {layers} layers after {fault}")
            return 1
        measured.append((descriptors(), temporary_files(), memory()))
    for pid in processes(BRIDGE) + processes(PLUG_IN):
        wait_for_end(pid)
    return judge(measured, faulty, expected, bridges)


def configure_home() -> None:
    """An empty one, with a key."""
    import shutil

    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    (HOME / "api-key").write_text(KEY)
    (HOME / "api-key").chmod(0o600)


def usual(measured: list[tuple[int, int, int]], until: int) -> tuple[int, ...]:
    """The medians of ten jobs: when a procedure fails, GIMP takes 10 MB more for a moment."""
    return tuple(map(statistics.median_low, zip(*measured[max(0, until - 10) : until], strict=True)))


def judge(measured: list[tuple[int, int, int]], faulty: int, expected: int, bridges: int) -> int:
    """Says what was found; 1 when something piled up or got lost.

    Each bridge that was killed may leave the file that it was writing: the history removes that after two hours.
    """
    settled, now = usual(measured, min(SETTLED, JOBS // 2)), usual(measured, JOBS)
    left, had = len(processes(BRIDGE) + processes(PLUG_IN)), in_the_history()
    print(
        f"{JOBS} jobs, {faulty} with a fault: {had} of {expected} results in the history, {left} processes left, "
        f"descriptors {settled[0]} → {now[0]}, temporary files {settled[1]} → {now[1]}, "
        f"memory {settled[2] // 1024} → {now[2] // 1024} MB"
    )
    fine = left == 0 and had == expected and now[0] <= settled[0] + 2 and now[1] <= settled[1] + bridges
    return 0 if fine and now[2] <= GROWTH * settled[2] else 1


sys.exit(main())
