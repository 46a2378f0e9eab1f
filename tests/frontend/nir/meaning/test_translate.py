"""From a network and a reading to a graph: names, number types, domains, windows, and types on loops."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.translate import dtype_of, translate, value_names
from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.reader import network_of
from ir.errors import CompileError
from ir.ops import Delay, Past
from ir.verify import verify

STEP = Semantics(dt=1.0, if_gain="step")


def ones(dtype: Any = np.float32) -> np.ndarray:
    return np.ones(2, dtype)


def network(*edges: tuple[str, str], metadata: Any = None, domain: Any = None, **nodes: Any) -> NirNetwork:
    start = nir.Input({"input": np.array([2])})
    start.metadata = {} if domain is None else {"domain": domain}
    ends = {"x": start, "y": nir.Output({"output": np.array([2])})}
    return network_of(nir.NIRGraph({**ends, **nodes}, list(edges), metadata=metadata or {}, type_check=False))


CHAIN = (("x", "n"), ("n", "y"))


def test_values_are_called_as_their_nodes_in_the_ir_s_letters() -> None:
    item = network(
        ("x", "a b"), ("a b", "a_b"), ("a_b", "y"), **{"a b": nir.IF(ones(), ones()), "a_b": nir.IF(ones(), ones())}
    )
    assert value_names(item) == {"a b": "a_b", "a_b": "a_b_2", "x": "x", "y": "y"}
    graph = translate(item, STEP, name="mine")
    assert {name: node.provenance.module for name, node in graph.nodes.items()} == {
        "x": "x",
        "a_b": "a b",
        "a_b_2": "a_b",
    }
    assert graph.name == "mine"


@pytest.mark.parametrize(
    ("dtype", "metadata", "expected"),
    [
        (np.float32, {}, "float32"),
        (np.float64, {}, "float64"),
        (np.float64, {"dtype": "float32"}, "float32"),
        (np.float32, {"dtype": "float64"}, "float64"),
        (np.float32, {"dtype": "float16"}, "float32"),
    ],
)
def test_the_number_type_of_a_network(dtype: Any, metadata: dict[str, str], expected: str) -> None:
    item = network(*CHAIN, metadata=metadata, n=nir.IF(ones(), ones(dtype)))
    assert dtype_of(item) == translate(item, STEP).dtype == expected


@pytest.mark.parametrize(
    ("in_file", "stated", "expected"),
    [
        (None, {}, "real"),
        ("spike", {}, "spike"),
        ("image", {}, "real"),
        ("spike", {"x": "real"}, "real"),
        (None, {"x": "spike"}, "spike"),
    ],
)
def test_what_the_inputs_are(in_file: Any, stated: dict[str, str], expected: str) -> None:
    graph = translate(network(*CHAIN, domain=in_file, n=nir.IF(ones(), ones())), STEP, stated)
    assert str(graph.nodes["x"].type) == f"{expected}[2]"


def test_unknown_inputs_and_domains_are_refused() -> None:
    item = network(*CHAIN, n=nir.IF(ones(), ones()))
    unknown, wrong = (
        ({"z": "spike"}, "no input 'z'", "nir.input"),
        ({"x": "count"}, "x cannot be 'count'", "inputs.domain"),
    )
    for stated, what, rule in (unknown, wrong):
        with pytest.raises(CompileError, match=what) as caught:
            translate(item, STEP, stated)
        assert caught.value.rule == rule


@pytest.mark.parametrize(("steps", "expected"), [(7, 7), ("7", 7), (-1, 0), ("long", 0), (None, 0)])
def test_the_window_of_our_own_files(steps: Any, expected: int) -> None:
    metadata = {} if steps is None else {"steps": steps}
    assert translate(network(*CHAIN, metadata=metadata, n=nir.IF(ones(), ones())), STEP).steps == expected


def test_delays_of_all_and_of_single_elements() -> None:
    same = translate(network(*CHAIN, n=nir.Delay(3 * ones())), STEP)
    assert (same.nodes["n"].op, same.nodes["n"].params) == (Delay(3), ())
    each = translate(network(*CHAIN, n=nir.Delay(np.array([1.0, 3.0]))), STEP)
    assert each.arrays(each.nodes["n"])["steps"].tolist() == [1, 3]


def test_a_delay_on_a_loop_keeps_the_rest_of_its_elements_delays() -> None:
    """The loop is cut by the shortest one."""
    edges = (("x", "n"), ("n", "d"), ("d", "n"), ("n", "y"))
    graph = translate(network(*edges, n=nir.IF(ones(), ones()), d=nir.Delay(np.array([1.0, 3.0]))), STEP)
    assert [node.op for node in graph.loops] == [Past("n", "spike[2]", 1)]
    assert graph.arrays(graph.nodes["d"])["steps"].tolist() == [0, 2]


def test_types_on_loops_settle() -> None:
    edges = (("x", "n"), ("n", "n"), ("n", "y"))
    graph = translate(network(*edges, n=nir.IF(ones(), ones())), STEP, {"x": "spike"})
    verify(graph, "source")
    assert [str(node.type) for node in graph.loops] == ["spike[2]"]


def test_counts_that_would_grow_for_ever_become_real() -> None:
    """y(t) = x(t) + y(t - 1): a count of one more population at every attempt."""
    edges = (("x", "s"), ("s", "d"), ("d", "s"), ("s", "y"))
    graph = translate(network(*edges, s=nir.Scale(ones()), d=nir.Delay(ones())), STEP, {"x": "spike"})
    verify(graph, "source")
    assert [str(node.type) for node in graph.loops] == ["real[2]"]


@pytest.mark.parametrize(
    ("node", "semantics", "what"),
    [
        (nir.IF(ones(), 0 * ones()), Semantics(if_gain="step", max_spikes=0), "node n (IF): v_threshold is 0.0"),
        (nir.Delay(1e9 * ones()), STEP, "node n (Delay): a delay of 1e+09 is"),
    ],
)
def test_errors_name_the_node(node: Any, semantics: Semantics, what: str) -> None:
    with pytest.raises(CompileError) as caught:
        translate(network(*CHAIN, n=node), semantics)
    assert caught.value.where == "n"
    assert what in caught.value.what
