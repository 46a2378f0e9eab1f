"""Random chip networks with every motif that lowering makes, integer or in the source's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder
from ir.ops import (
    Add,
    Burst,
    Concat,
    Conv,
    Expand,
    Gate,
    Graded,
    Input,
    Lif,
    Linear,
    Permute,
    Reshape,
    Slice,
    Sum,
    Synapse,
)
from ir.ops.integer_neuron import IntegerLif

N, D = 3, 4
"""Every population that others build on has this shape."""


@dataclass
class Grower:
    """A network under construction; `spikes` are populations of shape (N, D)."""

    rng: np.random.Generator
    builder: GraphBuilder
    integer: bool
    spikes: list[str] = field(default_factory=list)

    def pick(self) -> str:
        return self.spikes[self.rng.integers(len(self.spikes))]

    def weight(self, *shape: int) -> str:
        array = self.rng.integers(-40, 60, shape)
        return self.builder.param("w", array.astype(np.int8) if self.integer else array.astype(np.float32) / 64)

    def linear(self, source: str, weight: str, name: str = "lin") -> str:
        return self.builder.add(Linear(), source, name=name, params={"weight": weight})

    def synapse(self, source: str, name: str = "syn") -> str:
        return self.builder.add(Synapse(1), source, name=name)

    def lif(self, *currents: str) -> str:
        shape = self.builder.type(currents[0]).shape
        params = {}
        if self.rng.random() < 0.5:
            bias = self.rng.integers(-900, 900, shape[-1:])
            bias = bias.astype(np.int32) if self.integer else bias.astype(np.float32) / 1024
            params = {"bias": self.builder.param("b", bias)}
        return self.builder.add(self._neuron(), *currents, name="lif", params=params)

    def _neuron(self) -> IntegerLif | Lif:
        if not self.integer:
            decay, form = float(self.rng.choice([0.5, 1.0, 0.25])), str(self.rng.choice(["euler", "sum"]))
            return Lif(decay, form=form, threshold=float(self.rng.choice([0.25, 0.5])))
        du = int(self.rng.choice([4095, 4095, 4095, 1000, -1]))
        return IntegerLif(du, int(self.rng.choice([0, 2048, 4096, 333])), int(self.rng.integers(1, 40)), 6, 12, 24)

    def at_least(self, count: int, *currents: str, name: str = "and") -> str:
        """A memoryless neuron that fires from `count` unit spikes upwards."""
        op = IntegerLif(4095, 4095, count - 1, 6, 12, 24) if self.integer else Lif(1.0, form="sum", threshold=count)
        return self.builder.add(op, *currents, name=name)

    def pairs(self, rows: str, columns: str) -> tuple[str, str]:
        """Two populations repeated so that every token of one meets every token of the other: (N, N, D)."""
        wide = []
        for source, shape in ((rows, (N, 1, D)), (columns, (1, N, D))):
            lone = self.builder.add(Reshape(shape), source, name="lone")
            wide.append(self.builder.add(Expand((N, N, D)), lone, name="wide"))
        return wide[0], wide[1]


def plain(g: Grower) -> None:
    g.spikes.append(g.lif(g.linear(g.pick(), g.weight(D, D))))


def residual(g: Grower) -> None:
    weight = g.weight(D, D)
    g.spikes.append(g.lif(*(g.linear(g.pick(), weight, "res") for _ in range(2))))


def shared(g: Grower) -> None:
    """One product, cut in two, for two populations."""
    both = g.linear(g.pick(), g.weight(2 * D, D), "both")
    for start in (0, D):
        g.spikes.append(g.lif(g.builder.add(Slice(1, start, start + D), both, name="cut")))


def comb(g: Grower) -> None:
    """OR over tokens, repeated, AND another population."""
    total = g.builder.add(Sum((0,)) if not g.integer else Sum((0,), weight=1), g.pick(), name="sum")
    mask = g.builder.add(Expand((N, D)), g.at_least(1, total, name="or"), name="mask")
    g.spikes.append(g.at_least(2, g.synapse(mask), g.synapse(g.pick())))


def attention(g: Grower) -> None:
    """(Q K^T) V: AND, scores, gates, neurons."""
    gates = g.at_least(2, *(g.synapse(wide) for wide in g.pairs(g.pick(), g.pick())))
    scores = g.builder.add(Graded(24), g.builder.add(Sum((2,), weight=1), gates, name="count"), name="score")
    wide = g.builder.add(Expand((N, N, D)), scores, name="wide_score")
    opened = g.builder.add(Gate(24), g.synapse(wide), g.synapse(g.pairs(g.pick(), g.pick())[1]), name="gate")
    mixed = g.builder.add(Sum((1,), weight=3 if g.integer else 0.125), opened, name="mix")
    g.spikes.append(g.lif(g.builder.add(Reshape((N, D)), mixed, name="flat")))


def time_coded(g: Grower) -> None:
    """Scores as bursts over micro-steps, AND another population, counted."""
    ands = g.at_least(2, *(g.synapse(wide) for wide in g.pairs(g.pick(), g.pick())))
    burst = g.builder.add(Burst(D), g.builder.add(Sum((2,), weight=1), ands, name="count"), name="burst")
    wide = g.builder.add(Expand((D, N, N, D)), burst, name="wide_burst")
    lone = g.builder.add(Reshape((1, 1, N, D)), g.pick(), name="lone")
    other = g.builder.add(Expand((D, N, N, D)), lone, name="wide")
    micro = [g.builder.add(Synapse(1, micro=D), value, name="micro") for value in (wide, other)]
    op = IntegerLif(4095, 4095, 1, 6, 12, 24, micro=D) if g.integer else Lif(1.0, form="sum", threshold=2, micro=D)
    both = g.builder.add(op, *micro, name="micro_and")
    mixed = g.builder.add(Sum((0, 2), weight=2 if g.integer else 0.25, micro=D), both, name="mix")
    g.spikes.append(g.lif(g.builder.add(Reshape((N, D)), mixed, name="flat")))


def analog_gate(g: Grower) -> None:
    """A payload opened by spikes, into a product with weights."""
    weight, source = g.weight(D, D), g.pick()
    payloads = [g.linear(g.pick(), weight, "payload") for _ in range(2)]
    gate = Gate(24, shift=2) if g.integer else Gate(24)
    opened = g.builder.add(gate, *payloads, g.synapse(source), name="gate")
    g.spikes.append(g.lif(g.linear(opened, g.weight(D, D))))


def convolution(g: Grower) -> None:
    stride, padding = int(g.rng.integers(1, 3)), int(g.rng.integers(1, 3))
    turned = g.builder.add(Permute((1, 0)), g.pick(), name="turn")
    op = Conv((stride,), (padding,), (1,), groups=int(g.rng.choice([1, 2])))
    params = {"weight": g.weight(D, D // op.groups, 2)}
    conv = g.builder.add(op, turned, name="conv", params=params)
    back = g.builder.add(Permute((1, 0)), g.lif(conv), name="back")
    g.spikes.append(g.lif(g.linear(g.builder.add(Concat(0), back, g.pick(), name="join"), g.weight(D, D))))
    g.spikes[-1] = g.builder.add(Slice(0, 0, N), g.spikes[-1], name="first")


MOTIFS = (plain, residual, shared, comb, attention, time_coded, analog_gate, convolution)


def grow(seed: int, motifs: tuple[object, ...], integer: bool, steps: int) -> Graph:
    """A network of the motifs, its outputs the last population and the sum of the first and the last."""
    g = Grower(np.random.default_rng(seed), GraphBuilder("random", steps), integer)
    g.spikes.append(g.builder.add(Input(f"spike[{N}x{D}]"), name="x"))
    analog = g.builder.add(Input(f"graded<10>[{N}x{D}] static"), name="a")
    g.spikes.append(g.lif(g.linear(analog, g.weight(D, D))))
    for motif in motifs:
        motif(g)
    merged = g.builder.add(Add(), g.spikes[0], g.spikes[-1], name="merged")
    return g.builder.build({"last": g.spikes[-1], "merged": merged, **_others(g)})


def _others(g: Grower) -> dict[str, str]:
    """Every population stays alive, also those that nothing reads."""
    return {f"unread{place}": name for place, name in enumerate(g.spikes[1:-1])}


def feed(graph: Graph, seed: int, samples: int) -> dict[str, np.ndarray]:
    """Random inputs: spikes, and payloads (multiples of 1/8 for a float network) that do not change in time."""
    rng = np.random.default_rng(seed + 1)
    spikes = (rng.random((graph.steps, samples, N, D)) < 0.5).astype(np.uint8)
    still = np.repeat(rng.integers(-60, 60, (1, samples, N, D)), graph.steps, axis=0)
    integer = any(node.op.kind == "integer_lif" for node in graph.nodes.values())
    return {"x": spikes, "a": still.astype(np.int32) if integer else (still / 8).astype(np.float32)}


@st.composite
def _networks(draw: st.DrawFn, integer: bool) -> tuple[Graph, dict[str, np.ndarray]]:
    motifs = tuple(draw(st.lists(st.sampled_from(MOTIFS), min_size=1, max_size=5)))
    seed = draw(st.integers(0, 10**6))
    graph = grow(seed, motifs, integer, draw(st.integers(1, 4)))
    return graph, feed(graph, seed, draw(st.integers(1, 3)))


INTEGER_NETWORKS, FLOAT_NETWORKS = _networks(integer=True), _networks(integer=False)


@pytest.fixture(scope="session")
def integer_networks():
    """A strategy of (quantized graph, inputs), as a fixture because test folders are not packages."""
    return INTEGER_NETWORKS


@pytest.fixture(scope="session")
def float_networks():
    """A strategy of (synaptic graph, inputs); all weights and payloads are dyadic, so that float32 sums are exact."""
    return FLOAT_NETWORKS


@pytest.fixture(scope="session")
def network():
    """network(seed, *motif names, integer=True, steps=2, samples=2) -> (graph, inputs)."""
    by_name = {motif.__name__: motif for motif in MOTIFS}

    def make(seed: int, *motifs: str, integer: bool = True, steps: int = 2, samples: int = 2):
        graph = grow(seed, tuple(by_name[name] for name in motifs), integer, steps)
        return graph, feed(graph, seed, samples)

    return make


@pytest.fixture
def torch_threads():
    """Sets how many threads torch may use, for one test."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)
