"""Recurrence, delays and every neuron in Lava: random networks against the interpreter, every sum computed in fractions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backends.lava.engine import LavaEngine
from backends.lava.timing import timing_of
from backends.reference.engine import ReferenceEngine
from ir.analysis.fan_in import populations
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    Concat,
    Delay,
    Input,
    IntegerLeaky,
    IntegerLif,
    Leaky,
    Lif,
    Linear,
    Past,
    Slice,
    Synapse,
)
from ir.types import graded
from ir.verify import verify
from tests.backends.wiring_oracle import populations_behind

SIZE = 4
KINDS = ("integer", "float32", "float64")


class FractionLinear(Linear):
    """The same sums as fractions, rounded once to float64, and once more to the network's type."""

    def run(self, args, params, steps):
        x, weight = args[0], params["weight"]
        exact = np.vectorize(Fraction, otypes=[object])
        sums = exact(x.astype(np.float64)) @ exact(weight.astype(np.float64)).T
        return sums.astype(np.float64).astype(x.dtype)


def interpreted(graph, inputs):
    """Every value (T, B, *shape) by the interpreter with sums in fractions, and the outputs."""
    exact = {n: replace(v, op=FractionLinear()) if v.op.kind == "linear" else v for n, v in graph.nodes.items()}
    kind = np.int64 if any(node.op.kind.startswith("integer_") for node in graph.nodes.values()) else graph.dtype
    params = graph.params if kind is np.int64 else {k: _cast(a, kind) for k, a in graph.params.items()}
    values: dict[str, Any] = {}
    wide = Graph(graph.name, graph.steps, exact, graph.outputs, params, graph.dtype)
    given = {name: x.astype(kind) for name, x in inputs.items()}
    outputs = interpret(wide, given, lambda node, value: values.__setitem__(node.name, value))
    return values, outputs


def _cast(array, kind):
    return array if array.dtype.kind == "i" else array.astype(kind)


@dataclass
class Draw:
    """A random network of `count` populations of SIZE neurons, any of which may read any other, earlier or later."""

    kind: str
    rng: np.random.Generator
    lowered: bool = False
    """Whether back edges start at populations only, as lowering leaves them."""
    builder: GraphBuilder = field(init=False)
    types: dict[str, str] = field(default_factory=dict)

    @property
    def dtype(self):
        return "float64" if self.kind == "float64" else "float32"

    def network(self, count: int) -> Graph:
        rng = self.rng
        self.builder = b = GraphBuilder("loops", 0, dtype=self.dtype)
        ops = [self.neuron() for _ in range(count)]
        self.types = {f"p{k}": _emission(op) for k, op in enumerate(ops)}
        sources = [b.add(Input(f"spike[{SIZE}]"), name="x"), b.add(Input(f"graded<24>[{SIZE}]"), name="a")]
        for k, op in enumerate(ops):
            later = [self.past(f"p{j}") for j in range(k, count) if rng.random() < 0.4]
            currents = [b.add(Linear(), self.late(self.pick(sources)), name=f"c{k}", params=self.weight())]
            currents += [b.add(Linear(), self.late(name), name="loop", params=self.weight()) for name in later]
            if rng.random() < 0.2:
                currents.append(b.add(Synapse(3), b.add(Past("x", f"spike[{SIZE}]", 2), name="earlier"), name="echo"))
            if rng.random() < 0.3:
                currents.append(self.late(currents[-1]))
            if rng.random() < 0.3 and not self.lowered:
                j = int(rng.integers(k, count))
                currents.append(b.add(Past(f"c{j}", f"current[{SIZE}]", int(rng.integers(1, 4))), name="was"))
            sources.append(b.add(op, *currents, name=f"p{k}", params=self.constants(op)))
        names = list(self.types)
        outputs = {name: name for name in names}
        outputs["late"] = b.add(Delay(2), names[-1], name="late")
        outputs["was"] = self.past(names[0])
        cut = b.add(Slice(0, 1, 3), b.add(Delay(1), names[0], name="line"), name="cut")
        outputs["both"] = b.add(Concat(0), names[0], cut, name="both")
        return b.build(outputs)

    def pick(self, names):
        return names[self.rng.integers(len(names))]

    def past(self, of):
        return self.builder.add(Past(of, self.types[of], int(self.rng.integers(1, 4))), name="back")

    def late(self, value):
        choice = self.rng.random()
        if choice < 0.6:
            return value
        if choice < 0.8:
            return self.builder.add(Delay(int(self.rng.integers(0, 9))), value, name="line")
        steps = self.builder.param("steps", self.rng.integers(0, 5, SIZE))
        return self.builder.add(Delay(), value, name="lines", params={"steps": steps})

    def weight(self):
        if self.kind == "integer":
            return {"weight": self.builder.param("w", self.rng.integers(-30, 50, (SIZE, SIZE)).astype(np.int8))}
        return {"weight": self.builder.param("w", self.rng.normal(0.1, 0.6, (SIZE, SIZE)).astype(self.dtype))}

    def neuron(self):
        rng = self.rng
        pick = lambda *options: options[rng.integers(len(options))]
        if self.kind == "integer":
            du, dv = pick(4095, 4095, 2000, -1), pick(0, 500, 2048, 4096)
            if rng.random() < 0.3:
                return IntegerLeaky(du, dv, 6, 12, 24, 10, 8, u0=pick(0, 300), v0=pick(0, -2000))
            vth = pick(10, 30, 60)
            options = {"reset": pick("zero", "subtract", "none"), "reset_at": pick("spike", "next")}
            options |= {"theta": vth << 6, "max_spikes": pick(1, 1, 3), "v0": pick(0, 900)}
            return IntegerLif(du, dv, vth, 6, 12, 24, **(options if rng.random() < 0.7 else {}))
        common = {"form": pick("euler", "sum"), "leak": pick(0.0, 0.1), "v0": pick(0.0, 0.3), "gain": pick(1.0, 0.7)}
        if rng.random() < 0.5:
            common |= {"current_decay": 0.4, "current_form": pick("euler", "sum"), "current_gain": pick(1.0, 1.3)}
            common |= {"order": pick("current_first", "membrane_first")}
        if rng.random() < 0.3:
            return Leaky(pick(0.9, 0.35), **common)
        options = {
            "comparator": pick(">", ">="),
            "reset": pick("value", "subtract", "none"),
            "v_reset": pick(0.0, -0.2),
        }
        options |= {"reset_at": pick("spike", "next"), "max_spikes": pick(1, 1, 3, 0), "threshold": pick(0.3, 0.7)}
        return Lif(pick(0.5, 0.35, 1.0), **common, **options)

    def constants(self, op):
        """A bias, and constants of single neurons."""
        rng, integer = self.rng, self.kind == "integer"
        ranges = {"bias": (-200, 900), "du": (0, 4096), "dv": (0, 4097), "vth": (5, 60), "v0": (-900, 900)}
        reals = {
            "bias": (-0.1, 0.2),
            "decay": (0.1, 0.9),
            "v0": (-0.3, 0.3),
            "leak": (-0.1, 0.1),
            "threshold": (0.2, 1),
        }
        reals["current_decay"] = (0.2, 0.9)
        params = {}
        for role, (low, high) in (ranges if integer else reals).items():
            if (role == "bias" or hasattr(op, role)) and rng.random() < 0.35:
                shape = (SIZE,) if rng.random() < 0.8 else (1,)
                values = rng.integers(low, high, shape) if integer else rng.uniform(low, high, shape)
                params[role] = self.builder.param(role, values.astype(np.int32 if integer else self.dtype))
        return params

    def inputs(self, steps, batch):
        rng = self.rng
        spikes = (rng.random((steps, batch, SIZE)) < 0.4).astype(np.int64)
        payload = rng.integers(-20, 30, (steps, batch, SIZE))
        return {"x": spikes, "a": payload if self.kind == "integer" else (payload * 0.037).astype(self.dtype)}


def _emission(op):
    if isinstance(op, IntegerLeaky):
        return f"{graded(op.bits)}[{SIZE}]"
    if isinstance(op, Leaky):
        return f"graded<24>[{SIZE}]"
    most = op.max_spikes
    return f"spike[{SIZE}]" if most == 1 else f"graded<{most.bit_length() + 1 if most else 24}>[{SIZE}]"


def draw(seed, kind, lowered=False):
    rng = np.random.default_rng(seed)
    sketch = Draw(kind, rng, lowered)
    graph = sketch.network(int(rng.integers(1, 6)))
    verify(graph, "quantized" if kind == "integer" else "synaptic")
    return graph, sketch.inputs(int(rng.integers(2, 12)), int(rng.integers(1, 4)))


def events_of(graph, values):
    spikes = {n.name: int(np.count_nonzero(values[n.name])) for n in (*graph.inputs, *populations(graph))}
    fan_out = {n.name: graph.arrays(n)["weight"].shape[0] for n in graph.nodes.values() if n.op.kind == "linear"}
    fan_out |= {n.name: 1 for n in graph.nodes.values() if n.op.kind == "synapse"}
    arriving = {n: int(np.count_nonzero(values[graph.nodes[n].inputs[0]])) * k for n, k in fan_out.items()}
    return spikes, {n: count * populations_behind(graph, n) for n, count in arriving.items()}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(30))
def test_random_networks_equal_the_interpreter(seed, kind, in_process):
    graph, inputs = draw(seed, kind)
    values, outputs = interpreted(graph, inputs)
    counted = []
    found = in_process(graph, inputs, 1 + seed % 3, counted, lanes=1 + seed % 2)
    for name, value in found.items():
        assert np.array_equal(value, outputs[name] if name in outputs else values[name]), name
    assert (dict(counted[0].spikes), dict(counted[0].synaptic)) == events_of(graph, values)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(200, 212))
def test_random_networks_equal_the_reference(seed, kind, in_process):
    graph, inputs = draw(seed, kind, lowered=True)
    counted, names = [], tuple(node.name for node in populations(graph))
    trace = ReferenceEngine(graph, "cpu").run(inputs, names)
    for name, value in in_process(graph, inputs, 1 + seed % 3, counted, lanes=1 + seed % 2).items():
        assert np.array_equal(value, trace.outputs[name] if name in trace.outputs else trace.emissions[name]), name
    assert counted[0] == trace.events


@pytest.mark.lava
@pytest.mark.parametrize(
    ("seed", "kind", "emission"),
    [
        *((100 + k, kind, "fused") for k in range(3) for kind in KINDS),
        *((110 + k, "integer", "stock") for k in range(4)),
    ],
)
def test_random_networks_under_lava(seed, kind, emission):
    graph, inputs = draw(seed, kind)
    values, outputs = interpreted(graph, inputs)
    probes = tuple(node.name for node in (*graph.inputs, *populations(graph)))
    trace = LavaEngine(graph, emission, processes=2 if emission == "fused" else None).run(inputs, probes)
    real = {"integer": np.int32, "float32": np.float32, "float64": np.float64}[kind]
    for name in probes:
        assert np.array_equal(trace.emissions[name], values[name]), name
        assert trace.emissions[name].dtype == (np.uint8 if graph.nodes[name].type.domain.kind == "spike" else real)
    for name, value in outputs.items():
        assert np.array_equal(trace.outputs[name], value), name
    assert (dict(trace.events.spikes), dict(trace.events.synaptic)) == events_of(graph, values)


@pytest.mark.lava
@pytest.mark.parametrize("kind", KINDS)
def test_populations_without_input_and_islands(kind):
    dtype = "float64" if kind == "float64" else "float32"
    b = GraphBuilder("islands", 0, dtype=dtype)
    integer = kind == "integer"
    lif = IntegerLif(4095, 100, 30, 6, 12, 24) if integer else Lif(0.3, threshold=0.5)
    bias = b.param("b", np.array([700, -50, 1990, 100]) if integer else np.array([0.6, -0.1, 0.55, 1.0]).astype(dtype))
    w = b.param("w", np.array([[3, -1, 4, 1]] * SIZE) if integer else np.array([[0.3, -0.1, 0.4, 0.1]] * SIZE, dtype))
    x = b.add(Input(f"spike[{SIZE}]"), name="x")
    unread = b.add(Input(f"graded<24>[{SIZE}]"), name="unread")
    nothing = b.add(Synapse(0), x, name="nothing")
    clock = b.add(lif, nothing, name="clock", params={"bias": bias})
    back = b.add(Past("alone", f"spike[{SIZE}]"), name="back")
    alone = b.add(lif, b.add(Linear(), back, name="l", params={"weight": w}), name="alone", params={"bias": bias})
    graph = b.build({"clock": clock, "alone": alone, "copy": unread})
    assert timing_of(graph, 5).depth["alone"] == 1
    rng = np.random.default_rng(0)
    inputs = {"x": (rng.random((9, 2, SIZE)) < 0.5).astype(np.int64), "unread": rng.integers(-5, 5, (9, 2, SIZE))}
    values, outputs = interpreted(graph, inputs)
    trace = LavaEngine(graph).run(inputs, ("clock", "alone"))
    for name in outputs:
        assert np.array_equal(trace.outputs[name], outputs[name]), name
    assert values["clock"].any()
    assert values["alone"].any()
