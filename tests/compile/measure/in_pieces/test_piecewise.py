"""Networks larger than the memory: pieces agree, a wrong one is named, what did not run is said, and nothing is said of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from backends.reference.engine import ReferenceEngine
from backends.target import Target
from backends.targets import target
from backends.trace import Trace
from compile import compile_model
from compile.measure.in_pieces import piecewise as module
from compile.measure.in_pieces.piecewise import piecewise
from ir.analysis.fan_in import populations
from ir.graph import Graph
from tests.compile.stages.test_phase import SAMPLES, STEPS
from tests.compile.stages.test_phase import _network as fusion

Limit = Callable[..., None]


def _neurons(chip: Graph, emission: str | None, steps: int, samples: int, probes: Collection[str]) -> int:
    """A neuron takes a byte."""
    assert (steps, samples) == (STEPS, SAMPLES)
    assert {*probes} <= {node.name for node in populations(chip)}
    return sum(node.type.size for node in populations(chip))


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Limit:
    """limit(neurons, name=, **changes): so many fit, on targets with these changes."""

    def set_limit(neurons: int, **changes: Any) -> None:
        places: Callable[[str], Target] = lambda name: replace(target(name), memory=_neurons, **changes)
        monkeypatch.setattr(module, "target", places)
        monkeypatch.setattr(module, "free_memory", lambda: round(neurons / module.SHARE))

    return set_limit


@dataclass(frozen=True)
class Wrong:
    """An engine that loses a spike of a population."""

    chip: Graph
    name: str

    def describe(self) -> str:
        return "wrong"

    def run(self, inputs: Any, probes: tuple[str, ...] = ()) -> Trace:
        trace = ReferenceEngine(self.chip).run(inputs, probes)
        if self.name not in trace.spikes:
            return trace
        spikes = trace.spikes[self.name].copy()
        spikes[tuple(np.argwhere(spikes)[-1])] = 0
        return replace(trace, spikes={**trace.spikes, self.name: spikes})


def _program(target_name: str = "gpu") -> tuple[Any, torch.Tensor]:
    """Two phases: q_lif (24 neurons), k_lif (24), mask (3); up_lif (48)."""
    network, x = fusion()
    return compile_model(network, target_name, example=x), x


def _run(neurons: int, limit: Limit, **changes: Any) -> Any:
    program, x = _program()
    limit(neurons, **changes)
    pieces = piecewise(program, STEPS, SAMPLES, program.populations)
    assert pieces is not None
    trace, verdict = pieces.run({"x": x}, program.populations)
    whole = program.run(x)
    assert trace.events == whole.events
    assert trace.spikes.keys() == whole.spikes.keys()
    assert all(np.array_equal(trace.outputs[name], array) for name, array in whole.outputs.items())
    return verdict


def test_pieces_of_all_phases_agree(limit: Limit):
    verdict = _run(50, limit)
    assert (verdict.mark, verdict.populations, verdict.coverage.pieces) == ("PASS", 4, 3)
    assert verdict.compared >= STEPS * SAMPLES * (24 + 24 + 3 + 48)
    assert (verdict.coverage.needed, verdict.coverage.room) == (51, 50)


def test_a_wrong_piece_is_named(limit: Limit):
    verdict = _run(50, limit, engine=lambda chip, profile: Wrong(chip, "k_lif"))
    assert (verdict.mark, verdict.differing) == ("FAIL", 1)
    assert verdict.first.startswith("k_lif (")


def test_what_is_left_out_is_named_and_not_compared(limit: Limit):
    verdict = _run(47, limit, engine=lambda chip, profile: Wrong(chip, "up_lif"))
    (left_out,) = verdict.coverage.left_out
    assert (left_out.name, left_out.neurons, left_out.synapses) == ("up_lif", 48, 3 * 8 * 16 * 2)
    assert (verdict.mark, verdict.populations, verdict.coverage.populations) == ("PASS IN PART", 3, 4)
    assert "too large even alone: up_lif" in verdict.text()


def test_nothing_fits(limit: Limit):
    verdict = _run(2, limit)
    assert (verdict.mark, verdict.compared) == ("NOT RUN", 0)
    assert "differ" not in verdict.text()


def test_a_network_that_fits_runs_whole(limit: Limit):
    program, _ = _program()
    assert piecewise(program, STEPS, SAMPLES, ()) is None  # this target makes do with what there is
    limit(51)
    assert piecewise(program, STEPS, SAMPLES, ()) is None


def test_the_report_says_so(limit: Limit):
    program, x = _program()
    limit(47)
    report = program.report(x)
    assert "PASS IN PART, " in str(report).replace("\n         ", " ")
    check = report.plain()["parts"][0]["check"]
    assert check["passed"]
    assert check["coverage"]["left_out"] == ({"name": "up_lif", "neurons": 48, "synapses": 768},)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("emission", ["fused", "stock"])
def test_pieces_in_lava(limit: Limit, emission: str):
    program, x = _program("loihi")
    program = program.on("loihi", emission)
    limit(47)
    verdict = program.report(x).parts[0].run.verdict
    assert (verdict.mark, verdict.coverage.pieces, verdict.populations) == ("PASS IN PART", 2, 3)
    assert (verdict.differing, verdict.events_equal) == (0, True)
