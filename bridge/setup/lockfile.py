"""Reduces a lock file to the requirements of one Python version on Linux.

pip evaluates the markers of a requirements file for the interpreter that it runs under, even if `--python-version`
names another one. So this module evaluates them for a sandbox.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping

_COMPARISONS = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def for_linux_python(lock: str, version: str) -> str:
    """The lock's requirements for CPython `version` ("3.13") on Linux, without markers.

    Raises `ValueError` for a marker with anything but names, texts, comparisons, `and` and `or`.
    """
    facts = {
        "python_full_version": version,
        "python_version": version,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept = []
    for entry in _entries(lock):
        first, *hashes = entry
        requirement, _, marker = first.rstrip("\\").partition(";")
        if not marker.strip() or holds(marker.strip(), facts):
            kept.append(" \\\n".join([requirement.strip(), *(line.rstrip("\\ ") for line in hashes)]))
    return "\n".join(kept) + "\n"


def holds(marker: str, facts: Mapping[str, str]) -> bool:
    """Whether an environment marker (PEP 508) is true for these facts."""
    return _evaluate(ast.parse(marker, mode="eval").body, facts)


def _entries(lock: str) -> list[list[str]]:
    entries: list[list[str]] = []
    for line in lock.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("--hash") and entries:
            entries[-1].append(text)
        else:
            entries.append([text])
    return entries


def _evaluate(node: ast.expr, facts: Mapping[str, str]) -> bool:
    if isinstance(node, ast.BoolOp):
        results = [_evaluate(value, facts) for value in node.values]
        return all(results) if isinstance(node.op, ast.And) else any(results)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        left, right = _text(node.left, facts), _text(node.comparators[0], facts)
        names = [side.id for side in (node.left, node.comparators[0]) if isinstance(side, ast.Name)]
        compare = _COMPARISONS[type(node.ops[0])]
        if any(name.startswith("python_") for name in names):
            return bool(compare(_numbers(left), _numbers(right)))
        return bool(compare(left, right))
    raise ValueError(f"unknown marker: {ast.unparse(node)}")


def _text(node: ast.expr, facts: Mapping[str, str]) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and node.id in facts:
        return facts[node.id]
    raise ValueError(f"unknown marker: {ast.unparse(node)}")


def _numbers(version: str) -> tuple[int, int, int]:
    parts = [int(part) for part in version.split(".")[:3]] + [0, 0]
    return parts[0], parts[1], parts[2]
