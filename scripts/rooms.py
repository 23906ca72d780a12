#!/usr/bin/env python3
"""The architecture: which part of the code may import which.

    rooms.py draw     writes the picture in docs/architecture.md
    rooms.py check    prints what breaks the rules; the status is then 1

A room is a folder of `bridge/` or of `plugin/photio/`, or a module that stands there alone. The tables below are the
only place where the rules are written down: the picture is drawn from them, and a test runs the check.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
DOCUMENT = Path("docs/architecture.md")

#: From the top to the bottom. Each room: what it may import, all of it further down.
BRIDGE = {
    "__main__": {"commands", "service", "setup", "store", "common"},
    "commands": {"service", "doctor", "history", "job", "engine", "store", "regen", "pixels", "protocol", "common"},
    "service": {"doctor", "history", "job", "engine", "store", "regen", "protocol", "common"},
    "setup": {"doctor", "engine", "store", "common"},
    "doctor": {"history", "engine", "store", "regen", "common"},
    "history": {"job", "store", "regen", "pixels", "protocol", "common"},
    "job": {"engine", "store", "regen", "pixels", "protocol", "common"},
    "engine": {"store", "pixels", "common"},
    "store": {"regen", "common"},
    "regen": {"pixels", "common"},
    "pixels": {"common"},
    "protocol": set[str](),
    "common": set[str](),
}

PLUGIN = {
    "photio": {"procedures", "early"},
    "procedures": {
        "windows",
        "windowless",
        "edge_arguments",
        "arguments",
        "canvas",
        "bridge_process",
        "protocol",
        "common",
    },
    "windows": {
        "edge_arguments",
        "arguments",
        "canvas",
        "desktop_proxy",
        "bridge_process",
        "early",
        "protocol",
        "common",
    },
    "windowless": {"canvas", "desktop_proxy", "bridge_process", "protocol", "common"},
    "edge_arguments": {"arguments", "canvas", "common"},
    "arguments": {"canvas", "protocol", "common"},
    "canvas": {"bridge_process", "protocol", "common"},
    "desktop_proxy": {"bridge_process", "protocol"},
    "bridge_process": {"early", "protocol", "common"},
    "early": {"common"},
}

#: The rooms that the plug-in imports of the bridge.
SHARED = {"protocol", "common"}


def imports(checkout: Path = CHECKOUT) -> Iterator[tuple[str, str, str]]:
    """All imports between rooms, also those inside functions: (room, imported room, file and line)."""
    for folder, rooms in ((Path("bridge"), BRIDGE), (Path("plugin/photio"), PLUGIN)):
        for path in sorted((checkout / folder).rglob("*.py")):
            name = path.relative_to(checkout / folder)
            room = name.parts[0].removesuffix(".py")
            if room == "__init__":
                continue  # the version: known to all, imports nothing
            for line, module in _modules(ast.parse(path.read_text(encoding="utf-8"))):
                first, *others = module.split(".")
                target = others[0] if first == "bridge" and others else first
                known = BRIDGE if first == "bridge" else rooms if folder.name == "photio" else {}
                if target in known and target != room:
                    yield room, target, f"{folder / name}:{line}"


def _modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def problems(checkout: Path = CHECKOUT) -> list[str]:
    """Imports that are not allowed, rules that are not needed, rules that point up, and an old picture."""
    found, used = [], set()
    allowed = {(room, target) for table in (BRIDGE, PLUGIN) for room, targets in table.items() for target in targets}
    for room, target, place in imports(checkout):
        used.add((room, target))
        if (room, target) not in allowed:
            found.append(f"{place}: “{room}” must not import “{target}” (scripts/rooms.py)")
    found += [f"“{room}” does not import “{target}”: remove it from the table" for room, target in allowed - used]
    for table in (BRIDGE, PLUGIN):
        order = list(table)
        for room, targets in table.items():
            up = [target for target in targets & table.keys() if order.index(target) < order.index(room)]
            found += [f"“{room}” stands below “{target}”, and may not import it" for target in up]
    found += [f"circle of modules: {' → '.join(circle)}" for circle in circles(checkout)]
    document = (checkout / DOCUMENT).read_text(encoding="utf-8")
    if not found and document != drawn(document):
        found.append(f"{DOCUMENT}: the picture is out of date: run “python3 scripts/rooms.py draw”")
    return sorted(found)


def circles(checkout: Path = CHECKOUT) -> list[list[str]]:
    """Modules that import each other, directly or by others: each circle once, its first module at both ends."""
    files = {}
    for folder, root in ((checkout / "bridge", checkout), (checkout / "plugin/photio", checkout / "plugin/photio")):
        files |= {".".join(path.relative_to(root).with_suffix("").parts): path for path in sorted(folder.rglob("*.py"))}
    graph = {}
    for name, path in files.items():
        named = {module for _line, module in _modules(ast.parse(path.read_text(encoding="utf-8")))}
        graph[name] = {module for each in named for module in (each, each.rpartition(".")[0]) if module in files}
    found: dict[frozenset[str], list[str]] = {}
    done: set[str] = set()

    def follow(name: str, way: list[str]) -> None:
        if name in way:
            circle = [*way[way.index(name) :], name]
            found.setdefault(frozenset(circle), circle)
        elif name not in done:
            for target in sorted(graph[name]):
                follow(target, [*way, name])
            done.add(name)

    for name in graph:
        follow(name, [])
    return list(found.values())


def drawn(document: str) -> str:
    """The document with the picture of the tables: Mermaid, without arrows that follow from others."""
    lines = ["flowchart TD"]
    for title, table in (("plugin/photio", PLUGIN), ("bridge", BRIDGE)):
        lines += [f'  subgraph "{title}"', *(f"    {room}" for room in table), "  end"]
    tables = {**BRIDGE, **PLUGIN}
    for room, targets in tables.items():
        reached = {far for near in targets for far in _reached(tables, near)}
        lines += [f"  {room} --> {target}" for target in tables if target in targets - reached]
    before, rest = document.split("```mermaid\n")
    return f"{before}```mermaid\n" + "\n".join(lines) + "\n```" + rest.partition("\n```")[2]


def _reached(tables: dict[str, set[str]], room: str) -> set[str]:
    return set(tables[room]).union(*(_reached(tables, target) for target in tables[room]))


def main() -> int:
    """The command line; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["draw", "check"])
    if parser.parse_args().what == "draw":
        document = CHECKOUT / DOCUMENT
        document.write_text(drawn(document.read_text(encoding="utf-8")), encoding="utf-8")
        return 0
    found = problems()
    print("\n".join(found) or "Every import follows the table.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
