"""
CMSF's own modules, traced and lowered: every variant, every strategy, every neuron at every step.

Weights and norms are made dyadic (norms without eps), so that folding is exact and no spike may differ.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from frontend.tracing.trace import trace_module
from ir.errors import DeployError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.pipeline.pipeline import lower
from ir.profile import CostWeights
from models.cmsf import CONFIGS, STATIC_INPUTS
from models.layers.spike_generators import GENERATORS
from models.networks.cmsf.config import CmsfConfig
from models.networks.cmsf.parts import initial_parts, random_features

TINY = replace(CONFIGS["digits"], N=6, L=6, D=16, F=24, region_features=5, word_features=7, heads=2, combs=3)


@pytest.mark.parametrize("generator", sorted(GENERATORS))
def test_generators(cmsf: SimpleNamespace, generator: str):
    _assert_same(cmsf, replace(TINY, generator=generator), "image", cmsf.LOIHI2, {})


@pytest.mark.parametrize("fusion", ["scca", "sca", "scsa"])
@pytest.mark.parametrize("strategy", ["graded-a", "graded-b", "time-coded"])
def test_fusions(cmsf: SimpleNamespace, fusion: str, strategy: str):
    _assert_same(cmsf, replace(TINY, fusion=fusion), "fusion", cmsf.LOIHI2, {"attention": strategy})


@pytest.mark.parametrize("part", ["image", "text", "fusion"])
def test_spiking_gate_runs_without_graded_spikes(cmsf: SimpleNamespace, part: str):
    _assert_same(cmsf, replace(TINY, gate="spike", depth=2, T=3), part, cmsf.LOIHI1, {})


def test_tokens_in_place_and_other_numbers_of_keys(cmsf: SimpleNamespace):
    _assert_same(cmsf, replace(TINY, interleave=False), "fusion", cmsf.LOIHI2, {})
    _assert_same(cmsf, replace(TINY, fusion="sca", N=5, L=8), "fusion", cmsf.LOIHI2, {})


def test_the_analog_gate_needs_graded_spikes(cmsf: SimpleNamespace):
    graph, _ = _traced(replace(TINY, depth=2), "image")
    with pytest.raises(DeployError, match="gate='spike'") as error:
        lower(graph, SimpleNamespace(features=cmsf.LOIHI1, cost=CostWeights()), {})
    assert [violation.where for violation in error.value.violations] == ["block.0.mlp", "block.1.mlp"]


def _traced(config: CmsfConfig, part: str) -> tuple[Graph, dict[str, torch.Tensor]]:
    """The part's graph, and inputs (1, B, ...)."""
    module = initial_parts(config, 0)[part]
    _make_dyadic(module)
    inputs = random_features(config, 4, 1)[part]
    graph = trace_module(module, inputs, STATIC_INPUTS, config.T, part)
    return graph, {name: array[None] for name, array in inputs.items()}


@torch.no_grad()
def _make_dyadic(module: nn.Module) -> None:
    """Weights of the chip's layers and norms on small binary grids; the coders' own norms run on the host."""
    draw = torch.Generator().manual_seed(0)

    def grid(like: torch.Tensor, reach: int, unit: float) -> torch.Tensor:
        return torch.randint(-reach, reach + 1, like.shape, generator=draw) * unit

    for name, layer in module.named_modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.fill_(8.0)  # so that untrained coders fire
        if "block" not in name or not isinstance(layer, (nn.Linear, nn.BatchNorm1d)):
            continue
        layer.weight.copy_(grid(layer.weight, 4, 0.25))
        layer.bias.copy_(grid(layer.bias, 4, 0.5))
        if isinstance(layer, nn.BatchNorm1d):
            layer.eps = 0.0
            layer.running_var.copy_(4.0 ** grid(layer.bias, 1, 1.0))
            layer.running_mean.copy_(grid(layer.bias, 4, 0.25))


def _assert_same(
    cmsf: SimpleNamespace, config: CmsfConfig, part: str, features: object, strategies: dict[str, str]
) -> None:
    graph, inputs = _traced(config, part)
    deployment = lower(graph, SimpleNamespace(features=features, cost=CostWeights()), strategies)
    expected, got = dict[str, np.ndarray](), dict[str, np.ndarray]()
    outputs = interpret(graph, inputs, lambda node, value: expected.update({node.name: value.numpy()}))
    before = interpret(deployment.prologue, inputs)
    chip = interpret(deployment.chip, before, lambda node, value: got.update({node.name: value.numpy()}))
    after = interpret(deployment.epilogue, {**inputs, **before, **chip})
    populations = cmsf.neurons_of(graph)
    assert np.mean([expected[name].any() for name in populations]) > 0.6
    for name in populations:
        np.testing.assert_array_equal(expected[name], got[name], err_msg=name)
    for name in outputs:
        np.testing.assert_array_equal(outputs[name], after[name], err_msg=name)
