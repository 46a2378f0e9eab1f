"""Lines of the report's table: layers, modules where there are many, sums and averages by hand, and how it fits a screen."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from compile.command.screen import CODES, Screen
from compile.measure.layers import LayerSummary
from compile.measure.spike_match import SpikeMatch
from compile.report.report import Report
from compile.report.table import TableLine, shortened, table_lines

WIDE = Screen(200)


def layer(module: str, neurons: int, rate: float, classes: str = "") -> LayerSummary:
    return LayerSummary(module.rpartition(".")[2], module, classes, neurons, 1, 10 * neurons, 2, rate)


def test_columns_stand_below_their_heads(report: Report):
    head, *lines = table_lines(report.parts, False, WIDE)
    heads = "layer neurons + added synapses + added rate % kept lost added F1 integers formula nJ counted nJ"
    assert head.split() == heads.split()
    assert {len(line) for line in lines} == {len(head)}
    first = lines[0].split()
    assert first[:7] == ["lif1", "(Linear,", "LIFNode)", "8", "0", "48", "0"]
    assert len(first) == 3 + 13  # "weights 8b" is two words


@pytest.mark.parametrize("width", range(60, 140, 7))
def test_no_line_is_wider_than_the_screen(report: Report, width: int):
    lines = list(table_lines(report.parts, False, Screen(width)))
    assert max(map(len, lines)) <= width
    assert all(word in lines[0] for word in ("lost", "added", "counted"))
    whole = list(table_lines(report.parts, False, WIDE))
    assert (len(lines) > len(whole)) == any(line.endswith("width)") for line in lines)


def test_colours_are_in_the_head_alone(report: Report):
    plain, coloured = (list(table_lines(report.parts, False, replace(WIDE, codes=codes))) for codes in ({}, CODES))
    assert coloured[0] == f"{CODES['head']}{plain[0]}\033[0m"
    assert coloured[1:] == plain[1:]


def test_the_path_goes_before_the_classes():
    line = TableLine("  lif1", classes="AvgPool2d, Linear, LIFNode")
    assert line.label(35) == "  lif1 (AvgPool2d, Linear, LIFNode)"
    assert line.label(34) == "  lif1 (Linear, LIFNode)"
    assert line.label(20) == "  lif1 (Linear)"
    assert line.label(10) == "  lif1"
    assert TableLine("  lif1").label(10) == "  lif1"


def test_of_a_long_name_the_end_is_shown():
    assert shortened("  encoder.block.attention.lif", 16) == "  …attention.lif"
    assert shortened("  lif", 16) == "  lif"


def test_layers_of_one_module_share_a_line_where_there_are_many(report: Report):
    """Rates are averaged over neurons, (0.5 x 10 + 0.1 x 30) / 40 = 0.2; spikes are added up."""
    layers = (layer("a.lif1", 10, 0.5), layer("a.lif2", 30, 0.1), layer("b.lif", 5, 0.0, "Conv2d, LIFNode"))
    part = replace(report.parts[0], layers=layers, energy=None)
    matches = {"lif1": SpikeMatch(2, 1, 1), "lif2": SpikeMatch(4, 1, 1), "lif": SpikeMatch()}
    part = replace(part, run=replace(part.run, matches=matches))
    lines = [line.split() for line in table_lines([part], True, WIDE)][1:]
    assert lines == [
        ["a", "40", "2", "400", "4", "20.0", "6", "2", "2", "0.7500", "0/2", "exact", "-", "-"],
        ["b", "5", "1", "50", "2", "0.0", "0", "0", "0", "1.0000", "-", "-", "-"],
        ["NETWORK", "45", "3", "450", "6", "17.8", "6", "2", "2", "0.7500", "0/2", "exact", "-", "-"],
    ]
    names = [line.split()[0] for line in table_lines([part], False, WIDE)]
    assert names == ["layer", "a.lif1", "a.lif2", "b.lif", "NETWORK"]


def test_what_the_host_costs_has_a_line_and_is_in_the_sum(report: Report):
    (part,) = report.parts
    assert part.energy is not None
    host = replace(part.energy.layers[0], module="head", layer="", formula_pj=Fraction(2000))
    energy = replace(part.energy, layers=(*part.energy.layers, host))
    lines = [line.split() for line in table_lines([replace(part, energy=energy)], False, WIDE)]
    assert lines[-2] == ["on", "the", "host", *["-"] * 10, "2", "-"]
    assert lines[-1][-2] == f"{float(part.energy.formula_pj + 2000) / 1000:.3g}"
