"""A keyring that never answers, and one that asks its user first: a real D-Bus session with a service on it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.protocol import Cancelled, Failed, Finished
from bridge.protocol.settings import (
    AskDoctor,
    AskSettings,
    ChangeSettings,
    DoctorReport,
    ForgetKey,
    SettingsReport,
    StoreKey,
)
from tests.desktop import Service, Session
from tests.faults.bridge_rows import BridgeRow
from tests.faults.outcome import KEY
from tests.faults.world import BRIDGE, Bridge, Ended, World

pytestmark = pytest.mark.skipif(not shutil.which("dbus-daemon"), reason="there is no dbus-daemon here")

SILENT = "does not answer: unlock or restart it"


@pytest.fixture
def session() -> Iterator[Session]:
    with Session() as running:
        yield running


@pytest.fixture
def silent(session: Session) -> Service:
    """The keyring, which has the key and never answers."""
    return session.serve("silent")


@pytest.fixture
def start(world: World, session: Session) -> Callable[[], Bridge]:
    """Starts a bridge whose settings say that the keyring has the key."""
    (world.home / "api-key").unlink()
    world.configure(origin=world.service.origin, key_storage="keyring")
    return lambda: world.start(**session.variables, PYTHON_KEYRING_BACKEND=None)


def run(world: World, name: str, act: Callable[[World], Ended], reference: str, **promises: Any) -> None:
    """Tries a row of the table."""
    row = BridgeRow(name, "key", act, **promises)
    assert row.broken_promises(row.run(world, reference)) == []


def test_a_keyring_that_never_answers_costs_a_sentence(
    world: World, silent: Service, start: Callable[[], Bridge], reference: str
) -> None:
    before = (world.home / "settings.json").read_bytes()
    run(world, "keyring-never-answers", lambda world: world.job(start()), reference, code="keyring", says=SILENT)
    assert (world.home / "settings.json").read_bytes() == before
    assert world.service.requests() == []


def test_while_a_keyring_does_not_answer_cancel_is_heard_at_once(
    world: World, silent: Service, start: Callable[[], Bridge], reference: str
) -> None:
    cancelled = []

    def act(world: World) -> Ended:
        bridge = start()

        def cancel(step: str) -> None:
            if step == "running":
                silent.next_call()
                cancelled.append(bridge.cancel())
                raise _Enough

        with pytest.raises(_Enough):
            world.job(bridge, at=cancel)
        return Ended(Failed("cancelled", "Cancelled."))

    run(world, "keyring-never-answers-and-the-user-cancels", act, reference, code="cancelled")
    assert cancelled == [Cancelled(may_be_billed=False)]  # and not the keyring's sentence, which would come after 5 s


class _Enough(Exception):
    """The job is not waited for."""


def test_while_a_keyring_does_not_answer_the_plug_in_may_go(
    world: World, silent: Service, start: Callable[[], Bridge], reference: str
) -> None:
    bridge = start()

    def leave(step: str) -> None:
        if step == "running":
            silent.next_call()
            assert bridge.leave() == 0
            raise _Enough

    with pytest.raises(_Enough):
        world.job(bridge, at=leave)
    assert SILENT not in bridge.told.decode()


def test_settings_are_there_at_once_though_the_keyring_never_answers(
    world: World, silent: Service, start: Callable[[], Bridge]
) -> None:
    bridge = start()
    first = bridge.ask(AskSettings(with_keyring=False), SettingsReport)
    assert (first.key_place, first.key_hint, first.keyring, first.remarks) == ("keyring", None, None, ())
    changed = bridge.ask(ChangeSettings(first.preferences), SettingsReport)
    assert (changed.key_place, changed.keyring) == ("keyring", None)
    later = bridge.ask(AskSettings(), SettingsReport)
    assert (later.key_place, later.key_hint) == ("keyring", None)
    assert SILENT in later.remarks[0]
    assert not bridge.ask(AskDoctor(), DoctorReport).text.count("Traceback")
    assert bridge.ask(ForgetKey(), SettingsReport, Failed).code == "keyring"
    assert bridge.ask(AskSettings(with_keyring=False), SettingsReport).key_place == "keyring"


def test_a_key_that_a_silent_keyring_does_not_take_is_kept_in_a_file(
    world: World, silent: Service, start: Callable[[], Bridge], reference: str
) -> None:
    bridge = start()
    stored = bridge.ask(StoreKey(KEY), SettingsReport, Failed)
    assert stored.key_place == "file"
    assert "older key is still in the system's keyring" in stored.remarks[0]
    assert (world.home / "api-key").stat().st_mode & 0o777 == 0o600
    assert isinstance(world.job(bridge).message, Finished)


def test_a_keyring_that_asks_its_user_is_waited_for(
    world: World, session: Session, start: Callable[[], Bridge], reference: str
) -> None:
    locked = session.serve("locked", KEY)

    def act(world: World) -> Ended:
        bridge = start()

        def unlock(step: str) -> None:
            if step == "running":
                while locked.next_call().split()[0] != "Prompt":  # the user sees the question for the password …
                    pass
                while "Locked" not in locked.next_call():  # … and 3 seconds later the bridge looks why it takes so long
                    pass
                locked.tell("unlock")

        return world.job(bridge, at=unlock)

    run(world, "keyring-asks-for-its-password", act, reference, kept="whole")


@pytest.mark.parametrize(("command", "status", "says"), [
    (["key", "show"], 1, SILENT),
    (["key", "set"], 0, "is stored: file"),
    (["key", "clear"], 1, "cannot be removed from the keyring"),
    (["doctor"], 0, SILENT),
])  # fmt: skip
def test_no_command_waits_for_ever_for_a_keyring(
    command: list[str], status: int, says: str, world: World, session: Session, silent: Service, start: Any
) -> None:
    environment = world.environment(**session.variables, PYTHON_KEYRING_BACKEND=None)
    done = subprocess.run(
        [sys.executable, "-I", str(BRIDGE), *command], env=environment, input=KEY, capture_output=True, text=True
    )
    assert (done.returncode, says in done.stdout + done.stderr) == (status, True), done
    if command != ["key", "set"]:
        assert '"key_storage": "keyring"' in (world.home / "settings.json").read_text()
