"""What a compilation of a tiny network found out, recomputed by hand."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from compile.command.screen import screen_of
from compile.report.report_json import report_content
from compile.report.report_text import report_text
from ir.errors import CompileError

ROOT = Path(__file__).parents[3]


def test_numbers_by_hand(report):
    (part,) = report_content(report)["parts"]
    inputs = report.source.parts[0].example["x"].numpy()
    spikes = report.parts[0].build.program.run(inputs).spikes
    rows = {layer["module"]: layer for layer in part["layers"]}
    assert {name: (row["neurons"], row["added_neurons"]) for name, row in rows.items()} == {
        "lif1": (8, 0),
        "lif2": (3, 0),
    }
    assert (rows["lif1"]["synapses"], rows["lif2"]["synapses"]) == (48, 24)
    for name, row in rows.items():
        assert row["rate"] == pytest.approx(np.mean(spikes[name]))
    events = part["events"]["synaptic"]
    assert (events["fc1"], events["fc2"]) == (inputs.sum() * 8, spikes["lif1"].sum() * 3)
    assert part["events"]["updates"] == {"lif1": 8 * 2 * 8, "lif2": 3 * 2 * 8}


def test_causes_add_up(report):
    energy = report.parts[0].energy
    assert sum(energy.causes.values()) == energy.counted_pj - energy.formula_pj
    inputs = report.source.parts[0].example["x"].numpy()
    spikes = report.parts[0].build.program.run(inputs).spikes
    rates = inputs.mean(axis=(1, 2)).mean(), spikes["lif1"].mean()
    by_hand = 0.9 * 2 * (rates[0] * 48 + rates[1] * 24)  # E_AC T R FL
    assert float(energy.formula_pj) == pytest.approx(by_hand)


def test_a_report_passes_if_every_part_agrees(report):
    (part,) = report.parts
    failed = replace(part, run=replace(part.run, verdict=replace(part.run.verdict, differing=1)))
    assert report.passed
    assert not replace(report, parts=(part, failed)).passed
    counted = replace(part, run=replace(part.run, verdict=replace(part.run.verdict, events_equal=False)))
    assert not replace(report, parts=(counted,)).passed


class Frame:
    """What is asked of pandas."""

    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = rows


def test_layers_as_a_data_frame(report, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=Frame))
    rows = report.to_pandas().rows
    assert [row["module"] for row in rows] == ["lif1", "lif2"]
    match = report.parts[0].run.matches["lif1"]
    assert (rows[0]["part"], rows[0]["kept"], rows[0]["f1"]) == ("network", match.kept, match.f1)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(CompileError, match="pandas is not installed"):
        report.to_pandas()


def test_a_report_prints_itself(report):
    assert repr(report) == str(report) == report_text(report, screen_of(sys.stdout))


def test_real_pandas_takes_them_payloads_too(report):
    pandas = pytest.importorskip("pandas")
    frame = report.to_pandas()
    assert list(frame["module"]) == ["lif1", "lif2"]
    assert frame["neurons"].sum() == 11
    assert frame.dtypes["kept"].kind == "i"
    part = report.parts[0]
    silent = replace(part, run=replace(part.run, matches={"lif2": part.run.matches["lif2"]}))
    kept = replace(report, parts=(silent,)).to_pandas()["kept"]
    assert pandas.isna(kept[0])
    assert kept[1] == part.run.matches["lif2"].kept
