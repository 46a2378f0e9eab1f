"""Currents at the edges of what was proven: wrapping, saturating, sums of terms, gates and merges that only look alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backends.reference.engine import ReferenceEngine
from backends.reference.kernels.weighted_products import ValueOf
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.parameters import DeviceParameters
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Conv, Gate, Graded, Input, Linear, Permute, Synapse
from ir.ops.integer_neuron import IntegerLif

STEPS, SAMPLES = 9, 300


def agrees(graph: Graph, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The engine's outputs, checked against the interpreter's."""
    trace = ReferenceEngine(graph, "cpu").run(inputs)
    wanted = interpret(graph, {name: array.astype(np.int64) for name, array in inputs.items()})
    for name, values in trace.outputs.items():
        assert np.array_equal(values, wanted[name]), name
    return dict(trace.outputs)


@pytest.mark.parametrize(("bits", "dv"), [(17, 0), (17, 2048), (19, 0), (19, 2048), (19, 333)])
def test_membranes_that_saturate_and_currents_that_wrap(bits, dv):
    top = 1 << (bits - 1)
    b = GraphBuilder("edge", STEPS)
    x = b.add(Input(f"graded<{bits}>[3]"), name="x")
    bias = b.param("b", np.array([500000], np.int32))
    spikes = b.add(
        IntegerLif(4095, dv, 10000, 6, 12, 24), b.add(Synapse(1), x, name="s"), name="y", params={"bias": bias}
    )
    values = np.random.default_rng(bits).choice(
        [-top, 1 - top, -1000, 1000, top // 2, top // 2 + 1, top - 1], (STEPS, SAMPLES, 3)
    )
    spikes = agrees(b.build({"y": spikes}), {"x": values.astype(np.int32)})["y"]
    assert 0 < spikes.mean() < 1


def test_payloads_of_the_same_weights_that_only_together_leave_a_byte():
    b = GraphBuilder("sum", 1)
    weight = b.param("w", np.eye(3, dtype=np.int8))
    sources = [b.add(Input("graded<7>[3]"), name=f"x{k}") for k in range(3)]
    parts = [b.add(Linear(), x, name="l", params={"weight": weight}) for x in sources]
    graph = b.build({"y": b.add(IntegerLif(4095, 2048, 150, 6, 12, 24), *parts, name="y")})
    found = agrees(graph, {f"x{k}": np.full((1, 1, 3), 63, np.int32) for k in range(3)})
    assert found["y"].all()


def test_terms_that_only_together_leave_float32():
    b = GraphBuilder("sum", 1)
    parts = [b.add(Synapse(1), b.add(Input("graded<25>[3]"), name=name), name="s") for name in "xy"]
    whole = b.add(IntegerLif(4095, 2048, 1, 6, 12, 24), parts[0], name="whole")  # makes it an integer network
    graph = b.build({"y": b.add(Graded(40), *parts, name="total"), "whole": whole})
    rng = np.random.default_rng(0)
    agrees(graph, {name: rng.integers((1 << 24) - 99, 1 << 24, (1, 50, 3)).astype(np.int32) for name in "xy"})


@pytest.mark.parametrize("change", ["saturating", "weighted"])
def test_gates_that_change_their_payload_are_written_out(network, change):
    graph, inputs = network(3, "attention", steps=4, samples=8)
    nodes = dict(graph.nodes)
    gate = nodes["gate"]
    if change == "saturating":
        bits = nodes["score"].type.domain.bound - 22
        op = Gate(bits)
        assert bits == 2
        nodes["gate"] = replace(gate, op=op, type=replace(gate.type, domain=replace(gate.type.domain, bound=bits)))
    else:
        nodes[gate.inputs[0]] = replace(nodes[gate.inputs[0]], op=Synapse(2))
    changed = Graph(graph.name, graph.steps, nodes, {**graph.outputs, "mixed": "lif_2"}, graph.params)
    assert "gate" not in plan_of(changed, frozenset()).contracted
    agrees(changed, inputs)


def test_products_behind_different_routing_do_not_merge():
    b = GraphBuilder("turn", 1)
    weight = b.param("w", np.arange(9, dtype=np.int8).reshape(3, 3))
    x, y = (b.add(Input("spike[3x3]"), name=name) for name in "xy")
    straight = b.add(Linear(), x, name="l", params={"weight": weight})
    turned = b.add(Permute((1, 0)), b.add(Linear(), y, name="l", params={"weight": weight}), name="t")
    graph = b.build({"y": b.add(IntegerLif(4095, 2048, 9, 6, 12, 24), straight, turned, name="total")})
    rng = np.random.default_rng(0)
    assert agrees(graph, {name: rng.integers(0, 2, (1, 20, 3, 3)).astype(np.uint8) for name in "xy"})["y"].any()


def test_what_several_populations_in_a_row_take_is_computed_once(monkeypatch: pytest.MonkeyPatch):
    """Three thresholds read one convolution of spikes, as the levels of integer spikes do; a fourth reads another sum."""
    b = GraphBuilder("levels", STEPS)
    x = b.add(Input("spike[3x5x5]"), name="x")
    weight = b.param("w", np.random.default_rng(0).integers(-9, 10, (4, 3, 3, 3)).astype(np.int16))
    conv = b.add(Conv((1, 1), (1, 1), (1, 1)), x, name="conv", params={"weight": weight})
    names = [b.add(IntegerLif(4095, 4096, vth, 6, 12, 24), conv, name=f"y_{vth}") for vth in (0, 4, 9)]
    other = b.add(Synapse(3), names[0], name="s")
    last = b.add(IntegerLif(4095, 2048, 5, 6, 12, 24), other, conv, name="last")
    graph = b.build({name: name for name in [*names, last]})
    computed: list[tuple[str, ...]] = []
    product = DeviceParameters.product

    class Counted:
        """A product that is noted whenever it is computed."""

        def __init__(self, parameters: DeviceParameters, names: tuple[str, ...]) -> None:
            self.product, self.names = product(parameters, names), names
            self.scale = self.product.scale

        def current(self, value: ValueOf) -> torch.Tensor:
            computed.append(self.names)
            return self.product.current(value)

        def unscaled(self, value: ValueOf) -> torch.Tensor:
            computed.append(self.names)
            return self.product.unscaled(value)

    monkeypatch.setattr(DeviceParameters, "product", lambda self, names: Counted(self, names))
    agrees(graph, {"x": np.random.default_rng(1).integers(0, 2, (STEPS, 20, 3, 5, 5)).astype(np.int64)})
    assert computed.count(("conv",)) == 2
