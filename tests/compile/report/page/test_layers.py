"""The table of layers has what the report has, and its energies add up."""

from __future__ import annotations

import pytest

from compile.report.page.layers import layer_table
from compile.report.report import Report
from compile.report.units import PJ


def test_rows_are_the_layers(report: Report):
    part = report.parts[0]
    made = layer_table(part, "t")
    assert [row[0].text for row in made.rows] == [layer.module for layer in part.layers]
    assert [row[3].value for row in made.rows] == [layer.neurons for layer in part.layers]
    assert [row[7].value for row in made.rows] == [layer.rate for layer in part.layers]
    assert {len(row) for row in made.rows} == {len(made.head)}


def test_energies_take_turns_by_prices_and_model_and_add_up(report: Report):
    part = report.parts[0]
    made = layer_table(part, "t")
    bills = {
        f"{own.profile}: {model}": bill
        for own in part.tables
        for model, bill in (("counted", own.network), ("dense twin", own.dense), ("formula", own.formula))
        if bill is not None
    }
    assert [*made.choices] == [*bills]
    assert {name.rpartition(": ")[0] for name in bills} == {own.profile for own in part.tables}
    for choice, bill in bills.items():
        head = next(cell for cell in made.head if cell.choice == choice)
        shown = sum(cell.value or 0 for row in made.rows for cell in row if cell.choice == choice)
        assert bill.energy is not None
        crossing = sum(line.energy.value for line in bill.lines if line.price.startswith("crossing") and line.energy)
        assert shown * PJ[head.text.rpartition(" ")[2]] == pytest.approx(float(bill.energy.value - crossing))
