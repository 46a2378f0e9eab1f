"""What is known before any integer is chosen: weights with the gains of their readers, the finest units, scales that readers ask for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import hw_profiles
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Graded, Input, Lif, Linear, Op, Past, Sum, Synapse
from ir.quantize.calibrated import CalibratedNetwork, calibrated, shared_projection
from ir.quantize.calibration import ValueStatistics
from ir.quantize.payloads import Emission

ARITHMETIC = hw_profiles.load("loihi2").arithmetic
W = np.array([[1.0, -2.0], [0.5, 4.0]])


class Net:
    """x (2,) spikes, g (2,) payloads."""

    def __init__(self, steps: int = 4) -> None:
        self.builder = GraphBuilder("net", steps, dtype="float64")
        self.x, self.g = (
            self.builder.add(Input("spike[2]"), name="x"),
            self.builder.add(Input("graded<24>[2]"), name="g"),
        )

    def add(self, op: Op, *values: str, name: str, **params: Any) -> str:
        stored = {
            role: self.builder.param(f"{name}.{role}", np.asarray(array, np.float64)) for role, array in params.items()
        }
        return self.builder.add(op, *values, name=name, params=stored)

    def network(self, *outputs: str, **statistics: ValueStatistics) -> CalibratedNetwork:
        graph: Graph = self.builder.build({name: name for name in outputs})
        usual = {name: ValueStatistics(1.0, 1.0, 8.0) for name in graph.nodes}
        return calibrated(graph, {**usual, **statistics}, ARITHMETIC)


def test_weights_hold_the_input_gains_of_their_neurons():
    """Neurons with a threshold keep the sign of their gain only."""
    net = Net()
    matrix = net.add(Linear(), net.x, name="w", weight=W)
    net.add(Lif(0.5, form="sum", threshold=2.0), matrix, name="a", gain=[1.0, -3.0])
    unit = net.add(Synapse(0.25), net.x, name="s")
    net.add(Lif(0.5, form="sum", gain=-2.0), unit, name="b")
    network = net.network("a", "b")
    np.testing.assert_array_equal(network.weights["w"], W * [[1], [-1]])
    assert network.weights["s"] == -0.25
    assert [float(member.threshold) for member in network.neurons["a"].members] == [pytest.approx(2 / 3), 2.0]
    assert network.weight_statistics["w"].quantum == Fraction(1, 2)
    assert network.weight_statistics["s"].largest == 0.25


def test_gains_that_agree_leave_the_array_as_it_is():
    net = Net()
    net.add(Lif(0.5), net.add(Linear(), net.x, name="w", weight=W), name="a")
    network = net.network("a")
    assert network.weights["w"] is network.chip.params["w.weight"]


def test_projections_that_share_weights_share_their_statistics():
    net = Net()
    shared = net.builder.param("shared", W)
    for name in "ab":
        current = net.builder.add(Linear(), net.x, name=f"w{name}", params={"weight": shared})
        net.add(Lif(0.5), current, name=name)
    network = net.network("a", "b")
    assert network.weight_statistics["wa"] is network.weight_statistics["wb"]


def test_one_projection_cannot_take_the_gains_of_two_populations():
    net = Net()
    current = net.add(Synapse(), net.x, name="s")
    for name, gain in (("a", 1.0), ("b", -1.0)):
        net.add(Lif(0.5, form="sum", gain=gain), current, name=name)
    with pytest.raises(CompileError, match="also feed populations of other scales") as caught:
        net.network("a", "b")
    assert (caught.value.rule, caught.value.where.split()[0]) == ("quantize.shared", "%b")
    node = net.builder.node("a")
    assert shared_projection(node).where == "%a  "


def test_biases_broadcast_to_their_population():
    net = Net()
    current = net.add(Synapse(), net.x, name="s")
    net.add(Lif(0.5), current, name="a")
    net.add(Lif(0.5), current, name="b", bias=[1.0, 2.0])
    network = net.network("a", "b")
    assert network.bias(network.chip.nodes["a"]).tolist() == [0]
    assert network.bias(network.chip.nodes["b"]).tolist() == [1, 2]


def test_the_finest_unit_holds_the_current_with_headroom():
    """Twice the calibrated 8 within 2^(state bits - 1 - shift); the threshold of 1 needs less."""
    net = Net(steps=1)
    net.add(Lif(1.0, form="sum"), net.add(Synapse(), net.x, name="s"), name="a")
    network = net.network("a")
    room = 1 << (ARITHMETIC.state_bits - 1 - ARITHMETIC.activation_shift)
    assert network.finest_unit(network.chip.nodes["a"]) == 16 / room
    narrow = replace(network, arithmetic=replace(ARITHMETIC, threshold_bits=4))
    assert narrow.finest_unit(network.chip.nodes["a"]) == 1 / 15


def test_payloads_are_as_coarse_as_the_coarsest_reader_asks():
    """A reader of nothing else keeps weights on their grid: a payload unit times the quantum is its finest unit."""
    net = Net(steps=1)
    for name, weight in (("a", 0.5), ("b", 0.125)):
        net.add(Lif(1.0, form="sum"), net.add(Synapse(weight), net.g, name=f"s{name}"), name=name)
    network = net.network("a", "b")
    finest = network.finest_unit(network.chip.nodes["a"])
    assert network.readers_scale("g") == finest / 0.125
    assert network.readers_scale("x") == 0, "nobody reads it"


def test_beside_another_source_a_payload_s_grid_does_not_matter():
    net = Net(steps=1)
    currents = [net.add(Synapse(0.5), net.g, name="sg"), net.add(Synapse(), net.x, name="sx")]
    net.add(Lif(1.0, form="sum"), *currents, name="a")
    network = net.network("a", g=ValueStatistics(4.0, 2.0, 0.0))
    finest = network.finest_unit(network.chip.nodes["a"])
    levels = (1 << (ARITHMETIC.weight_bits - 1)) - 1
    assert network.readers_scale("g") == min(np.sqrt(finest * 2.0 / 0.5), finest * levels / 0.5)


@pytest.mark.parametrize(
    ("weight", "step", "stays"),
    [(0.5, 2.0**-10, True), (0.5, 2.0**-20, False), (0.37, 2.0**-10, False)],
    ids=["on a grid", "finer than the unit", "weights on no grid"],
)
def test_beside_spikes_an_exact_payload_keeps_its_scale_where_one_unit_holds_all(
    weight: float, step: float, stays: bool
):
    net = Net(steps=1)
    currents = [
        net.add(Linear(), net.g, name="wg", weight=[[weight, 0.5]]),
        net.add(Linear(), net.x, name="wx", weight=[[weight, 0.5]]),
    ]
    net.add(Lif(1.0, form="sum"), *currents, name="a")
    network = net.network("a", g=ValueStatistics(4.0, 2.0, 0.0))
    rounded = network.readers_scale("g")
    assert rounded != step
    assert network.readers_scale("g", Emission(step, 1 << 12)) == (step if stays else rounded)


def test_beside_a_payload_that_may_be_rounded_nothing_is_exact():
    """The other payload is a population's; an input's data have a grid."""
    for grid in (0.0, 0.125):
        net = Net(steps=1)
        other = net.builder.add(Input("graded<24>[2]"), name="h")
        net.add(Lif(1.0, form="sum"), *(net.add(Synapse(), each, name=f"s{each}") for each in (net.g, other)), name="a")
        network = net.network("a", h=ValueStatistics(1.0, 1.0, 0.0, quantum=grid))
        assert (network.readers_scale("g", Emission(0.25, 8)) == 0.25) == bool(grid)


def test_payloads_that_are_compared_have_a_unit_in_which_no_difference_wraps():
    """Spikes that rows of different weights sum: 2 (0.5 + 4); payloads up to 2 x 3, either sign: 2 (0.5 x 6)."""
    net = Net()
    currents = [net.add(Linear(), net.x, name="w", weight=W), net.add(Synapse(0.5), net.g, name="sg")]
    relay = net.add(Graded(24), *currents, name="relay")
    larger, smaller = (net.add(Synapse(sign), relay, name=f"s{sign}") for sign in (1.0, -1.0))
    net.add(Graded(24, form="rectified"), larger, smaller, name="apart")
    network = net.network("apart", g=ValueStatistics(3.0, 2.0, 0.0), relay=ValueStatistics(0.1, 0.1, 0.1))
    assert network.finest_unit(network.chip.nodes["relay"]) == (9 + 6) / 131_071
    assert network.readers_scale("g") == min(np.sqrt(15 / 131_071 * 2.0 / 0.5), 15 / 131_071 * 127 / 0.5)


def test_spikes_and_counts_stand_for_themselves():
    net = Net()
    current = net.add(Synapse(), net.x, name="s")
    net.add(Lif(0.5), current, name="a")
    net.add(Lif(0.5, reset="subtract", max_spikes=3), current, name="b")
    net.add(Graded(24), current, name="p")
    assert net.network("a", "b", "p").spike_emissions() == {"a": Emission(1.0, 1), "b": Emission(1.0, 3)}


def test_payloads_of_loops_have_a_power_of_two_that_suits_their_readers():
    net = Net()
    back = net.builder.add(Past("p", "graded<24>[2]"), name="back")
    net.add(Graded(24), net.add(Synapse(), net.x, name="s"), net.add(Synapse(0.5), back, name="again"), name="p")
    network = net.network("p", p=ValueStatistics(4.0, 2.0, 8.0))
    ((name, emission),) = network.looped_emissions().items()
    assert name == "p"
    assert np.log2(emission.scale) == round(np.log2(emission.scale))
    assert network.readers_scale("p") <= emission.scale < 2 * network.readers_scale("p")
    assert emission.reach >= 2 * 4.0 / emission.scale
    other = Net()
    other.add(Graded(24), other.add(Sum((0,)), other.g, name="sum"), name="p")
    assert other.network("p").looped_emissions() == {}
