"""No part of the code grows so large that nobody reads it as a whole."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
MODULE, CLASS, FUNCTION, PARAMETERS = 300, 200, 50, 6  # lines, lines, lines, and how many besides `self`

#: Lines of any other file of code.
FILE = 400

#: What may be larger, and why.
EXCEPTIONS: dict[str, str] = {}


def too_large(path: Path) -> Iterator[str]:
    """What in one module is larger than it may be, as `file: name, what`."""
    text = path.read_text(encoding="utf-8")
    if (lines := text.count("\n")) > MODULE:
        yield f"{path.name}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef | ast.FunctionDef):
            continue
        most = CLASS if isinstance(node, ast.ClassDef) else FUNCTION
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > most:
            yield f"{path.name}: {node.name}, {lines} lines"
        if isinstance(node, ast.FunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            count = len([argument for argument in given if argument.arg not in ("self", "cls")])
            if count > PARAMETERS:
                yield f"{path.name}: {node.name}, {count} parameters"


@pytest.mark.parametrize("folder", ["bridge", "plugin"])
def test_modules_classes_and_functions_can_be_read_in_one_look(folder: str) -> None:
    found = [each for path in sorted((CHECKOUT / folder).rglob("*.py")) for each in too_large(path)]
    assert [each for each in found if each not in EXCEPTIONS] == []


def test_no_test_or_script_is_longer_than_can_be_kept_in_mind() -> None:
    paths = [path for folder in ("scripts", "tests") for path in sorted((CHECKOUT / folder).rglob("*.py"))]
    assert [path.name for path in paths if path.read_text(encoding="utf-8").count("\n") > FILE] == []


def test_what_is_too_large_is_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("def f(a, b, c, d, e, g, h):\n" + "    x = 1\n" * 300 + "class C:\n" + "    x = 1\n" * 200)
    assert list(too_large(module)) == [
        "module.py: 502 lines", "module.py: f, 301 lines", "module.py: f, 7 parameters", "module.py: C, 201 lines"
    ]  # fmt: skip
