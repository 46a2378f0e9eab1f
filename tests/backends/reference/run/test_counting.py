"""Fan-out of convolutions at the border, counts of renamed wires, and sums over tiles."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.kernels.cpu import cpu_kernels
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.counting import EventCounter
from ir.analysis.fan_out import UniformFanOut
from ir.graph import GraphBuilder
from ir.ops import Conv, Expand, Graded, Input, Linear, Permute, Reshape, Slice, Synapse

CASES = [
    (Conv((1, 1), (1, 1), (1, 1)), (2, 4, 5), (3, 2, 3, 3)),
    (Conv((2, 1), (0, 2), (1, 2)), (2, 5, 6), (2, 2, 2, 3)),
    (Conv((3, 3), (0, 0), (1, 1), groups=2), (4, 7, 7), (4, 2, 2, 2)),
    (Conv((2,), (3,), (2,)), (3, 6), (2, 3, 3)),
]


@pytest.mark.parametrize(("op", "shape", "weights"), CASES)
def test_full_activity_uses_every_synapse(op, shape, weights):
    b = GraphBuilder("g", 1)
    x = b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    conv = b.add(op, x, name="conv", params={"weight": b.param("w", np.ones(weights, np.float32))})
    graph = b.build({"y": b.add(Graded(8), conv, name="y")})
    counter = EventCounter(plan_of(graph, frozenset()), cpu_kernels())
    counter.project(graph.nodes["conv"], lambda name: torch.ones(1, 1, *shape, dtype=torch.uint8))
    assert counter.events(1, 1).synaptic["conv"] == op.synapses(graph.args(graph.nodes["conv"]), {"weight": weights})


@pytest.mark.parametrize(("op", "shape", "weights"), CASES[:3])
def test_single_spikes_use_their_own_synapses(op, shape, weights):
    b = GraphBuilder("g", 1)
    x = b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    conv = b.add(op, x, name="conv", params={"weight": b.param("w", np.ones(weights, np.float32))})
    graph = b.build({"y": b.add(Graded(8), conv, name="y")})
    spikes = (np.random.default_rng(0).random((1, 4, *shape)) < 0.3).astype(np.int64)
    reached = op.run((spikes,), {"weight": np.ones(weights, np.int64)}, 1).sum()
    for laid in (
        torch.from_numpy(spikes),
        torch.from_numpy(spikes).permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3),
    ):
        counter = EventCounter(plan_of(graph, frozenset()), cpu_kernels())
        counter.project(graph.nodes["conv"], lambda name, laid=laid: laid.to(torch.uint8))
        assert counter.events(4, 1).synaptic["conv"] == reached


def test_renamed_wires_are_not_counted_again_and_copies_are():
    b = GraphBuilder("g", 1)
    x = b.add(Input("spike[2x3]"), name="x")
    turned = b.add(Reshape((3, 1, 2)), b.add(Permute((1, 0)), x, name="p"), name="r")
    wide = b.add(Expand((3, 5, 2)), turned, name="e")
    linear = b.add(Linear(), turned, name="l", params={"weight": b.param("w", np.ones((7, 2), np.float32))})
    graph = b.build(
        {"a": b.add(Graded(8), linear, name="g1"), "b": b.add(Graded(8), b.add(Synapse(), wide, name="s"), name="g2")}
    )
    assert plan_of(graph, frozenset()).fan_outs == {"l": UniformFanOut("x", 7), "s": UniformFanOut("x", 5)}
    counter = EventCounter(plan_of(graph, frozenset()), cpu_kernels())
    counter.emit("x", torch.tensor(4))
    assert counter.events(1, 1).synaptic == {"l": 28, "s": 20}


def test_cut_wires_are_counted_one_by_one():
    b = GraphBuilder("g", 1)
    part = b.add(Slice(0, 1, 3), b.add(Input("spike[4x2]"), name="x"), name="part")
    linear = b.add(Linear(), part, name="l", params={"weight": b.param("w", np.ones((7, 2), np.float32))})
    graph = b.build({"y": b.add(Graded(8), linear, name="y")})
    counter = EventCounter(plan_of(graph, frozenset()), cpu_kernels())
    counter.emit("x", 5)
    counter.project(graph.nodes["l"], lambda name: torch.tensor([[[[1, 0], [1, 1]]]]))
    assert counter.events(1, 1).synaptic == {"l": 21}


def test_counts_add_up_over_tiles():
    b = GraphBuilder("g", 2)
    x = b.add(Input("spike[2]"), name="x")
    graph = b.build({"y": b.add(Graded(8), b.add(Synapse(), x, name="s"), name="y")})
    counter = EventCounter(plan_of(graph, frozenset()), cpu_kernels())
    for active in (3, 4):
        counter.emit("x", torch.tensor(active))
    events = counter.events(samples=5, steps=2)
    assert (events.spikes, events.synaptic, events.updates) == ({"x": 7}, {"s": 7}, {"y": 20})
