"""The moves that all rules share: values taken as populations or currents, neurons and projections built and marked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ir.analysis.resources import DUPLICATE
from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.lowerings.lowering import PASS, Lowering
from ir.lowerings.values import Complement, Current, PendingProduct, Spikes, Wire
from ir.ops import Gate, Graded, Input, Lif, Linear, Permute, Reshape, Sum, Synapse

MODEL, ADDED = Provenance("net.fc"), Provenance("net.fc", (PASS,))
WEIGHT = np.array([[1.0, -2.0], [0.5, 4.0]], np.float32)


def source() -> Graph:
    builder = GraphBuilder("net", 1)
    x, y = builder.add(Input("spike[2]"), name="x"), builder.add(Input("graded<8>[2]"), name="y")
    current = builder.add(Linear(), x, name="fc", params={"weight": builder.param("w", WEIGHT)}, provenance=MODEL)
    return builder.build({"s": builder.add(Lif(0.5), current, name="s"), "y": y})


@pytest.fixture
def lowering() -> Lowering:
    """The inputs are lowered, and stand for themselves."""
    state = Lowering(source())
    for node in source().inputs:
        state.builder.copy(node, ())
        state.values[node.name] = Spikes((node.name,))
    return state


def wire(place: str = "x", **change: object) -> Wire:
    return replace(Wire(place, Linear(), "fc", MODEL, "w"), **change)


def test_operands_are_what_the_values_have_become(lowering: Lowering):
    lowering.values["fc"] = Current((2,), (wire(),))
    assert lowering.operands(lowering.graph.nodes["fc"]) == (Spikes(("x",)),)
    assert lowering.operands(lowering.graph.nodes["s"]) == (lowering.values["fc"],)


def test_what_is_spikes_without_payloads(lowering: Lowering):
    assert lowering.is_graded("y")
    assert not lowering.is_graded("x")
    binary = (Spikes(("x", "x")), Complement("x", "not", MODEL))
    assert all(lowering.is_binary(value) for value in binary)
    other = (Spikes(("x", "y")), Current((2,), ()), PendingProduct("x", "x", 1.0, "qk", MODEL))
    assert not any(lowering.is_binary(value) for value in other)


def test_populations_enter_a_current_through_unit_synapses(lowering: Lowering):
    current = lowering.current(Spikes(("x", "y")), "in", ADDED)
    assert current.shape == (2,)
    assert [(part.source, part.op, part.name, part.provenance) for part in current.wires] == [
        ("x", Synapse(), "in", ADDED),
        ("y", Synapse(), "in", ADDED),
    ]
    assert current.bias is None
    assert lowering.current(current, "again", ADDED) is current


def test_negated_spikes_are_minus_one_and_a_constant(lowering: Lowering):
    current = lowering.current(Complement("x", "not", MODEL), "in", ADDED)
    assert [part.op for part in current.wires] == [Synapse(-1.0)]
    assert current.bias.tolist() == [1.0]


def test_the_neurons_of_negated_spikes_are_built_once(lowering: Lowering):
    value = Complement("x", "not", ADDED)
    first, again = lowering.positive(value), lowering.positive(value)
    assert first == again == Spikes(("not",))
    graph = lowering.builder.build({"not": "not"})
    assert interpret(graph, {"x": np.array([[[0.0, 1.0]]]), "y": np.zeros((1, 1, 2))})["not"].tolist() == [[[1, 0]]]


def test_a_current_where_spikes_are_needed_is_refused_with_the_way_out(lowering: Lowering):
    node = lowering.graph.nodes["fc"]
    assert lowering.spikes(node, Spikes(("x",)), "it") == Spikes(("x",))
    with pytest.raises(DeployError, match="%fc: it would read a current that no neuron has taken") as caught:
        lowering.spikes(node, Current((2,), ()), "it")
    assert (caught.value.rule, caught.value.where) == ("lower.current", "net.fc")
    with pytest.raises(DeployError) as caught:
        lowering.refuse(lowering.graph.nodes["s"], "lower.x", "no", hint="yes")
    assert caught.value.where == "net", "the network, where a node says nothing of the model"


def test_the_models_names_stay_free_for_its_nodes(lowering: Lowering):
    assert lowering.add(Reshape((2, 1)), "x", name="fc", provenance=ADDED) == "fc_added"
    assert lowering.add(Reshape((2, 1)), "x", name="rows", provenance=ADDED) == "rows"


def test_populations_are_spread_as_numpy_broadcasts(lowering: Lowering):
    assert lowering.spread("x", (2,), "q", ADDED) == "x"
    rows = lowering.spread("x", (3, 2), "q", ADDED)
    values = interpret(
        lowering.builder.build({"rows": rows}), {"x": np.array([[[5.0, 7.0]]]), "y": np.zeros((1, 1, 2))}
    )
    assert values["rows"].tolist() == [[[[5, 7]] * 3]]


def test_a_shape_of_the_same_size_costs_a_node_only_where_it_differs(lowering: Lowering):
    assert lowering.reshaped("x", (2,), "q", ADDED) == "x"
    assert lowering.builder.type(lowering.reshaped("x", (1, 2), "q", ADDED)).shape == (1, 2)


def test_the_routing_of_a_current_moves_in_front_of_unit_synapses(lowering: Lowering):
    routes = (Reshape((1, 2)), Permute((1, 0)))
    source = lowering.routed_source(Wire("x", Synapse(), "w", ADDED, routes=routes), "q")
    assert source == "q_permute"
    assert lowering.builder.node(source).inputs == ("q_reshape",)
    assert lowering.builder.type(source).shape == (2, 1)


def test_a_neuron_is_built_with_its_wires_routing_and_bias(lowering: Lowering):
    wires = (wire(factor=0.5), wire("x", op=Synapse(3.0), weight=None, name="one", factor=2.0, provenance=ADDED))
    current = Current(
        (2, 1), tuple(part.routed(Reshape((2, 1))) for part in wires), np.array([[0.25], [0.0]], np.float32)
    )
    lowering.neuron(Lif(1.0, form="sum"), current, "s", MODEL)
    graph = lowering.builder.build({"s": "s"})
    assert [(node.name, node.op.kind) for node in graph.nodes.values()][2:] == [
        ("fc", "linear"),
        ("fc_reshape", "reshape"),
        ("one", "synapse"),
        ("one_reshape", "reshape"),
        ("s", "lif"),
    ]
    assert graph.arrays(graph.nodes["fc"])["weight"].tolist() == (WEIGHT / 2).tolist()
    assert graph.nodes["one"].op.weight == 6.0
    assert graph.arrays(graph.nodes["s"])["bias"].tolist() == [[0.25], [0.0]]


def test_a_bias_of_zeros_is_none(lowering: Lowering):
    lowering.neuron(Lif(0.5), Current((2,), (wire(),), np.zeros(1, np.float32)), "s", MODEL)
    assert lowering.builder.node("s").params == ()


def test_what_is_built_of_a_projection_a_second_time_is_a_marked_copy(lowering: Lowering):
    for name in ("a", "b"):
        lowering.neuron(
            Lif(0.5), Current((2,), (wire(), wire(op=Synapse(), weight=None, name="in", provenance=ADDED))), name, MODEL
        )
    graph = lowering.builder.build({"a": "a", "b": "b"})
    assert graph.nodes["b"].inputs == ("fc_copy", "in_2")
    assert graph.nodes["fc"].provenance == MODEL
    assert graph.nodes["fc_copy"].provenance.passes == (DUPLICATE,)
    assert graph.nodes["in_2"].provenance == ADDED, "what lowering adds is nobody's copy"
    assert graph.nodes["fc_copy"].params == graph.nodes["fc"].params


def test_a_gate_counts_the_wires_that_open_it(lowering: Lowering):
    one = Wire("x", Synapse(), "open", ADDED)
    payload = Current((2,), (wire("y"),))
    opened = (Current((2,), (one, one)), Current((2,), (one,)))
    lowering.neuron(Gate(8), payload, "gate", ADDED, enables=opened)
    node = lowering.builder.node("gate")
    assert node.op.enables == 3
    assert node.inputs == ("fc", "open", "open_2", "open_3")


def test_a_relay_sends_its_current_as_a_payload(lowering: Lowering):
    assert lowering.relay(Current((2,), (wire(),)), "relay", ADDED, bits=9) == Spikes(("relay",))
    assert lowering.builder.node("relay").op == Graded(9)


def test_sums_take_their_factor_as_a_weight(lowering: Lowering):
    lowering.neuron(Lif(0.5), Current((1,), (wire(op=Sum((0,), 0.5), weight=None, factor=-2.0),)), "s", MODEL)
    assert lowering.builder.node("fc").op.weight == -1.0


def test_an_output_of_several_populations_is_their_count(lowering: Lowering):
    lowering.values["s"] = Spikes(("x", "x", "x"))
    lowering.values["fc"] = Current((2,), (wire(),))
    assert lowering.output("y") == "y"
    assert str(lowering.builder.type(lowering.output("s"))) == "count<3>[2]"
    with pytest.raises(DeployError, match="an output of the chip would read a current"):
        lowering.output("fc")
