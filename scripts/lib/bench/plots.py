"""Curves as SVG: small charts side by side, one for each thing measured, x on a logarithmic scale.

Written by hand, since it is less than what a plotting library wants for the same picture, needs no
environment of its own, and gives the same bytes for the same figures, so that a page's pictures
change only with them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

from bench.figures import Figure, short

WIDTH, HEIGHT, ACROSS = 300, 190, 3
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 34, 40
INK, FAINT, LINE = "#57606a", "#8c959f40", "#0969da"
"""Grey and blue that can be read on a light page and on a dark one."""


def plot(points: Sequence[Figure]) -> str:
    """A picture of all curves against one thing."""
    named = sorted(points, key=lambda each: [p.name for p in points].index(each.name))
    curves = [list(group) for _, group in groupby(named, key=lambda each: each.name)]
    across = min(ACROSS, len(curves))
    width, height = across * WIDTH, math.ceil(len(curves) / across) * HEIGHT
    charts = [
        f'<g transform="translate({number % across * WIDTH} {number // across * HEIGHT})">'
        f"{_chart(curve)}</g>"
        for number, curve in enumerate(curves)
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
    style = f'font-family="sans-serif" font-size="11" fill="{INK}"'
    return "\n".join([f'{head} width="{width}" {style}>', *charts, "</svg>", ""])


def _chart(curve: Sequence[Figure]) -> str:
    """One curve with its axes; y begins at nought, so that flat looks flat."""
    curve = sorted(curve, key=lambda each: each.at or 0)
    most = max(each.value for each in curve) or 1.0
    places = [(_x(each.at or 0, curve), _y(each.value, most)) for each in curve]
    first = curve[0]
    title = f"{first.name}, {first.unit}" if first.unit else first.name
    parts = [_text(WIDTH / 2, 18, title, "middle")]
    for share in (0.0, 0.5, 1.0):
        y = _y(share * most, most)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{FAINT}"/>')
        parts.append(_text(LEFT - 6, y + 4, short(share * most), "end"))
    for each, (x, _) in zip(curve, places, strict=True):
        parts.append(_text(x, HEIGHT - BOTTOM + 16, _count(each.at or 0), "middle"))
    parts.append(_text(WIDTH / 2, HEIGHT - 8, first.against, "middle"))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(f'<polyline points="{line}" fill="none" stroke="{LINE}" stroke-width="2"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{LINE}"/>' for x, y in places]
    return "".join(parts)


def _x(at: float, curve: Sequence[Figure]) -> float:
    """Logarithmic; nought stands one step before the least amount that is more."""
    amounts = [each.at or 0 for each in curve]
    least, most = min(filter(None, amounts), default=1), max(*amounts, 1)
    steps = [math.log10(each or least / 10) for each in (*amounts, most)]
    low, high = min(steps), max(steps)
    share = (math.log10(at or least / 10) - low) / (high - low) if high > low else 0.5
    return LEFT + 10 + share * (WIDTH - LEFT - RIGHT - 20)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - value / most * (HEIGHT - TOP - BOTTOM)


def _count(amount: float) -> str:
    """As short as an axis needs it."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if amount >= size:
            return f"{amount / size:g}{letter}"
    return f"{amount:g}"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
