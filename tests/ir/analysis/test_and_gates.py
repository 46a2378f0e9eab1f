"""A contractible gate emits the product of its operands at every step of every input; what is none is left alone."""

from __future__ import annotations

from collections import Counter
from itertools import product

import numpy as np
import pytest

from ir.analysis.and_gates import contractible_gates
from ir.graph import Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Burst, Gate, Graded, Input, Lif, Past, Sum, Synapse
from ir.ops.base import Op
from ir.ops.integer_neuron import IntegerLif

STEPS = 3
AND = IntegerLif(4095, 4096, 1, 6, 12, 24)


def one_gate(op, weights=(1, 1), kinds=("spike", "spike"), readers: tuple[Op, ...] = (Sum((0,)),), micro=0, bias=None):
    """A network with one candidate, "gate", and its readers."""
    b = GraphBuilder("one", STEPS)
    shape = f"{micro}x3" if micro else "3"
    values = [b.add(Input(f"{kind}[{shape}]"), name=name) for name, kind in zip("ac", kinds, strict=True)]
    currents = [b.add(Synapse(w, micro), value, name="s") for w, value in zip(weights, values, strict=True)]
    params = {} if bias is None else {"bias": b.param("bias", np.array([bias]))}
    gate = b.add(op, *currents, name="gate", params=params)
    sums = [b.add(reader, gate, name="sum") for reader in readers]
    return b.build({f"y{k}": b.add(Graded(8), current, name="y") for k, current in enumerate(sums)})


def sequences(kinds: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Every sequence of values of two inputs over the steps, as samples (STEPS, B, 3)."""
    choices = [(0, 1) if kind == "spike" else (-4, 0, 3) for kind in kinds]
    every = np.array(list(product(product(*choices), repeat=STEPS)))  # (B, STEPS, inputs)
    return {name: np.repeat(every[:, :, k].T[..., None], 3, axis=2) for k, name in enumerate("ac")}


def emitted(graph: Graph, inputs: dict[str, np.ndarray]) -> np.ndarray:
    values = {}
    interpret(graph, inputs, lambda node, value: values.__setitem__(node.name, np.asarray(value)))
    return values["gate"]


def random_candidate(rng: np.random.Generator) -> tuple[Op, tuple[int, int], tuple[str, str], type]:
    pick = lambda *options: options[rng.integers(len(options))]
    family = rng.integers(3)
    analog = pick(True, False) if family == 0 else pick(True, *[False] * 9)
    kinds = ("graded<3>" if analog else "spike", pick(*["spike"] * 9, "graded<3>"))
    weights = (pick(*[1] * 6, 2, -1, 3), pick(*[1] * 6, 2, 0))
    if family == 0:
        return Gate(pick(1, 2, 3, 8), pick(0, 0, 1)), weights, kinds, np.int64
    if family == 1:
        threshold = float(pick(0.5, 1.0, 1.5, 2.0, 3.0))
        form, comparator = pick("euler", "sum"), pick(">", ">=")
        return (
            Lif(pick(1.0, 1.0, 0.5), form=form, threshold=threshold, comparator=comparator),
            weights,
            kinds,
            np.float32,
        )
    du, dv = pick(*[4095] * 8, 4094, 0), pick(0, 2048, 4032, 4033, 4095, 4096)
    options = {"reset": pick(*["zero"] * 9, "none"), "v0": pick(*[0] * 9, 99)}
    return IntegerLif(du, dv, pick(0, 1, 1, 1, 2, 3), pick(0, 6), 12, 24, **options), weights, kinds, np.int64


def test_random_candidates_are_products_where_they_are_taken():
    rng, outcomes = np.random.default_rng(0), Counter()
    for _ in range(600):
        op, weights, kinds, dtype = random_candidate(rng)
        graph = one_gate(op, weights, kinds)
        inputs = {name: x.astype(dtype) for name, x in sequences(kinds).items()}
        is_product = np.array_equal(emitted(graph, inputs), inputs["a"] * inputs["c"])
        taken = contractible_gates(graph, ())
        assert not taken or is_product, (op, weights, kinds)
        if taken:
            assert taken["gate"].operands == ("a", "c")
            assert taken["gate"].has_unit_synapses == (weights == (1, 1))
            assert not taken["gate"].has_micro_steps
        outcomes[type(op), bool(taken), is_product] += 1
    for family in (Gate, Lif, IntegerLif):
        assert outcomes[family, True, True] > 10, outcomes
        assert outcomes[family, False, False] > 10, outcomes


@pytest.mark.parametrize(
    ("op", "weights", "domain"),
    [
        (AND, (1, 1), "spike"),
        (IntegerLif(4095, 4095, 1, 6, 12, 24), (1, 1), "spike"),
        (IntegerLif(4095, 4096, 4, 6, 12, 24), (2, 3), "spike"),
        (Lif(1.0, form="sum", threshold=2.0), (1, 1), "spike"),
        (Gate(8), (1, 1), "graded<8>"),
        (Gate(2), (1, 1), "spike"),
    ],
)
def test_what_lowering_makes_is_taken(op, weights, domain):
    assert set(contractible_gates(one_gate(op, weights, (domain, "spike")), ())) == {"gate"}


@pytest.mark.parametrize(
    ("op", "options"),
    [
        (IntegerLif(4095, 0, 1, 6, 12, 24), {}),  # what one spike leaves meets the next
        (IntegerLif(4095, 4095, 1, 20, 12, 24), {}),  # the decay of a large current leaves something
        (IntegerLif(4094, 4096, 1, 6, 12, 24), {}),
        (IntegerLif(4095, 4096, 1, 23, 12, 24), {}),  # two spikes wrap around
        (AND, {"weights": (2, 1)}),
        (AND, {"bias": 0}),
        (AND, {"readers": (Synapse(1),)}),
        (AND, {"readers": (Sum((0,)), Synapse(1))}),
        (AND, {"readers": ()}),
        (Gate(8), {"kinds": ("graded<9>", "spike")}),
        (Gate(8, 1), {"kinds": ("graded<8>", "spike")}),
        (Gate(8), {"kinds": ("graded<8>", "spike"), "weights": (2, 1)}),
        (Gate(8), {"kinds": ("spike", "graded<2>")}),
        (Burst(2), {"readers": (Sum((0, 1)),)}),
        (Lif(1.0, form="sum", threshold=2.0, reset_at="next"), {}),  # the input after a spike is lost
    ],
)
def test_what_is_no_product_or_not_only_summed_is_materialised(op, options):
    assert contractible_gates(one_gate(op, **options), ()) == {}


def test_single_elements_that_are_asked_for_are_materialised():
    graph = one_gate(AND)
    assert contractible_gates(graph, ("gate",)) == {}
    shown = Graph(graph.name, graph.steps, graph.nodes, {**graph.outputs, "gates": "gate"}, graph.params)
    assert contractible_gates(shown, ()) == {}
    b = GraphBuilder("back", STEPS)
    a, c = (b.add(Input("spike[3]"), name=name) for name in "ac")
    gate = b.add(AND, *(b.add(Synapse(1), value, name="s") for value in (a, c)), name="gate")
    back = b.add(Synapse(1), b.add(Past("gate", "spike[3]"), name="back"), name="late")
    y = b.add(AND, b.add(Sum((0,)), gate, name="sum"), name="y")
    repeats = b.build({"y": y, "z": b.add(AND, back, name="z")})
    assert contractible_gates(repeats, ()) == {}


def test_micro_steps_are_named():
    op = IntegerLif(4095, 4096, 1, 6, 12, 24, micro=2)
    for graph in (
        one_gate(op, micro=2, readers=(Sum((0,), micro=2),)),
        one_gate(AND, micro=2),
        one_gate(AND, readers=(Sum((0,), micro=3),)),
    ):
        assert contractible_gates(graph, ())["gate"].has_micro_steps
