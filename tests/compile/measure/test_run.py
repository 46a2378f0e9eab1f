"""A run on the target: what is probed and compared, and that one changed spike of the target fails it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.sanafe.emit import FlatNetwork
from backends.targets import target
from backends.trace import Array, Trace
from compile.command.progress import Progress
from compile.measure import run as run_module
from compile.measure.run import engine_text, first_samples, probed, run_part
from compile.measure.spike_match import match_spikes
from compile.stages.batches import Batch
from compile.stages.build import Build, build_part
from compile.stages.load import load_source
from compile.stages.options import Options
from compile.stages.phase import with_engines
from ir.errors import CompileError
from tests.backends.sanafe import flat_simulator

X = (np.random.default_rng(0).random((2, 5, 6)) < 0.5).astype(np.float32)


@pytest.fixture
def build(tiny: Path) -> Build:
    options = Options(target="gpu")
    source = load_source(tiny, options)
    return build_part(source.parts[0], source, options, options.hardware(), Progress(quiet=True))


def test_a_run_has_outputs_events_a_verdict_matches_and_rates(build: Build):
    progress = Progress(quiet=True)
    run = run_part(build, [Batch({"x": X}, 5)], progress)
    assert run.verdict.passed
    assert run.verdict.populations == 2
    samples = target("gpu").twin.samples  # the twin is slow
    assert samples is not None
    assert run.verdict.compared == 2 * samples * (8 + 3) + 2 * samples * 3
    trace, floating = build.program.run({"x": X}), build.floating.run({"x": X})
    assert run.matches == match_spikes(floating, trace)
    assert set(run.matches) == {"lif1", "lif2"}
    assert run.events == trace.events
    for kind, expected in (("source", floating), ("float", floating)):
        assert all(np.array_equal(run.others[kind][name], array) for name, array in expected.outputs.items()), kind
    assert all(np.array_equal(run.outputs[name], array) for name, array in trace.outputs.items())
    assert run.rates["x"].firing == Fraction(int(X.sum()), X.size)
    stage = f"network: run on {engine_text(build.program)}, compare spike by spike"
    assert set(progress.seconds) == {stage, *(f"{stage}: {lap}" for lap in ("run", "compare", "timing"))}


def test_a_third_engine_sees_the_first_batch_on_every_value(build: Build, monkeypatch: pytest.MonkeyPatch):
    """It runs in a stand-in; a spike that this loses fails the run."""
    check = f"sanafe={sys.executable} {flat_simulator.__file__}"
    run = run_part(build, [Batch({"x": X}, 5), Batch({"x": X[:, :2]}, 2)], Progress(quiet=True), check)
    assert run.third is not None
    assert run.third.text() == "0 of 140 values differ in 2 populations, all event counts equal"
    assert run.verdicts == (run.verdict, run.third)
    assert (run.third.against, run.third.compared) == ("SANA-FE, 1 core", 2 * 5 * (8 + 3 + 3))
    monkeypatch.setattr("backends.sanafe.engine.run_command", lambda command, network: silent(network))
    lost = run_part(build, [Batch({"x": X}, 5)], Progress(quiet=True), check)
    assert lost.third is not None
    assert (lost.verdict.passed, lost.third.passed) == (True, False)
    assert lost.third.differing >= sum(lost.events.spikes[name] for name in ("lif1", "lif2"))


def silent(network: FlatNetwork) -> Array:
    return np.zeros((*network.inputs.shape[:2], len(network.cores)), np.uint8)


@pytest.mark.parametrize("cuts", [(2,), (1, 3, 4)])
def test_batches_add_up_to_the_whole(build: Build, cuts: tuple[int, ...]):
    labels = np.arange(5)
    whole = run_part(build, [Batch({"x": X}, 5, labels)], Progress(quiet=True))
    parts = zip(np.split(X, cuts, axis=1), np.split(labels, cuts), strict=True)
    run = run_part(build, (Batch({"x": x}, len(own), own) for x, own in parts), Progress(quiet=True))
    assert (run.events, run.matches, run.rates) == (whole.events, whole.matches, whole.rates)
    assert np.array_equal(run.labels, labels)
    for ours, theirs in ((run.outputs, whole.outputs), *((run.others[k], whole.others[k]) for k in whole.others)):
        assert all(np.array_equal(ours[name], array) for name, array in theirs.items())


def test_batches_that_do_not_fit_together(build: Build):
    both = Batch({"x": X}, 5), Batch({"x": X}, 5, np.zeros(5))
    shapes = Batch({"x": X}, 5, np.zeros(5)), Batch({"x": X}, 5, np.zeros((5, 2)))
    for batches, rule in (((), "report.samples"), (both, "report.labels"), (shapes, "report.labels")):
        with pytest.raises(CompileError) as error:
            run_part(build, batches, Progress(quiet=True))
        assert error.value.rule == rule


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
    wrong = replace(
        build,
        program=replace(
            build.program, phases=with_engines(build.program.phases, lambda _: Wrong(build.program.engine))
        ),
    )
    verdict = run_part(wrong, [Batch({"x": X}, 5)], Progress(quiet=True)).verdict
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
    assert probed(build.program, 5) == neurons
    monkeypatch.setattr(run_module, "ALL_POPULATIONS_LIMIT", 11 * 2 * 5 - 1)
    assert probed(build.program, 5) == ("lif2",)
