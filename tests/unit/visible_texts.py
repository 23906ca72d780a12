"""Finds in the code the texts that a user may see and that are not marked for translation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MARKERS = {"_", "ngettext", "marked"}

#: Calls that show a text: the positions of their arguments that are texts; None: all.
SINKS: dict[str, tuple[int, ...] | None] = {
    "Refusal": (0,), "Failed": (1,), "ParameterError": (1, 2), "RequestRefused": (1,), "Check": (0, 2, 3),
}  # fmt: skip
WINDOW_SINKS: dict[str, tuple[int, ...] | None] = {
    # GIMP
    "message": None, "progress_init": (0,), "progress_set_text": (0,), "set_menu_label": (0,),
    "set_documentation": (0, 1), "add_string_argument": (1, 2), "add_choice_argument": (1, 2),
    "add_double_argument": (1, 2), "add_int_argument": (1, 2), "add_boolean_argument": (1, 2),
    # GTK
    "set_text": (0,), "set_label": (0,), "set_markup": (0,), "set_title": (0,), "set_tooltip_text": (0,),
    "set_tooltip_markup": (0,), "set_placeholder_text": (0,), "set_ok_label": (0,), "set_name": (0,),
    "set_description": (0,), "set_subtitle": (0,), "add_button": (0,), "add_buttons": None, "append_text": (0,),
    "new_with_label": None, "new_with_mnemonic": None, "set_secondary_text": (0,), "format_secondary_text": (0,),
    # our own
    "tell": None, "paragraph": (0,), "button": (0, 2), "icon_button": (1,), "named": (1, 2), "row": (2, 4),
    "dialog": (0,),
}  # fmt: skip
SHOWN_KEYWORDS = {
    "label", "text", "title", "tooltip", "tooltip_text", "tip", "secondary_text", "placeholder_text",
    "subtitle", "sentence", "found", "advice",
}  # fmt: skip

#: Whose texts go to programmers and logs.
INTERNAL = {
    "ContentError", "ProtocolError", "ValueError", "TypeError", "KeyError", "RuntimeError", "AssertionError", "TypeVar",
    "OSError", "TimeoutError",
    "malformed", "_unreadable",
}  # fmt: skip
_LOGGING = {"debug", "info", "warning", "error", "exception", "critical"}

_TWO_WORDS = re.compile(r"[A-Za-z][a-z’',:;.)]* [a-zA-Z“{(]")
_ONE_WORD = re.compile(r"_?[A-Z][a-z]*_?[a-z]+…?:?")
_LETTERS = re.compile(r"[A-Za-z]{2}")
_HOLE = "{…}"


@dataclass(frozen=True)
class Text:
    """A literal in the code that is not marked; what an f-string fills in is “{…}”."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text!r}"


def unmarked(path: Path, name: str) -> list[Text]:
    """Every text of a module that a user may see and that is not marked."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {id(node) for skipped in _not_shown(tree) for node in ast.walk(skipped)}
    found = {id(node): text for node, text in _literals(tree) if id(node) not in hidden}
    in_window = name.startswith("plugin/")
    sinks = {**SINKS, **WINDOW_SINKS} if in_window else SINKS
    shown = {id(node) for argument in _shown(tree, sinks) for node in ast.walk(argument)}
    shown -= {id(node) for value in _filled_in(tree) for node in ast.walk(value)}
    return [
        Text(name, node.lineno, text)
        for node, text in _literals(tree)
        if id(node) in found
        and (
            _TWO_WORDS.search(text)
            or (in_window and _ONE_WORD.fullmatch(text))
            or (id(node) in shown and _LETTERS.search(text.replace(_HOLE, "")))
        )
    ]


def misused(path: Path, name: str) -> list[str]:
    """Marks that no catalogue can be made of, and a `_` that is also something else."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    problems = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "marked":
            problems.append(f"{name}:{node.lineno}: nothing translates this later, not even GIMP; call `_`")
        elif isinstance(node, ast.Call) and _name(node.func) in MARKERS:
            texts = node.args[:2] if _name(node.func) == "ngettext" else node.args
            if any(not isinstance(text, ast.Constant | ast.Name | ast.Attribute) for text in texts):
                problems.append(f"{name}:{node.lineno}: only a plain text can be extracted; format what `_` returns")
    for scope in ast.walk(tree):
        if isinstance(scope, ast.FunctionDef | ast.Lambda | ast.Module):
            inside = list(_own_nodes(scope))
            if any(map(_binds, inside)) and any(isinstance(n, ast.Call) and _name(n.func) == "_" for n in inside):
                problems.append(f"{name}:{getattr(scope, 'lineno', 1)}: `_` is two things here; rename the other one")
    return problems


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function or module, without those of the functions in it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def _binds(node: ast.AST) -> bool:
    """Whether it makes `_` something."""
    stored = isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store)
    return stored or (isinstance(node, ast.arg) and node.arg == "_")


def _literals(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """The literals; of an f-string the whole, not its parts. Implicitly joined ones are one already."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            texts = (part.value if isinstance(part, ast.Constant) else _HOLE for part in node.values)
            yield node, "".join(map(str, texts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node, node.value


def _not_shown(tree: ast.AST) -> Iterator[ast.AST]:
    """What holds texts that are marked, or that nobody sees."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node  # a docstring
        elif isinstance(node, ast.arg) and node.annotation:
            yield node.annotation
        elif isinstance(node, ast.AnnAssign | ast.FunctionDef):
            yield from filter(None, [node.annotation if isinstance(node, ast.AnnAssign) else node.returns])
        elif isinstance(node, ast.Assign) and any(_name(at) in ("__all__", "details") for at in node.targets):
            yield node.value
        elif isinstance(node, ast.Subscript | ast.Compare):
            yield node  # a key, a type, or what something is compared with
        elif isinstance(node, ast.Call):
            yield from _not_shown_of(node)


def _not_shown_of(call: ast.Call) -> Iterator[ast.AST]:
    name = _name(call.func)
    if name in MARKERS:
        yield from call.args
    elif name in INTERNAL or (name in _LOGGING and isinstance(call.func, ast.Attribute)):
        yield call
    elif name in ("require_version", "new_from_icon_name", "connect", "set_property", "get_property"):
        yield from call.args[:2]
    elif name.endswith("Error") or name in ("Refusal", "RequestRefused", "ModelUnavailable", "Cancelled"):
        positions = SINKS.get(name) or (0,)
        yield from (argument for position, argument in enumerate(call.args) if position not in positions)
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "details")


def _shown(tree: ast.AST, sinks: dict[str, tuple[int, ...] | None]) -> Iterator[ast.AST]:
    """The arguments that are shown."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = _name(node.func)
            positions = sinks.get(name, (0,) if name.endswith("Error") and name not in INTERNAL else ())
            yield from (text for at, text in enumerate(node.args) if positions is None or at in positions)
            yield from (keyword.value for keyword in node.keywords if keyword.arg in SHOWN_KEYWORDS)


def _filled_in(tree: ast.AST) -> Iterator[ast.AST]:
    """What `format` puts into texts: names and numbers, as a rule."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "format":
            yield from (*node.args, *(keyword.value for keyword in node.keywords))


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
