"""A part accounted for, and metrics of its samples: accuracy by itself, none without labels, errors kept."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import hw_profiles
from compile import compile_model
from compile.report.part_report import published_table, sample_metrics
from compile.report.report import Metrics, Report
from ir.errors import CompileError
from tests.compile.stages.test_phase import Mean, four_spikes


def test_a_part_has_its_layers_with_classes_occupancy_and_energy(report: Report):
    (part,) = report.parts
    assert [(layer.module, layer.classes) for layer in part.layers] == [
        ("lif1", "Linear, LIFNode"),
        ("lif2", "Linear, LIFNode"),
    ]
    assert part.occupancy.neurons == 11
    assert part.energy is not None
    assert part.match == part.run.matches["lif1"] + part.run.matches["lif2"]


PRICED = """
title = "what crosses between host and chip has a price"
extends = "loihi2"
[energy]
crossing_event = { value = 832, unit = "pJ", kind = "assumed", source = "a test" }
crossing_bit = { value = 26, unit = "pJ", kind = "assumed", source = "a test" }
"""


def test_what_crosses_is_part_of_the_energy_where_it_has_a_price(tmp_path: Path):
    """Of two samples 4 + 4 + 4 + 12 + 5 events cross with 36 bits of payload, see `test_phase`; 4 + 4 + 12 between the phases."""
    program = compile_model(Mean(), "gpu", example=four_spikes())
    (tmp_path / "priced.toml").write_text(PRICED)
    unknown, known = program.report(), replace(program, profile=hw_profiles.load(tmp_path / "priced.toml")).report()
    before, after = unknown.parts[0].energy, known.parts[0].energy
    assert before is not None
    assert after is not None
    crossing = Fraction(29 * 832 + 36 * 26, 2)
    assert (before.crossing.energy_pj, after.crossing.energy_pj) == (None, crossing)
    assert after.counted_pj == before.counted_pj + crossing
    assert after.causes == {**before.causes, "crossing": crossing}
    assert after.arithmetic_pj == before.arithmetic_pj
    plain, priced = (report.plain()["parts"][0] for report in (unknown, known))
    assert plain["energy"]["crossing"] == {
        "events": 14.5,
        "bits": 18.0,
        "energy_pj": None,
        "unpriced": ["crossing_event", "crossing_bit"],
    }
    assert {each["energy_pj"] for each in (*plain["crossings"], *plain["borders"])} == {None}
    assert sum(each["energy_pj"] for each in priced["crossings"]) == crossing
    assert priced["borders"][0]["energy_pj"] == (20 * 832 + 36 * 26) / 2
    text, counted = (" ".join(repr(report).split()) for report in (unknown, known))
    assert "host and chip: not priced, as profile loihi2 has no crossing_event or crossing_bit" in text
    assert "between host and chip: 12.5 nJ" in counted
    assert "from step 5 on, for 8.79 nJ" in counted


def test_metrics_of_the_samples(report: Report):
    run = report.parts[0].run
    assert sample_metrics(run, None) == Metrics()
    (outputs,) = run.outputs.values()
    classes = outputs.sum(0).argmax(1)
    metrics = sample_metrics(replace(run, labels=classes), None)
    assert (metrics.values["compiled"], metrics.samples) == ({"accuracy": 1.0}, "8 samples")
    counted = sample_metrics(run, lambda outputs, labels: {"spikes": outputs.sum()})
    assert counted.values["compiled"] == {"spikes": float(outputs.sum())}


def test_an_error_of_a_metric_is_kept(report: Report):
    labels = np.full(8, 3)
    metrics = sample_metrics(replace(report.parts[0].run, labels=labels), None)
    assert metrics.values == {}
    assert metrics.error is not None
    assert metrics.error.rule == "report.accuracy"


def test_an_energy_table_that_nobody_knows(report: Report):
    assert published_table(report.source) is None
    assert published_table(replace(report.source, energy_table="cmsf")) is not None
    with pytest.raises(CompileError, match=r"unknown ENERGY_TABLE 'x'(.|\n)*known: cmsf"):
        published_table(replace(report.source, energy_table="x"))
