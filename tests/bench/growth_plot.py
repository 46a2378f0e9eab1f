"""The growth table as a picture: every axis from its smallest size, between the lines that grow as n and as n^2."""

from __future__ import annotations

import io
from importlib.util import find_spec
from pathlib import Path

from compile.benchmark.table import Table
from compile.output.atomic_file import write_atomically

STYLES = (("T", "#4477aa", "o"), ("batch", "#228833", "s"), ("N", "#aa3377", "^"), ("D", "#ee6677", "D"))
"""Axis, colour and marker, in the order in which they are drawn."""
LOOKS = {"svg.fonttype": "none", "svg.hashsalt": "growth", "font.family": "sans-serif", "font.size": 11}
"""Text stays text, and equal figures equal bytes."""
EXPONENTS = ((1, 6, "left"), (2, -6, "right"))
"""Of the lines to compare with, and where their names stand: points to the right of the end, and what begins or ends there."""


def plot(table: Table, path: Path) -> None:
    """Write `path`, an SVG, where matplotlib is installed."""
    if find_spec("matplotlib") is None:
        return
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator, StrMethodFormatter

    series = {name: [row for row in table.rows if row[0] == name] for name, *_ in STYLES}
    rows = [row for own in series.values() for row in own]
    with matplotlib.rc_context(LOOKS):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained", facecolor="white")
        axes = figure.add_subplot(xlabel="size / the smallest size", ylabel="time / the smallest size's")
        right = max(row[1] / own[0][1] for own in series.values() for row in own)
        top = 1.3 * max(row[3] for row in rows)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        for power, offset, side in EXPONENTS:
            end = min(right, (top / 1.3) ** (1 / power))
            axes.plot((1, end), (1, end**power), "--", color="#999999", linewidth=1)
            place = {"xy": (end, end**power), "xytext": (offset, 0), "textcoords": "offset points"}
            axes.annotate(f"exponent {power}", **place, ha=side, va="center", color="#666666")
        for name, colour, marker in STYLES:
            own = series[name]
            if own:
                label = f"{name} from {own[0][1]} to {own[-1][1]}: {own[0][5]:.2f}"
                sizes, ratios = [row[1] / own[0][1] for row in own], [row[3] for row in own]
                axes.plot(sizes, ratios, marker + "-", color=colour, label=label, markersize=5)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(StrMethodFormatter("{x:.0f}"))
            axis.set_minor_locator(NullLocator())
        axes.set_xlim(0.8, 1.9 * right)
        axes.set_ylim(0.8, top)
        axes.grid(color="#eeeeee")
        axes.legend(title="exponent of time", loc="lower right", alignment="left", framealpha=1)
        image = io.BytesIO()
        figure.savefig(image, format="svg", metadata={"Date": None})
    write_atomically(path, image.getvalue())
