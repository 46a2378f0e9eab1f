"""The maximum of a window of spikes is an OR: one neuron per output, one synapse per tap; other maxima are refused."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import DeployError
from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import Add, Input, Lif, Linear, MaxPool, Permute
from ir.passes.lower_to_synapses import lower_to_synapses

Pair = tuple[int, int]
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


def _pooled(op: MaxPool, shape: tuple[int, ...], steps: int = 3) -> Graph:
    builder = GraphBuilder("pooled", steps)
    x = builder.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    pool = builder.add(op, x, name="pool", provenance=Provenance("net.pool"))
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), pool, name="y"), "pool": pool})


def _taps(op: MaxPool, shape: tuple[int, ...]) -> list[list[tuple[int, ...]]]:
    """Per output place the places of the input that its window covers, by loops over the definition."""
    _, height, width = shape
    rows = range((height + 2 * op.padding[0] - op.dilation[0] * (op.kernel[0] - 1) - 1) // op.stride[0] + 1)
    columns = range((width + 2 * op.padding[1] - op.dilation[1] * (op.kernel[1] - 1) - 1) // op.stride[1] + 1)
    windows: list[list[tuple[int, ...]]] = []
    for i in rows:
        for j in columns:
            ks = [
                (
                    i * op.stride[0] - op.padding[0] + a * op.dilation[0],
                    j * op.stride[1] - op.padding[1] + b * op.dilation[1],
                )
                for a in range(op.kernel[0])
                for b in range(op.kernel[1])
            ]
            windows.append([(h, w) for h, w in ks if 0 <= h < height and 0 <= w < width])
    return windows


@given(kernel=pairs, stride=pairs, dilation=pairs, seed=st.integers(0, 99), rate=st.sampled_from([0.1, 0.5, 1.1]))
def test_every_window_at_every_step(
    cmsf: SimpleNamespace, kernel: Pair, stride: Pair, dilation: Pair, seed: int, rate: float
):
    op = MaxPool(kernel, stride, (kernel[0] // 2, kernel[1] // 2), dilation)
    shape = (2, 7, 8)
    source = _pooled(op, shape)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    inputs = cmsf.random_inputs(source, seed, rate=rate)
    cmsf.assert_same(source, lowered, inputs, ["pool", "y"])
    windows = _taps(op, shape)
    x = inputs["x"]
    expected = [[x[..., c, h, w] for h, w in window] for c in range(2) for window in windows]
    fired = interpret(lowered, inputs)["pool"].reshape(*x.shape[:2], -1)
    for place, taps in enumerate(expected):
        np.testing.assert_array_equal(fired[..., place], np.max([np.zeros(x.shape[:2]), *taps], axis=0))
    neurons, synapses = cmsf.added_by(lowered, "max-pool=or")
    pool_outputs = 2 * len(windows)
    assert neurons == pool_outputs
    assert synapses == 2 * sum(map(len, windows))


def test_one_axis(cmsf: SimpleNamespace):
    source = _pooled(MaxPool((3,), (2,), (1,), (1,)), (4, 9))
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 0, rate=0.2), ["pool", "y"])
    assert cmsf.added_by(lowered, "max-pool=or") == (4 * 5, 4 * 13)


def _refused(cmsf: SimpleNamespace, between: str, what: str) -> None:
    builder = GraphBuilder("refused", 2)
    x = builder.add(Input("spike[4x4]"), name="x")
    if between == "sum":
        x = builder.add(Add(), x, x, name="sum")
    else:
        x = builder.add(Linear(), x, name="fc", params={"weight": builder.param("w", np.eye(4, dtype=np.float32))})
        x = builder.add(Permute((0, 1)), x, name="same")
    pool = builder.add(MaxPool((2,), (2,), (0,), (1,)), x, name="pool", provenance=Provenance("net.pool"))
    graph = builder.build({"y": builder.add(Lif(0.5), pool, name="y")})
    with pytest.raises(DeployError, match=rf"%pool: {what}(?s:.*)net.pool(?s:.*)behind a neuron layer"):
        lower_to_synapses(graph, cmsf.LOIHI2, {})


def test_maxima_of_currents_and_of_counts_are_refused(cmsf: SimpleNamespace):
    _refused(cmsf, "sum", "takes the maximum of sums of 2 spike populations")
    _refused(cmsf, "current", "takes the maximum of analog values")
