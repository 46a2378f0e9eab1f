"""Boxes and arrows as SVG, from top to bottom, in the reader's light or dark colours; equal drawings are equal texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from compile.report.page.layered import Place, layered

CHARACTER, LINE = 7.3, 16
"""Width and height of text."""
PADDING, MARGIN, BELOW = 8, 12, 42
"""What is left free beside text in a box, around boxes, and between the boxes of one level and those of the next."""
PORT = 20
"""Between two arrows that end at one box."""
STYLE = """
text { font: 12px ui-monospace, monospace; fill: #24292f; text-anchor: middle; }
.edge { fill: none; stroke: #6e7781; stroke-width: 1.3; }
.head { fill: #6e7781; }
.label { font-size: 11px; stroke: #ffffff; stroke-width: 4; paint-order: stroke; }
rect { stroke-width: 1.3; }
.operation rect { fill: #f6f8fa; stroke: #8c959f; }
.input rect { fill: #ffffff; stroke: #8c959f; stroke-dasharray: 4 3; }
.model rect { fill: #ddf4ff; stroke: #0969da; }
.added rect { fill: #fff1e5; stroke: #bc4c00; }
.host rect { fill: #fbefff; stroke: #8250df; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.edge { stroke: #9198a1; }
.head { fill: #9198a1; }
.label { stroke: #1e2129; }
.operation rect { fill: #262c36; stroke: #9198a1; }
.input rect { fill: #1e2129; stroke: #9198a1; }
.model rect { fill: #12294a; stroke: #4493f8; }
.added rect { fill: #3b2011; stroke: #f0883e; }
.host rect { fill: #2d1b4e; stroke: #ab7df8; }
}"""
"""A viewer that follows no scheme shows the light one; dark labels stand before the dark of the documentation site."""
TIP = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>'
)
"""The head of arrows."""


@dataclass(frozen=True)
class Box:
    """An operation or a population."""

    kind: str
    """A class of STYLE."""
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Arrow:
    """A value's way, or synapses, from one box to another."""

    start: str
    end: str
    label: str = ""


def drawing(boxes: Mapping[str, Box], arrows: Sequence[Arrow], notes: Sequence[str]) -> str:
    """The picture of boxes by name, those that an arrow leaves before those where it ends, with notes below it."""
    ways, places = _laid_out(boxes, arrows)
    wide = 2 * PADDING + CHARACTER * max(len(line) for box in boxes.values() for line in box.lines)
    high = max(map(_height, boxes.values()))
    left = min(across for _, across in places.values())
    centres = {
        name: (MARGIN + wide / 2 + (across - left) * (wide + MARGIN), MARGIN + high / 2 + level * (high + BELOW))
        for name, (level, across) in places.items()
    }
    heights = dict.fromkeys(places, high) | {name: _height(box) for name, box in boxes.items()}
    right = max(x for x, _ in centres.values()) + wide / 2
    width = MARGIN + max(right, MARGIN + CHARACTER * max(map(len, notes), default=0))
    below = max(y for _, y in centres.values()) + high / 2 + MARGIN
    shapes = [_arrow(way, arrow.label, ways, centres, heights) for way, arrow in zip(ways, arrows, strict=True)]
    shapes += [_box(box, centres[name], wide) for name, box in boxes.items()]
    shapes += [_text(note, (width / 2, below + LINE * (line + 0.75)), "note") for line, note in enumerate(notes)]
    size = f"{width:.0f}", f"{below + LINE * (len(notes) + bool(notes)):.0f}"
    frame = f'width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>\n<style>{STYLE}\n</style>\n{TIP}'
    return "\n".join([head, *shapes, "</svg>\n"])


def _laid_out(boxes: Mapping[str, Box], arrows: Sequence[Arrow]) -> tuple[list[list[str]], dict[str, Place]]:
    """The way of every arrow, which bends at a free place in each level between its ends; the places of boxes and bends."""
    levels, reads, ways = _levels(boxes, arrows), {name: list[str]() for name in boxes}, list[list[str]]()
    for arrow in arrows:
        bends = {f"{arrow} {level}": level for level in range(levels[arrow.start] + 1, levels[arrow.end])}
        levels |= bends
        ways.append([arrow.start, *bends, arrow.end])
        for start, end in pairwise(ways[-1]):
            reads.setdefault(end, []).append(start)
    return ways, layered({name: reads[name] for name in sorted(reads, key=levels.__getitem__)})


def _levels(boxes: Mapping[str, Box], arrows: Sequence[Arrow]) -> dict[str, int]:
    levels = dict.fromkeys(boxes, 0)
    for name in boxes:
        levels[name] = max((levels[arrow.start] + 1 for arrow in arrows if arrow.end == name), default=0)
    return levels


def _arrow(
    way: list[str], label: str, ways: list[list[str]], centres: Mapping[str, Place], heights: Mapping[str, float]
) -> str:
    """A line along its way to a port of its own, with its label on the last stretch."""
    others = sorted((centres[other[-2]][0], number) for number, other in enumerate(ways) if other[-1] == way[-1])
    port = [number for _, number in others].index(ways.index(way)) - (len(others) - 1) / 2
    ends = [(name, side * heights[name] / 2) for name in way for side in (-1, 1)][1:-1]
    points = [(centres[name][0], centres[name][1] + side) for name, side in ends]
    points[-1] = points[-1][0] + port * PORT, points[-1][1]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    (x, y), (to_x, to_y) = points[-2:]
    text = _text(label, (x + 0.62 * (to_x - x), y + 0.62 * (to_y - y) + 3), "label") if label else ""
    return f'<polyline class="edge" points="{line}" marker-end="url(#tip)"/>{text}'


def _height(box: Box) -> float:
    return MARGIN + LINE * len(box.lines)


def _box(box: Box, centre: Place, wide: float) -> str:
    (x, y), high = centre, _height(box)
    first = y - LINE * (len(box.lines) - 1) / 2 + 4
    lines = [_text(line, (x, first + LINE * number), "line") for number, line in enumerate(box.lines)]
    outline = f'<rect x="{x - wide / 2:.1f}" y="{y - high / 2:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="5"/>'
    return f'<g class="{box.kind}">{outline}{"".join(lines)}</g>'


def _text(text: str, at: Place, kind: str) -> str:
    return f'<text class="{kind}" x="{at[0]:.1f}" y="{at[1]:.1f}">{escape(text)}</text>'
