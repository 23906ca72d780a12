"""Reduces a lock file to the requirements of one Python version on Linux.

pip evaluates the markers of a requirements file for the interpreter that it runs under, even if `--python-version`
names another one. So this module evaluates them for a sandbox.
"""

from __future__ import annotations

import re

#: A requirement, its environment marker (PEP 508) and its hashes, as uv writes them.
_MARKED = re.compile(r"^(\S+) *; *(.+) \\\n((?: +--hash=\S+(?: \\\n)?)+)", re.MULTILINE)


def for_linux_python(lock: str, version: str) -> str:
    """The lock's requirements for CPython `version` ("3.13") on Linux, without markers.

    Raises `NameError` for a marker with names that our locks do not use: a test tries all of them.
    """
    facts = {
        "python_full_version": _numbers(version),
        "sys_platform": "linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }

    def narrowed(entry: re.Match[str]) -> str:
        requirement, marker, hashes = entry.groups()
        # A marker is an expression of Python, too, once its versions compare as numbers. The lock is part of our code.
        expression = re.sub(r"'([\d.]+)'", lambda found: str(_numbers(found[1])), marker)
        return f"{requirement} \\\n{hashes}" if eval(expression, {"__builtins__": {}}, facts) else ""

    return _MARKED.sub(narrowed, lock)


def _numbers(version: str) -> tuple[int, ...]:
    return (*map(int, version.split(".")), 0, 0)[:3]
