"""IR -> NIR -> file -> NIR -> IR gives an equal graph, for CMSF's parts and for every operation of the IR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path

import nir
import numpy as np
import pytest
import torch

from frontend.nir.round_trip import from_nir as reader
from frontend.nir.round_trip.extension import op_from_record, op_record
from frontend.nir.round_trip.file import read_nir, write_nir
from frontend.nir.round_trip.from_nir import from_nir, through_nir
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.ops import OPS, Add, Conv, Input, Lif, Linear, Op, Reshape, Scale
from models import cmsf
from models.cmsf_network.config import CmsfConfig
from models.cmsf_network.parts import initial_parts, random_features

torch.set_num_threads(1)
SMALL = CmsfConfig(N=4, L=4, D=8, F=12, region_features=6, word_features=5, heads=2, combs=2)


def through_file(graph: Graph, path: Path) -> Graph:
    write_nir(to_nir(graph), path)
    return from_nir(read_nir(path))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gate", "fusion", "generator"), [("analog", "scca", "repeat-ln"), ("spike", "scsa", "conv-bn")]
)
def test_cmsf_survives_the_file(gate: str, fusion: str, generator: str, tmp_path: Path) -> None:
    config = replace(SMALL, gate=gate, fusion=fusion, generator=generator)
    inputs = random_features(config, samples=2, seed=0)
    for part, module in initial_parts(config, 0).items():
        graph = trace_module(module, inputs[part], cmsf.STATIC_INPUTS, config.T, part)
        assert through_file(graph, tmp_path / "network.nir") == graph


def vector_graph() -> Graph:
    """Everything that standard NIR can say, and a sum that it cannot."""
    rng = np.random.default_rng(0)
    builder = GraphBuilder("vectors", 4)
    image = builder.add(Input("spike[2x6x6]"), name="image")
    kernel = builder.param("conv.weight", rng.normal(size=(4, 1, 3, 2)).astype(np.float32))
    value = builder.add(Conv((2, 1), (1, 0), (1, 2), 2), image, name="conv", params={"weight": kernel})
    value = builder.add(
        Lif(decay=0.3, threshold=0.7, comparator=">"), value, name="lif", provenance=Provenance("lif", ("fold",))
    )
    value = builder.add(Reshape((builder.type(value).size,)), value, name="flatten")
    weight = builder.param("fc.weight", rng.normal(size=(5, builder.type(value).size)).astype(np.float32))
    bias = builder.param("fc.bias", rng.normal(size=5).astype(np.float32))
    value = builder.add(Linear(), value, name="fc", params={"weight": weight, "bias": bias})
    value = builder.add(Scale(), value, name="gain", params={"weight": bias})
    value = builder.add(Lif(decay=0.0, form="sum", gain=0.5), value, name="if")
    twice = builder.add(Add(), value, value, name="twice")
    return builder.build({"twice": twice, "if": value})


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


def any_op(kind: str) -> Op:
    """An operation of the kind with attributes that differ from the defaults."""
    values = {"int": 1, "float": 0.1, "bool": True, "str": "x", "tuple[int, ...]": (2, 1)}
    special = {"input": {"type": "spike[3]"}}
    chosen = {item.name: values[str(item.type)] for item in fields_of(OPS[kind])}
    return OPS[kind](**{**chosen, **special.get(kind, {})})


@pytest.mark.parametrize("kind", OPS)
def test_every_operation_is_recorded_exactly(kind: str) -> None:
    op = any_op(kind)
    assert op_from_record("x", op_record(op, ("a", "b"))) == (op, ("a", "b"))


def test_a_changed_neuron_is_noticed(tmp_path: Path) -> None:
    graph = to_nir(vector_graph())
    graph.nodes["lif"].v_threshold = graph.nodes["lif"].v_threshold * 2
    write_nir(graph, tmp_path / "network.nir")
    with pytest.raises(CompileError, match="contradicts"):
        from_nir(read_nir(tmp_path / "network.nir"))


def test_changed_weights_are_read(tmp_path: Path) -> None:
    graph = to_nir(vector_graph())
    graph.nodes["fc"].weight = graph.nodes["fc"].weight * 2
    write_nir(graph, tmp_path / "network.nir")
    read = from_nir(read_nir(tmp_path / "network.nir"))
    np.testing.assert_array_equal(read.params["fc.weight"], vector_graph().params["fc.weight"] * 2)


def test_newer_and_damaged_graphs_are_refused() -> None:
    damaged = to_nir(vector_graph())
    damaged.metadata["record"] = "no JSON"
    with pytest.raises(CompileError, match="damaged"):
        from_nir(damaged)
    newer = to_nir(vector_graph())
    newer.metadata["format_version"] = "99"
    with pytest.raises(CompileError, match="version 99"):
        from_nir(newer)


def test_files_with_the_former_names_of_operations_are_read() -> None:
    """Written by version 0.1.0: layers of `loihi_lif`, a read-out of `loihi_leaky`, synapses that could not wait."""
    graph = from_nir(read_nir(Path(__file__).parents[3] / "data" / "nir" / "own" / "kinds_of_0_1_0.nir"))
    assert [node.op.kind for node in graph.nodes.values() if node.op.family == "neuron"] == [
        "integer_lif",
        "integer_lif",
        "integer_leaky",
    ]


def test_a_graph_through_nir_is_the_graph_and_its_nir() -> None:
    graph, nir_graph = through_nir(vector_graph())
    assert graph == vector_graph()
    assert from_nir(nir_graph) == graph


def without_provenance(graph: Graph) -> Graph:
    nodes = {name: replace(node, provenance=Provenance()) for name, node in graph.nodes.items()}
    return replace(graph, nodes=nodes)


def with_finer_bias(graph: Graph) -> Graph:
    return replace(graph, params={**graph.params, "fc.bias": graph.params["fc.bias"].astype(np.float64)})


@pytest.mark.parametrize(
    ("lose", "value", "where"),
    [
        (without_provenance, "lif", "lif"),
        (with_finer_bias, "fc", ""),
        (lambda graph: replace(graph, steps=5), "twice", ""),
    ],
)
def test_a_graph_that_nir_does_not_hold_is_one_error(
    lose: Callable[[Graph], Graph], value: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_record = reader.graph_from_record
    monkeypatch.setattr(reader, "graph_from_record", lambda *arguments: lose(read_record(*arguments)))
    with pytest.raises(CompileError, match=f"%{value} of the graph vectors is not read back") as caught:
        through_nir(vector_graph())
    assert caught.value.rule == "nir.round_trip"
    assert caught.value.where == where
    assert "report" in caught.value.hint
