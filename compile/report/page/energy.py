"""What one inference costs, by who counts it, and why the two ways of counting differ."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from compile.report.page.figures import BLUE, GREY, LINE, ORANGE, RED, chart
from compile.report.units import PJ, energy_unit

ROW = 24
"""Pixels of a bar's row."""


def bars(energies: Mapping[str, Fraction]) -> Any:
    """Energies beside each other, by their names."""
    unit, names = energy_unit([*energies.values()]), [*energies]
    values = [float(pj / PJ[unit]) for pj in energies.values()]
    made = chart(70 + ROW * len(names), [("", "@y"), (unit, "@right{0.000}")], y_range=names[::-1])
    made.hbar("y", right="right", left=0, height=0.6, source={"y": names, "right": values}, color=BLUE)
    made.x_range.start, made.xaxis.axis_label = 0, f"{unit} per inference"
    return made


def waterfall(first: tuple[str, Fraction], steps: Mapping[str, Fraction], last: str) -> Any:
    """From one energy to another, cause by cause; the steps add up."""
    total, rows = first[1], [(first[0], Fraction(0), first[1], GREY)]
    for name, pj in steps.items():
        rows.append((name.replace("_", " "), total, total + pj, RED if pj > 0 else BLUE))
        total += pj
    rows.append((last, Fraction(0), total, GREY))
    unit = energy_unit([end for _, _, end, _ in rows])
    names = [name for name, *_ in rows]
    data = {
        "y": names,
        "left": [float(start / PJ[unit]) for _, start, _, _ in rows],
        "right": [float(end / PJ[unit]) for _, _, end, _ in rows],
        "step": [float((end - start) / PJ[unit]) for _, start, end, _ in rows],
        "colour": [colour for *_, colour in rows],
    }
    made = chart(
        70 + ROW * len(names), [("", "@y"), (unit, "@step{+0.0000}"), ("so far", "@right{0.000}")], y_range=names[::-1]
    )
    made.hbar("y", left="left", right="right", height=0.6, source=data, color="colour")
    made.ray(x=0, y=0, angle=90, angle_units="deg", length=0, line_color=LINE)
    made.xaxis.axis_label = f"{unit} per inference"
    return made


COUNTED = ORANGE
