"""The settings window's questions to the bridge."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import desktop_proxy
from bridge.protocol import Message
from bridge_process import Bridge, BridgeError

Answer = TypeVar("Answer")


class Conversation:
    """Asks one thing at a time, and perhaps another one in the background. All of that runs the main loop.

    Attributes:
        asking: an answer is being waited for.
        replaced: whether another bridge took the place of the first one.

    Args:
        allow: called with whether the window can be used; it cannot while `ask` waits.
        on_error: called with each error.
    """

    def __init__(self, bridge: Bridge, allow: Callable[[bool], None], on_error: Callable[[BridgeError], None]) -> None:
        self._bridge, self._allow, self._on_error = bridge, allow, on_error
        self.asking = self.replaced = self._in_background = self._closed = False

    def ask(self, message: Message, answer: type[Answer], connects_to: str = "") -> Answer | None:
        """The bridge's answer. None after an error, while another question is asked, or when the window is closed.

        Args:
            connects_to: the service address, to which a proxy may lead; empty: the bridge does not connect.
        """
        if self.asking:
            return None
        self.asking, received = True, None
        self._allow(False)
        try:
            desktop_proxy.tell(self._bridge, connects_to)
            received = self._bridge.ask(message, answer)
        except BridgeError as error:
            self._tell(error)
        self.asking = False
        if self._closed:
            return None
        self._allow(True)
        return received

    def ask_in_background(self, message: Message, answer: type[Answer]) -> Answer | None:
        """Likewise. It may take its time: meanwhile the window can be used."""
        if self._in_background:
            return None
        bridge, self._in_background = self._bridge, True
        try:
            received = bridge.ask(message, answer)
        except BridgeError as error:
            self._in_background = False
            if bridge is not self._bridge and not self._closed:
                return self.ask_in_background(message, answer)
            self._tell(error)
            return None
        self._in_background = False
        return None if self._closed else received

    def replace_bridge(self) -> bool:
        """Starts another bridge, which has what was installed since. Returns whether that succeeded."""
        try:
            new = Bridge()
        except BridgeError as error:
            self._tell(error)
            return False
        self._bridge.close()
        self._bridge, self.replaced = new, True
        return True

    def close(self) -> None:
        """Nobody waits for an answer any more. No function is called again."""
        self._closed = True
        if self.asking or self._in_background:  # nothing that is asked here costs money
            self._bridge.kill()
        self._bridge.close()

    def _tell(self, error: BridgeError) -> None:
        if not self._closed:
            self._on_error(error)
