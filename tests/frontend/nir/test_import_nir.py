"""The way in for NIR of any origin: a file, a graph or a network gives one graph, its reading, remarks and names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.import_nir import import_nir
from frontend.nir.reading.reader import network_of
from frontend.nir.round_trip.file import write_nir
from frontend.nir.round_trip.to_nir import to_nir
from ir.errors import CompileError
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, Lif

ONE = np.ones(2, np.float32)


def source(node: nir.NIRNode, name: str = "n", **metadata: Any) -> nir.NIRGraph:
    nodes = {"x": nir.Input({"input": np.array([2])}), name: node, "y": nir.Output({"output": np.array([2])})}
    return nir.NIRGraph(nodes, [("x", name), (name, "y")], metadata=metadata, type_check=False)


LIF = nir.LIF(tau=0.01 * ONE, r=ONE, v_leak=0 * ONE, v_threshold=ONE, v_reset=0 * ONE)
IF = nir.IF(ONE, ONE)


def test_every_way_in_gives_the_same(tmp_path: Path) -> None:
    graph = source(LIF)
    write_nir(graph, tmp_path / "a.nir")
    imports = [
        import_nir(item, dt=1e-3) for item in (graph, network_of(graph), tmp_path / "a.nir", str(tmp_path / "a.nir"))
    ]
    assert all(item.graph == imports[0].graph for item in imports)
    assert all(item.reading == imports[0].reading for item in imports)
    assert imports[0].reading is not None
    assert (imports[0].reading.semantics.dt, imports[0].reading.sources["dt"]) == (1e-3, "flag")
    assert imports[0].names == {}


def ours() -> Graph:
    builder = GraphBuilder("mine", 3)
    return builder.build({"y": builder.add(Lif(decay=0.5), builder.add(Input("spike[2]"), name="x"), name="lif")})


def test_what_we_wrote_leaves_nothing_open(tmp_path: Path) -> None:
    write_nir(to_nir(ours()), tmp_path / "a.nir")
    for item in (to_nir(ours()), tmp_path / "a.nir"):
        imported = import_nir(item, "snntorch", dt=7.0, name="another")
        assert imported.graph == ours()
        assert (imported.reading, imported.lints, imported.names) == (None, (), {})


@pytest.mark.parametrize("item", [lambda: to_nir(ours()), lambda: source(IF)])
def test_misspelt_semantics_are_refused_even_where_they_are_not_needed(item: Any) -> None:
    with pytest.raises(CompileError, match="unknown preset 'snntroch'"):
        import_nir(item(), "snntroch")


def test_names_that_the_ir_cannot_hold_are_kept_beside_it() -> None:
    nodes = {"größe in": nir.Input({"input": np.array([2])}), "n": IF, "out put": nir.Output({"output": np.array([2])})}
    graph = nir.NIRGraph(nodes, [("größe in", "n"), ("n", "out put")], type_check=False)
    imported = import_nir(graph, "if_gain=step", domains={"größe in": "spike"}, name="my net")
    assert [node.name for node in imported.graph.inputs] == [
        name for name, theirs in imported.names.items() if theirs == "größe in"
    ]
    assert {imported.names[name] for name in (*imported.names,)} == {"größe in", "out put"}
    assert str(imported.graph.inputs[0].type) == "spike[2]"
    assert imported.graph.name == "my_net"


def test_remarks_come_with_the_graph() -> None:
    rules = [lint.rule for lint in import_nir(source(IF, reset="soft"), dt=1e-3).lints]
    assert rules == ["metadata", "if_gain"]


def test_a_time_step_is_needed_and_must_be_possible() -> None:
    for dt, what in ((None, "does not say its time step"), (1e300, "a time step of 1e\\+300")):
        with pytest.raises(CompileError, match=what) as caught:
            import_nir(source(LIF), dt=dt)
        assert caught.value.rule == "nir.dt"


def test_errors_of_a_file_name_it(tmp_path: Path) -> None:
    write_nir(source(nir.Threshold(ONE)), tmp_path / "a.nir")
    assert import_nir(tmp_path / "a.nir").graph.nodes["n"].op.kind == "lif"
    with pytest.raises(CompileError, match="no such file") as caught:
        import_nir(tmp_path / "b.nir")
    assert caught.value.where == str(tmp_path / "b.nir")
