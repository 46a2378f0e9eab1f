"""Graphs that are unusual but valid: subgraphs, ports, loops, islands, names, shapes that others tell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import pytest

from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.reader import network_of, read_network
from frontend.nir.round_trip.file import write_nir
from ir.errors import CompileError

Write = Callable[..., Path]
Make = Callable[..., dict[str, Any]]


def full(*shape: int, value: float = 1.0) -> np.ndarray:
    return np.full(shape, value, np.float32)


def source(*shape: int) -> dict[str, Any]:
    return {"type": "Input", "shape": np.array(shape, np.int64)} if shape else {"type": "Input"}


SINK: dict[str, Any] = {"type": "Output"}


def scale(*shape: int) -> dict[str, Any]:
    return {"type": "Scale", "scale": full(*shape)}


def neuron(*shape: int) -> dict[str, Any]:
    return {"type": "IF", "r": full(*shape), "v_threshold": full(*shape)}


def linear(outputs: int, inputs: int) -> dict[str, Any]:
    return {"type": "Linear", "weight": full(outputs, inputs)}


def shapes(network: NirNetwork) -> dict[str, tuple[int, ...]]:
    return {name: node.output_shape for name, node in network.nodes.items()}


def test_several_inputs_and_outputs_and_edges_that_count_twice(write_file: Write) -> None:
    nodes = {"b": source(3), "a": source(3), "n": neuron(3), "z": SINK, "y": SINK}
    edges = [("b", "n"), ("a", "n"), ("a", "n"), ("n", "z"), ("n", "y"), ("a", "y")]
    network = read_network(write_file(nodes, edges))
    assert network.edges == tuple(edges)
    assert (network.inputs, network.outputs) == (("a", "b"), ("y", "z"))


@pytest.mark.parametrize(
    "names",
    [
        ("0", "1", "10", "2"),
        ("größe", "脉冲", "a b", "'"),
        ("x.input", "x", "x.output", "x.y.z"),
        ("weight", "type", "nodes", "edges"),
    ],
)
def test_any_names(names: tuple[str, ...], write_file: Write) -> None:
    a, b, c, d = names
    network = read_network(write_file({a: source(3), b: scale(3), c: neuron(3), d: SINK}, [(a, b), (b, c), (c, d)]))
    assert network.edges == ((a, b), (b, c), (c, d))
    assert list(network.nodes) == sorted(names)


def test_slashes_in_names_are_nested_groups(write_file: Write) -> None:
    nodes = {"a/in": source(3), "a/b/lif": neuron(3), "c": scale(3), "c/d": scale(3), "out": SINK}
    edges = [("a/in", "a/b/lif"), ("a/b/lif", "c"), ("c", "c/d"), ("c/d", "out")]
    nested = {"a": {"in": nodes["a/in"], "b": {"lif": nodes["a/b/lif"]}}, "c": {**scale(3), "d": scale(3)}, "out": SINK}
    network = read_network(write_file(nested, edges))
    assert network.nodes.keys() == nodes.keys()
    assert network.edges == tuple(edges)


def test_plain_ports(write_file: Write) -> None:
    nodes = {"in": source(3), "lif": neuron(3), "out": SINK}
    network = read_network(write_file(nodes, [("in.output", "lif.input"), ("lif", "out.input")]))
    assert network.edges == (("in", "lif"), ("lif", "out"))


def test_numbers_as_edges_of_old_files(write_file: Write) -> None:
    path = write_file({"0": source(3), "1": neuron(3), "2": SINK}, [])
    with h5py.File(path, "a") as file:
        del file["node/edges"]
        file["node/edges"] = [[0.0, 1.0], [1.0, 2.0]]
    assert read_network(path).edges == (("0", "1"), ("1", "2"))


def test_a_subgraph_is_flattened(write_file: Write, nir_graph: Make) -> None:
    inner = nir_graph(
        {"input": source(3), "lif": neuron(3), "output": SINK}, [("input", "lif"), ("lif", "output"), ("lif", "lif")]
    )
    network = read_network(write_file({"in": source(3), "sub": inner, "out": SINK}, [("in", "sub"), ("sub", "out")]))
    assert network.edges == (("in", "sub.lif"), ("sub.lif", "out"), ("sub.lif", "sub.lif"))
    assert shapes(network) == {"in": (3,), "sub.lif": (3,), "out": (3,)}


def test_ports_of_a_subgraph(write_file: Write, nir_graph: Make) -> None:
    inner_nodes = {"x": source(3), "y": source(2), "fx": linear(2, 3), "n": neuron(2), "spikes": SINK, "sum": SINK}
    inner = nir_graph(inner_nodes, [("x", "fx"), ("fx", "n"), ("y", "n"), ("n", "spikes"), ("fx", "sum"), ("y", "sum")])
    nodes = {"a": source(3), "b": source(2), "g": inner, "g.x": linear(3, 2), "out": SINK, "out2": SINK}
    edges = [("a", "g.x.input"), ("b", "g.y"), ("g.spikes", "out"), ("g.sum", "out2")]
    with pytest.raises(CompileError, match=r"g.x \(Linear\)|'a', 'g.x'"):
        read_network(write_file(nodes, edges))  # a node's own name wins
    del nodes["g.x"]
    edges[0] = ("a", "g.x")
    network = read_network(write_file(nodes, edges))
    assert sorted(network.edges) == [
        ("a", "g.fx"),
        ("b", "g.n"),
        ("b", "out2"),
        ("g.fx", "g.n"),
        ("g.fx", "out2"),
        ("g.n", "out"),
    ]
    with pytest.raises(CompileError, match="does not say which Input node of subgraph g"):
        read_network(write_file(nodes, [("a", "g"), ("g.spikes", "out")]))


def test_nested_subgraphs_and_names_that_are_taken(write_file: Write, nir_graph: Make) -> None:
    core = nir_graph({"i": source(3), "n": neuron(3), "o": SINK}, [("i", "n"), ("n", "o"), ("i", "o")])
    middle = nir_graph({"i": source(3), "core": core, "o": SINK}, [("i", "core"), ("i", "core"), ("core", "o")])
    nodes = {"in": source(3), "m": middle, "m.core.n": neuron(3), "out": SINK}
    network = read_network(write_file(nodes, [("in", "m"), ("m", "m.core.n"), ("m.core.n", "out")]))
    assert list(network.nodes) == ["in", "m.core.n", "m.core.n_2", "out"]
    assert sorted(network.edges) == sorted(
        [("in", "m.core.n_2")] * 2 + [("in", "m.core.n")] * 2 + [("m.core.n_2", "m.core.n"), ("m.core.n", "out")]
    )


def test_edges_through_many_subgraphs_are_bounded(write_file: Write, nir_graph: Make) -> None:
    wire = nir_graph({"i": source(3), "o": SINK}, [("i", "o")] * 100)
    nodes = {"in": source(3), **{f"w{n}": wire for n in range(5)}, "out": SINK}
    names = ["in", *(f"w{n}" for n in range(5)), "out"]
    with pytest.raises(CompileError, match="more than 1,000,000 edges"):
        read_network(write_file(nodes, list(pairwise(names))))


def test_a_loop_of_wires_is_algebraic(write_file: Write, nir_graph: Make) -> None:
    wire = nir_graph({"i": source(3), "o": SINK}, [("i", "o")])
    with pytest.raises(CompileError, match="algebraic loop"):
        read_network(write_file({"in": source(3), "w": wire, "out": SINK}, [("in", "w"), ("w", "w"), ("w", "out")]))


def test_loops_with_state(write_file: Write) -> None:
    nodes = {
        "in": source(4),
        "fc": linear(3, 4),
        "n": neuron(3),
        "rec": linear(3, 3),
        "d": {"type": "Delay", "delay": full(3)},
        "out": SINK,
    }
    edges = [("in", "fc"), ("fc", "n"), ("n", "rec"), ("rec", "n"), ("n", "n"), ("d", "d"), ("n", "d"), ("d", "out")]
    assert read_network(write_file(nodes, edges)).edges == tuple(edges)


def test_islands_are_left_out(write_file: Write) -> None:
    untold = {
        "type": "Conv1d",
        "weight": full(2, 2, 3),
        "bias": full(2),
        "stride": 1,
        "padding": 1,
        "dilation": 1,
        "groups": 1,
    }
    nodes = {"in": source(3), "n": neuron(3), "out": SINK, "dead": linear(9, 3), "in2": source(7)}
    islands = {"x": neuron(), "y": scale(), "conv": untold, "free": linear(2, 2)}
    edges = [("in", "n"), ("n", "out"), ("n", "dead"), ("x", "y"), ("y", "x")]
    network = read_network(write_file({**nodes, **islands}, edges))
    assert list(network.nodes) == ["in", "in2", "n", "out"]
    assert network.edges == (("in", "n"), ("n", "out"))


def test_a_neuron_may_have_no_input(write_file: Write) -> None:
    network = read_network(
        write_file({"in": source(3), "pacemaker": neuron(3), "out": SINK}, [("in", "out"), ("pacemaker", "out")])
    )
    assert network.nodes["pacemaker"].input_shape == (3,)


def test_shapes_from_behind(write_file: Write) -> None:
    conv = {
        "type": "Conv1d",
        "weight": full(4, 2, 3),
        "bias": full(4),
        "stride": 1,
        "padding": 0,
        "dilation": 2,
        "groups": 1,
    }
    nodes = {"in": source(), "c": conv, "n": neuron(), "f": neuron(4, 6), "out": SINK}
    network = read_network(write_file(nodes, [("in", "c"), ("c", "n"), ("n", "f"), ("f", "out")]))
    assert shapes(network) == {"in": (2, 10), "c": (4, 6), "n": (4, 6), "f": (4, 6), "out": (4, 6)}


def test_shapes_around_a_loop_of_scalars(write_file: Write) -> None:
    nodes = {"in": source(), "n": neuron(1), "m": neuron(), "out": {"type": "Output", "shape": [2, 3]}}
    network = read_network(write_file(nodes, [("in", "n"), ("n", "m"), ("m", "n"), ("m", "out")]))
    assert set(shapes(network).values()) == {(2, 3)}


@pytest.mark.parametrize("size", [(), (1,)])
def test_single_values_are_a_population_where_nothing_says_more(size: tuple[int, ...], write_file: Write) -> None:
    network = read_network(
        write_file(
            {"in": {"type": "Input", "shape": np.zeros(0)}, "n": neuron(*size), "out": SINK},
            [("in", "n"), ("n", "out")],
        )
    )
    assert set(shapes(network).values()) == {size}


def test_metadata_and_version(write_file: Write) -> None:
    lif = {**neuron(3), "metadata": {"dt": 1e-4, "a": {"b": "text", "list": np.arange(3)}, "names": ["x", "y"]}}
    path = write_file(
        {"in": source(3), "n": lif, "out": SINK}, [("in", "n"), ("n", "out")], metadata={"reset": "zero", "steps": 5}
    )
    network = read_network(path)
    assert network.version == ""
    assert network.metadata == {"reset": "zero", "steps": 5}
    read = network.nodes["n"].metadata
    assert (read["dt"], read["names"], read["a"]["b"]) == (1e-4, ("x", "y"), "text")
    with h5py.File(path, "a") as file:
        file["version"] = "1.0.2"
    assert read_network(path).version == "1.0.2"


def test_weights_may_be_shared_by_links_within_the_file(write_file: Write) -> None:
    path = write_file(
        {"in": source(3), "a": linear(3, 3), "b": linear(3, 3), "out": SINK}, [("in", "a"), ("a", "b"), ("b", "out")]
    )
    with h5py.File(path, "a") as file:
        del file["node/nodes/b/weight"]
        file["node/nodes/b/weight"] = file["node/nodes/a/weight"]
    assert read_network(path).nodes["b"].params["weight"].shape == (3, 3)


def test_large_graphs_take_linear_time() -> None:
    ones, count = full(1), 3000
    nodes: dict[str, Any] = {f"n{k}": nir.Scale(ones) for k in range(count)}
    nodes |= {"in": nir.Input(np.array([1])), "out": nir.Output(None)}
    edges = [("in", "n0"), *((f"n{k}", f"n{k + 1}") for k in range(count - 1)), (f"n{count - 1}", "out")]
    assert len(network_of(nir.NIRGraph(nodes, edges, type_check=False)).nodes) == count + 2


def test_written_by_nir_itself_with_scalars(tmp_path: Path) -> None:
    """nir 1.0.8 cannot write 0-d arrays compressed; our writer can write any graph that nir holds."""
    scalar = np.array(1, np.float32)
    nodes = {
        "a": nir.Input(np.array([3])),
        "n": nir.LIF(scalar, scalar, scalar, scalar),
        "z": nir.Output(np.array([3])),
    }
    nodes |= {"w": nir.Linear(np.zeros((3, 3), np.float32))}
    graph = nir.NIRGraph(nodes, [("a", "w"), ("w", "n"), ("n", "z")], type_check=False)
    write_nir(graph, tmp_path / "a.nir")
    network = read_network(tmp_path / "a.nir")
    assert network.nodes["n"].params["tau"].shape == (3,)
    assert network.version == nir.version


@pytest.mark.parametrize(("end", "shape"), [("in", [1, 3]), ("out", [1, 1, 3]), ("out", [1, 3])])
def test_batch_and_time_axes_at_the_ends(write_file: Write, end: str, shape: list[int]) -> None:
    nodes = {"in": source(3), "n": neuron(3), "out": {"type": "Output", "shape": [3]}}
    for wrong in ([*shape[:-1], 4], [2, *shape[1:]]):
        with pytest.raises(CompileError, match="joins different shapes"):
            read_network(write_file({**nodes, end: {**nodes[end], "shape": wrong}}, [("in", "n"), ("n", "out")]))
    network = read_network(write_file({**nodes, end: {**nodes[end], "shape": shape}}, [("in", "n"), ("n", "out")]))
    assert network.nodes["in"].output_shape == network.nodes["out"].output_shape == (3,)
    assert [name for name, _ in network.remarks] == [end]
    right = read_network(write_file(nodes, [("in", "n"), ("n", "out")]))
    assert right.remarks == ()
