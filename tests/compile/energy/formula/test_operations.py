"""Weighted operations by hand: how many there really are, what the papers count, and what drives them."""

from __future__ import annotations

import numpy as np

from compile.energy.formula.operations import Operation, operations
from ir.graph import GraphBuilder, Provenance
from ir.ops import Conv, Input, Lif, Linear, MatMul, Mul, Sum

FIRE = Lif(decay=1.0, form="sum", threshold=1.0)


def only(builder: GraphBuilder, output: str, kind: str) -> Operation:
    (operation,) = (item for item in operations(builder.build({"y": output})) if item.kind == kind)
    return operation


def test_a_linear_layer_has_an_operation_per_synapse():
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[4x3]"), name="x")
    weight = b.param("w", np.ones((5, 3), np.float32))
    y = b.add(Linear(), x, name="l", params={"weight": weight}, provenance=Provenance("block.l"))
    operation = only(b, b.add(FIRE, y, name="y"), "linear")
    assert (operation.node, operation.module, operation.operands) == ("l", "block.l", ("x",))
    assert (operation.real, operation.formula) == (4 * 5 * 3, 4 * 5 * 3)
    assert (operation.analog, operation.static, operation.times(2)) == (False, False, 2)


def test_taps_on_padding_are_counted_by_the_papers_alone():
    """A 3 x 3 kernel over 2 x 2, two channels: each of 4 outputs has 2 x 9 taps, of which 2 x 4 are inside."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[2x2x2]"), name="x")
    weight = b.param("w", np.ones((6, 2, 3, 3), np.float32))
    y = b.add(Conv((1, 1), (1, 1), (1, 1)), x, name="c", params={"weight": weight})
    operation = only(b, b.add(FIRE, y, name="y"), "conv")
    assert (operation.real, operation.formula) == (6 * 4 * 2 * 4, 6 * 4 * 2 * 9)


def test_a_transposed_convolution_is_counted_at_its_inputs():
    """A 3 x 3 kernel over 2 x 2, two channels to six: each of 8 inputs has 6 x 9 synapses, the zeros between them none."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[2x2x2]"), name="x")
    weight = b.param("w", np.ones((6, 2, 3, 3), np.float32))
    y = b.add(Conv((1, 1), (2, 2), (1, 1), spread=(2, 2)), x, name="c", params={"weight": weight})
    operation = only(b, b.add(FIRE, y, name="y"), "conv")
    assert (operation.real, operation.formula) == (8 * 6 * 9, 8 * 6 * 9)


def test_a_product_sums_over_its_inner_axis():
    b = GraphBuilder("net", 2)
    left, right = b.add(Input("spike[4x3]"), name="q"), b.add(Input("spike[3x5]"), name="k")
    operation = only(b, b.add(FIRE, b.add(MatMul(), left, right, name="qk"), name="y"), "matmul")
    assert (operation.real, operation.formula, operation.operands) == (4 * 5 * 3, 4 * 5 * 3, ("q", "k"))


def test_a_gate_is_free_to_the_papers_and_driven_by_its_spikes():
    b = GraphBuilder("net", 2)
    analog, spikes = b.add(Input("graded<8>[4]"), name="a"), b.add(Input("spike[4]"), name="s")
    operation = only(b, b.add(Mul(), analog, spikes, name="gate"), "mul")
    assert (operation.real, operation.formula, operation.operands, operation.analog) == (4, 0, ("s",), False)


def test_a_static_analog_layer_is_computed_once_per_window():
    b = GraphBuilder("net", 3)
    x = b.add(Input("real[2] static"), name="x")
    y = b.add(Linear(), x, name="l", params={"weight": b.param("w", np.ones((5, 2), np.float32))})
    operation = only(b, b.add(FIRE, y, name="y"), "linear")
    assert (operation.analog, operation.static, operation.times(3)) == (True, True, 1)


def test_sums_count_where_spikes_are_added_and_not_between_analog_values():
    b = GraphBuilder("net", 2)
    spikes, analog = b.add(Input("spike[4x3]"), name="s"), b.add(Input("real[4x3]"), name="a")
    outputs = {"s": b.add(Sum((0,)), spikes, name="sum"), "a": b.add(Sum((0,)), analog, name="mean")}
    assert [(item.node, item.real) for item in operations(b.build(outputs))] == [("sum", 12)]
