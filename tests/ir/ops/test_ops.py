"""Every operation: the same on numpy and torch, equal to an independent formula, counted as derived by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.interpreter import interpret
from ir.ops import (
    OPS,
    Add,
    AtStep,
    BatchNorm,
    Burst,
    Concat,
    Conv,
    Divide,
    Expand,
    Function,
    Gate,
    Graded,
    IntegerLif,
    LayerNorm,
    Lif,
    Linear,
    MatMul,
    MaxPool,
    Mul,
    Not,
    Offset,
    Pad,
    Permute,
    Repeat,
    Reshape,
    Scale,
    Slice,
    Subtract,
    Sum,
    Synapse,
    TimeSum,
    TimeWeight,
)
from ir.types import SPIKE, Type, graded, parse_type

RNG = np.random.default_rng(7)
X = RNG.integers(0, 3, (2, 3, 4, 5)).astype(np.float32)
LOIHI = {"shift": 6, "decay_bits": 12, "state_bits": 24}


def dyadic(*shape: int) -> np.ndarray:
    return RNG.integers(-8, 9, shape).astype(np.float32) / 4


CASES = {
    "linear": (
        Linear(),
        {"weight": dyadic(6, 5), "bias": dyadic(6)},
        lambda x, p: np.einsum("tbni,oi->tbno", x, p["weight"]) + p["bias"],
    ),
    "synapse": (Synapse(0.5), {}, lambda x, p: x * 0.5),
    "sum": (Sum((0,), 0.125), {}, lambda x, p: x.sum(2, keepdims=True) / 8),
    "reshape": (Reshape((5, 4)), {}, lambda x, p: x.reshape(2, 3, 5, 4)),
    "permute": (Permute((1, 0)), {}, lambda x, p: x.swapaxes(2, 3)),
    "slice": (Slice(1, 1, 3), {}, lambda x, p: x[..., 1:3]),
    "pad": (Pad(0, 1, 2), {}, lambda x, p: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 0)))),
    "max_pool": (
        MaxPool((2,), (2,), (1,), (1,)),
        {},
        lambda x, p: np.maximum(
            np.pad(x, ((0, 0), (0, 0), (0, 0), (1, 0)))[..., ::2], np.pad(x, ((0, 0), (0, 0), (0, 0), (0, 1)))[..., ::2]
        ),
    ),
    "scale": (Scale(), {"weight": dyadic(5)}, lambda x, p: x * p["weight"]),
    "offset": (Offset(0.5), {}, lambda x, p: x + 0.5),
    "function": (Function("square"), {}, lambda x, p: x**2),
    "time_weight": (TimeWeight(), {"weight": dyadic(2)}, lambda x, p: x * p["weight"][:, None, None, None]),
    "at_step": (AtStep(1), {}, lambda x, p: x[1:2]),
    "time_sum": (TimeSum(0.5), {}, lambda x, p: x.sum(0, keepdims=True) / 2),
    "graded": (Graded(2), {"bias": dyadic(5)}, lambda x, p: np.clip(x + p["bias"], -2, 1)),
    "burst": (Burst(2), {}, lambda x, p: np.stack([x > 0, x > 1], axis=2).astype(np.float32)),
}


def run(op, params, *arrays):
    """The operation on its own, through the interpreter."""
    builder = GraphBuilder("one", 2)
    names = [
        builder.add(OPS["input"](f"graded<8>[{'x'.join(map(str, a.shape[2:]))}]"), name=f"x{i}")
        for i, a in enumerate(arrays)
    ]
    own = {role: builder.param(role, array) for role, array in params.items()}
    graph = builder.build({"y": builder.add(op, *names, name="y", params=own)})
    return interpret(graph, dict(zip(names, arrays, strict=True)))["y"]


@pytest.mark.parametrize("kind", CASES)
def test_formula_on_numpy_and_torch(kind: str):
    op, params, formula = CASES[kind]
    assert op.kind == kind
    expected = formula(X, params)
    assert np.array_equal(run(op, params, X), expected)
    assert np.array_equal(run(op, params, torch.from_numpy(X)).numpy(), expected)


BINARY = {
    "add": (Add(), lambda a, b: a + b),
    "mul": (Mul(), lambda a, b: a * b),
    "divide": (Divide(), lambda a, b: a / b),
    "subtract": (Subtract(), lambda a, b: a - b),
    "concat": (Concat(1), lambda a, b: np.concatenate([a, b], axis=3)),
}


@pytest.mark.parametrize("kind", BINARY)
def test_two_operands(kind: str):
    op, formula = BINARY[kind]
    other = dyadic(*X.shape) + 9
    assert np.array_equal(run(op, {}, X, other), formula(X, other))
    assert np.array_equal(run(op, {}, torch.from_numpy(X), torch.from_numpy(other)).numpy(), formula(X, other))


def test_not_is_the_other_spike():
    builder = GraphBuilder("not", 2)
    x = builder.add(OPS["input"]("spike[4x5]"), name="x")
    graph = builder.build({"y": builder.add(Not(), x, name="y")})
    spikes = (X > 0).astype(np.float32)
    assert np.array_equal(interpret(graph, {"x": spikes})["y"], np.where(X > 0, 0, 1))
    assert np.array_equal(interpret(graph, {"x": torch.from_numpy(spikes)})["y"].numpy(), np.where(X > 0, 0, 1))
    with pytest.raises(CompileError, match="only spikes can be negated"):
        Not().infer((Type((4,)),), {})


def test_matmul_is_a_count_of_coincidences():
    q, k = (RNG.integers(0, 2, (2, 3, 4, 5)).astype(np.float32) for _ in range(2))
    expected = [
        [[[sum(q[t, b, i, c] * k[t, b, j, c] for c in range(5)) for j in range(4)] for i in range(4)] for b in range(3)]
        for t in range(2)
    ]
    assert np.array_equal(run(MatMul(), {}, q, k.swapaxes(2, 3)), np.array(expected))


def test_expand_and_repeat():
    assert np.array_equal(run(Expand((4, 5)), {}, X[:, :, :1]), np.broadcast_to(X[:, :, :1], X.shape))
    assert np.array_equal(Repeat().run((X[:1],), {}, 3), np.repeat(X[:1], 3, axis=0))


@pytest.mark.parametrize(
    "op", [BatchNorm(1, 1e-5), BatchNorm(0, 1e-5), BatchNorm(-1, 1e-5, timed=True), LayerNorm(1e-5)]
)
def test_norms_against_torch(op):
    channels = 2 if getattr(op, "timed", False) else X.shape[2 + getattr(op, "axis", 1)]
    params = {"weight": dyadic(channels), "bias": dyadic(channels)}
    if op.kind == "batch_norm":
        params |= {"mean": dyadic(channels), "var": np.abs(dyadic(channels)) + 0.5}
    on_torch = run(op, params, torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(run(op, params, X), on_torch, rtol=2e-6, atol=2e-6)
    if op.kind == "layer_norm":
        expected = torch.nn.functional.layer_norm(
            torch.from_numpy(X), (5,), *map(torch.from_numpy, (params["weight"], params["bias"]))
        )
        assert np.array_equal(on_torch, expected.numpy())


def test_batch_norm_is_the_layer_of_torch():
    layer = torch.nn.BatchNorm1d(5).eval()
    with torch.no_grad():
        for tensor in (*layer.parameters(), layer.running_mean, layer.running_var):
            tensor.copy_(torch.rand(5) + 0.5)
    params = dict(mean=layer.running_mean, var=layer.running_var, weight=layer.weight, bias=layer.bias)
    ours = run(BatchNorm(1, layer.eps), {k: v.detach().numpy() for k, v in params.items()}, torch.from_numpy(X))
    theirs = layer(torch.from_numpy(X).flatten(0, 1).transpose(1, 2)).transpose(1, 2).reshape(X.shape)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), [(1, 1, 1, 1), (2, 0, 1, 2), (1, 2, 2, 1)])
def test_conv_and_its_synapses(stride: int, padding: int, dilation: int, groups: int):
    x, weight = RNG.integers(0, 2, (2, 3, 4, 7, 6)).astype(np.float32), dyadic(2, 4 // groups, 3, 3)
    op = Conv((stride,) * 2, (padding,) * 2, (dilation,) * 2, groups)
    expected = torch.nn.functional.conv2d(
        torch.from_numpy(x).flatten(0, 1), torch.from_numpy(weight), None, stride, padding, dilation, groups
    )
    assert np.array_equal(run(op, {"weight": weight}, x), expected.reshape(2, 3, *expected.shape[1:]).numpy())
    ones = torch.nn.functional.conv2d(
        torch.ones(1, 4, 7, 6), torch.ones(weight.shape), None, stride, padding, dilation, groups
    )
    assert op.synapses((Type((4, 7, 6), SPIKE),), {"weight": weight.shape}) == int(ones.sum())


@given(
    st.lists(st.integers(-6, 6), min_size=1, max_size=8),
    st.sampled_from([">=", ">"]),
    st.sampled_from(["value", "subtract", "none"]),
)
def test_lif_step_by_step(currents: list[int], comparator: str, reset: str):
    op = Lif(0.5, threshold=1.0, comparator=comparator, reset=reset)
    x = np.array(currents, np.float32).reshape(-1, 1, 1)
    v, expected = 0.0, []
    for current in currents:
        v = v + (current - v) / 2
        fired = v >= 1 if comparator == ">=" else v > 1
        expected.append(float(fired))
        v = {"value": 0.0, "subtract": v - 1, "none": v}[reset] if fired else v
    for array in (x, torch.from_numpy(x)):
        assert np.asarray(op.run((array,), {}, len(currents))).ravel().tolist() == expected


@given(
    st.lists(st.integers(-40000, 40000), min_size=1, max_size=6),
    st.integers(0, 4095),
    st.integers(0, 4096),
    st.integers(-99, 99),
)
def test_integer_lif_in_plain_integers(currents: list[int], du: int, dv: int, bias: int):
    op, u, v, expected = IntegerLif(du, dv, 300, **LOIHI), 0, 0, []
    for a in currents:
        sign = -1 if u < 0 else 1
        u = sign * ((abs(u) * (4096 - du - 1)) >> 12) + (a << 6)
        u = u - 2**24 if u > 2**23 else u
        u = u + 2**24 if u <= -(2**23) else u
        sign = -1 if v < 0 else 1
        v = max(-(2**23) + 1, min(2**23 - 1, sign * ((abs(v) * (4096 - dv)) >> 12) + u + bias))
        expected.append(int(v > 300 << 6))
        v = 0 if v > 300 << 6 else v
    x, params = np.array(currents).reshape(-1, 1, 1), {"bias": np.array([bias])}
    assert op.run((x,), params, len(currents)).ravel().tolist() == expected
    on_torch = op.run((torch.from_numpy(x),), {"bias": torch.tensor([bias])}, len(currents))
    assert on_torch.ravel().tolist() == expected


def test_gate_opens_on_spikes():
    payload, spikes = dyadic(2, 3, 4), RNG.integers(0, 2, (2, 3, 4)).astype(np.float32)
    assert np.array_equal(Gate(24).run((payload, spikes), {}, 2), payload * spikes)


def test_counts_by_hand():
    spikes = Type((36, 8), SPIKE)
    assert Linear().synapses((spikes,), {"weight": (5, 8)}) == 36 * 8 * 5
    assert Sum((0,)).synapses((spikes,), {}) == Synapse().synapses((spikes,), {}) == 288
    assert Synapse(micro=36).synapses((spikes,), {}) == 8
    assert Burst(36).neurons(Burst(36).infer((parse_type("current[8]"),), {})) == 8
    assert Lif(1.0, form="sum", micro=36).neurons(spikes) == 8


REFUSED = [
    (Linear(), "spike[3x4]", {"weight": (5, 3)}, "linear.shape"),
    (Reshape((7,)), "spike[3x4]", {}, "reshape.size"),
    (Permute((0, 0)), "spike[3x4]", {}, "permute.axes"),
    (Slice(1, 2, 9), "spike[3x4]", {}, "slice.range"),
    (Sum((5,)), "spike[3x4]", {}, "sum.axes"),
    (Expand((3, 5)), "spike[3x4]", {}, "expand.shape"),
    (Function("tan"), "real[3]", {}, "function.name"),
    (Lif(-0.5), "current[3]", {}, "lif.decay"),
    (Lif(0.5, reset="soft"), "current[3]", {}, "lif.option"),
    (Synapse(micro=2), "spike[3x4]", {}, "synapse.micro"),
    (TimeSum(), "real[3] static", {}, "time_sum.static"),
]


@pytest.mark.parametrize(("op", "kind", "params", "rule"), REFUSED)
def test_infer_refuses(op, kind: str, params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type(kind),), params)
    assert error.value.rule == f"ir.{rule}"


def test_domains():
    spike, current = parse_type("spike[3]"), parse_type("current[3]")
    assert str(Add().infer((spike, spike, spike), {}).domain) == "count<3>"
    assert Mul().infer((spike, spike), {}).domain == SPIKE
    assert Mul().infer((current, spike), {}).domain == graded(24)
    assert str(MatMul().infer((parse_type("spike[2x3]"), parse_type("spike[3x2]")), {}).domain) == "current"
    assert str(Add().infer((spike, current), {}).domain) == "real"


def test_every_operation_is_tested():
    tested = {
        *CASES,
        *BINARY,
        "matmul",
        "expand",
        "repeat",
        "batch_norm",
        "layer_norm",
        "conv",
        "lif",
        "integer_lif",
        "gate",
        "input",
    }
    assert set(OPS) - tested <= {
        "unfold_time",
        "leaky",
        "delay",
        "past",
        "not",
        "integer_leaky",
    }  # in files of their own


def test_only_a_gates_last_operands_open_it():
    names = ("a", "b", "c")
    gate = Gate(8, enables=2)
    assert (gate.payload_operands(names), gate.enabling_operands(names)) == (("a",), ("b", "c"))
    assert (Graded(8).payload_operands(names), Graded(8).enabling_operands(names)) == (names, ())
