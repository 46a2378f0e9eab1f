"""Delay lines and back edges: values of earlier steps, element by element."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ir.errors import CompileError
from ir.ops import Delay, Past
from ir.ops.over_time.delay import distinct
from ir.types import parse_type

STEPS, BATCH = 9, 2
X = np.random.default_rng(1).integers(0, 2, (STEPS, BATCH, 3)).astype(np.float32)


@pytest.mark.parametrize("delays", [np.array([0, 2, 12]), None])
def test_delay(delays: np.ndarray | None):
    steps = [5, 5, 5] if delays is None else delays.tolist()
    expected = np.zeros_like(X)
    for n, late in enumerate(steps):
        for t in range(late, STEPS):
            expected[t, :, n] = X[t - late, :, n]
    op, params = (Delay(5), {}) if delays is None else (Delay(), {"steps": delays})
    for array, constants in (
        (X, params),
        (torch.from_numpy(X), {key: torch.from_numpy(a) for key, a in params.items()}),
    ):
        assert np.array_equal(np.asarray(op.run((array,), constants, STEPS)), expected)
        first, state = op.resume((array[:4],), constants, 4, None)
        rest, _ = op.resume((array[4:],), constants, STEPS - 4, state)
        assert np.array_equal(np.concatenate([np.asarray(first), np.asarray(rest)]), expected)


def test_no_delay_is_the_value_itself():
    assert np.array_equal(Delay().run((X,), {}, STEPS), X)


def test_the_longest_delay_and_those_that_occur():
    assert (Delay(4).longest({}), Delay().longest({"steps": np.array([1, 7, 0])})) == (4, 7)
    for wrap in (np.asarray, torch.as_tensor):
        assert distinct(wrap([[3, 0], [1, 3]])) == [0, 1, 3]


def test_a_back_edge_has_the_type_that_it_spells():
    assert str(Past("s", "graded<8>[2x3]*0.5", 4).infer((), {})) == "graded<8>[2x3]*0.5"
    with pytest.raises(AssertionError, match="step by step"):
        Past("s", "spike[3]").run((), {}, 1)


@pytest.mark.parametrize(
    ("op", "operands", "params", "rule"),
    [
        (Delay(-1), ("spike[3]",), {}, "delay.steps"),
        (Delay(1), ("real[3] static",), {}, "delay.static"),
        (Delay(), ("spike[3]",), {"steps": (4,)}, "delay.shape"),
        (Delay(), (), {}, "delay.arity"),
        (Past("s", "spike[3]", 0), (), {}, "past.steps"),
        (Past("s", "spike[3]"), ("spike[3]",), {}, "past.arity"),
    ],
)
def test_refused(op, operands: tuple[str, ...], params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer(tuple(map(parse_type, operands)), params)
    assert error.value.rule == f"ir.{rule}"
