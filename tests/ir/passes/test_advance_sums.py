"""Sums move where the host is left with fewer weights, and nowhere else; modules' own outputs stay what they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import neuron
from torch import nn

import hw_profiles
from frontend.tracing.trace import trace_module
from ir.deployment import Context, Deployment
from ir.graph import Graph
from ir.interpreter import interpret
from ir.passes.advance_sums import advance_sums, apply, weighted_operations
from ir.passes.split_host import split_host
from ir.text import parse_graph

T, CHANNELS, SIDE = 4, 8, 4
WEIGHT = {"W": np.array([[[0.5], [-1.5]], [[0.25], [1.0]], [[2.0], [0.0]]], np.float32)}
READ_OUT = """graph host steps=4
  %s = input() {type='spike[2x5]'} : spike[2x5]
  %c = conv(%s, weight=@W) {dilation=(1,), extra=(), groups=1, padding=(0,), spread=(), stride=(1,)} : current[3x5]
"""
MEAN = """  %m = sum(%c) {axes=(1,), micro=0, weight=0.2} : real[3x1]
  %t = time_sum(%m) {factor=1.0} : real[3x1] static
  output y = %t
"""


def test_weights_are_applied_to_the_sums():
    graph = parse_graph(READ_OUT + MEAN, WEIGHT)
    after = advance_sums(graph)
    assert [node.op.kind for node in after.nodes.values()] == ["input", "sum", "time_sum", "conv", "scale"]
    assert (weighted_operations(graph), weighted_operations(after)) == (5 * 6, 6)
    spikes = {"s": np.random.default_rng(0).integers(0, 2, (4, 7, 2, 5)).astype(np.float32)}
    np.testing.assert_allclose(interpret(after, spikes)["y"], interpret(graph, spikes)["y"], rtol=1e-6)
    assert advance_sums(after) is after


@pytest.mark.parametrize(
    "tail",
    [
        MEAN + "  output every_step = %c\n",
        "  %f = function(%c) {constant=0.0, function='square'} : real[3x5]\n" + MEAN.replace("%c", "%f"),
        "  %t = time_sum(%c) {factor=1.0} : real[3x5] static\n  output y = %t\n",
        "  %m = sum(%c) {axes=(0,), micro=0, weight=1.0} : real[1x5]\n  output y = %m\n",
    ],
    ids=["read at every step", "behind what is not linear", "over steps alone", "over channels"],
)
def test_where_it_saves_nothing_the_graph_is_left_as_it_is(tail: str):
    graph = parse_graph(READ_OUT + tail, WEIGHT)
    assert advance_sums(graph) is graph


def test_sums_move_that_are_behind_others():
    """Of a mean of squares of sums the inner ones move."""
    tail = """  %m = sum(%c) {axes=(1,), micro=0, weight=0.5} : real[3x1]
  %f = function(%m) {constant=0.0, function='square'} : real[3x1]
  %t = time_sum(%f) {factor=0.25} : real[3x1] static
  output y = %t
"""
    after = advance_sums(parse_graph(READ_OUT + tail, WEIGHT))
    kinds = [node.op.kind for node in after.nodes.values()]
    assert kinds == ["input", "sum", "conv", "scale", "function", "time_sum"]


class Stream(nn.Module):
    """Currents of two layers added up, averaged over pixels, summed over steps by `weights`, and projected."""

    def __init__(self, weights: torch.Tensor) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, CHANNELS, 3, padding=1), nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(CHANNELS) for _ in range(2))
        self.lifs = nn.ModuleList(neuron.LIFNode(step_mode="m") for _ in range(2))
        self.register_buffer("weights", weights)
        self.proj = nn.Linear(CHANNELS, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 3, H, W) -> (B, 5)."""
        stream = self._layer(0, x, self.first)
        stream = stream + self._layer(1, stream, self.second)
        return self.proj((stream.flatten(3).mean(3) * self.weights.view(-1, 1, 1)).sum(0))

    def _layer(self, place: int, x: torch.Tensor, conv: nn.Module) -> torch.Tensor:
        spikes = self.lifs[place](x)
        return self.norms[place](conv(spikes.flatten(0, 1))).unflatten(0, x.shape[:2])


def stream(weights: torch.Tensor) -> tuple[Graph, Stream, torch.Tensor]:
    torch.manual_seed(0)
    module, x = Stream(weights).eval().double(), 3 * torch.rand(T, 2, 3, SIDE, SIDE).double()
    for norm in module.norms:
        nn.init.normal_(norm.running_mean)
        nn.init.uniform_(norm.running_var, 0.5, 2)
    return trace_module(module, {"x": x}, (), T, "stream"), module, x


@pytest.mark.parametrize("weights", [torch.full((T,), 0.25), torch.tensor([0.1, 0.2, 0.3, 0.6])])
def test_a_stream_of_currents_is_averaged_before_it_is_projected(weights: torch.Tensor):
    """By hand: 3x3 taps of 3 channels and 8 channels meet 8 channels; 3 channels of sides 4 and 4, then 3, to 3 taps each."""
    graph, module, x = stream(weights)
    deployment = split_host(graph)
    moved = apply(deployment, Context(hw_profiles.load("loihi2")))
    assert (moved.prologue, moved.chip) == (deployment.prologue, deployment.chip)
    taps = CHANNELS * (3 * 9 + CHANNELS)
    assert weighted_operations(moved.epilogue) == taps + 3 * SIDE * 3 * SIDE + 3 * 3 * SIDE * 3 + CHANNELS * 5
    chip = interpret(deployment.chip, {node.name: x.numpy() for node in deployment.chip.inputs})
    (got,) = interpret(moved.epilogue, {node.name: chip[node.name] for node in moved.epilogue.inputs}).values()
    with torch.no_grad():
        np.testing.assert_allclose(got[0], module(x).numpy(), rtol=1e-12, atol=1e-14)


def test_without_a_host_after_the_chip_there_is_nothing_to_move():
    deployment = Deployment.of(parse_graph(READ_OUT + MEAN, WEIGHT))
    assert apply(deployment, Context(hw_profiles.load("loihi2"))).epilogue is deployment.epilogue
