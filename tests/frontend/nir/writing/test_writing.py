"""What is written can be read: by us exactly, by nir with type checks, and by our importer without the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.import_nir import import_nir
from frontend.nir.round_trip.extension import Extension
from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.from_nir import from_nir
from frontend.nir.round_trip.to_nir import to_nir
from ir.graph import Array, Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import (
    Add,
    BatchNorm,
    Concat,
    Conv,
    Delay,
    Expand,
    Function,
    Input,
    Leaky,
    Lif,
    Linear,
    MatMul,
    MaxPool,
    Mul,
    Not,
    Offset,
    Op,
    Pad,
    Past,
    Permute,
    Reshape,
    Scale,
    Slice,
    Subtract,
    Sum,
    Synapse,
)
from ir.verify import verify

STEPS = 6


class Maker:
    """Builds one random graph; `sayable` leaves out what NIR has no words for."""

    def __init__(self, seed: int, sayable: bool) -> None:
        self.rng = np.random.default_rng(seed)
        self.sayable = sayable
        self.dtype = str(self.rng.choice(["float32", "float32", "float64"]))
        self.builder = GraphBuilder("random", STEPS, dtype=self.dtype)
        self.reset = str(self.rng.choice(["value", "value", "subtract", "none"]))
        self.comparator = str(self.rng.choice([">", ">="]))
        self.count = 0

    def add(self, op: Op, *values: str, name: str = "", **params: Array) -> str:
        self.count += 1
        name = name or f"{op.kind}{self.count}"
        stored = {role: self.builder.param(f"{name}.{role}", array) for role, array in params.items()}
        return self.builder.add(op, *values, name=name, params=stored, provenance=Provenance(f"net.{name}", ("pass",)))

    def weights(self, *shape: int) -> Array:
        return (self.rng.integers(-4, 5, size=shape) / 4 + self.rng.normal(size=shape) / 8).astype(self.dtype)

    def shape(self, value: str) -> tuple[int, ...]:
        return self.builder.type(value).shape

    def pick(self, *values: Any) -> Any:
        return values[int(self.rng.integers(len(values)))]

    def per_neuron(self, shape: tuple[int, ...], low: float, high: float) -> Array:
        return self.rng.uniform(low, high, size=shape).astype(self.dtype)

    def neuron(self, *values: str, name: str = "", analog: bool = False) -> str:
        """A population over currents of one shape, in any of NIR's forms."""
        shape = self.shape(values[0])
        form = self.pick("euler", "sum")
        constants: dict[str, Any] = {
            "form": form,
            "decay": float(self.pick(0.5, 0.3, 0.0625, 1.0)),
            "gain": self.pick(1.0, 2.5),
        }
        params: dict[str, Array] = {}
        if self.pick(True, False):
            constants |= {"leak": self.pick(0.0, 0.25)}
        match self.pick("plain", "flat", "current", "each"):
            case "flat":
                constants |= {"form": "sum", "decay": 0.0}
            case "current":
                constants |= {
                    "current_decay": self.pick(0.25, 0.7),
                    "current_form": self.pick("euler", "sum"),
                    "current_gain": 1.5,
                }
            case "each":
                params = {"decay": self.per_neuron(shape, 0.1, 0.9)} | (
                    {} if analog else {"threshold": self.per_neuron(shape, 0.5, 1.5)}
                )
        if self.pick(True, False, False):
            params["bias"] = self.weights(*shape)
        if analog:
            return self.add(Leaky(**constants), *values, name=name, **params)
        comparator = self.comparator if self.reset == "subtract" else self.pick(">", ">=")
        firing = {"threshold": self.pick(0.5, 1.0), "comparator": comparator, "reset": self.reset}
        firing |= {"v_reset": -0.25} if self.reset == "value" and self.pick(True, False) else {}
        return self.add(Lif(**constants, **firing), *values, name=name, **params)

    def vector(self, value: str) -> str:
        """One random operation on a vector; a value of any shape becomes one first."""
        if len(self.shape(value)) != 1:
            value = self.add(Reshape((int(np.prod(self.shape(value))),)), value)
        size = self.shape(value)[0]
        match self.pick(
            "linear", "linear", "affine", "scale", "factor", "add", "twice", "delay", "sum", "cut", "offset", "minus"
        ):
            case "linear":
                return self.add(Linear(), value, weight=self.weights(5, size))
            case "affine":
                return self.add(Linear(), value, weight=self.weights(4, size), bias=self.weights(4))
            case "scale":
                return self.add(Scale(), value, weight=self.weights(size))
            case "factor":
                return self.add(Scale(0.75), value)
            case "add":
                other = self.add(Linear(), value, weight=self.weights(size, size))
                return self.add(Add(), other, value)
            case "twice":
                return self.add(Add(), value, value)
            case "delay":
                each = {"steps": self.rng.integers(0, 4, size)} if self.pick(True, False) else {}
                return self.add(Delay(0 if each else 2), value, **each)
            case "sum":
                return self.add(Expand((3,)), self.add(Sum((0,), 0.5), value))
            case "cut":
                return self.add(Concat(0), self.add(Slice(0, 0, 1), value), value)
            case "offset":
                return self.add(Offset(0.25), value)
            case _:
                return self.add(Subtract(), value, self.add(Scale(2.0), value))

    def image(self, value: str) -> str:
        """One random operation on an image (C, H, W) that keeps it one."""
        channels = self.shape(value)[0]
        match self.pick("conv", "groups", "wide", "pool", "same", "unit"):
            case "conv":
                return self.add(Conv((1, 1), (1, 1), (1, 1)), value, weight=self.weights(2, channels, 3, 3))
            case "groups":
                weight = self.weights(2 * channels, 1, 3, 3)
                return self.add(
                    Conv((2, 2), (1, 1), (1, 1), channels), value, weight=weight, bias=self.weights(2 * channels)
                )
            case "wide":
                return self.add(Conv((1, 2), (0, 1), (1, 1)), value, weight=self.weights(2, channels, 1, 3))
            case "pool":
                weight = np.full((channels, 1, 2, 2), self.pick(1, 0.25), self.dtype)
                return self.add(Conv((2, 2), (0, 0), (1, 1), channels), value, weight=weight)
            case "same":
                padded = self.add(Pad(2, 0, 1), self.add(Pad(1, 0, 1), value))
                return self.add(Conv((1, 1), (0, 0), (1, 1)), padded, weight=self.weights(1, channels, 2, 2))
            case _:
                return self.add(Synapse(), value)

    def unsayable(self, value: str) -> str:
        """An operation that standard NIR has no node for, keeping the shape."""
        size = int(np.prod(self.shape(value)))
        flat = self.add(Reshape((1, size)), value)
        match self.pick("and", "matmul", "function", "norm", "pool", "turn", "not"):
            case "and":
                made = self.add(Mul(), flat, flat)
            case "matmul":
                made = self.add(MatMul(), flat, self.add(Reshape((size, 1)), value))
                made = self.add(Expand((1, size)), made)
            case "function":
                made = self.add(Function("power", 2.0), flat)
            case "norm":
                mean = np.zeros(1, self.dtype)
                made = self.add(BatchNorm(0, 1e-5), flat, mean=mean, var=mean + 2)
            case "pool":
                made = self.add(MaxPool((1,), (1,), (0,), (1,)), flat)
            case "turn":
                made = self.add(Permute((1, 0)), self.add(Permute((1, 0)), flat))
            case _:
                spikes = self.builder.type(flat).domain.kind == "spike"
                made = self.add(Not(), flat) if spikes else self.add(Offset(1.0), flat)
        return self.add(Reshape((size,)), made)

    def graph(self) -> Graph:
        kind = self.pick("spike", "real")
        value = self.add(Input(f"{kind}[2x4x4]" if self.pick(True, False) else f"{kind}[3x4]"), name="x")
        if len(self.shape(value)) == 3:
            value = self.neuron(self.image(value))
            value = self.image(value) if min(self.shape(value)[1:]) >= 2 else value
        else:
            value = self.neuron(self.add(Linear(), value, weight=self.weights(6, 4)))
        outputs = {"early": value} if self.pick(True, False) else {}
        for _ in range(int(self.rng.integers(1, 3))):
            value = self.vector(value) if self.sayable or self.pick(True, False) else self.unsayable(value)
            value = self.loop(value) if self.pick(True, False) else self.neuron(self.vector(value))
        if self.pick(True, False):
            outputs["membrane"] = self.neuron(self.vector(value), analog=True)
        return self.builder.build({**outputs, "y": self.vector(value) if self.pick(True, False) else value})

    def loop(self, value: str) -> str:
        """A population that reads its own spikes of earlier steps."""
        value = value if len(self.shape(value)) == 1 else self.vector(value)
        (size,) = self.shape(value)
        name = f"loop{self.count}"
        past = self.add(Past(name, f"spike[{size}]", self.pick(1, 1, 2)))
        match self.pick("direct", "weighted", "biased"):
            case "weighted":
                past = self.add(Linear(), past, weight=self.weights(size, size))
            case "biased":
                past = self.add(Linear(), past, weight=self.weights(size, size), bias=self.weights(size))
        return self.neuron(value, past, name=name)

    def inputs(self, graph: Graph) -> dict[str, Array]:
        (x,) = graph.inputs
        real = x.type.domain.kind == "real"
        size = (STEPS, 3, *x.type.shape)
        spikes = self.rng.random(size) < 0.5
        return {x.name: (self.rng.normal(size=size) if real else spikes).astype(self.dtype)}


def without_record(graph: nir.NIRGraph) -> nir.NIRGraph:
    """What any other program's file with our metadata would be."""
    kept = {key: value for key, value in graph.metadata.items() if key not in ("generator", "record", "arrays")}
    return nir.NIRGraph(graph.nodes, graph.edges, metadata=kept, type_check=False)


def is_standard(graph: nir.NIRGraph) -> bool:
    return not any(isinstance(node, Extension) for node in graph.nodes.values())


def through_file(graph: Graph, path: Path) -> Graph:
    write_nir(to_nir(graph), path)
    return from_nir(read_nir(path))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_read_of_write_is_the_graph(seed: int, tmp_path: Path) -> None:
    graph = Maker(seed, sayable=False).graph()
    verify(graph, "source")
    assert through_file(graph, tmp_path / "a.nir") == graph


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(120))
def test_standard_nodes_say_the_same(seed: int, tmp_path: Path) -> None:
    maker = Maker(1000 + seed, sayable=True)
    graph = maker.graph()
    assert through_file(graph, tmp_path / "a.nir") == graph
    written = to_nir(graph)
    assert is_standard(written), [node for node in written.nodes.values() if isinstance(node, Extension)]
    nir.read(tmp_path / "a.nir", type_check=True)
    write_nir(without_record(written), tmp_path / "b.nir")
    imported = import_nir(tmp_path / "b.nir")
    assert imported.reading is not None
    inputs = maker.inputs(graph)
    wanted, found = interpret(graph, inputs), interpret(imported.graph, inputs)
    for (name, array), theirs in zip(sorted(wanted.items()), [found[key] for key in sorted(found)], strict=True):
        spikes = graph.nodes[graph.outputs[name]].op.kind == "lif"
        if spikes:
            np.testing.assert_array_equal(theirs, array)
        else:
            np.testing.assert_allclose(theirs, array, rtol=1e-4, atol=1e-4)
