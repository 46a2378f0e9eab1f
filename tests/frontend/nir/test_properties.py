"""Random graphs: written and read back equal, in memory and by nir itself."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nir
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.reader import network_of, read_network
from frontend.nir.round_trip.file import write_nir

LIF, CUBALIF = (
    ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    ("tau_syn", "tau_mem", "r", "v_leak", "v_threshold", "v_reset"),
)
ELEMENTWISE: dict[type, tuple[str, ...]] = {
    nir.Scale: ("scale",),
    nir.Threshold: ("threshold",),
    nir.Delay: ("delay",),
    nir.I: ("r",),
    nir.LI: LIF[:3],
    nir.LIF: LIF,
    nir.IF: ("r", "v_threshold", "v_reset"),
    nir.CubaLI: CUBALIF[:4],
    nir.CubaLIF: CUBALIF,
}
NAMES = st.lists(
    st.text("abcxyz0189_. -", min_size=1, max_size=6).filter(lambda name: name not in (".", "..")),
    min_size=12,
    max_size=12,
    unique=True,
)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[nir.NIRGraph, tuple[int, ...]]:
    """A chain with skips, loops, doubled edges; the output shape worked out on the way."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    array = lambda *shape: rng.uniform(0.5, 2, size=shape).astype(dtype)
    names = iter(draw(NAMES))
    shape = draw(st.sampled_from([(3,), (2, 5), (2, 7, 6)]))
    nodes: dict[str, Any] = {next(names): nir.Input(np.array(shape))}
    edges: list[tuple[str, str]] = []
    for _ in range(draw(st.integers(1, 7))):
        before, name = list(nodes)[-1], next(names)
        nodes[name], following = _layer(draw, shape, array)
        edges.append((before, name))
        if isinstance(nodes[name], nir.LIF) and draw(st.booleans()):
            edges.append((name, name))
        if draw(st.integers(0, 4)) == 0:
            edges.append((before, name))  # counts twice
        shape = following
    name = next(names)
    edges.append((list(nodes)[-1], name))
    nodes[name] = nir.Output(np.array(shape))
    return nir.NIRGraph(nodes, edges, metadata={"dt": 1e-3, "by": "a test"}, type_check=False), shape


def _layer(draw: st.DrawFn, shape: tuple[int, ...], array: Any) -> tuple[Any, tuple[int, ...]]:
    kinds = [*ELEMENTWISE, *ELEMENTWISE, {1: nir.Affine, 2: nir.Conv1d, 3: nir.Conv2d}.get(len(shape), nir.Flatten)]
    kinds += [nir.Flatten, nir.Linear] if len(shape) > 1 else [nir.Linear]
    kind = draw(st.sampled_from(kinds))
    if kind in ELEMENTWISE:
        size = draw(st.sampled_from([shape, shape, ()]))
        return kind(**{name: array(*size) for name in ELEMENTWISE[kind]}), shape
    if kind is nir.Flatten:
        return nir.Flatten({"input": np.array(shape)}, 0, -1), (int(np.prod(shape)),)
    if kind in (nir.Linear, nir.Affine):
        weight = array(*shape[:-1], 4, shape[-1])
        made = nir.Linear(weight) if kind is nir.Linear else nir.Affine(weight, array(*shape[:-1], 4))
        return made, (*shape[:-1], 4)
    rank, groups = len(shape) - 1, draw(st.sampled_from([1, shape[0]]))
    if min(shape[1:]) < 2:
        return nir.Scale(array(*shape)), shape
    axes = [(draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(0, 1)), 1) for _ in range(rank)]
    sizes = [
        (n + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1
        for n, (kernel, stride, pad, dilation) in zip(shape[1:], axes, strict=True)
    ]
    kernel, stride, pad, dilation = zip(*axes, strict=True)
    outputs = 2 * groups
    weight, bias = array(outputs, shape[0] // groups, *kernel), array(outputs)
    if rank == 1:
        return nir.Conv1d(shape[1], weight, stride[0], pad[0], dilation[0], groups, bias), (outputs, *sizes)
    made = nir.Conv2d(None, weight, stride, pad, dilation, groups, bias)  # nir's class refuses what it then may hold
    made.input_shape = shape[1:]
    return made, (outputs, *sizes)


def assert_equal(a: Any, b: Any) -> None:
    if isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_equal(a[key], b[key])
    else:
        assert a == b
        assert type(a) is type(b)


def assert_same_network(a: NirNetwork, b: NirNetwork) -> None:
    assert list(a.nodes) == list(b.nodes)
    assert (a.edges, a.inputs, a.outputs) == (b.edges, b.inputs, b.outputs)
    assert_equal(dict(a.metadata), dict(b.metadata))
    for name, node in a.nodes.items():
        other = b.nodes[name]
        assert (node.kind, node.input_shape, node.output_shape) == (other.kind, other.input_shape, other.output_shape)
        assert_equal(dict(node.params), dict(other.params))


@pytest.mark.slow
@settings(max_examples=60)
@given(graphs())
def test_what_is_written_is_read(case: tuple[nir.NIRGraph, tuple[int, ...]]) -> None:
    graph, shape = case
    network = network_of(graph)
    assert network.nodes[network.outputs[0]].input_shape == shape
    with TemporaryDirectory() as folder:
        write_nir(graph, Path(folder) / "a.nir")
        assert_same_network(read_network(Path(folder) / "a.nir"), network)


@pytest.mark.slow
@settings(max_examples=25)
@given(graphs())
def test_what_nir_accepts_we_accept_with_its_shapes(case: tuple[nir.NIRGraph, tuple[int, ...]]) -> None:
    """nir itself as the oracle, wherever it can load the file; what it refuses wrongly is counted elsewhere."""
    graph, _ = case
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.nir"
        write_nir(graph, path)
        network = read_network(path)
        try:
            theirs = nir.read(path)
        except Exception:  # whatever nir has against duplicate edges, groups and scalars
            return
    for name, node in network.nodes.items():
        types = theirs.nodes[name].output_type
        assert tuple(types["output"]) == node.output_shape
