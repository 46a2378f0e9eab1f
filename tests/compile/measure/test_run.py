"""A run on the target: what is probed and compared, and that one changed spike of the target fails it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.targets import target
from backends.trace import Trace
from compile.command.progress import Progress
from compile.measure import run as run_module
from compile.measure.run import engine_text, first_samples, probed, run_part
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options

X = (np.random.default_rng(0).random((2, 5, 6)) < 0.5).astype(np.float32)


@pytest.fixture
def build(tiny: Path) -> Build:
    options = Options(target="gpu")
    source = load_source(tiny, options)
    return build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True))


def test_a_run_has_a_trace_a_verdict_an_agreement_and_rates(build: Build):
    progress = Progress(quiet=True)
    run = run_part(build, {"x": X}, progress)
    assert run.verdict.passed
    assert run.verdict.populations == 2
    samples = target("gpu").twin.samples  # the twin is slow
    assert samples is not None
    assert run.verdict.compared == 2 * samples * (8 + 3) + 2 * samples * 3
    assert set(run.trace.spikes) == set(run.agreement) == {"lif1", "lif2"}
    floats = build.floating.run({"x": X}).spikes
    assert run.agreement == {name: np.mean(run.trace.spikes[name] == floats[name]) for name in floats}
    assert run.rates["x"].firing == Fraction(int(X.sum()), X.size)
    assert list(progress.seconds) == [
        f"network: run on {engine_text(build.program)}",
        "network: compare spike by spike",
    ]


@dataclass(frozen=True)
class Wrong:
    """An engine that loses the last spike of a population."""

    engine: Any

    def describe(self) -> str:
        return "wrong"

    def run(self, inputs: Any, probes: tuple[str, ...] = ()) -> Trace:
        trace = self.engine.run(inputs, probes)
        spikes = trace.spikes["lif1"].copy()
        spikes[tuple(np.argwhere(spikes)[-1])] = 0
        return replace(trace, spikes={**trace.spikes, "lif1": spikes})


def test_one_spike_that_the_target_loses_fails_the_run(build: Build):
    wrong = replace(build, program=replace(build.program, engine=Wrong(build.program.engine)))
    verdict = run_part(wrong, {"x": X}, Progress(quiet=True)).verdict
    assert (verdict.passed, verdict.differing) == (False, 1)
    assert verdict.first.startswith("lif1")


def test_first_samples_are_cut_from_the_right_axis(build: Build):
    (x,) = first_samples(build.program, {"x": X}, 2).values()
    assert np.array_equal(x.numpy(), X[:, :2])


def test_added_populations_are_probed_as_far_as_memory_allows(build: Build, monkeypatch: pytest.MonkeyPatch):
    chip = build.program.deployment.chip
    neurons = tuple(node.name for node in chip.nodes.values() if node.op.family == "neuron")
    monkeypatch.setattr(type(build.program), "populations", ("lif2",))
    monkeypatch.setattr(run_module, "ALL_POPULATIONS_LIMIT", 11 * 2 * 5)
    assert probed(build.program, {"x": X}) == neurons
    monkeypatch.setattr(run_module, "ALL_POPULATIONS_LIMIT", 11 * 2 * 5 - 1)
    assert probed(build.program, {"x": X}) == ("lif2",)
