"""Neuron layers as nodes of NIR: which kind, with constants from which a reader computes the very same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.nir.meaning.neurons import population
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNode
from frontend.nir.writing.allowed_semantics import CANONICAL
from frontend.nir.writing.populations import Population
from ir.graph import GraphBuilder
from ir.ops import Input, Leaky, Lif
from ir.ops.membrane import Membrane

SIZE = 3


def layer(op: Membrane, gates: bool = True, dtype: str = "float32", **arrays: Any) -> Population:
    return Population(op, {name: np.asarray(value, dtype) for name, value in arrays.items()}, (SIZE,), dtype, gates)


def kinds(item: Population) -> list[str]:
    chain = item.nodes(CANONICAL)
    assert chain is not None
    return [type(node).__name__ for node in chain]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (layer(Lif(decay=0.5)), ["LIF"]),
        (layer(Leaky(decay=0.5)), ["LI"]),
        (layer(Lif(decay=0.0, form="sum")), ["IF"]),
        (layer(Leaky(decay=0.0, form="sum")), ["I"]),
        (layer(Lif(decay=0.5, current_decay=0.25)), ["CubaLIF"]),
        (layer(Leaky(decay=0.5), current_decay=[0.25, 0.5, 1.0]), ["CubaLI"]),
        (layer(Lif(decay=1.0, form="sum")), ["Threshold"]),
        (layer(Lif(decay=1.0, form="sum"), gates=False), ["LIF"]),
        (layer(Lif(decay=1.0, form="sum", gain=2.0)), ["Scale", "Threshold"]),
        (layer(Lif(decay=1.0, form="sum", gain=2.0), gates=False), ["LIF"]),
        (layer(Lif(decay=1.0, form="sum"), decay=[1.0, 1.0, 0.5]), ["LIF"]),
        (layer(Lif(decay=1.0, form="sum", reset_at="next")), ["LIF"]),
        (layer(Lif(decay=0.5, current_gain=2.0)), ["Scale", "LIF"]),
        (layer(Lif(decay=0.5), bias=[1.0, 2.0, 3.0]), ["Affine", "LIF"]),
    ],
)
def test_the_node_of_a_layer(item: Population, expected: list[str]) -> None:
    assert kinds(item) == expected


def test_a_neuron_that_adds_to_one_of_these_is_none_of_them() -> None:
    @dataclass(frozen=True)
    class Adaptive(Lif):
        kernel: tuple[float, ...] = (0.5,)

    for op, expected in ((Lif(decay=0.5), True), (Adaptive(decay=0.5), False)):
        builder = GraphBuilder("net", 1)
        graph = builder.build({"y": builder.add(op, builder.add(Input("spike[3]"), name="x"), name="y")})
        assert (Population.of(graph, graph.nodes["y"]) is not None) == expected


def test_biases_that_are_too_large_to_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frontend.nir.writing.fragments.MAX_COPIES", 1)
    assert layer(Lif(decay=0.5), bias=[1.0, 2.0, 3.0]).nodes(CANONICAL) is None


def test_only_membranes_with_axes_are_layers() -> None:
    builder = GraphBuilder("net", 2)
    x, point = builder.add(Input("spike[3]"), name="x"), builder.add(Input("spike[]"), name="p")
    names = [builder.add(Lif(decay=0.5), value, name=name) for value, name in ((x, "lif"), (point, "one"))]
    graph = builder.build({name: name for name in names})
    item = Population.of(graph, graph.nodes["lif"])
    assert item is not None
    assert (item.shape, item.dtype, item.gates) == ((3,), "float32", True)
    assert Population.of(graph, graph.nodes["one"]) is None
    assert Population.of(graph, graph.nodes["x"]) is None


def test_constants_are_attributes_or_arrays() -> None:
    item = layer(Lif(decay=0.5, threshold=2.0), threshold=[1.0, 2.0, 3.0])
    assert (item.value("decay").shape, float(item.value("decay"))) == ((), 0.5)
    assert item.value("threshold").tolist() == [1, 2, 3]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_threshold_for_the_other_comparison_is_the_next_number(dtype: str) -> None:
    below = np.nextafter(np.asarray(1.0, dtype), np.asarray(0.0, dtype))
    for comparator, option, expected in ((">=", "gt", below), (">", "gt", 1.0), (">=", "ge", 1.0)):
        item = layer(Lif(decay=0.5, comparator=comparator), dtype=dtype)
        (node,) = item.nodes(Semantics(dt=1.0, time_unit="step", threshold=option)) or ()
        assert (node.v_threshold == expected).all()
        assert node.v_threshold.dtype == dtype


def test_constants_of_nir_s_equations_by_hand() -> None:
    """v <- v + 0.25 ((0.5 - v) + 3 x) is tau = 4, r = 3; v <- 0.75 v + 3 x + 0.25 leak is r = 12."""
    (euler,) = layer(Lif(decay=0.25, gain=3.0, leak=0.5, v_reset=-1.0)).nodes(CANONICAL) or ()
    assert [float(value[0]) for value in (euler.tau, euler.r, euler.v_leak, euler.v_reset)] == [4, 3, 0.5, -1]
    assert euler.metadata == {}
    (summed,) = layer(Lif(decay=0.25, gain=3.0, form="sum")).nodes(CANONICAL) or ()
    assert [float(value[0]) for value in (summed.tau, summed.r)] == [4, 12]
    assert summed.metadata == {"membrane_form": "sum"}
    (cuba,) = layer(Leaky(decay=0.5, current_decay=0.125, current_gain=2.0, current_form="sum")).nodes(CANONICAL) or ()
    assert [float(value[0]) for value in (cuba.tau_syn, cuba.tau_mem, cuba.w_in)] == [8, 2, 16]
    assert cuba.metadata == {"current_form": "sum"}


NUMBERS = st.floats(2.0**-7, 1.0, width=32)


@given(NUMBERS, NUMBERS, st.sampled_from(["euler", "sum"]), st.booleans())
def test_a_reader_computes_with_the_same_numbers(decay: float, gain: float, form: str, single: bool) -> None:
    """Whatever a float32 says of a decay, 1 / tau says it again; where none does, tau is a float64."""
    op = Leaky(decay=decay, gain=gain, form=form)
    item = layer(op, **({"decay": [decay, 0.5, 0.25]} if single else {}))
    (node,) = item.nodes(CANONICAL) or ()
    assert isinstance(node, nir.LI)
    params = {name: value for name, value in vars(node).items() if isinstance(value, np.ndarray)}
    read, arrays = population(NirNode("LI", params, node.metadata, (SIZE,), (SIZE,)), CANONICAL, "float32", False)
    for name in ("decay", "gain"):
        ours = np.asarray(item.value(name), np.float32)
        theirs = np.asarray(arrays.get(name, getattr(read, name)), np.float32)
        np.testing.assert_array_equal(np.broadcast_to(theirs, SIZE), np.broadcast_to(ours, SIZE))
