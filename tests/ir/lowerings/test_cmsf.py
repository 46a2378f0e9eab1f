"""CMSF's networks, whole: every population of the lowered network equals the source's, at every step, and so do the outputs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.deployment import Deployment
from ir.graph import Graph
from ir.interpreter import interpret
from ir.pipeline.pipeline import lower
from ir.profile import CostWeights

SIZES = [{}, {"queries": 6, "keys": 6, "width": 12, "heads": 3, "combs": 3, "hidden": 5, "steps": 3}]


Values = dict[str, np.ndarray]


def _watched(graph: Graph, inputs: Values) -> tuple[Values, Values]:
    """Outputs, and every node's value."""
    seen: Values = {}
    return interpret(graph, inputs, lambda node, value: seen.update({node.name: value})), seen


def _run(deployment: Deployment, inputs: Values) -> tuple[Values, Values]:
    """Prologue, chip and epilogue in a row: outputs, and the chip's values."""
    before = interpret(deployment.prologue, inputs)
    chip, seen = _watched(deployment.chip, before)
    return interpret(deployment.epilogue, {**inputs, **before, **chip}), seen


def _assert_equal(cmsf: SimpleNamespace, source: Graph, features: object, strategies: dict[str, str]) -> None:
    deployment = lower(source, SimpleNamespace(features=features, cost=CostWeights()), strategies)
    for seed in range(4):
        inputs = cmsf.random_inputs(source, seed)
        outputs, expected = _watched(source, inputs)
        actual, got = _run(deployment, inputs)
        for name in cmsf.neurons_of(source):
            np.testing.assert_array_equal(expected[name], got[name], err_msg=name)
        for name in outputs:
            np.testing.assert_array_equal(outputs[name], actual[name], err_msg=name)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strategy", ["graded-a", "graded-b", "time-coded"])
@pytest.mark.parametrize("keys_first", [True, False])
def test_encoder(cmsf: SimpleNamespace, size: dict[str, int], strategy: str, keys_first: bool):
    source = cmsf.Tracer(cmsf.Size(**size)).encoder(keys_first=keys_first)
    _assert_equal(cmsf, source, cmsf.LOIHI2, {"attention": strategy})


@pytest.mark.parametrize("size", SIZES)
def test_encoder_with_spiking_gate_needs_no_graded_spikes(cmsf: SimpleNamespace, size: dict[str, int]):
    _assert_equal(cmsf, cmsf.Tracer(cmsf.Size(**size)).encoder(gate="spike"), cmsf.LOIHI1, {})


@pytest.mark.parametrize("size", SIZES)
def test_comb_direction(cmsf: SimpleNamespace, size: dict[str, int]):
    _assert_equal(cmsf, cmsf.Tracer(cmsf.Size(**size)).comb_direction(), cmsf.LOIHI2, {})
