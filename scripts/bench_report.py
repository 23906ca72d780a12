"""What the benchmark found, as text and as a picture."""

from __future__ import annotations

from collections.abc import Iterable
from math import log
from statistics import median
from typing import Any

import bench_targets
from bench_targets import SERVICE, SKETCH

WAYS = ("cold", "warm", "sketch", "sketch, warm", "floor", "plain")
_INK = {
    "cold": "#c2185b",
    "warm": "#7b1fa2",
    "sketch": "#ef6c00",
    "sketch, warm": "#f9a825",
    "floor": "#2e7d32",
    "plain": "#616161",
}
_SHOWN = {"cold": "Photio, cold", "warm": "Photio, window open", "sketch": "a bare plug-in, cold"}
_SHOWN |= {"sketch, warm": "a bare plug-in, warm", "floor": "the floor", "plain": "the plain way"}

Results = dict[str, Any]


def totals(times: Iterable[dict[str, float]]) -> list[float]:
    """Seconds, run by run."""
    return [each["total"] for each in times]


def text(results: Results) -> str:
    """Everything that was found, as tables."""
    lines = [f"GIMP {results['release']}, medians of {results['runs']} runs (least–greatest), seconds", ""]
    lines += _row_table(results["rows"])
    lines += ["", "Stages, medians in milliseconds", ""]
    for row in results["rows"]:
        lines += [f"{row['name']:24} {way}: {_stages(row['times'][way])}" for way in ("cold", "warm")]
    lines += ["", *_others(results), "", *bench_targets.text(results)]
    return "\n".join(lines)


#: What is set beside what.
_RATIOS = (("cold", "sketch"), ("warm", "sketch, warm"), ("warm", "floor"), ("plain", "cold"), ("plain", "warm"))


def _row_table(rows: list[Results]) -> list[str]:
    lines = [f"{'row':24}" + "".join(f"{way:>22}" for way in WAYS) + "  MB plug-in + bridge"]
    for row in rows:
        shown = [f"{_spread(totals(row['times'][way])):>22}" for way in WAYS]
        memory = row["memory"]
        total = f"{memory['plug-in']:.0f} + {memory['bridge']:.0f} = {sum(memory.values()):.0f}"
        lines.append(f"{row['name']:24}{''.join(shown)}  {total}")
    lines += ["", f"{'ratios of medians':24}" + "".join(f"{f'{one} / {other}':>22}" for one, other in _RATIOS)]
    for row in rows:
        middle = {way: median(totals(row["times"][way])) for way in WAYS if row["times"][way]}
        lines.append(f"{row['name']:24}" + "".join(f"{_ratio(middle, *pair):>22}" for pair in _RATIOS))
    return lines


def _spread(times: list[float]) -> str:
    return f"{median(times):.3f} ({min(times):.2f}–{max(times):.2f})" if times else "–"


def _ratio(middle: dict[str, float], one: str, other: str) -> str:
    return f"{middle[one] / middle[other]:.2f}" if one in middle and other in middle else "–"


def _stages(times: list[dict[str, float]]) -> str:
    names = [name for name in times[0] if name != "total"]
    return " · ".join(f"{name} {1000 * median(each[name] for each in times):.0f}" for name in names)


def _others(results: Results) -> list[str]:
    lines = []
    by_size = {row["row"]["megapixels"]: row for row in results["rows"] if row["name"].endswith("-u8-rgb-1-rle")}
    if len(by_size) > 1:
        small, large = by_size[min(by_size)], by_size[max(by_size)]
        ratio = median(totals(large["times"]["cold"])) / median(totals(small["times"]["cold"]))
        lines.append(f"{max(by_size):g} MP / {min(by_size):g} MP, cold: {ratio:.2f}")
    lines += _waiting(results.get("waiting", {}))
    if results.get("preview"):
        lines.append(f"preview after a change of context, 24 MP: {_spread(totals(results['preview']))} s")
    if offline := results.get("offline"):
        ratio = median(offline["server"]) / median(offline["bare"])
        lines.append(
            f"offline engine, 1 MP: {_spread(offline['server'])} s, the bare library {_spread(offline['bare'])} s: "
            f"{ratio:.2f} ×; {offline['busy']:.1f} of {offline['cores']} cores busy; same pixels: {offline['same']}"
        )
    return lines


def _waiting(found: dict[str, list[dict[str, float]]]) -> list[str]:
    """Several requests; what they take besides the service's time, set beside what the sketch takes for one."""
    lines = []
    for name, times in found.items():
        line = f"{name}, a service that takes {SERVICE:g} s: {_spread(totals(times))} s in all"
        if found.get(SKETCH) and name != SKETCH:
            ratio = (median(totals(times)) - SERVICE) / (median(totals(found[SKETCH])) - SERVICE)
            line += f"; without its time {ratio:.2f} × the sketch's"
        lines.append(line)
    return lines


# The plot: both axes logarithmic, one line for each way.

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 590, 30, 370
_MOST, _LEAST = 100.0, 0.05  # seconds
_LINE_HEIGHT = 15


def plot(results: Results) -> str:
    """An SVG: seconds over megapixels, of the flat 8-bit RGB rows."""
    rows = [row for row in results["rows"] if row["name"].endswith("-u8-rgb-1-rle")]
    sizes = [row["row"]["megapixels"] for row in rows]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        '<text x="70" y="20">Seconds from the call to the layer in its place, without the service’s own time</text>',
        *_grid(sizes),
    ]
    ends = []
    for way in WAYS:
        points = [(_x(size, sizes), totals(row["times"][way])) for size, row in zip(sizes, rows, strict=True)]
        if known := [(x, times) for x, times in points if times]:
            parts += _line(_INK[way], known)
            ends.append((known[-1][0], _y(median(known[-1][1])), way))
    return "\n".join([*parts, *_names(ends), "</svg>"]) + "\n"


def _x(size: float, sizes: list[float]) -> float:
    span = log(max(sizes) / min(sizes)) or 1
    return _LEFT + 20 + (_RIGHT - _LEFT - 40) * log(size / min(sizes)) / span


def _y(seconds: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * log(seconds / _LEAST) / log(_MOST / _LEAST)


def _grid(sizes: list[float]) -> list[str]:
    parts = []
    for seconds in (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50):
        y = _y(seconds)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_RIGHT}" stroke="#dddddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{seconds:g}</text>')
    for size in sizes:
        parts.append(f'<text x="{_x(size, sizes):.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{size:g} MP</text>')
    return parts


def _line(ink: str, points: list[tuple[float, list[float]]]) -> list[str]:
    corners = [f"{x:.1f},{_y(median(times)):.1f}" for x, times in points]
    parts = [f'<polyline points="{" ".join(corners)}" fill="none" stroke="{ink}" stroke-width="2"/>']
    for x, times in points:
        parts.append(f'<path d="M{x:.1f} {_y(max(times)):.1f}V{_y(min(times)):.1f}" stroke="{ink}" stroke-width="2"/>')
        parts.append(f'<circle cx="{x:.1f}" cy="{_y(median(times)):.1f}" r="4" fill="{ink}"/>')
    return parts


def _names(ends: list[tuple[float, float, str]]) -> list[str]:
    """What each line is called, beside its end; names that would lie over each other are moved down."""
    parts, above = [], 0.0
    for x, y, way in sorted(ends, key=lambda end: end[1]):
        above = max(y, above + _LINE_HEIGHT)
        parts.append(f'<text x="{x + 14:.1f}" y="{above + 4:.1f}" fill="{_INK[way]}">{_SHOWN[way]}</text>')
    return parts
