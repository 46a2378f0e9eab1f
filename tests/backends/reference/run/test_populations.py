"""How a population emits is chosen once: by the fast kernel where it is proven exact, else by the next one that is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backends.reference.kernels.device_kernels import DeviceKernels
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.parameters import DeviceParameters
from backends.reference.run.populations import (
    CurrentOpening,
    DefinedPopulation,
    LoopedPopulation,
    PayloadPopulation,
    SpikeOpening,
    SpikingPopulation,
    UnprovenSpikingPopulation,
    population_of,
)
from ir.graph import GraphBuilder
from ir.ops import Burst, Gate, Graded, Input, Lif, Linear, Past, Synapse
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif

CPU = torch.device("cpu")


class Noting(DeviceKernels):
    """Plain torch that notes which neurons it prepared."""

    def __init__(self, reads_values: bool = True) -> None:
        self.prepared, self.reads_values = [], reads_values

    def spikes(self, op, shape, own, dtype, scale):
        self.prepared.append(("spikes", dtype))
        return super().spikes(op, shape, own, dtype, scale)

    def wrapping_spikes(self, op, shape, own, scale):
        self.prepared.append(("wrapping", None if own.bias is None else own.bias.dtype))
        return super().wrapping_spikes(op, shape, own, scale)

    def payloads(self, op, shape, bias, dtype, scale):
        self.prepared.append(("payloads", dtype))
        return super().payloads(op, shape, bias, dtype, scale)


def population(op, *, bits=8, bias=None, weight=3, loop=False, kernels=None, dtype="float32", second=False):
    """The population of one neuron op behind payloads (and spikes that open it, or a second current)."""
    b = GraphBuilder("one", 2, dtype=dtype)
    p, x = b.add(Input(f"graded<{bits}>[2]"), name="p"), b.add(Input("spike[2]"), name="x")
    w = b.param("w", np.diag([weight] * 2).astype(np.int32 if isinstance(weight, int) else dtype))
    currents = [b.add(Linear(), p, name="l", params={"weight": w})]
    if second:
        currents.append(b.add(Synapse(5), x, name="more"))
    if isinstance(op, Gate):
        currents.append(b.add(Synapse(), x, name="open"))
    if loop:
        currents.append(b.add(Synapse(2), b.add(Past("y", "spike[2]"), name="back"), name="again"))
    params = {} if bias is None else {"bias": b.param("b", np.array([bias, -bias]))}
    graph = b.build({"y": b.add(op, *currents, name="y", params=params)})
    plan, kernels = plan_of(graph, frozenset()), kernels or Noting()
    (step,) = plan.steps
    return population_of(step, DeviceParameters(plan, CPU, kernels)), kernels


def lif(du=4095, dv=2048, **options) -> IntegerLif:
    return IntegerLif(du, dv, 9, 6, 12, 24, **options)


def test_proven_neurons_have_the_fast_kernel_in_the_dtype_that_holds_their_membrane():
    for dv, dtype in ((2048, torch.float32), (333, torch.float64)):
        emitting, kernels = population(lif(dv=dv))
        assert isinstance(emitting, SpikingPopulation)
        assert emitting.product is not None, "all that arrives is one product"
        assert kernels.prepared == [("spikes", dtype)]


def test_the_proof_is_that_no_shifted_current_wraps():
    """A magnitude of 2^(state bits - 1 - shift) = 2^17 wraps; payloads of 2^(bits - 1) times 1."""
    assert isinstance(population(lif(), bits=17, weight=1)[0], SpikingPopulation)
    emitting, kernels = population(lif(), bits=18, weight=1)
    assert isinstance(emitting, UnprovenSpikingPopulation)
    assert emitting.limit == 1 << 17
    assert [kind for kind, _ in kernels.prepared] == ["spikes", "wrapping"]
    emitting, kernels = population(lif(), bits=18, weight=1, kernels=Noting(reads_values=False))
    assert isinstance(emitting, SpikingPopulation), "without a look at the values only the wrapping kernel is exact"
    assert kernels.prepared == [("wrapping", None)]


def test_what_remembers_its_current_may_always_wrap():
    emitting, kernels = population(lif(du=1000), bias=7)
    assert isinstance(emitting, SpikingPopulation)
    assert kernels.prepared == [("wrapping", torch.float64)]


class Currents:
    """A tile of which a population sees nothing but the total that arrives."""

    def __init__(self, *numbers: float) -> None:
        self.current = torch.tensor(numbers, dtype=torch.float64).reshape(1, 1, -1)

    def total(self, terms: object) -> torch.Tensor:
        return self.current


@pytest.mark.parametrize(("largest", "spikes"), [((1 << 17) - 1, 1), (1 << 17, 1), ((1 << 17) + 1, 0)])
def test_unproven_currents_are_looked_at(largest: int, spikes: int):
    """2^17 << 6 is half of the state's range, which does not wrap; one more does, to something far below zero."""
    emitting, _ = population(lif(), bits=24, weight=1)
    emitted, count = emitting.emit(Currents(10, largest))
    assert emitted.flatten().tolist() == [1, spikes]
    assert int(count) == 1 + spikes


def test_more_than_one_product_is_added_first():
    assert population(lif(), second=True)[0].product is None
    assert len(population(lif(), second=True)[0].terms) == 2


@pytest.mark.parametrize(
    ("op", "bias", "dtype"),
    [(Graded(8), None, torch.float32), (Gate(8), 7, torch.float32), (Graded(40), (1 << 24) - 300, torch.float64)],
)
def test_payloads_are_computed_where_sum_and_bias_are_exact(op, bias: int | None, dtype: torch.dtype):
    emitting, kernels = population(op, bias=bias)
    assert isinstance(emitting, PayloadPopulation)
    assert kernels.prepared == [("payloads", dtype)]
    assert isinstance(emitting.opening, SpikeOpening) == isinstance(op, Gate)


def test_a_gate_is_opened_by_spikes_themselves_or_by_what_they_weigh():
    def opening(weight: int, domain: str = "spike", openings: int = 1):
        b = GraphBuilder("gate", 1)
        p, x = b.add(Input("graded<8>[2]"), name="p"), b.add(Input(f"{domain}[2]"), name="x")
        ways = [b.add(Synapse(weight), x, name="open") for _ in range(openings)]
        graph = b.build({"y": b.add(Gate(8, enables=openings), b.add(Synapse(3), p, name="s"), *ways, name="y")})
        plan = plan_of(graph, frozenset())
        return population_of(plan.steps[0], DeviceParameters(plan, CPU, Noting())).opening

    assert opening(1) == SpikeOpening("x")
    assert isinstance(opening(2), CurrentOpening)
    assert isinstance(opening(1, "graded<8>"), CurrentOpening), "a payload may be below 1"
    assert isinstance(opening(1, openings=2), CurrentOpening)


@pytest.mark.parametrize(
    ("op", "dtype"),
    [
        (IntegerLeaky(1000, 333, 6, 12, 24, 24), "float32"),
        (lif(reset="subtract", theta=576), "float32"),
        (Burst(3), "float32"),
        (Lif(0.5), "float32"),
        (Graded(24), "float64"),
    ],
    ids=["leaky", "subtract", "burst", "real", "real payloads"],
)
def test_all_others_are_their_definitions(op, dtype: str):
    weight = 3 if op.kind in ("integer_lif", "integer_leaky") else 0.5
    emitting, kernels = population(op, weight=weight, dtype=dtype)
    assert isinstance(emitting, DefinedPopulation)
    assert kernels.prepared == []


def test_a_population_on_a_loop_comes_with_all_of_it():
    assert population(lif(), loop=True)[0] == LoopedPopulation("y")
