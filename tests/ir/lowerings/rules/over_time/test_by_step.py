"""Factors and terms of steps are gates and synapses from a clock, exactly, at what they are said to cost."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Delay, Input, Lif, Linear, TimeOffset, TimeWeight
from ir.ops.base import Op
from ir.passes.lower_to_synapses import lower_to_synapses

WEIGHT = np.array([[1, -1, 0.5], [0.5, 0.25, 1]], np.float32)


def _network(op: Op, rows: Array, what: str, bias: float = 0.25) -> Graph:
    """lif(W op(s) + b) for `spikes` and `counts`, lif(op(W s + b)) for a `current`, perhaps one step late."""
    steps = len(rows)
    builder = GraphBuilder("net", steps)
    x = builder.add(Input("spike[3]"), name="x")
    params = {"weight": builder.param("w", WEIGHT), "bias": builder.param("b", np.full(2, bias, np.float32))}
    own = {"weight" if isinstance(op, TimeWeight) else "bias": builder.param("rows", rows.astype(np.float32))}
    if what == "counts":
        x = builder.add(Add(), x, builder.add(Lif(0.5, threshold=0.5), x, name="more"), name="both")
    if what in ("spikes", "counts"):
        value = builder.add(Linear(), builder.add(op, x, name="op", params=own), name="h", params=params)
    else:
        value = builder.add(Linear(), x, name="h", params=params | ({"bias": params["bias"]} if bias else {}))
        if what == "late":
            bare = builder.add(Linear(), x, name="bare", params={"weight": params["weight"]})
            value = builder.add(Add(), value, builder.add(Delay(1), bare, name="late"), name="sum")
        value = builder.add(op, value, name="op", params=own)
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})


def _all_inputs(steps: int) -> dict[str, Array]:
    """Every train of spikes of one neuron, the others' shifted; ties of the threshold among them."""
    trains = (np.arange(2**steps)[:, None] >> np.arange(steps)) & 1
    return {"x": np.stack([trains, np.roll(trains, 1, 0), np.roll(trains, 5, 0)], 2).swapaxes(0, 1).astype(np.float32)}


@pytest.mark.parametrize("op", [TimeWeight(), TimeOffset()])
@pytest.mark.parametrize("what", ["spikes", "counts", "current", "late"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("features", [False, True])
def test_lowered_is_source(cmsf: SimpleNamespace, op: Op, what: str, steps: int, features: bool):
    size = 3 if what in ("spikes", "counts") else 2
    rows = np.random.default_rng(steps).integers(-3, 5, (steps, size) if features else steps) / 4
    source = _network(op, rows, what)
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}), _all_inputs(steps), ["y"])


def _neurons(graph: Graph) -> dict[str, int]:
    return {node.name: node.type.size for node in graph.nodes.values() if node.op.family == "neuron"}


@pytest.mark.parametrize(
    ("factors", "gates", "synapses"),
    [
        ([0.5, 1, 1.5, 2], 4, 8),  # a gate has a synapse from its spike, and one for each of its steps
        ([0.5, 1, 0.5, 0], 2, 5),
        ([0, 0, 1, 0], 1, 2),
        ([0.5, 0.5, 0.5, 0.5], 0, 0),
        ([0, 0, 0, 0], 0, 0),
    ],
)
def test_what_factors_cost(cmsf: SimpleNamespace, factors: list[float], gates: int, synapses: int):
    lowered = lower_to_synapses(_network(TimeWeight(), np.array(factors), "spikes"), cmsf.LOIHI1, {})
    clock = {"clock": 1} if gates else {}
    assert {name: n for name, n in _neurons(lowered).items() if name != "y"} == clock | {
        name: 3 for name in _neurons(lowered) if name.startswith("op_gate")
    }
    assert len(_neurons(lowered)) == 1 + len(clock) + gates
    added = cmsf.added_by(lowered, "time-weight=gates")
    assert added == (len(clock) + 3 * gates, 3 * synapses + len(clock))


def test_terms_cost_synapses_from_the_clock_alone(cmsf: SimpleNamespace):
    lowered = lower_to_synapses(_network(TimeOffset(), np.array([0.5, 0, 1.5, 2]), "current"), cmsf.LOIHI1, {})
    assert _neurons(lowered) == {"clock": 1, "y": 2}
    same = lower_to_synapses(_network(TimeOffset(), np.full(4, 0.5), "current"), cmsf.LOIHI1, {})
    assert _neurons(same) == {"y": 2}


def test_all_who_read_a_population_in_a_step_share_its_gate(cmsf: SimpleNamespace):
    builder = GraphBuilder("net", 2)
    x = builder.add(Input("spike[3]"), name="x")
    rows = {"weight": builder.param("rows", np.array([0.5, 1.0], np.float32))}
    outputs: dict[str, str] = {}
    for name in ("a", "b"):
        h = builder.add(Linear(), x, name=f"{name}_h", params={"weight": builder.param(f"{name}_w", WEIGHT)})
        outputs[name] = builder.add(Lif(0.5), builder.add(TimeWeight(), h, name=f"{name}_t", params=rows), name=name)
    lowered = lower_to_synapses(builder.build(outputs), cmsf.LOIHI1, {})
    assert sum(_neurons(lowered).values()) == 2 * 3 + 1 + 4


def test_the_clock_fires_in_the_first_step_of_any_window():
    lowered = lower_to_synapses(_network(TimeWeight(), np.array([1.0, 0, 2, 0, 0]), "spikes"), SimpleNamespace(), {})  # pyright: ignore[reportArgumentType]
    seen: dict[str, Array] = {}
    interpret(lowered, _all_inputs(5), lambda node, value: seen.update({node.name: value}))
    assert seen["clock"][:, :, 0].tolist() == [[1] * 32, *[[0] * 32] * 4]
