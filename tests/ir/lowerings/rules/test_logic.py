"""AND, NOT and OR of spikes, maxima of counts: exact at every step, at the price that the rules state."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ir.graph import Graph, GraphBuilder, Provenance
from ir.interpreter import interpret
from ir.ops import (
    Add,
    Concat,
    Conv,
    Delay,
    Expand,
    Input,
    Lif,
    Linear,
    MatMul,
    MaxPool,
    Mul,
    Not,
    Op,
    Permute,
    Reshape,
    Scale,
    Subtract,
    Sum,
)
from ir.passes.lower_to_synapses import lower_to_synapses
from ir.types import SPIKE, Type

lengths = st.integers(1, 4)


@given(
    combs=lengths, each=lengths, width=lengths, steps=lengths, rate=st.sampled_from([0.3, 1.1]), seed=st.integers(0, 99)
)
def test_comb_attention(cmsf: SimpleNamespace, combs: int, each: int, width: int, steps: int, rate: float, seed: int):
    source = _comb(combs, each, width, steps)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed, rate=rate), ["mask", "masked", "y"])
    tokens = combs * each
    assert cmsf.added_by(lowered, "mask=and") == (tokens * width, 2 * tokens * width)


def _comb(combs: int, each: int, width: int, steps: int) -> Graph:
    """SCCA's mask: the OR over a comb's tokens, ANDed with its keys, tokens interleaved as published."""
    builder = GraphBuilder("comb", steps)
    q = builder.add(Input(f"spike[{combs * each}x{width}]"), name="q")
    k = builder.add(Input(f"spike[{combs * each}x{width}]"), name="k")
    q = builder.add(Reshape((combs, each, width)), q, name="q_combs")
    k = builder.add(Reshape((combs, each, width)), k, name="k_combs")
    mask = builder.add(Lif(0.5, threshold=0.5), builder.add(Sum((1,)), q, name="sum"), name="mask")
    masked = builder.add(Mul(), mask, k, name="masked", provenance=Provenance("attn"))
    mixed = builder.add(Permute((1, 0, 2)), masked, name="interleave")
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), mixed, name="y"), "masked": masked})


def test_every_pair_of_populations_meets(cmsf: SimpleNamespace):
    """(a + b)(a + c) = a a + a c + b a + b c, and the sum of the four ANDs goes on."""
    builder = GraphBuilder("pairs", 3)
    a, b, c = (builder.add(Input("spike[5]"), name=name) for name in "abc")
    left, right = builder.add(Add(), a, b, name="left"), builder.add(Add(), a, c, name="right")
    product = builder.add(Mul(), left, right, name="product")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=1.5), product, name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1, samples=30))
    assert cmsf.added_by(lowered, "mask=and") == (4 * 5, 4 * 10)


def test_a_vector_masks_a_matrix(cmsf: SimpleNamespace):
    builder = GraphBuilder("broadcast", 2)
    a, b = builder.add(Input("spike[3]"), name="a"), builder.add(Input("spike[2x4x3]"), name="b")
    source = builder.build({"y": builder.add(Lif(0.5, threshold=0.5), builder.add(Mul(), a, b, name="m"), name="y")})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 1), ["m"])


RANDOM = np.random.default_rng(3)
WEIGHT = (RANDOM.integers(-4, 5, (5, 6)) / 4).astype(np.float32)
BIAS = (RANDOM.integers(-4, 5, 5) / 4).astype(np.float32)
KERNEL = (RANDOM.integers(-4, 5, (3, 4, 3)) / 4).astype(np.float32)
ATTN = Provenance("net.attn")
Build = Callable[[GraphBuilder, str, str], str]


def _net(build: Build, steps: int = 3) -> Graph:
    """What `build` makes of two spike inputs (4, 6), read by a neuron."""
    builder = GraphBuilder("net", steps)
    a, b = (builder.add(Input("spike[4x6]"), name=name) for name in "ab")
    value = build(builder, a, b)
    return builder.build({"y": builder.add(Lif(0.5, threshold=0.5), value, name="y")})


def _then(*ops: tuple[Op, dict[str, np.ndarray]] | Op) -> Build:
    """NOT a, then the operations in a row."""

    def build(builder: GraphBuilder, a: str, _b: str) -> str:
        value = builder.add(Not(), a, name="negated", provenance=ATTN)
        for op in ops:
            op, params = op if isinstance(op, tuple) else (op, {})
            stored = {role: builder.param(f"{op.kind}.{role}", array) for role, array in params.items()}
            value = builder.add(op, value, name=op.kind, params=stored, provenance=ATTN)
        return value

    return build


def _joined(op: Op, *, negate_both: bool = False, shape: tuple[int, ...] | None = None) -> Build:
    """op(a, NOT b), or of both negated; b first reshaped."""

    def build(builder: GraphBuilder, a: str, b: str) -> str:
        b = builder.add(Not(), b, name="negated", provenance=ATTN)
        b = builder.add(Permute((1, 0)), b, name="turned") if shape else b
        a = builder.add(Not(), a, name="negated", provenance=ATTN) if negate_both else a
        return builder.add(op, a, b, name="joined", provenance=ATTN)

    return build


CASES: dict[str, tuple[Build, int]] = {
    "a neuron": (_then(), 0),
    "twice": (_then(Not()), 0),
    "linear": (_then((Linear(), {"weight": WEIGHT, "bias": BIAS})), 0),
    "conv": (_then((Conv((1,), (1,), (1,)), {"weight": KERNEL})), 0),
    "linear behind routing": (_then(Permute((1, 0)), Reshape((24,)), (Linear(), {"weight": np.tile(WEIGHT, 4)})), 0),
    "scaled": (_then(Scale(-0.5)), 0),
    "sum": (_then(Sum((0,))), 24),
    "max pool": (_then(MaxPool((2,), (2,), (0,), (1,))), 24 + 12),
    "and not": (_joined(Mul()), 24),
    "neither": (_joined(Mul(), negate_both=True), 24),
    "delayed": (_then(Delay(1)), 24),
    "delayed element by element": (_then((Delay(), {"steps": np.arange(24).reshape(4, 6) % 3})), 24),
    "added": (_joined(Add()), 0),
    "subtracted": (_joined(Subtract()), 0),
    "concatenated": (_joined(Concat(0)), 24),
    "multiplied": (_joined(MatMul(), shape=(6, 4)), 24 + 4 * 6 * 4),
}


@pytest.mark.parametrize("case", CASES)
def test_exact_at_every_step(cmsf: SimpleNamespace, case: str):
    build, added = CASES[case]
    source = _net(build)
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    for seed, rate in enumerate((0.1, 0.5, 0.9, 1.1)):
        cmsf.assert_same(source, lowered, cmsf.random_inputs(source, seed, samples=9, rate=rate), ["y"])
    populations = cmsf.neurons_of(lowered)
    assert sum(lowered.nodes[name].type.size for name in populations) == added + source.nodes["y"].type.size


@given(negated=st.tuples(st.booleans(), st.booleans()), seed=st.integers(0, 99), steps=st.integers(1, 4))
def test_truth_tables_of_products(cmsf: SimpleNamespace, negated: tuple[bool, bool], seed: int, steps: int):
    builder = GraphBuilder("table", steps)
    factors = [builder.add(Input("spike[5]"), name=name) for name in "ab"]
    factors = [builder.add(Not(), x, name=f"not_{x}") if no else x for x, no in zip(factors, negated, strict=True)]
    source = builder.build({"y": builder.add(Mul(), *factors, name="y", provenance=ATTN)})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    inputs = cmsf.random_inputs(source, seed)
    expected = np.logical_and(*(inputs[name] != float(no) for name, no in zip("ab", negated, strict=True)))
    np.testing.assert_array_equal(interpret(lowered, inputs)["y"], expected.astype(np.float32))
    assert cmsf.added_by(lowered, "mask=and") == (5, 10)


def test_a_not_neuron_is_made_once_and_for_an_output(cmsf: SimpleNamespace):
    builder = GraphBuilder("shared", 2)
    x = builder.add(Input("spike[4x6]"), name="x")
    no = builder.add(Not(), x, name="no", provenance=ATTN)
    wide = builder.add(Expand((4, 6)), no, name="wide")
    totals = [builder.add(Lif(0.5), builder.add(Sum((axis,)), wide, name="sum"), name="y") for axis in (0, 1)]
    source = builder.build({"y": totals[0], "z": totals[1], "no": no})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    cmsf.assert_same(source, lowered, cmsf.random_inputs(source, 0))


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


@given(
    populations=st.integers(2, 4),
    kernel=pairs,
    stride=pairs,
    extra=st.sampled_from([(), (1, 0)]),
    rate=st.sampled_from([0.2, 0.5, 1.1]),
    seed=st.integers(0, 99),
)
def test_the_largest_of_counts(
    cmsf: SimpleNamespace, populations: int, kernel: Pair, stride: Pair, extra: Pair, rate: float, seed: int
):
    """A sum of populations, pooled: their number of ORs, and as many counters on every element, at every step."""
    op, shape = MaxPool(kernel, stride, (kernel[0] // 2, 0), (1, 1), extra), (2, 5, 4)
    pad = kernel[0] // 2
    assume(not extra or (6 + 2 * pad - kernel[0]) // stride[0] * stride[0] < 5 + pad)
    builder = GraphBuilder("counts", 3)
    parts = [builder.add(Input("spike[2x5x4]"), name=name) for name in "abcd"[:populations]]
    pool = builder.add(op, builder.add(Add(), *parts, name="sum"), name="pool", provenance=ATTN)
    source = builder.build({"y": builder.add(Lif(0.5, threshold=1.5), pool, name="y"), "pool": pool})
    lowered = lower_to_synapses(source, cmsf.LOIHI1, {})
    inputs = cmsf.random_inputs(source, seed, rate=rate)
    cmsf.assert_same(source, lowered, inputs, ["y"])
    counts = np.pad(sum(inputs.values()), [(0, 0)] * 3 + [(kernel[0] // 2,) * 2, (0, 0)])
    counts = np.pad(counts, [(0, 0)] * 3 + [(0, extra[0]), (0, 0)]) if extra else counts
    windows = np.lib.stride_tricks.sliding_window_view(counts, kernel, (3, 4))[..., :: stride[0], :: stride[1], :, :]
    np.testing.assert_array_equal(interpret(lowered, inputs)["pool"], windows.max((-2, -1)))
    outputs, taps = source.nodes["pool"].type.size, _synapses(op, shape)
    elements = populations * int(np.prod(shape))
    assert cmsf.added_by(lowered, "max-pool=or") == (
        elements + populations * outputs,
        populations * elements + populations * taps,
    )


def _synapses(op: MaxPool, shape: tuple[int, ...]) -> int:
    window = Conv(op.stride, op.padding, op.dilation, shape[0], extra=op.extra)
    return window.synapses((Type(shape, SPIKE),), {"weight": (shape[0], 1, *op.kernel)})


def test_negated_spikes_in_a_sum_are_counted(cmsf: SimpleNamespace):
    builder = GraphBuilder("counts", 3)
    a, b = (builder.add(Input("spike[2x6]"), name=name) for name in "ab")
    flipped = builder.add(Not(), b, name="not", provenance=ATTN)
    pooled = [builder.add(MaxPool((3,), (3,), (0,), (1,)), x, name=f"pool_{x}", provenance=ATTN) for x in (a, flipped)]
    y = builder.add(Lif(0.5, threshold=1.5), builder.add(Add(), *pooled, name="sum"), name="y")
    source = builder.build({"y": y})
    cmsf.assert_same(source, lower_to_synapses(source, cmsf.LOIHI1, {}), cmsf.random_inputs(source, 0), ["y"])
