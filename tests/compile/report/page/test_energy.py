"""The page's energies are the report's: the waterfall ends at what was counted, bills add up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compile.energy import CAUSES
from compile.report.page.energy import GROUPS, bill_table, energies, like_for_like, waterfall
from compile.report.report import Report
from compile.report.units import PJ


def source_of(figure: Any) -> dict[str, list[Any]]:
    return figure.renderers[0].data_source.data


def test_steps_lead_from_the_formula_to_what_was_counted(report: Report):
    cost = report.parts[0].energy
    assert cost is not None
    data = source_of(waterfall(report.energy))
    left, right, step = data["left"], data["right"], data["step"]
    assert data["y"] == ["formula", *(name.replace("_", " ") for name in cost.causes), "counted"]
    assert left[0] == left[-1] == 0
    assert left[1:-1] == right[:-2]
    assert [b - a for a, b in zip(left, right, strict=True)] == pytest.approx(step)
    unit = next(unit for unit in PJ if right[-1] == pytest.approx(float(cost.counted_pj / PJ[unit])))
    assert right[0] == pytest.approx(float(cost.formula_pj / PJ[unit]))


def test_every_group_of_causes_has_a_colour():
    assert {cause.group for cause in CAUSES.values()} == GROUPS.keys()


def test_lines_of_the_bill_add_up(report: Report):
    bill = report.energy.tables[0].network
    rows = bill_table(bill).rows
    assert {row[0].text for row in rows} == {line.price.replace("_", " ") for line in bill.lines}
    assert bill.energy is not None
    assert sum(row[3].value or 0 for row in rows) == pytest.approx(float(bill.energy.value))
    assert all(row[6].text for row in rows if row[3].value is not None)
    assert {row[2].text for row in rows if row[3].value is None} <= {"no price"}


def test_rows_are_at_one_table_of_prices_each(report: Report):
    made, tables = like_for_like(report.energy), report.energy.tables
    assert [row[0].text for row in made.rows] == [own.profile for own in tables]
    assert {len(row) for row in made.rows} == {len(made.head)}
    for row, own in zip(made.rows, tables, strict=True):
        counted, dense, ratio = (cell.value for cell in row[1:4])
        if counted and dense:
            assert ratio == pytest.approx(dense / counted)
            assert own.dense.energy is not None
            assert dense == float(own.dense.energy.value)


def test_all_energies_are_on_one_scale_with_their_ranges(report: Report):
    data = source_of(energies(report.energy))
    own = report.energy.tables[0]
    assert data["y"][0] == f"{own.profile}: counted"
    assert own.network.energy is not None
    unit = next(unit for unit in PJ if data["value"][0] == pytest.approx(float(own.network.energy.value / PJ[unit])))
    assert data["low"][0] == pytest.approx(float(own.network.energy.low / PJ[unit]))
    assert data["high"][0] == pytest.approx(float(own.network.energy.high / PJ[unit]))


def test_without_prices_there_is_no_waterfall(report: Report):
    (part,) = report.energy.parts
    assert waterfall(replace(report.energy, parts=(replace(part, energy=None),))) is None
