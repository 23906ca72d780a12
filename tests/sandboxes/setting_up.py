"""Runs the set-up where GIMP runs, as the plug-in's window does: with GIMP's Python, in lines of JSON."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.setup import contents
from tests.sandboxes.rig import CHECKOUT, Sandbox

Said = dict[str, Any]


def unpack(folder: Path) -> Path:
    """Makes the plug-in's folder as a release has it, at a path outside."""
    folder.mkdir(parents=True)
    contents.copy(CHECKOUT, folder)
    contents.write_list(folder)
    return folder


@dataclass
class SetUp:
    """A set-up that runs.

    Attributes:
        arguments: more arguments of the process.
        then: a command line for the shell that runs in the same sandbox after it; it writes to standard error.
    """

    sandbox: Sandbox
    arguments: tuple[str, ...] = ()
    then: str = ""
    process: subprocess.Popen[str] = field(init=False)

    def __post_init__(self) -> None:
        command = ["python3", "-I", "-B", str(self.sandbox.folder / "bridge"), "setup", *self.arguments]
        if self.then:
            command = ["sh", "-c", f"{shlex.join(command)}; {self.then}"]
        self.process = subprocess.Popen(
            self.sandbox.command(*command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def go(self) -> None:
        """The user presses “Set Up”."""
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def hear(self, **wanted: str) -> Said:
        """Waits for a message that has these members. Returns it, or else the last message."""
        said: Said = {}
        assert self.process.stdout
        for line in self.process.stdout:
            said = json.loads(line)
            if wanted and wanted.items() <= said.items():
                break
        return said

    def leave(self) -> int:
        """Closes our end, as a plug-in that ends does. Returns the exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self._ended()

    def kill(self) -> None:
        """The process cannot do anything any more. What it has started goes on."""
        self.process.kill()
        self._ended()

    def result(self) -> Said:
        """Waits for the end. Returns the last message, with the exit status and what standard error got."""
        last = self.hear()
        assert self.process.stderr
        errors = self.process.stderr.read()
        return {**last, "status": self._ended(), "errors": errors}

    def _ended(self) -> int:
        status = self.process.wait(600)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe and not pipe.closed:
                pipe.close()
        return status


def plan(sandbox: Sandbox) -> Said:
    """What the set-up would do."""
    return SetUp(sandbox, ("--plan",)).result()


def set_up(sandbox: Sandbox, *arguments: str) -> Said:
    """Sets everything up. Returns the last message."""
    running = SetUp(sandbox, arguments)
    running.go()
    return running.result()


def change(file: Path, old: str, new: str) -> None:
    """Changes a text in a file of an unpacked folder."""
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def below(folder: Path) -> set[str]:
    """The names of all files and folders below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")} if folder.exists() else set()
