"""Factors and terms of single steps: at once, step by step, for all features or each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ir.errors import CompileError
from ir.graph import Array
from ir.ops import TimeOffset, TimeWeight
from ir.types import parse_type

OPS = {"time_weight": (TimeWeight(), "weight", np.multiply), "time_offset": (TimeOffset(), "bias", np.add)}


@pytest.mark.parametrize("kind", OPS)
@pytest.mark.parametrize("axes", [0, 1, 2])
def test_formula(kind: str, axes: int, x: Array, assert_formula: Callable[..., None]):
    op, role, formula = OPS[kind]
    steps, _, *shape = x.shape
    features = tuple(shape[len(shape) - axes :])
    rows = np.random.default_rng(0).integers(-4, 5, (steps, *features)).astype(np.float32) / 4
    wide = rows.reshape(steps, *(1,) * (1 + len(shape) - axes), *features)
    assert op.kind == kind
    assert_formula(op, lambda x, **_: formula(x, wide), x, params={role: rows})


@pytest.mark.parametrize("kind", OPS)
def test_step_by_step_is_at_once(kind: str):
    op, role, formula = OPS[kind]
    x, rows, state = np.arange(12.0).reshape(4, 1, 3), np.arange(4.0), None
    for step in range(4):
        y, state = op.resume((x[step : step + 1],), {role: rows}, 1, state)
        np.testing.assert_array_equal(y, formula(x[step : step + 1], rows[step]))


def test_what_varies_is_not_static():
    rows = {"weight": (2,)}
    assert str(TimeWeight().infer((parse_type("real[3] static"),), rows)) == "real[3] T=2"
    assert str(TimeOffset().infer((parse_type("current[3]"),), {"bias": (2, 3)})) == "real[3] T=2"


def test_refused(x: Array):
    with pytest.raises(CompileError, match="do not fit"):
        TimeWeight().infer((parse_type("real[3]"),), {"weight": (2, 4)})
    with pytest.raises(CompileError, match="there are 1 steps"):
        TimeOffset().run((x,), {"bias": np.ones(1)}, 2)
