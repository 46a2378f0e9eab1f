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


@pytest.mark.parametrize(
    ("model", "total"), [("counted", "counted_pj"), ("formula", "formula_pj"), ("dense twin at E_MAC", "dense_twin_pj")]
)
def test_energies_take_turns_and_add_up(report: Report, model: str, total: str):
    part = report.parts[0]
    made = layer_table(part, "t")
    assert [*made.choices] == ["counted", "formula", "dense twin at E_MAC"]
    head = next(cell for cell in made.head if cell.choice == model)
    unit = head.text.rpartition(" ")[2]
    shown = sum(cell.value or 0 for row in made.rows for cell in row if cell.choice == model)
    assert part.energy is not None
    outside = sum(float(own.counted_pj) for own in part.energy.layers if not own.layer)
    whole = getattr(part.energy, total)
    if model == "counted":
        whole = float(whole) - outside
    else:
        whole = float(whole) - sum(float(getattr(own, total)) for own in part.energy.layers if not own.layer)
    assert shown * PJ[unit] == pytest.approx(float(whole))
