"""The chip's neurons against one neuron in plain Python integers, written from the definition; every option, own constants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Input, IntegerLeaky, IntegerLif, IntegerPotential
from ir.text import graph_text, parse_graph
from ir.types import parse_type

SIZE, STEPS, HALF = 3, 7, 1 << 23
WIDTHS: dict[str, Any] = {"shift": 6, "decay_bits": 12, "state_bits": 24}

CONSTANTS = st.fixed_dictionaries(
    {
        "du": st.sampled_from([-1, 0, 1000, 2047, 4095]),
        "dv": st.sampled_from([0, 1, 410, 2048, 4096]),
        "vth": st.integers(0, 300),
        "theta": st.integers(1, 20000),
        "u0": st.integers(-9000, 9000),
        "v0": st.integers(-9000, 9000),
        "bias": st.integers(-500, 500),
    }
)
OPTIONS = st.fixed_dictionaries(
    {
        "reset": st.sampled_from(["zero", "subtract", "none"]),
        "reset_at": st.sampled_from(["spike", "next"]),
        "max_spikes": st.sampled_from([1, 3]),
    }
)


def decayed(value: int, kept: int) -> int:
    """Toward zero, as a magnitude."""
    return (abs(value) * kept >> 12) * (1 if value > 0 else -1)


def scalar_run(c: dict[str, Any], currents: list[int]) -> tuple[list[int], list[int]]:
    """One neuron: its spikes (by the options in c, else none), and its membrane at every step, before the reset of its spike."""
    u, v, late, spikes, membrane = c["u0"], c["v0"], 0, [], []
    for a in currents:
        u = decayed(u, 4096 - c["du"] - 1) + 64 * a
        u = u - 2 * HALF if u > HALF else u
        u = u + 2 * HALF if u <= -HALF else u
        v = max(1 - HALF, min(HALF - 1, decayed(v, 4096 - c["dv"]) + u + c["bias"]))
        if "reset" not in c:
            membrane.append(v)
            continue
        resets = {"zero": lambda v, n: 0, "subtract": lambda v, n: v - n * c["theta"], "none": lambda v, n: v}
        v = resets[c["reset"]](v, late) if late else v
        membrane.append(v)
        n, late = 0, 0
        while n < c["max_spikes"] and v - n * c["theta"] > 64 * c["vth"]:
            n += 1
        spikes.append(n)
        if n and c["reset_at"] == "next":
            late = n
        elif n:
            v = resets[c["reset"]](v, n)
    return spikes, membrane


def currents_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-200, 400, (STEPS, 2, SIZE))


def expected_of(neurons: list[dict[str, Any]], x: np.ndarray, which: int) -> np.ndarray:
    """Every neuron on its own: (T, B, SIZE)."""
    return np.array(
        [[scalar_run(c, x[:, b, n].tolist())[which] for n, c in enumerate(neurons)] for b in range(2)]
    ).transpose(2, 0, 1)


@settings(max_examples=150)
@given(OPTIONS, st.lists(CONSTANTS, min_size=SIZE, max_size=SIZE), st.booleans(), st.integers(0, 99))
def test_every_option_against_plain_integers(options, neurons, own: bool, seed: int):
    neurons = neurons if own else [neurons[0]] * SIZE
    x = currents_of(seed)
    first = {name: value for name, value in neurons[0].items() if name != "bias"}
    op = IntegerLif(**first, **options, **WIDTHS)
    names = ("bias", *first) if own else ("bias",)
    params = {name: np.array([c[name] for c in neurons], np.int32) for name in names}
    op.infer((parse_type("current[3]"),), {name: array.shape for name, array in params.items()})
    expected = expected_of([options | c for c in neurons], x, 0)
    assert np.array_equal(op.run((x,), params, STEPS), expected)
    on_torch = {name: torch.from_numpy(array) for name, array in params.items()}
    assert np.array_equal(op.run((torch.from_numpy(x),), on_torch, STEPS).numpy(), expected)


@settings(max_examples=80)
@given(OPTIONS, st.lists(CONSTANTS, min_size=SIZE, max_size=SIZE), st.integers(0, 99))
def test_the_membrane_is_what_the_threshold_meets(options, neurons, seed: int):
    x, roles = currents_of(seed), tuple(neurons[0])
    first = {name: value for name, value in neurons[0].items() if name != "bias"}
    op = IntegerPotential(**first, **options, **WIDTHS, bits=24)
    params = {name: np.array([c[name] for c in neurons], np.int32) for name in roles}
    assert np.array_equal(op.run((x,), params, STEPS), expected_of([options | c for c in neurons], x, 1))
    shapes = {name: array.shape for name, array in params.items()}
    assert str(op.infer((parse_type("current[3]"),), shapes)) == "graded<24>[3]"


@given(
    st.lists(st.integers(-40000, 40000), min_size=1, max_size=6),
    st.integers(0, 4095),
    st.integers(0, 4096),
    st.integers(-99, 99),
)
def test_integer_lif_in_plain_integers(currents: list[int], du: int, dv: int, bias: int):
    op, u, v, expected = IntegerLif(du, dv, 300, **WIDTHS), 0, 0, []
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


@settings(max_examples=60)
@given(st.lists(CONSTANTS, min_size=SIZE, max_size=SIZE), st.sampled_from([0, 3]), st.sampled_from([12, 24]))
def test_the_leaky_neuron_emits_its_membrane(neurons, right: int, bits: int):
    x = currents_of(1)
    roles = ("du", "dv", "u0", "v0", "bias")
    op = IntegerLeaky(0, 0, **WIDTHS, bits=bits, right=right)
    params = {name: np.array([c[name] for c in neurons], np.int32) for name in roles}
    top = 1 << (bits - 1)
    expected = np.clip(expected_of(neurons, x, 1) >> right, -top, top - 1)
    assert np.array_equal(op.run((x,), params, STEPS), expected)
    assert str(op.infer((parse_type("current[3]"),), {}).domain) == f"graded<{bits}>"


@given(OPTIONS, CONSTANTS, st.integers(1, STEPS - 1))
def test_steps_can_be_taken_in_two_parts(options, c, first: int):
    x = currents_of(2)
    rest = {name: value for name, value in c.items() if name != "bias"}
    leaky = {name: value for name, value in rest.items() if name not in ("vth", "theta")}
    for op in (
        IntegerLif(**rest, **options, **WIDTHS),
        IntegerPotential(**rest, **options, **WIDTHS, bits=16, right=2, moment="after"),
        IntegerLeaky(**leaky, **WIDTHS, bits=24),
    ):
        a, state = op.resume((x[:first],), {}, first, None)
        b, _ = op.resume((x[first:],), {}, STEPS - first, state)
        assert np.array_equal(np.concatenate([a, b]), op.run((x,), {}, STEPS))


def test_the_plain_neuron_keeps_its_text_and_every_neuron_parses_back():
    b = GraphBuilder("net", 2)
    x = b.add(Input("graded<8>[3]"), name="x")
    plain = b.add(IntegerLif(4095, 2048, 8, **WIDTHS), x, name="plain")
    own = {"dv": b.param("dv", np.array([1, 2, 3], np.int32))}
    b.add(IntegerLif(4095, 2048, 8, **WIDTHS, reset="subtract", theta=512, v0=3), x, name="soft", params=own)
    b.add(IntegerLeaky(4095, 2048, **WIDTHS, bits=16, right=2), x, name="leaky")
    graph = b.build({"a": plain, "b": "soft", "c": "leaky"})
    text = graph_text(graph)
    assert "integer_lif(%x) {du=4095, dv=2048, vth=8, shift=6, decay_bits=12, state_bits=24} : spike[3]" in text
    assert parse_graph(text, graph.params) == graph


REFUSED = [
    (IntegerLif(4096, 0, 1, **WIDTHS), {}, "integer_lif.decay"),
    (IntegerLif(0, 4097, 1, **WIDTHS), {}, "integer_lif.decay"),
    (IntegerLif(0, 0, 1, **WIDTHS, reset="value"), {}, "integer_lif.option"),
    (IntegerLif(0, 0, 1, **WIDTHS, micro=2), {}, "integer_lif.micro"),
    (IntegerLif(0, 0, 1, **WIDTHS, max_spikes=2), {}, "integer_lif.spikes"),
    (IntegerLif(0, 0, 1, **WIDTHS), {"gain": (3,)}, "integer_lif.param"),
    (IntegerLif(0, 0, 1, **WIDTHS), {"dv": (4,)}, "integer_lif.dv"),
    (IntegerLeaky(0, 0, **WIDTHS, bits=8), {"vth": (3,)}, "integer_leaky.param"),
    (IntegerLeaky(0, 0, **WIDTHS, bits=8, right=-1), {}, "integer_leaky.bits"),
]


@pytest.mark.parametrize(("op", "params", "rule"), REFUSED)
def test_what_does_not_fit_is_refused(op, params: dict, rule: str):
    with pytest.raises(CompileError) as caught:
        op.infer((parse_type("current[3]"),), params)
    assert caught.value.rule == f"ir.{rule}"
