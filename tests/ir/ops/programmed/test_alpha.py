"""The neuron behind two currents against one in plain Python integers, written from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.ops import ProgrammedAlpha
from ir.types import parse_type

STEPS, HALF = 9, 1 << 23
WIDTHS: dict[str, Any] = {"shift": 6, "decay_bits": 12, "state_bits": 24}
NEURONS = st.fixed_dictionaries(
    {
        "du": st.sampled_from([-1, 400, 2047, 4095]),
        "dv": st.sampled_from([0, 1024, 2048, 4096]),
        "vth": st.integers(0, 200),
        "theta": st.integers(1, 20000),
        "back": st.sampled_from([0, 1000, 2048, 4096]),
        "reset": st.sampled_from(["zero", "subtract", "none"]),
        "comparator": st.sampled_from([">", ">="]),
    }
)


def shrunk(value: int, factor: int) -> int:
    return (abs(value) * factor >> 12) * (1 if value > 0 else -1)


def scalar_run(c: dict[str, Any], currents: list[int], bias: int) -> list[int]:
    e, h, fired, spikes = 0, 0, False, []
    for a in currents:
        before = h
        e = max(1 - HALF, min(HALF - 1, shrunk(e, 4095 - c["du"]) + 64 * a + bias))
        h = max(1 - HALF, min(HALF - 1, shrunk(h, 4096 - c["dv"]) - 64 * a - bias))
        v = e + h
        if fired and c["reset"] == "zero":
            v, e, h = 0, 0, 0
        if fired and c["reset"] == "subtract":
            v, e, h = v + shrunk(before, c["back"]), e - c["theta"], 0
        fired = v >= 64 * c["vth"] if c["comparator"] == ">=" else v > 64 * c["vth"]
        spikes.append(int(fired))
    return spikes


@settings(max_examples=150)
@given(NEURONS, st.integers(0, 99), st.integers(-300, 300), st.sampled_from([200, 60000]))
def test_every_option_against_plain_integers(neuron, seed: int, bias: int, most: int):
    op = ProgrammedAlpha(**neuron, **WIDTHS)
    x = np.random.default_rng(seed).integers(-most // 2, most, (STEPS, 2, 3))
    expected = np.array([[scalar_run(neuron, x[:, b, n].tolist(), bias) for n in range(3)] for b in range(2)])
    expected = expected.transpose(2, 0, 1)
    params = {"bias": np.array([bias])}
    assert np.array_equal(op.run((x,), params, STEPS), expected)
    assert np.array_equal(op.run((torch.from_numpy(x),), {"bias": torch.tensor([bias])}, STEPS).numpy(), expected)
    first, state = op.resume((x[:4],), params, 4, None)
    assert np.array_equal(np.concatenate([first, op.resume((x[4:],), params, STEPS - 4, state)[0]]), expected)


@pytest.mark.parametrize("wrong", [{"back": 5000}, {"reset": "value"}, {"dv": 5000}])
def test_what_it_cannot_be_is_refused(wrong: dict[str, Any]):
    with pytest.raises(CompileError):
        ProgrammedAlpha(**{"du": 0, "dv": 0, "vth": 8, **WIDTHS, **wrong}).infer((parse_type("current[3]"),), {})
