"""What one inference costs: by model and prices with ranges, line by line, and why counted events and formula differ."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from compile.energy import CAUSES, Bill, PriceTable
from compile.energy.causes import total_causes
from compile.report.energy_lines import range_text
from compile.report.inference import Inference
from compile.report.page.figures import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, chart
from compile.report.page.tables import Cell, PageTable, table
from compile.report.units import PJ, energy_unit

ROW = 22
"""Pixels of a row."""
GROUPS = {"counting": BLUE, "scope": ORANGE, "price": PURPLE}
"""Group of a cause -> its colour."""
MODELS = {
    "counted": RED,
    "dense twin": GREY,
    "quantised twin": GREY,
    "formula": BLUE,
    "paper's table": SKY,
    "with hops and static power, streaming": GREEN,
    "with hops and static power, alone": GREEN,
}
"""What is priced -> its colour."""


def energies(energy: Inference) -> Any:
    """All energies of an inference on one scale, each with the range of its prices."""
    rows = [(f"{prices}: {name}", MODELS[name], bill) for prices, name, bill in _bills(energy)]
    known = [(name, colour, bill.energy) for name, colour, bill in rows if bill.energy is not None and bill.energy.low]
    if not known:
        return None
    unit = energy_unit([own.value for *_, own in known])
    data = {
        "y": [name for name, *_ in known],
        "colour": [colour for _, colour, _ in known],
        "text": [range_text(own) for *_, own in known],
        **{key: [float(getattr(own, key) / PJ[unit]) for *_, own in known] for key in ("value", "low", "high")},
    }
    made = chart(80 + ROW * len(known), [("", "@y"), ("", "@text")], y_range=data["y"][::-1], x_axis_type="log")
    made.hbar("y", left="low", right="high", height=0.35, source=data, color="colour", alpha=0.45)
    made.scatter("value", "y", source=data, size=9, color="colour")
    made.xaxis.axis_label = f"{unit} per inference, logarithmic; bars are the range of the prices"
    return made


def _bills(energy: Inference) -> Iterator[tuple[str, str, Bill]]:
    """Prices, what is priced, and its bill, as far as there are such."""
    for number, own in enumerate(energy.tables):
        bills = {"counted": own.network, "dense twin": own.dense, "quantised twin": own.quantised}
        bills |= {"formula": own.formula, "paper's table": own.published}
        if not number and energy.on_chip is not None:
            bills["with hops and static power, streaming"] = energy.on_chip.streaming
            bills["with hops and static power, alone"] = energy.on_chip.isolated
        yield from ((own.profile, name, bill) for name, bill in bills.items() if bill is not None)


def like_for_like(energy: Inference) -> PageTable:
    """Network and twins at the same prices, a row for each table of prices."""
    head = ("prices", "counted", "dense twin", "twin / counted", "quantised twin", "formula", "paper's table", "host")
    return table("like-for-like", head, [[Cell(own.profile), *_priced(own)] for own in energy.tables])


def _priced(own: PriceTable) -> list[Cell]:
    ratio = own.dense_over_network
    times = Cell("-") if ratio is None else Cell(f"{ratio:.3g}", ratio)
    bills = (own.network, own.dense, own.quantised, own.formula, own.published, own.host)
    network, dense, *others = map(_energy, bills)
    return [network, dense, times, *others]


def _energy(bill: Bill | None) -> Cell:
    if bill is None or bill.energy is None:
        return Cell("-")
    return Cell(range_text(bill.energy), float(bill.energy.value))


def bill_table(bill: Bill) -> PageTable:
    """Every line of the first energy: what happened how often, at whose price."""
    rows = list[list[str | Cell]]()
    for line in sorted(bill.lines, key=lambda line: line.energy.value if line.energy else Fraction(0), reverse=True):
        count, energy = Cell(f"{float(line.count):,.6g}", float(line.count)), line.energy
        if line.quantity is None or energy is None:
            rows.append([line.price.replace("_", " "), count, "no price", "-", "", "", "", ""])
            continue
        price, shown = line.quantity, Cell(range_text(energy), float(energy.value))
        low, high = map(float, price.bounds)
        span = f" ({low:g} to {high:g})" if low != high else ""
        stated = f"{float(price.value):g}{span} {price.unit}"
        rows.append(
            [
                line.price.replace("_", " "),
                count,
                stated,
                shown,
                price.kind,
                price.lender or bill.profile,
                price.source,
                price.note,
            ]
        )
    return table("bill", ("event", "per inference", "price", "energy", "kind", "of", "source", "note"), rows)


def waterfall(energy: Inference) -> Any:
    """From the formula to what was counted, cause by cause in their groups; None where a part has no prices."""
    parts = [part.energy for part in energy.parts if part.energy is not None]
    if len(parts) < len(energy.parts):
        return None
    total = sum((own.formula_pj for own in parts), Fraction(0))
    rows = [("formula", Fraction(0), total, GREY, "")]
    for name, pj in total_causes(own.causes for own in parts).items():
        group = CAUSES[name].group
        rows.append((name.replace("_", " "), total, total + pj, GROUPS[group], f"{group}: {CAUSES[name].meaning}"))
        total += pj
    rows.append(("counted", Fraction(0), total, GREY, ""))
    unit = energy_unit([end for _, _, end, *_ in rows])
    data = {
        "y": [name for name, *_ in rows],
        "left": [float(start / PJ[unit]) for _, start, *_ in rows],
        "right": [float(end / PJ[unit]) for _, _, end, *_ in rows],
        "step": [float((end - start) / PJ[unit]) for _, start, end, *_ in rows],
        "colour": [colour for *_, colour, _ in rows],
        "meaning": [meaning for *_, meaning in rows],
    }
    shown = [("", "@y"), (unit, "@step{+0.0000}"), ("so far", "@right{0.000}"), ("", "@meaning")]
    made = chart(70 + ROW * len(rows), shown, y_range=data["y"][::-1])
    made.hbar("y", left="left", right="right", height=0.6, source=data, color="colour")
    made.xaxis.axis_label = f"{unit} per inference"
    return made
