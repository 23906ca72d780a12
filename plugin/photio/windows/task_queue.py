"""What a window has the bridge do: one thing after the other, on the main loop, without making the user wait."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from gi.repository import GLib

from bridge.protocol import Message
from bridge_process import Bridge, BridgeError
from canvas.reading import Refusal

Answer = TypeVar("Answer")
Errand = Callable[[], None]

#: What an errand may end in; the window tells the user.
TROUBLE = (BridgeError, Refusal, OSError, GLib.Error)


class Errands:
    """A queue of errands, and a bridge for them.

    Asking the bridge spins the main loop, in which the user presses the next button already: so what that asks for
    has to wait for its turn.
    """

    def __init__(self, leisure: Callable[[], Errand | None], failed: Callable[[Exception], None]) -> None:
        """`leisure` tells what could be done while nothing is asked for; `failed` is called with an errand's end."""
        self._leisure = leisure
        self._failed = failed
        self._waiting: deque[Errand] = deque()
        self._bridge: Bridge | None = None
        self._working = self._woken = self._closing = False

    def add(self, errand: Errand) -> None:
        """Does this as soon as all that was asked for before is done; once, if it waits already."""
        if errand not in self._waiting:
            self._waiting.append(errand)
        self.wake()

    def wake(self) -> None:
        """There is something to do at leisure, perhaps."""
        if not self._working and not self._woken and not self._closing:
            self._woken = True
            GLib.idle_add(self._work, priority=GLib.PRIORITY_LOW)  # after what is to be seen has been drawn

    def ask(self, message: Message, answer: type[Answer]) -> Answer:
        """Asks the bridge, and starts it where it does not run. Only for errands.

        Raises:
            BridgeError: it says that it failed, or is gone.
        """
        try:
            return self._running().ask(message, answer)
        except BridgeError as error:
            if error.code == "bridge":  # gone: the next question gets a new one
                self._end()
            raise

    def mention(self, message: Message) -> None:
        """Tells the bridge something that may get lost."""
        self._running().notify(message)

    def finish(self) -> None:
        """Does what the user asked for, and ends the bridge."""
        self._closing = True
        self._work()
        self._end()

    def _running(self) -> Bridge:
        self._bridge = self._bridge or Bridge(on_failure=self._failed)
        return self._bridge

    def _end(self) -> None:
        if self._bridge:
            self._bridge.close()
            self._bridge = None

    def _work(self) -> bool:
        self._working, self._woken = True, False
        try:
            while errand := self._next():
                try:
                    errand()
                except TROUBLE as error:
                    self._failed(error)
        finally:
            self._working = False
        return GLib.SOURCE_REMOVE

    def _next(self) -> Errand | None:
        if self._waiting:
            return self._waiting.popleft()
        return None if self._closing else self._leisure()
