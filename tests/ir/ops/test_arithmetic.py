"""Sums, products and functions of values: formulas, the domains that they make, and operands that broadcast."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import Add, Divide, Function, MatMul, Mul, Not, Offset, Scale, Subtract
from ir.types import SPIKE, Type, graded, parse_type

UNARY = {
    "scale": (Scale(-0.5), lambda x: x * -0.5),
    "offset": (Offset(0.5), lambda x: x + 0.5),
    "function": (Function("square"), lambda x: x**2),
}
BINARY = {
    "add": (Add(), lambda a, b: a + b),
    "mul": (Mul(), lambda a, b: a * b),
    "divide": (Divide(), lambda a, b: a / b),
    "subtract": (Subtract(), lambda a, b: a - b),
}


@pytest.mark.parametrize("kind", UNARY)
def test_one_operand(kind: str, x, assert_formula):
    op, formula = UNARY[kind]
    assert op.kind == kind
    assert_formula(op, formula, x)


@pytest.mark.parametrize("kind", BINARY)
def test_two_operands(kind: str, x, dyadic, assert_formula):
    op, formula = BINARY[kind]
    assert op.kind == kind
    assert_formula(op, formula, x, dyadic(*x.shape) + 9)


@pytest.mark.parametrize("kind", BINARY)
def test_leading_axes_broadcast_behind_time_and_batch(kind: str, x, dyadic, assert_formula):
    op, formula = BINARY[kind]
    row = dyadic(2, 3, 5) + 9
    assert_formula(op, lambda a, b: formula(a, b[:, :, None]), x, row)
    assert_formula(op, lambda a, b: formula(a[:, :, None], b), row, x + 1)


def test_constants_in_arrays(x, dyadic, assert_formula):
    assert_formula(Scale(), lambda x, weight: x * weight, x, params={"weight": dyadic(5)})
    assert_formula(Offset(), lambda x, bias: x + bias, x, params={"bias": dyadic(4, 1)})


def test_add_takes_any_number_of_operands(x, assert_formula):
    assert_formula(Add(), lambda *parts: sum(parts), x, 2 * x, x + 1, x)


def test_not_is_the_other_spike(x, assert_formula):
    spikes = (x > 0).astype(np.float32)
    assert_formula(Not(), lambda s: np.where(s > 0, 0, 1), spikes, domain="spike")
    with pytest.raises(CompileError, match="only spikes can be negated"):
        Not().infer((Type((4,)),), {})


def test_matmul_is_a_count_of_coincidences(run):
    rng = np.random.default_rng(7)
    q, k = (rng.integers(0, 2, (2, 3, 4, 5)).astype(np.float32) for _ in range(2))
    expected = [
        [[[sum(q[t, b, i, c] * k[t, b, j, c] for c in range(5)) for j in range(4)] for i in range(4)] for b in range(3)]
        for t in range(2)
    ]
    assert np.array_equal(run(MatMul(), {}, q, k.swapaxes(2, 3)), np.array(expected))


def test_domains():
    spike, current = parse_type("spike[3]"), parse_type("current[3]")
    assert str(Add().infer((spike, spike, spike), {}).domain) == "count<3>"
    assert Mul().infer((spike, spike), {}).domain == SPIKE
    assert Mul().infer((current, spike), {}).domain == graded(24)
    assert str(MatMul().infer((parse_type("spike[2x3]"), parse_type("spike[3x2]")), {}).domain) == "current"
    assert str(Add().infer((spike, current), {}).domain) == "real"


@pytest.mark.parametrize(
    ("op", "operands", "result"),
    [
        (Add(), ("count<2>[3]", "spike[3]"), "count<3>[3]"),
        (Add(), ("current[3]", "current[1]"), "current[3]"),
        (Mul(), ("spike[3]", "count<3>[3]"), "graded<3>[3]"),
        (Mul(), ("count<4>[3]", "spike[3]"), "graded<4>[3]"),
        (Mul(), ("spike[3]", "graded<8>[1]"), "graded<8>[3]"),
        (Mul(), ("spike[3]", "real[3]"), "real[3]"),
        (Mul(), ("real[3] static", "spike[3]"), "real[3]"),
        (Not(), ("spike[3]",), "spike[3]"),
        (MatMul(), ("real[2x3]", "spike[3x2]"), "real[2x2]"),
        (Scale(), ("spike[3]*0.5",), "current[3]"),
        (Scale(), ("real[3]*0.5",), "real[3]"),
        (Offset(), ("current[3]",), "current[3]"),
        (Offset(), ("spike[3]",), "real[3]"),
        (Divide(), ("real[3] static", "real[2x1] static"), "real[2x3] static"),
        (Subtract(), ("spike[3]", "current[3]"), "current[3]"),
        (Subtract(), ("spike[3]", "real[3]"), "real[3]"),
        (Function("exp"), ("current[3]",), "real[3]"),
    ],
)
def test_result_types(op, operands: tuple[str, ...], result: str):
    assert str(op.infer(tuple(map(parse_type, operands)), {})) == result


@pytest.mark.parametrize(
    ("op", "operands", "rule"),
    [
        (Function("cot"), ("real[3]",), "function.name"),
        (Add(), ("spike[3]",), "add.arity"),
        (Add(), ("spike[3]", "spike[1]"), "add.shape"),
        (Mul(), ("spike[3]", "spike[4]"), "mul.shape"),
        (MatMul(), ("spike[2x3]", "spike[2x3]"), "matmul.shape"),
        (MatMul(), ("spike[2x2x3]", "spike[3x2]"), "matmul.shape"),
    ],
)
def test_refused(op, operands: tuple[str, ...], rule: str):
    with pytest.raises(CompileError) as error:
        op.infer(tuple(map(parse_type, operands)), {})
    assert error.value.rule == f"ir.{rule}"
