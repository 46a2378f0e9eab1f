"""NIR graphs of other programs, read as NIR defines them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch

from frontend.foreign_nir import FOREIGN_RULES
from frontend.from_nir import from_nir
from frontend.nir_file import read_nir, write_nir
from frontend.plain_nir import plain_nir
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.interp import interpret
from ir.ops import Input, Lif, Linear
from ir.verify import verify

STEPS = 5
RNG = np.random.default_rng(0)


def chain(*nodes: Any, shape: tuple[int, ...], **metadata: Any) -> nir.NIRGraph:
    names = ["in", *(f"n{place}" for place in range(len(nodes))), "out"]
    ends = (nir.Input({"input": np.array(shape)}), *nodes, nir.Output({"output": None}))
    table = dict(zip(names, ends, strict=True))
    return nir.NIRGraph(table, list(pairwise(names)), metadata={"dt": 1.0, **metadata}, type_check=False)


def full(value: float, size: int = 3) -> np.ndarray:
    return np.full(size, value, np.float32)


W = RNG.normal(size=(3, 4)).astype(np.float32)
X = RNG.normal(size=(STEPS, 2, 4)).astype(np.float32) * 3


def lif_reference(x: np.ndarray, decay: float, gain: float, leak: float, theta: float, reset: float) -> np.ndarray:
    v, out = np.zeros_like(x[0]), []
    for current in x:
        v = v + np.float32(decay) * (np.float32(leak) - v + np.float32(gain) * current)
        out.append((v > theta).astype(np.float32))
        v = np.where(v > theta, np.float32(reset), v)
    return np.stack(out)


CASES: dict[type, tuple[Any, tuple[int, ...], Any]] = {
    nir.Linear: (nir.Linear(W), (4,), lambda x: x @ W.T),
    nir.Affine: (nir.Affine(W, full(0.5)), (4,), lambda x: x @ W.T + np.float32(0.5)),
    nir.Scale: (nir.Scale(full(2, 4)), (4,), lambda x: x * 2),
    nir.Flatten: (nir.Flatten({"input": np.array([2, 2])}, 0, -1), (2, 2), lambda x: x.reshape(STEPS, 2, 4)),
    nir.Threshold: (nir.Threshold(full(0.5, 4)), (4,), lambda x: (x > 0.5).astype(np.float32)),
    nir.IF: (nir.IF(full(0.5, 4), full(1.0, 4)), (4,), lambda x: _integrated(x)),
    nir.LIF: (
        nir.LIF(full(4, 4), full(2, 4), full(0.25, 4), full(0.5, 4), full(-0.5, 4)), (4,),
        lambda x: lif_reference(x, 0.25, 2, 0.25, 0.5, -0.5),
    ),
    nir.Conv1d: (
        nir.Conv1d(4, np.ones((2, 1, 3), np.float32), 1, 1, 1, 1, np.zeros(2, np.float32)), (1, 4),
        lambda x: torch.conv1d(torch.from_numpy(x).flatten(0, 1), torch.ones(2, 1, 3), padding=1).unflatten(0, (STEPS, 2)).numpy(),
    ),
    nir.Conv2d: (
        nir.Conv2d((2, 2), np.ones((2, 1, 2, 2), np.float32), (1, 1), (1, 0), (1, 1), 1, np.ones(2, np.float32)), (1, 2, 2),
        lambda x: 1 + torch.conv2d(torch.from_numpy(x).flatten(0, 1), torch.ones(2, 1, 2, 2), padding=(1, 0)).unflatten(0, (STEPS, 2)).numpy(),
    ),
}  # fmt: skip


def _integrated(x: np.ndarray) -> np.ndarray:
    v, out = np.zeros_like(x[0]), []
    for current in x:
        v = v + np.float32(0.5) * current
        out.append((v > 1).astype(np.float32))
        v = np.where(v > 1, np.float32(0), v)
    return np.stack(out)


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == FOREIGN_RULES.keys()


@pytest.mark.parametrize("kind", CASES)
def test_every_node_is_read_as_it_is_defined(kind: type, tmp_path: Path) -> None:
    node, shape, reference = CASES[kind]
    graph = chain(node, shape=shape)
    graph.nodes["out"] = nir.Output({"output": np.array([1])})
    write_nir(graph, tmp_path / "a.nir")
    read = from_nir(read_nir(tmp_path / "a.nir"))
    verify(read, "source")
    x = X.reshape(STEPS, 2, *shape)
    ours = interpret(read, {"in": torch.from_numpy(x)})["out"].numpy()
    np.testing.assert_allclose(ours, reference(x), rtol=1e-6, atol=1e-6)
    assert np.abs(ours).mean() > 0


def test_edges_add_up_and_steps_and_domain_are_read() -> None:
    nodes = {
        "a": nir.Input({"input": np.array([4])}, metadata={"domain": "spike"}),
        "b": nir.Input({"input": np.array([4])}),
    }
    nodes |= {"n": nir.Linear(W), "out": nir.Output({"output": np.array([3])})}
    edges = [("a", "n"), ("b", "n"), ("n", "out")]
    graph = from_nir(nir.NIRGraph(nodes, edges, metadata={"dt": 1, "steps": "5"}, type_check=False))
    assert graph.steps == 5
    assert str(graph.nodes["a"].type) == "spike[4]"
    ours = interpret(graph, {"a": X, "b": X})["out"]
    np.testing.assert_allclose(ours, 2 * X @ W.T, rtol=1e-5)


def test_our_own_plain_graph_comes_back_with_the_same_spikes() -> None:
    builder = GraphBuilder("net", STEPS)
    x = builder.add(Input("spike[4]"), name="x")
    weight = builder.param("w", RNG.integers(-2, 3, size=(6, 4)).astype(np.float32))
    current = builder.add(Linear(), x, name="current", params={"weight": weight})
    graph = builder.build({"y": builder.add(Lif(decay=0.5), current, name="lif")})
    plain = plain_nir(graph).graph
    assert plain is not None
    spikes = (RNG.random((STEPS, 50, 4)) < 0.5).astype(np.float32)
    ours, theirs = interpret(from_nir(plain), {"x": spikes}), interpret(graph, {"x": spikes})
    np.testing.assert_array_equal(ours["y"], theirs["y"])
    assert 0.05 < theirs["y"].mean() < 0.95


def _cycle() -> nir.NIRGraph:
    graph = chain(nir.Linear(np.eye(4, dtype=np.float32)), nir.IF(full(1, 4), full(1, 4)), shape=(4,))
    graph.edges.append(("n1", "n0"))
    return graph


def _no_dt() -> nir.NIRGraph:
    graph = chain(nir.Linear(W), shape=(4,))
    del graph.metadata["dt"]
    return graph


REFUSED = {
    "no time step": (_no_dt, "nir.dt"),
    "cycle": (_cycle, "nir.cycle"),
    "no rule": (lambda: chain(nir.Delay(full(1, 4)), shape=(4,)), "nir.node"),
    "several thresholds": (lambda: chain(nir.Threshold(np.arange(4.0)), shape=(4,)), "nir.uniform"),
    "tau below the step": (lambda: chain(nir.LIF(*(full(v, 4) for v in (0.5, 1, 0, 1))), shape=(4,)), "ir.lif.decay"),
    "wrong width": (lambda: chain(nir.Linear(W), shape=(5,)), "ir.linear.shape"),
    "no outputs": (
        lambda: nir.NIRGraph({"x": nir.Input({"input": np.array([2])})}, [], {"dt": 1}, type_check=False),
        "nir.empty",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_one_error(case: str) -> None:
    make, rule = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        from_nir(make())
    assert caught.value.rule == rule
