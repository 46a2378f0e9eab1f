"""The waterfall ends where the counted energy is."""

from __future__ import annotations

from typing import Any

import pytest

from compile.report.page.energy import bars, waterfall
from compile.report.report import Report
from compile.report.units import PJ, energy_unit


def source_of(figure: Any) -> dict[str, list[Any]]:
    return figure.renderers[0].data_source.data


def test_steps_lead_from_the_formula_to_what_was_counted(report: Report):
    cost = report.parts[0].energy
    assert cost is not None
    data = source_of(waterfall(cost))
    left, right, step = data["left"], data["right"], data["step"]
    assert data["y"] == ["formula", *(name.replace("_", " ") for name in cost.causes), "counted"]
    assert left[0] == left[-1] == 0
    assert left[1:-1] == right[:-2]
    assert [b - a for a, b in zip(left, right, strict=True)] == pytest.approx(step)
    unit = next(unit for unit in PJ if right[-1] == pytest.approx(float(cost.counted_pj / PJ[unit])))
    assert right[0] == pytest.approx(float(cost.formula_pj / PJ[unit]))


def test_bars_are_in_one_unit(report: Report):
    cost = report.parts[0].energy
    assert cost is not None
    data = source_of(bars(cost))
    unit = energy_unit([cost.dense_twin_pj, cost.arithmetic_pj, cost.formula_pj, cost.counted_pj])
    values = dict(zip(data["y"], data["right"], strict=True))
    assert values["counted"] == float(cost.counted_pj / PJ[unit])
    assert values["dense twin"] == float(cost.dense_twin_pj / PJ[unit])
