"""Lines of the report's table: layers, modules where there are many, sums and averages by hand, names that are too long."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from compile.measure.layers import LayerSummary
from compile.report.report import Report
from compile.report.table import HEAD, NAME_WIDTH, TableLine, energy_text, part_lines

LINE = TableLine("lif", 1000, 20, 30_000, 4, 0.125, 0.9999, Fraction(1500), None)


@pytest.mark.parametrize(
    ("pj", "text"),
    [
        (None, "-"),
        (Fraction(0), "0 pJ"),
        (Fraction(999), "999 pJ"),
        (Fraction(1000), "1 nJ"),
        (Fraction(-25_400), "-25.4 nJ"),
        (Fraction(3_216_000), "3.22 uJ"),
        (Fraction(10**13), "1e+04 mJ"),
    ],
)
def test_energies_have_the_unit_that_fits(pj: Fraction | None, text: str):
    assert energy_text(pj) == text


def test_columns_stand_below_their_heads():
    text = LINE.text("  ")
    assert len(text) == len(HEAD)
    assert text.split() == ["lif", "1,000", "20", "30,000", "4", "12.5%", "99.99%", "1.5", "nJ", "-"]
    unknown = replace(LINE, rate=None, agreement=None, analytic_pj=None).text("")
    assert unknown.split() == ["lif", "1,000", "20", "30,000", "4", "-", "-", "-", "-"]


def test_of_a_long_name_the_end_is_shown():
    text = replace(LINE, name="a" * 20 + ".block.attention.lif").text("  ")
    assert len(text) == len(HEAD)
    assert text[:NAME_WIDTH] == "  …aaaa.block.attention.lif"[:NAME_WIDTH] or text[:NAME_WIDTH].endswith(
        "attention.lif"
    )
    assert text.startswith("  …")


def layer(module: str, neurons: int, rate: float) -> LayerSummary:
    return LayerSummary(module.rpartition(".")[2], module, neurons, 1, 10 * neurons, 2, rate)


def test_layers_of_one_module_share_a_line_where_there_are_many(report: Report):
    """Rates are averaged over neurons: (0.5 x 10 + 0.1 x 30) / 40 = 0.2."""
    layers = (layer("a.lif1", 10, 0.5), layer("a.lif2", 30, 0.1), layer("b.lif", 5, 0.0))
    part = replace(report.parts[0], layers=layers, energy=None)
    part = replace(part, run=replace(part.run, agreement={"lif2": 0.75, "lif": 1.0}))
    lines = [line.split() for line in part_lines(part, by_module=True)]
    assert lines == [
        ["a", "40", "2", "400", "4", "20.0%", "75.00%", "-", "-"],
        ["b", "5", "1", "50", "2", "0.0%", "100.00%", "-", "-"],
        ["NETWORK", "45", "3", "450", "6", "17.8%", "78.57%", "-", "-"],
    ]
    assert [line.split()[0] for line in part_lines(part, by_module=False)] == ["a.lif1", "a.lif2", "b.lif", "NETWORK"]


def test_what_the_host_costs_has_a_line_and_is_in_the_sum(report: Report):
    (part,) = report.parts
    assert part.energy is not None
    before = list(part_lines(part, by_module=False))
    first = part.energy.layers[0]
    host = replace(first, module="head", layer="", analytic_pj=Fraction(2000))
    energy = replace(part.energy, layers=(*part.energy.layers, host))
    lines = list(part_lines(replace(part, energy=energy), by_module=False))
    assert lines[:-2] == before[:-1]
    assert lines[-2].split() == ["on", "the", "host", "2", "nJ", "-"]
    assert energy_text(part.energy.analytic_pj + 2000) in lines[-1]
