"""Standard nodes where NIR has them, extension nodes beside them where it has not, and what every reader is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest

from frontend.nir.round_trip.extension import Extension
from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.from_nir import from_nir
from frontend.nir.round_trip.to_nir import to_nir
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Function, Input, Lif, Linear, MatMul, Op, Past, TimeSum
from tests.frontend.nir.round_trip.graphs import vector_graph


def through_file(graph: Graph, path: Path) -> Graph:
    write_nir(to_nir(graph), path)
    return from_nir(read_nir(path))


def test_standard_nodes_are_used_where_they_exist(tmp_path: Path) -> None:
    graph = vector_graph()
    kinds = {name: type(node) for name, node in to_nir(graph).nodes.items()}
    assert kinds["conv"] is nir.Conv2d
    assert kinds["lif"] is nir.LIF
    assert kinds["flatten"] is nir.Flatten
    assert kinds["fc"] is nir.Affine
    assert kinds["gain"] is nir.Scale
    assert kinds["if"] is nir.IF
    assert kinds["twice"] is nir.Scale
    assert kinds["twice_output"] is nir.Output
    assert through_file(graph, tmp_path / "network.nir") == graph


def test_lif_as_nir_is_its_own_euler_step() -> None:
    node = to_nir(vector_graph()).nodes["lif"]
    np.testing.assert_allclose(node.tau, 1 / 0.3, rtol=1e-6)
    assert (node.r == 1).all()
    np.testing.assert_array_equal(node.v_threshold, np.float32(0.7))


def net(op: Op, *shapes: tuple[int, ...], name: str = "net", output: str = "y") -> Graph:
    """One operation on spikes."""
    builder = GraphBuilder(name, 4)
    inputs = [
        builder.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name=f"x{place}")
        for place, shape in enumerate(shapes)
    ]
    return builder.build({output: builder.add(op, *inputs, name="n")})


def test_what_nir_cannot_say_is_an_extension_with_its_operands() -> None:
    graph = to_nir(net(MatMul(), (2, 3), (3, 2)))
    node = graph.nodes["n"]
    assert isinstance(node, Extension)
    assert (node.kind, json.loads(node.operands), node.shape.tolist()) == ("matmul", ["x0", "x1"], [2, 2])
    assert set(graph.edges) == {("x0", "n"), ("x1", "n"), ("n", "y")}


def test_only_a_graph_that_is_standard_as_a_whole_copies_weights() -> None:
    """A matrix that all tokens share is written for each of them, unless there are extension nodes anyway."""

    def tokens(with_product: bool) -> Graph:
        builder = GraphBuilder("tokens", 4)
        x = builder.add(Input("spike[3x4]"), name="x")
        weight = builder.param("w", np.ones((2, 4), np.float32))
        y = builder.add(Linear(), x, name="fc", params={"weight": weight})
        more = {"p": builder.add(Function("square"), x, name="square")} if with_product else {}
        return builder.build({"y": y, **more})

    assert to_nir(tokens(with_product=False)).nodes["fc"].weight.shape == (3, 2, 4)
    assert isinstance(to_nir(tokens(with_product=True)).nodes["fc"], Extension)


def test_every_reader_is_told_what_the_numbers_mean() -> None:
    metadata = to_nir(vector_graph()).metadata
    assert (metadata["name"], metadata["steps"], metadata["dtype"], metadata["dt"]) == (
        "vectors",
        "4",
        "float32",
        "1.0",
    )
    assert json.loads(metadata["semantics"])["time_unit"] == "step"
    assert json.loads(metadata["static_inputs"]) == []


def test_outputs_do_not_take_the_names_of_nodes() -> None:
    graph = to_nir(net(Function("square"), (2,), output="n"))
    assert isinstance(graph.nodes["n_output"], nir.Output)
    assert ("n", "n_output") in graph.edges


def loop(steps: int, more: Op | None = None) -> Graph:
    builder = GraphBuilder("loop", 4)
    x = builder.add(Input("spike[2]"), name="x")
    past = builder.add(Past("lif", "spike[2]", steps), name="past")
    further = {} if more is None else {"z": builder.add(more, x, name="more")}
    return builder.build({"y": builder.add(Lif(decay=0.5), x, past, name="lif"), **further})


def test_a_loop_of_one_step_is_an_edge_and_a_longer_one_a_delay() -> None:
    assert ("lif", "lif") in to_nir(loop(1)).edges
    graph = to_nir(loop(2))
    assert graph.nodes["past"].delay.tolist() == [2, 2]
    assert ("past", "lif") in graph.edges


def test_beside_extension_nodes_every_loop_has_a_delay() -> None:
    """No reader but ours takes the graph, which needs the back edge as a node."""
    assert to_nir(loop(1, more=Function("square"))).nodes["past"].delay.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("changes", "text"), [({"name": "a/b"}, "'a/b'"), ({"name": "größe"}, "'größe'"), ({"output": ".."}, r"'\.\.'")]
)
def test_names_that_a_file_cannot_hold(changes: dict[str, str], text: str) -> None:
    with pytest.raises(CompileError, match=f"{text} cannot be a name in a NIR file"):
        to_nir(net(Function("square"), (2,), **changes))


def test_a_graph_has_outputs() -> None:
    with pytest.raises(CompileError, match="graph net has no outputs"):
        to_nir(replace(net(Function("square"), (2,)), outputs={}))


def test_the_file_says_where_a_network_of_several_phases_is_cut(tmp_path: Path) -> None:
    builder = GraphBuilder("net", 3)
    s = builder.add(Lif(0.5), builder.add(Input("real[4]"), name="x"), name="s")
    u = builder.add(Lif(0.5), builder.add(TimeSum(), s, name="m"), name="u")
    graph = builder.build({"y": u})
    phases = json.loads(str(to_nir(graph).metadata["phases"]))
    assert phases == {"x": 1, "s": 1, "m": 1, "u": 2}
    assert through_file(graph, tmp_path / "network.nir") == graph
    assert "phases" not in to_nir(vector_graph()).metadata
