"""Histograms of weights, against the arrays that are stored."""

from __future__ import annotations

from collections import Counter

from compile.report.page.integers import histograms, layer_weights, ranges
from compile.report.report import Report


def test_every_stored_weight_is_in_one_bin(report: Report):
    build = report.parts[0].build
    weights, choice = layer_weights(build), histograms(build)
    assert choice is not None
    assert weights.keys() == choice.data.keys()
    chip = build.deployment.chip
    stored = {key: chip.params[key] for node in chip.nodes.values() for role, key in node.params if role == "weight"}
    assert sum(own.size for own in weights.values()) == sum(array.size for array in stored.values())
    for name, own in weights.items():
        bins = choice.data[name]["bins"]
        values = Counter(own.tolist())
        for left, right, count in zip(bins["left"], bins["right"], bins["top"], strict=True):
            assert count == sum(number for value, number in values.items() if left <= value < right)
        assert sum(bins["top"]) == own.size


def test_the_ranges_have_a_row_for_every_population(report: Report):
    rounding = report.parts[0].build.deployment.quantization
    assert rounding is not None
    assert ranges(rounding.layers).y_range.factors == [layer.name for layer in rounding.layers][::-1]
