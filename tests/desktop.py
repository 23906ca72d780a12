"""A desktop's session: a real D-Bus of its own, and services on it that answer as a test wants.

    with Session() as session:
        session.serve("silent")                      # a keyring that never answers
        session.serve("locked", "the key")           # a keyring that asks its user first
        session.serve("proxies", "http://proxy:80")  # the portal that knows the desktop's proxies

As a program (`python desktop.py KIND [ARGUMENT …]`, with a Python that has jeepney) it is one such service, on the bus
that DBUS_SESSION_BUS_ADDRESS names. It prints "ready", and then each call that it has answered, or never will.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import Any

SECRETS = "org.freedesktop.secrets"
PORTAL = "org.freedesktop.portal.Desktop"
PROXIES = "org.freedesktop.portal.ProxyResolver"


class Session:
    """A session bus, in a process of its own, and the services that a test starts on it.

    Args:
        python: one that has jeepney, for the services.
    """

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
        self._services: list[Service] = []
        bus = ["dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address"]
        self._bus = subprocess.Popen(bus, stdout=subprocess.PIPE, text=True)
        assert self._bus.stdout
        self.address = self._bus.stdout.readline().strip()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_error: object) -> None:
        for service in self._services:
            service.end()
        _end(self._bus)

    @property
    def variables(self) -> dict[str, str]:
        """What leads a process to it."""
        return {"DBUS_SESSION_BUS_ADDRESS": self.address}

    def serve(self, kind: str, *arguments: str) -> Service:
        """Starts a service."""
        self._services.append(Service(self._python, self.address, kind, *arguments))
        return self._services[-1]


class Service:
    """A service, in a process of its own. It is on the bus as soon as this is made."""

    def __init__(self, python: str, address: str, kind: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [python, "-I", os.path.abspath(__file__), kind, *arguments],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": address},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        assert self.next_call() == "ready"

    def next_call(self) -> str:
        """Blocks until it is called; the method's name and its arguments."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        assert line, "it has ended"
        return line.strip()

    def tell(self, line: str) -> None:
        """Says something to it: "unlock" is what a keyring that asks its user waits for."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")

    def end(self) -> list[str]:
        """Ends it, unless it has been ended. Returns the calls that `next_call` has not returned."""
        self._process.kill()
        said = self._process.stdout
        rest = said.read().splitlines() if said and not said.closed else []
        _end(self._process)
        return rest


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()  # a bus that is killed leaves its socket in /tmp
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


Reply = tuple[str, tuple[Any, ...]]


class Unanswered(Exception):
    """A call that gets no answer."""


class Refused(Exception):
    """A call that gets an error, of this name."""


def silent(_method: str, _body: Any, _arguments: list[str]) -> Reply:
    """A keyring that never answers."""
    raise Unanswered


def proxies(method: str, _body: Any, answer: list[str]) -> Reply:
    """The portal of the desktop's proxies. With nothing to answer, it never answers."""
    if method == f"{PROXIES}.Lookup" and not answer:
        raise Unanswered
    replies = {
        f"{PROXIES}.Lookup": ("as", (answer,)),
        "org.freedesktop.DBus.Properties.GetAll": ("a{sv}", ({"version": ("u", 1)},)),
    }
    if method not in replies:
        raise Refused(f"{PORTAL}.Error.Failed")
    return replies[method]


def locked(method: str, body: Any, arguments: list[str]) -> Reply:
    """A locked keyring that asks its user for the password, and gives its only key when it is unlocked."""
    member = method.rpartition(".")[2]
    if member == "OpenSession" and body[0] != "plain":
        raise Refused("org.freedesktop.DBus.Error.NotSupported")
    replies: dict[str, Reply] = {
        "OpenSession": ("vo", (("s", ""), "/session")),
        "Get": ("v", (("b", not _unlocked.is_set()) if body[-1] == "Locked" else ("s", "login"),)),
        "Unlock": ("aoo", (body[0], "/") if _unlocked.is_set() else ([], "/prompt")),
        "Prompt": ("", ()),
        "SearchItems": ("ao", (["/item"],)),
        "GetSecret": ("(oayays)", (("/session", b"", arguments[0].encode(), "text/plain"),)),
    }
    return replies[member]


_unlocked = threading.Event()
_KINDS = {"silent": (SECRETS, silent), "locked": (SECRETS, locked), "proxies": (PORTAL, proxies)}


def main(kind: str, arguments: list[str]) -> None:
    """The program; see the module's text."""
    from jeepney import DBusAddress, MessageType, new_error, new_method_call, new_method_return, new_signal
    from jeepney.io.blocking import open_dbus_connection

    bus = open_dbus_connection()

    def unlock() -> None:
        sys.stdin.readline()
        _unlocked.set()
        prompt = DBusAddress("/prompt", interface="org.freedesktop.Secret.Prompt")
        bus.send(new_signal(prompt, "Completed", "bv", (False, ("ao", ["/collection"]))))

    threading.Thread(target=unlock, daemon=True).start()
    name, answer = _KINDS[kind]
    driver = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")
    bus.send_and_get_reply(new_method_call(driver, "RequestName", "su", (name, 0)))
    print("ready", flush=True)
    while True:
        message = bus.receive()
        if message.header.message_type is not MessageType.method_call:
            continue
        fields = {field.name: value for field, value in message.header.fields.items()}
        try:
            bus.send(
                new_method_return(
                    message, *answer(f"{fields['interface']}.{fields['member']}", message.body, arguments)
                )
            )
        except Unanswered:
            pass
        except Refused as error:
            bus.send(new_error(message, str(error)))
        finally:
            print(fields["member"], *message.body, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
