"""Conditions: their grammar, every quantity against the report, and names that nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from compile.measure.spike_match import SpikeMatch
from compile.report.conditions import QUANTITIES, check_names, parse_condition
from compile.report.report import Metrics, Report
from ir.errors import CompileError
from ir.mapping.timing.sample_time import Estimate


@pytest.mark.parametrize(
    ("text", "name", "comparison", "number"),
    [
        ("accuracy < 0.97", "accuracy", "<", 0.97),
        ("accuracy<97%", "accuracy", "<", 0.97),
        ("  differ   >0 ", "differ", ">", 0),
        ("energy > 1 uJ", "energy", ">", 1e6),
        ("energy>=2.5e3 nJ", "energy", ">=", 2.5e6),
        ("i2t R@5 < 80", "i2t R@5", "<", 80),
        ("R@Sum != .5", "R@Sum", "!=", 0.5),
        ("f1 <= 99.5 %", "f1", "<=", 0.995),
        ("lost == 3", "lost", "==", 3),
        ("latency > 2 ms", "latency", ">", 2e6),
        (f"latency > {'1' * 99}e99 s", "latency", ">", 10**207 / 9),
    ],
)
def test_a_condition_is_a_name_an_operator_a_number_and_a_unit(text: str, name: str, comparison: str, number: float):
    condition = parse_condition(text)
    assert (condition.name, condition.comparison, condition.number) == (name, comparison, number)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "fail-if.syntax"),
        ("accuracy", "fail-if.syntax"),
        ("accuracy =< 1", "fail-if.syntax"),
        ("accuracy = 1", "fail-if.syntax"),
        ("1 < accuracy", "fail-if.syntax"),
        ("accuracy < one", "fail-if.syntax"),
        ("accuracy < 1 < 2", "fail-if.syntax"),
        ("energy > 1e999999999 uJ", "fail-if.syntax"),
        ("energy > 1e-999999999 uJ", "fail-if.syntax"),
        ("energy > 1e5000 uJ", "fail-if.syntax"),
        (f"energy > {'9' * 5000} uJ", "fail-if.syntax"),
        ("energy > 1", "fail-if.unit"),
        ("energy > 1 kg", "fail-if.unit"),
        ("step_time > 1", "fail-if.unit"),
        ("lost > 1 uJ", "fail-if.unit"),
        ("lost > 1 %", "fail-if.unit"),
    ],
)
def test_what_is_no_condition(text: str, rule: str):
    with pytest.raises(CompileError) as error:
        parse_condition(text)
    assert error.value.rule == rule


def test_quantities_are_those_of_the_report(report: Report):
    (part,) = report.parts
    match = SpikeMatch(kept=6, lost=2, added=1)
    run = replace(part.run, matches={part.layers[0].name: match}, verdict=replace(part.run.verdict, differing=5))
    report = replace(report, parts=(replace(part, run=run),))
    times = part.run.timing
    assert part.energy is not None
    assert times is not None
    expected = {
        "differ": 5,
        "kept": 6,
        "lost": 2,
        "added": 1,
        "f1": 0.8,
        "neurons": 11,
        "synapses": 72,
        "cores": 1,
        "chips": 1,
    }
    expected |= {"energy": float(part.energy.counted_pj)}
    expected |= {"step_time": times.times.step.value, "latency": times.times.isolated.value}
    expected |= {"throughput": 1e9 / times.times.streaming.value}
    expected |= {"rate": sum(layer.rate * layer.neurons for layer in part.layers) / 11}
    assert {name: quantity.value(report) for name, quantity in QUANTITIES.items()} == pytest.approx(expected)


def test_times_of_several_parts_are_the_slowest(report: Report):
    (part,) = report.parts
    times = part.run.timing
    assert times is not None
    slow = replace(times.times, **{name: Estimate(9e9, 9e9, 9e9) for name in ("step", "streaming", "isolated")})
    both = replace(report, parts=(part, replace(part, run=replace(part.run, timing=replace(times, times=slow)))))
    conditions = ("step_time > 8 s", "latency > 8 s", "throughput < 0.2")
    assert [parse_condition(text).holds(both) for text in conditions] == [True] * 3
    unknown = replace(report, parts=(part, replace(part, run=replace(part.run, timing=None))))
    with pytest.raises(CompileError, match="latency was not measured"):
        parse_condition("latency > 1 s").holds(unknown)


def test_metrics_are_those_of_the_compiled_network(report: Report):
    report = replace(report, metrics=Metrics({"source": {"accuracy": 1.0}, "compiled": {"accuracy": 0.9}}, "all"))
    assert parse_condition("accuracy < 0.95").holds(report)
    assert not parse_condition("accuracy < 0.9").holds(report)


@pytest.mark.parametrize("text", ["accuracy < 1", "energy > 1 pJ"])
def test_what_was_not_measured_is_refused(report: Report, text: str):
    own = report.energy.tables[0].network
    unknown = replace(own, lines=(replace(own.lines[0], quantity=None),))
    tables = (replace(report.energy.tables[0], network=unknown),)
    part = replace(report.parts[0], tables=tables)
    unpriced = replace(report, energy=replace(report.energy, parts=(part,)))
    with pytest.raises(CompileError, match="was not measured"):
        parse_condition(text).holds(unpriced)


def test_unknown_names_are_refused_with_those_that_there_are():
    conditions = [parse_condition("differ > 0"), parse_condition("acuracy < 1")]
    check_names(conditions, metrics=None)
    check_names(conditions, metrics=("acuracy",))
    with pytest.raises(CompileError, match=r"acuracy(.|\n)*known: differ.*, accuracy") as error:
        check_names(conditions, metrics=("accuracy",))
    assert error.value.rule == "fail-if.name"
