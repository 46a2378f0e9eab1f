"""
Source graphs as CMSF is traced to, at any size, with dyadic weights: every sum is exact, so spikes compare exactly.

Batch norms have variance 1/4, 1 or 4 and eps 0, so that folding them is exact too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ir.analysis.resources import node_resources
from ir.graph import Array, Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.lowerings.cost import Cost
from ir.lowerings.lowering import Lowering
from ir.lowerings.table import LOWERINGS, operation
from ir.ops import (
    Add,
    BatchNorm,
    Expand,
    Input,
    LayerNorm,
    Lif,
    Linear,
    MatMul,
    Mul,
    Permute,
    Repeat,
    Reshape,
    Scale,
    Slice,
    Sum,
    TimeSum,
    TimeWeight,
)

LOIHI2 = SimpleNamespace(graded_spikes=True, programmable_neurons=True)
LOIHI1 = SimpleNamespace(graded_spikes=False, programmable_neurons=False)


@dataclass(frozen=True)
class Size:
    """Tokens of query and key, width, heads, combs, hidden width, steps."""

    queries: int = 4
    keys: int = 4
    width: int = 8
    heads: int = 2
    combs: int = 2
    hidden: int = 16
    steps: int = 2


PAPER = Size(queries=36, keys=36, width=1024, heads=8, combs=6, hidden=4096)


class Tracer:
    """Builds source graphs as the tracer makes them from CMSF's modules."""

    def __init__(self, size: Size, seed: int | None = 0) -> None:
        """Without a seed the weights are zeros of the right size (nothing is computed with them)."""
        self.size = size
        self.builder = GraphBuilder("traced", size.steps)
        self.add = self.builder.add
        self._random = None if seed is None else np.random.default_rng(seed)

    def array(self, name: str, shape: tuple[int, ...], grid: float = 0.25, reach: int = 4) -> str:
        """A parameter of multiples of `grid`."""
        if self._random is None:
            return self.builder.param(name, np.broadcast_to(np.float32(0), shape))
        steps = self._random.integers(-reach, reach + 1, shape)
        return self.builder.param(name, (steps * grid).astype(np.float32))

    def spikes(self, name: str, tokens: int | None = None) -> str:
        """A spike input (tokens, width)."""
        return self.add(Input(f"spike[{tokens or self.size.queries}x{self.size.width}]"), name=name)

    def coder(self, name: str, tokens: int) -> str:
        """Analog tokens, repeated over the steps, normed, coded to spikes."""
        x = self.add(Input(f"real[{tokens}x{self.size.width}] static"), name=name)
        x = self.add(Repeat(), x, name=f"{name}_repeat")
        x = self.add(LayerNorm(1e-5), x, name=f"{name}_norm")
        return self.lif(x, f"{name}_coder")

    def lif(self, x: str, name: str, threshold: float = 1.0) -> str:
        """SpikingJelly's LIF, tau 2."""
        return self.add(
            Lif(0.5, threshold=threshold), x, name=name, provenance=Provenance(name.replace("_lif", ".lif"))
        )

    def linear(self, x: str, outputs: int, name: str) -> str:
        """A linear map with bias."""
        inputs = self.builder.type(x).shape[-1]
        params = {
            "weight": self.array(f"{name}.weight", (outputs, inputs)),
            "bias": self.array(f"{name}.bias", (outputs,)),
        }
        return self.add(Linear(), x, name=name, params=params, provenance=Provenance(name))

    def batch_norm(self, x: str, name: str) -> str:
        """BatchNorm1d over the last axis, between two permutes."""
        channels = self.builder.type(x).shape[-1]
        params = {role: self.array(f"{name}.{role}", (channels,)) for role in ("mean", "weight", "bias")}
        var = np.ones(channels) if self._random is None else self._random.choice([0.25, 1.0, 4.0], channels)
        params["var"] = self.builder.param(f"{name}.var", var.astype(np.float32))
        x = self.add(Permute((1, 0)), x, name="transpose")
        x = self.add(BatchNorm(0, 0.0), x, name=name, params=params, provenance=Provenance(name))
        return self.add(Permute((1, 0)), x, name="transpose")

    def layer(self, x: str, outputs: int, name: str) -> str:
        """Linear, batch norm, LIF."""
        x = self.batch_norm(self.linear(x, outputs, f"{name}_linear"), f"{name}_bn")
        return self.lif(self.add(Reshape(self.builder.type(x).shape), x, name="reshape"), f"{name}_lif")

    def heads(self, x: str) -> str:
        """(tokens, width) -> (heads, tokens, width / heads)."""
        tokens, width = self.builder.type(x).shape
        x = self.add(Reshape((tokens, self.size.heads, width // self.size.heads)), x, name="reshape")
        return self.add(Permute((1, 0, 2)), x, name="permute")

    def mixed(self, q: str, k: str, v: str, keys_first: bool = True, module: str = "attn") -> str:
        """Q K^T V of head-split spikes, either way associated, times 1/8, heads merged, LIF with threshold 1/2."""
        provenance = Provenance(module)
        kt = self.add(Permute((0, 2, 1)), k, name="transpose", provenance=provenance)
        if keys_first:
            y = self.add(
                MatMul(),
                q,
                self.add(MatMul(), kt, v, name="matmul", provenance=provenance),
                name="matmul_1",
                provenance=provenance,
            )
        else:
            y = self.add(
                MatMul(),
                self.add(MatMul(), q, kt, name="matmul", provenance=provenance),
                v,
                name="matmul_1",
                provenance=provenance,
            )
        y = self.add(Scale(0.125), y, name="mul", provenance=provenance)
        y = self.add(Permute((1, 0, 2)), y, name="transpose", provenance=provenance)
        tokens, heads, width = self.builder.type(y).shape
        y = self.add(Reshape((tokens, heads * width)), y, name="flatten", provenance=provenance)
        return self.lif(y, "attn_lif", threshold=0.5)

    def attention(self, x: str, y: str, keys_first: bool = True) -> str:
        """Spike attention with its projections; queries from x, keys from y."""
        q, k, v = (self.heads(self.layer(z, self.size.width, n)) for z, n in ((x, "q"), (y, "k"), (y, "v")))
        return self.layer(self.mixed(q, k, v, keys_first), self.size.width, "proj")

    def combs(self, x: str, y: str, interleave: bool = True) -> str:
        """SCCA: combs of the query mask the keys."""
        q, k = (self._split_combs(self.layer(z, self.size.width, n)) for z, n in ((x, "q"), (y, "k")))
        mask = self.lif(self.add(Sum((1,)), q, name="sum", provenance=Provenance("attn")), "attn_lif", threshold=0.5)
        mask = self.add(Expand(self.builder.type(k).shape), mask, name="expand")
        masked = self.add(Mul(), mask, k, name="masked", provenance=Provenance("attn"))
        if interleave:
            masked = self.add(Permute((1, 0, 2)), masked, name="transpose")
        tokens = self.add(Reshape((self.size.keys, self.size.width)), masked, name="flatten")
        return self.layer(tokens, self.size.width, "proj")

    def _split_combs(self, x: str) -> str:
        tokens, width = self.builder.type(x).shape
        return self.add(Reshape((self.size.combs, tokens // self.size.combs, width)), x, name="reshape")

    def gated_mlp(self, x: str, gate: str = "analog") -> str:
        """Value and gate from one linear map; the gate analog, or normed and fired too."""
        hidden, width = self.size.hidden, self.size.width
        both = self.linear(x, 2 * hidden, "hidden_linear")
        v = self.add(Slice(1, 0, hidden), both, name="chunk")
        g = self.add(Slice(1, hidden, 2 * hidden), both, name="chunk")
        v = self.lif(self.batch_norm(v, "hidden_v_bn"), "hidden_v_lif")
        if gate == "spike":
            g = self.lif(self.batch_norm(g, "hidden_gate_bn"), "hidden_gate_lif")
        return self.layer(self.add(Mul(), g, v, name="gated", provenance=Provenance("mlp")), width, "out")

    def block(self, x: str, attended: str, gate: str = "analog") -> str:
        """Both residual sums of a block."""
        x = self.add(Add(), x, attended, name="add")
        return self.add(Add(), x, self.gated_mlp(x, gate), name="add_1")

    def read_out(self, x: str) -> str:
        """Time weights and the sum over the window."""
        weights = self.builder.param("w", np.linspace(2, 1, self.size.steps).astype(np.float32))
        return self.add(TimeSum(), self.add(TimeWeight(), x, name="weighted", params={"weight": weights}), name="emb")

    def encoder(self, gate: str = "analog", keys_first: bool = True) -> Graph:
        """An encoder: coder, self attention, gated MLP, read-out."""
        x = self.coder("tokens", self.size.queries)
        x = self.block(x, self.attention(x, x, keys_first), gate)
        return self.builder.build({"emb": self.read_out(x)})

    def comb_direction(self, gate: str = "analog") -> Graph:
        """One direction of SCCA fusion."""
        x, y = self.coder("query", self.size.queries), self.coder("key", self.size.keys)
        return self.builder.build({"fused": self.read_out(self.block(x, self.combs(x, y), gate))})


def random_inputs(graph: Graph, seed: int, samples: int = 3, rate: float = 0.5) -> dict[str, Array]:
    """Spikes at a rate; payloads and real values are multiples of 1/4."""
    random = np.random.default_rng(seed)
    inputs: dict[str, Array] = {}
    for node in graph.inputs:
        shape = (1 if node.type.static else graph.steps, samples, *node.type.shape)
        spiking = node.type.domain.kind == "spike"
        values = random.random(shape) < rate if spiking else random.integers(-12, 13, shape) / 4
        inputs[node.name] = values.astype(np.float32)
    return inputs


def assert_same(source: Graph, lowered: Graph, inputs: dict[str, Array], populations: Sequence[str] = ()) -> None:
    """Outputs, and the model's own populations, are equal at every step, on numpy and on torch."""
    for convert in (lambda x: x, torch.from_numpy):
        fed = {name: convert(array) for name, array in inputs.items()}
        seen = [dict[str, Array](), dict[str, Array]()]
        results = [
            interpret(graph, fed, lambda node, value, into=into: into.update({node.name: np.asarray(value)}))
            for graph, into in zip((source, lowered), seen, strict=True)
        ]
        for name in results[0]:
            np.testing.assert_array_equal(np.asarray(results[0][name]), np.asarray(results[1][name]), err_msg=name)
        for name in populations:
            np.testing.assert_array_equal(seen[0][name], seen[1][name], err_msg=name)


def estimated(source: Graph, name: str, strategy: str) -> Cost:
    """What the strategy's cost function says of a node, before it is built; nodes before it have one strategy each."""
    lowering, node = Lowering(source), source.nodes[name]
    for before in list(source.nodes.values())[: list(source.nodes).index(name)]:
        row = operation(lowering, before)
        assert row is not None
        (only,) = LOWERINGS[row].values()
        lowering.values[before.name] = only.rule(lowering, before, before.provenance)
    row = operation(lowering, node)
    assert row is not None
    cost = LOWERINGS[row][strategy].cost
    assert cost is not None
    return cost(lowering, node)


def neurons_of(graph: Graph) -> list[str]:
    """The populations of a graph."""
    return [node.name for node in graph.nodes.values() if node.op.family == "neuron"]


def added_by(chip: Graph, strategy: str) -> tuple[int, int]:
    """Neurons and synapses that a lowering added."""
    rows = [row for row in node_resources(chip) if strategy in chip.nodes[row.node].provenance.passes]
    return sum(row.neurons for row in rows), sum(row.synapses for row in rows)


@pytest.fixture(scope="session")
def cmsf() -> SimpleNamespace:
    """What the tests of lowering share, as a fixture, because test folders are not packages."""
    make: Callable[..., Tracer] = Tracer
    names = {"Tracer": make, "Size": Size, "PAPER": PAPER, "LOIHI1": LOIHI1, "LOIHI2": LOIHI2}
    functions = {
        "random_inputs": random_inputs,
        "assert_same": assert_same,
        "estimated": estimated,
        "neurons_of": neurons_of,
        "added_by": added_by,
    }
    return SimpleNamespace(**names, **functions)
