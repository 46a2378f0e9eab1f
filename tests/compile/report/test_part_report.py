"""A part accounted for, and metrics of its samples: accuracy by itself, none without labels, errors kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compile.report.part_report import published_table, sample_metrics
from compile.report.report import Metrics, Report
from ir.errors import CompileError


def test_a_part_has_its_layers_with_classes_occupancy_and_energy(report: Report):
    (part,) = report.parts
    assert [(layer.module, layer.classes) for layer in part.layers] == [
        ("lif1", "Linear, LIFNode"),
        ("lif2", "Linear, LIFNode"),
    ]
    assert part.occupancy.neurons == 11
    assert part.energy is not None
    assert part.match == part.run.matches["lif1"] + part.run.matches["lif2"]


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
