"""Threshold neurons step by step, and the memoryless ones that emit payloads or bursts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.ops import Burst, Gate, Graded, Lif
from ir.ops.neuron import clip_payload
from ir.types import SPIKE, Type, parse_type


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


@given(st.lists(st.integers(-6, 9), min_size=1, max_size=8), st.sampled_from([">=", ">"]), st.sampled_from([0.0, 0.5]))
def test_subtract_once_asks_twice_the_threshold_of_a_neuron_that_stays_above_it(
    currents: list[int], comparator: str, decay: float
):
    v, still, expected = 0.0, False, []
    for current in currents:
        v = (1 - decay) * v + current
        level = 2 * 2.0 if still else 2.0
        fired = v >= level if comparator == ">=" else v > level
        v = v - 2 if fired else v
        still = v >= 2 if comparator == ">=" else v > 2
        expected.append(float(fired))
    op = Lif(decay, form="sum", threshold=2.0, comparator=comparator, reset="subtract_once")
    x = np.array(currents, np.float32).reshape(-1, 1, 1)
    for array in (x, torch.from_numpy(x)):
        assert np.asarray(op.run((array,), {}, len(currents))).ravel().tolist() == expected


def test_graded_neurons_saturate_and_gates_open_on_spikes(x, dyadic, assert_formula):
    params = {"bias": dyadic(5)}
    assert_formula(Graded(2), lambda x, bias: np.clip(x + bias, -2, 1), x, params=params, domain="current")
    assert_formula(
        Graded(2, form="rectified"), lambda x, bias: np.clip(x + bias, 0, 1), x, params=params, domain="current"
    )
    payload, spikes = dyadic(2, 3, 4), np.random.default_rng(0).integers(0, 2, (2, 3, 4)).astype(np.float32)
    assert np.array_equal(Gate(24).run((payload, spikes), {}, 2), payload * spikes)


@pytest.mark.parametrize("like", [np.asarray, torch.from_numpy])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_analog_values_are_as_large_as_real_numbers_are(like: Any, dtype: type):
    """24 bits are what integers have; the source's own arithmetic knows no width."""
    x, opened = np.array([-3e7, -5, 3e7], dtype).reshape(1, 1, 3), np.ones((1, 1, 3), dtype)
    ends = (-(1 << 23), (1 << 23) - 1) if dtype is np.int64 else (-3e7, 3e7)
    for op, args, least in (
        (Graded(24), (x,), ends[0]),
        (Graded(24, form="rectified"), (x,), 0),
        (Gate(24), (x, opened), ends[0]),
    ):
        found = np.asarray(op.run(tuple(map(like, args)), {}, 1))
        assert (found.dtype, found.ravel().tolist()) == (dtype, [least, max(-5, least), ends[1]])
    assert Graded(9).run((x.astype(np.float32),), {}, 1).max() == 255


def test_the_payload_of_a_gate_is_the_sum_of_all_but_its_enabling_currents():
    a, b, first, second = (
        np.array(values).reshape(1, 1, 4) for values in ([5, 5, 5, 5], [1, 2, 3, 90], [0, 1, 1, 1], [0, 0, -1, 1])
    )
    gate = Gate(7, shift=1, enables=2)
    assert gate.run((a, b, first, second), {"bias": np.array([1, 1, 1, 1])}, 1).ravel().tolist() == [0, 4, 0, 48]
    assert gate.run((a, b, first, second), {"bias": np.array([1, 1, 1, 99])}, 1).ravel().tolist() == [0, 4, 0, 63]


def test_bursts_are_as_long_as_the_count(x, assert_formula):
    assert_formula(Burst(2), lambda x: np.stack([x > 0, x > 1], axis=2).astype(np.float32), x)


def test_payloads_are_shifted_toward_minus_infinity():
    assert clip_payload(np.array([-9, -8, -1, 7, 8, 999]), (-8, 7), 2).tolist() == [-3, -2, -1, 1, 2, 7]
    assert clip_payload(np.array([-9.5, 7.5]), (-8, 7), 0).tolist() == [-8, 7]


def test_only_a_gates_last_operands_open_it():
    names = ("a", "b", "c")
    gate = Gate(8, enables=2)
    assert (gate.payload_operands(names), gate.enabling_operands(names)) == (("a",), ("b", "c"))
    assert (Graded(8).payload_operands(names), Graded(8).enabling_operands(names)) == (names, ())


def test_neurons_counted_by_hand():
    assert Burst(36).neurons(Burst(36).infer((parse_type("current[8]"),), {})) == 8
    assert Lif(1.0, form="sum", micro=36).neurons(Type((36, 8), SPIKE)) == 8
    assert (
        Lif(0.5).neurons(Type((36, 8), SPIKE))
        == Graded(8).neurons(Type((36, 8)))
        == Gate(8).neurons(Type((36, 8)))
        == 288
    )


@pytest.mark.parametrize(
    ("op", "domain"),
    [
        (Lif(0.5), "spike"),
        (Lif(0.5, max_spikes=3), "graded<3>"),
        (Lif(0.5, max_spikes=4), "graded<4>"),
        (Lif(0.5, max_spikes=0), "graded<24>"),
        (Graded(9), "graded<9>"),
        (Burst(3), "spike"),
    ],
)
def test_what_a_population_emits(op, domain: str):
    result = op.infer((parse_type("current[2x3]"), parse_type("current[2x3]")), {"bias": (3,)})
    assert str(result.domain) == domain
    assert result.shape == ((3, 2, 3) if op.kind == "burst" else (2, 3))


def test_a_basic_neuron_has_nothing_that_the_plain_one_lacks():
    assert Lif(0.5, threshold=2.0, reset="none").is_basic({"bias"})
    assert not Lif(0.5).is_basic({"decay"})
    for change in (
        {"v0": 1.0},
        {"reset_at": "next"},
        {"max_spikes": 2},
        {"current_decay": 0.5},
        {"reset": "subtract_once"},
    ):
        assert not Lif(0.5, **change).is_basic(())


@pytest.mark.parametrize(
    ("op", "operands", "params", "rule"),
    [
        (Lif(-0.5), 1, {}, "lif.decay"),
        (Lif(0.5, reset="soft"), 1, {}, "lif.option"),
        (Lif(0.5, comparator="=="), 1, {}, "lif.option"),
        (Lif(0.5, micro=2), 1, {}, "lif.micro"),
        (Lif(0.5, reset="subtract_once", reset_at="next"), 1, {}, "lif.once"),
        (Lif(0.5), 1, {"bias": (4,)}, "lif.bias"),
        (Graded(8), 0, {}, "graded.arity"),
        (Graded(8, form="square"), 1, {}, "graded.option"),
        (Gate(8), 1, {}, "gate.enables"),
        (Gate(8, enables=0), 2, {}, "gate.enables"),
    ],
)
def test_refused(op, operands: int, params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type("current[3]"),) * operands, params)
    assert error.value.rule == f"ir.{rule}"


def test_a_gates_operands_have_one_shape():
    with pytest.raises(CompileError, match="differ in shape"):
        Gate(8).infer((parse_type("current[3]"), parse_type("current[1]")), {})
