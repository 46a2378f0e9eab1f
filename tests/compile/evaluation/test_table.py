"""The Pareto front by hand."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from compile.evaluation.evaluate import EvaluationRow
from compile.evaluation.setting import Setting
from compile.evaluation.table import content, pareto, table
from compile.measure.spike_match import SpikeMatch
from ir.errors import CompileError


def row(score: float, energy_pj: int | None, network: str = "net") -> EvaluationRow:
    energy = None if energy_pj is None else Fraction(energy_pj)
    match = SpikeMatch(kept=90, lost=10, added=5)
    return EvaluationRow(
        Setting(Path(network), ""), {"network": 1}, {"first": 0.03125, "R@Sum": score}, energy, match, 7
    )


def test_front():
    rows = [
        row(50, 10),
        row(60, 20),
        row(55, 20),
        row(60, 30),
        row(40, 5),
        row(40, 5),
        row(90, None),
        row(1, 99, "other"),
    ]
    assert pareto(rows) == [True, True, False, False, True, True, False, True]


def test_text_is_cheapest_first_and_refusals_come_last():
    refused = EvaluationRow(Setting(Path("net"), ""), refused=CompileError("some.rule", "cannot"))
    lines = table([refused, row(60, 2_000_000), row(50, 1_000_000)]).splitlines()
    found = [[cell.strip() for cell in line.split("|")[2:9]] for line in lines[2:4]]
    assert found == [
        ["0.0312", score, "90.0 %", "10.0 %", "5.0 %", "7", f"{k} uJ"] for k, score in ((1, "50.0"), (2, "60.0"))
    ]
    assert lines[4] == "net, loihi2: some.rule: cannot"
    assert len({len(line) for line in lines[:4]}) == 1
    assert [entry["refused"] for entry in content([refused, row(1, 1)])["rows"]] == ["some.rule: cannot", None]


def test_every_field_is_documented():
    page = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text()
    (entry,) = content([row(1, 1)])["rows"]
    assert [name for name in entry if f"`{name}`" not in page] == []
