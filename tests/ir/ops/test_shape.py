"""Routing moves values and changes none: formulas of numpy, types kept, and what does not fit refused."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import Concat, Expand, Gather, Pad, Permute, Repeat, Reshape, Slice
from ir.types import parse_type

CASES = {
    "reshape": (Reshape((5, 4)), lambda x: x.reshape(2, 3, 5, 4)),
    "permute": (Permute((1, 0)), lambda x: x.swapaxes(2, 3)),
    "slice": (Slice(1, 1, 3), lambda x: x[..., 1:3]),
    "gather": (Gather(1, (4, 0, 0)), lambda x: x[..., [4, 0, 0]]),
    "pad": (Pad(0, 1, 2), lambda x: np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 0)))),
}


@pytest.mark.parametrize("kind", CASES)
def test_formula(kind: str, x, assert_formula):
    op, formula = CASES[kind]
    assert op.kind == kind
    assert_formula(op, formula, x)


def test_a_wire_from_nowhere_is_silent(x, assert_formula):
    assert_formula(Gather(0, (-1, 3, -1)), lambda x: np.stack([0 * x[:, :, 0], x[:, :, 3], 0 * x[:, :, 0]], 2), x)


def test_an_axis_that_goes_elsewhere_takes_its_values_along(run):
    x = np.arange(2 * 3 * 4).reshape(1, 1, 2, 3, 4).astype(np.float32)
    y = Permute((2, 0, 1)).run((x,), {}, 1)
    assert all(y[0, 0, c, a, b] == x[0, 0, a, b, c] for a, b, c in np.ndindex(2, 3, 4))


def test_concat(x, dyadic, assert_formula):
    assert_formula(Concat(1), lambda a, b: np.concatenate([a, b], axis=3), x, dyadic(*x.shape) + 9)


def test_a_static_value_is_joined_at_every_step(x):
    still = x[:1] + 5
    y = Concat(0).run((x, still), {}, 2)
    assert np.array_equal(y, np.concatenate([x, np.broadcast_to(still, x.shape)], axis=2))


def test_expand_and_repeat(x, assert_formula):
    assert_formula(Expand((4, 5)), lambda part: np.broadcast_to(part, x.shape), x[:, :, :1])
    assert np.array_equal(Repeat().run((x[:1],), {}, 3), np.repeat(x[:1], 3, axis=0))


@pytest.mark.parametrize(
    ("op", "operands", "result"),
    [
        (Reshape((12,)), ("count<2>[3x4]*0.5",), "count<2>[12]*0.5"),
        (Permute((1, 0)), ("spike[3x4] static",), "spike[4x3] static"),
        (Slice(0, 1, 3), ("current[3x4]",), "current[2x4]"),
        (Concat(0), ("spike[3x4]", "spike[1x4]", "spike[2x4] static"), "spike[6x4]"),
        (Concat(1), ("real[3x4] static", "real[3x1] static"), "real[3x5] static"),
        (Concat(0), ("current[3x4]", "real[1x4]"), "real[4x4]"),
        (Concat(0), ("spike[3x4]", "real[1x4] static"), "real[4x4]"),
        (Concat(0), ("spike[3x4]", "current[1x4]"), "current[4x4]"),
        (Concat(0), ("spike[3x4]", "count<3>[1x4]", "count<2>[1x4]"), "count<3>[5x4]"),
        (Concat(0), ("spike[3x4]", "count<2>[1x4]", "current[1x4]"), "current[5x4]"),
        (Concat(0), ("spike[3x4]", "graded<8>[1x4]"), "current[4x4]"),
        (Concat(0), ("graded<8>[3]", "graded<16>[3]"), "current[6]"),
        (Expand((3, 4)), ("graded<8>[1x4]",), "graded<8>[3x4]"),
        (Gather(1, (3, -1)), ("count<2>[3x4]",), "count<2>[3x2]"),
        (Pad(1, 2, 0), ("spike[3x4]",), "spike[3x6]"),
        (Repeat(), ("real[3] static",), "real[3]"),
    ],
)
def test_result_types(op, operands: tuple[str, ...], result: str):
    assert str(op.infer(tuple(map(parse_type, operands)), {})) == result


@pytest.mark.parametrize(
    ("op", "operands", "rule"),
    [
        (Reshape((7,)), ("spike[3x4]",), "reshape.size"),
        (Permute((0, 0)), ("spike[3x4]",), "permute.axes"),
        (Permute((0, 1, 2)), ("spike[3x4]",), "permute.axes"),
        (Slice(1, 2, 9), ("spike[3x4]",), "slice.range"),
        (Slice(1, 2, 2), ("spike[3x4]",), "slice.range"),
        (Slice(2, 0, 1), ("spike[3x4]",), "slice.axis"),
        (Concat(0), ("spike[3x4]",), "concat.arity"),
        (Concat(0), ("spike[3x4]", "spike[3x5]"), "concat.shape"),
        (Concat(0), ("graded<8>[3]", "graded<8>[3]*0.5"), "concat.scale"),
        (Expand((3, 5)), ("spike[3x4]",), "expand.shape"),
        (Expand((2, 3, 4)), ("spike[3x4]",), "expand.shape"),
        (Gather(2, (0,)), ("spike[3x4]",), "gather.axis"),
        (Gather(0, (3,)), ("spike[3x4]",), "gather.index"),
        (Gather(0, (-2,)), ("spike[3x4]",), "gather.index"),
        (Gather(0, ()), ("spike[3x4]",), "gather.index"),
        (Pad(2, 1, 1), ("spike[3x4]",), "pad.axis"),
        (Pad(0, -1, 1), ("spike[3x4]",), "pad.range"),
        (Repeat(), ("real[3]",), "repeat.static"),
    ],
)
def test_refused(op, operands: tuple[str, ...], rule: str):
    with pytest.raises(CompileError) as error:
        op.infer(tuple(map(parse_type, operands)), {})
    assert error.value.rule == f"ir.{rule}"
