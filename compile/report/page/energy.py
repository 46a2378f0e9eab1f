"""What one inference costs, by who counts it, and why the two ways of counting differ."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from compile.energy import EnergyReport
from compile.report.page.figures import BLUE, GREY, RED, chart
from compile.report.units import PJ, energy_unit

ROW = 24
"""Pixels of a bar's row."""


def bars(cost: EnergyReport) -> Any:
    """The energies of a part beside each other."""
    energies = {
        "dense twin": cost.dense_twin_pj,
        "like for like": cost.arithmetic_pj,
        "formula": cost.formula_pj,
        "counted": cost.counted_pj,
    }
    unit, names = energy_unit([*energies.values()]), [*energies]
    made = chart(70 + ROW * len(names), [("", "@y"), (unit, "@right{0.000}")], y_range=names[::-1])
    data = {"y": names, "right": [float(pj / PJ[unit]) for pj in energies.values()]}
    made.hbar("y", left=0, right="right", height=0.6, source=data, color=BLUE)
    made.x_range.start, made.xaxis.axis_label = 0, f"{unit} per inference"
    return made


def waterfall(cost: EnergyReport) -> Any:
    """From the formula to what was counted, cause by cause; the steps add up."""
    total, rows = cost.formula_pj, [("formula", Fraction(0), cost.formula_pj, GREY)]
    for name, pj in cost.causes.items():
        rows.append((name.replace("_", " "), total, total + pj, RED if pj > 0 else BLUE))
        total += pj
    rows.append(("counted", Fraction(0), total, GREY))
    unit, names = energy_unit([end for _, _, end, _ in rows]), [name for name, *_ in rows]
    data = {
        "y": names,
        "left": [float(start / PJ[unit]) for _, start, _, _ in rows],
        "right": [float(end / PJ[unit]) for _, _, end, _ in rows],
        "step": [float((end - start) / PJ[unit]) for _, start, end, _ in rows],
        "colour": [colour for *_, colour in rows],
    }
    shown = [("", "@y"), (unit, "@step{+0.0000}"), ("so far", "@right{0.000}")]
    made = chart(70 + ROW * len(names), shown, y_range=names[::-1])
    made.hbar("y", left="left", right="right", height=0.6, source=data, color="colour")
    made.xaxis.axis_label = f"{unit} per inference"
    return made
