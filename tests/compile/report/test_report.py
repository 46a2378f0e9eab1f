"""The reports of a tiny network: golden text, documented fields, numbers recomputed by hand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from compile.cli import main
from compile.driver import compile_network
from compile.report.report_json import report_content
from compile.report.report_text import report_text
from compile.stages.options import Options
from ir.pipeline import PIPELINE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def report(tiny: Path):
    return compile_network(tiny, Options(target="gpu", samples=8))


def test_golden_text(report, golden):
    golden("tiny_report.txt", re.sub("torch on .*?,", "torch on ...,", report_text(report)) + "\n")


def test_every_field_is_documented(report):
    content = report_content(report)
    page = (ROOT / "docs" / "report.md").read_text()
    for name in (*content, *content["parts"][0], *content["parts"][0]["check"]):
        assert f"`{name}`" in page or f"`{name}[" in page or f"`{name}." in page, name


def test_numbers_by_hand(report):
    (part,) = report_content(report)["parts"]
    spikes = report.parts[0].run.trace.spikes
    rows = {layer["module"]: layer for layer in part["layers"]}
    assert {name: (row["neurons"], row["added_neurons"]) for name, row in rows.items()} == {
        "lif1": (8, 0),
        "lif2": (3, 0),
    }
    assert (rows["lif1"]["synapses"], rows["lif2"]["synapses"]) == (48, 24)
    for name, row in rows.items():
        assert row["rate"] == pytest.approx(np.mean(spikes[name]))
    inputs = report.source.parts[0].example["x"].numpy()
    events = part["events"]["synaptic"]
    assert (events["fc1"], events["fc2"]) == (inputs.sum() * 8, spikes["lif1"].sum() * 3)
    assert part["events"]["updates"] == {"lif1": 8 * 2 * 8, "lif2": 3 * 2 * 8}


def test_causes_add_up(report):
    energy = report.parts[0].energy
    assert sum(energy.causes.values()) == energy.simulated_pj - energy.analytic_pj
    spikes = report.parts[0].run.trace.spikes
    inputs = report.source.parts[0].example["x"].numpy()
    rates = inputs.mean(axis=(1, 2)).mean(), spikes["lif1"].mean()
    by_hand = 0.9 * 2 * (rates[0] * 48 + rates[1] * 24)  # E_AC T R FL
    assert float(energy.analytic_pj) == pytest.approx(by_hand)


def test_json_equals_the_command_line(tiny: Path, tmp_path: Path, report):
    assert main([str(tiny), "--target", "gpu", "--samples", "8", "--out", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "report.json").read_text())
    content = json.loads(json.dumps(report_content(report)))
    assert {k: v for k, v in written.items() if k != "seconds"} == {k: v for k, v in content.items() if k != "seconds"}
    outputs = np.load(tmp_path / "out" / "outputs.npz")
    assert all(np.array_equal(outputs[name], array) for name, array in report.parts[0].run.trace.outputs.items())


def test_every_pass_has_its_time(report):
    seconds, (part,) = report_content(report)["seconds"], report.parts
    passes = {name.split(": ")[2]: name.split(": ")[1] for name in seconds if name.count(": ") == 2}
    assert (set(part.build.texts) - {"import"}) | {"trace", "check the import"} <= set(passes)
    assert [step.name for step in PIPELINE] == [name for name in part.build.texts if name != "import"]
    for stage in set(passes.values()):
        own = [value for name, value in seconds.items() if name.startswith(f"network: {stage}: ")]
        assert 0 < sum(own) <= seconds[f"network: {stage}"]
