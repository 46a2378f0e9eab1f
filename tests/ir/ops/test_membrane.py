"""The whole neuron family against a loop over single floats, written from the equations; every option, per-neuron constants."""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.ops import Leaky, Lif
from ir.types import parse_type

STEPS, SIZE = 7, 3
DYADIC = st.integers(-8, 8).map(lambda n: n / 8)

OPTIONS = st.fixed_dictionaries(
    {
        "decay": st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5]),
        "gain": st.sampled_from([1.0, 0.5, -2.0]),
        "form": st.sampled_from(["euler", "sum"]),
        "leak": st.sampled_from([0.0, 0.25]),
        "v0": st.sampled_from([0.0, 0.5]),
        "current_decay": st.sampled_from([1.0, 0.5]),
        "current_gain": st.sampled_from([1.0, 2.0]),
        "current_form": st.sampled_from(["euler", "sum"]),
        "order": st.sampled_from(["current_first", "membrane_first"]),
    }
)
FIRING = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.25, 1.0]),
        "comparator": st.sampled_from([">=", ">"]),
        "reset": st.sampled_from(["value", "subtract", "none"]),
        "v_reset": st.sampled_from([0.0, -0.5]),
        "reset_at": st.sampled_from(["spike", "next"]),
        "max_spikes": st.sampled_from([1, 3, 0]),
    }
)


def scalar_run(c: dict[str, Any], xs: list[float], fires: bool) -> list[float]:
    """One neuron, one number at a time."""
    v, j, pending, out = c["v0"], 0.0, 0, []
    for x in xs:
        x = c["current_gain"] * x
        new = j + c["current_decay"] * (x - j) if c["current_form"] == "euler" else (1 - c["current_decay"]) * j + x
        i = c["gain"] * (new if c["order"] == "current_first" else j)
        j = new
        leaked = (1 - c["decay"]) * v + i + c["decay"] * c["leak"]
        v = v + c["decay"] * ((c["leak"] - v) + i) if c["form"] == "euler" else leaked
        if not fires:
            out.append(v)
            continue
        if pending:
            v = {"value": c["v_reset"], "subtract": v - pending * c["threshold"], "none": v}[c["reset"]]
        if c["max_spikes"] == 1:
            n = int(v >= c["threshold"] if c["comparator"] == ">=" else v > c["threshold"])
        else:
            n = floor(v / c["threshold"]) if c["comparator"] == ">=" else ceil(v / c["threshold"]) - 1
            n = max(0, min(n, c["max_spikes"] or n))
        out.append(float(n))
        pending = n if c["reset_at"] == "next" else 0
        if n and c["reset_at"] == "spike":
            v = {"value": c["v_reset"], "subtract": v - n * c["threshold"], "none": v}[c["reset"]]
    return out


@settings(max_examples=150, deadline=None)
@given(OPTIONS, FIRING, st.booleans(), st.lists(DYADIC.map(lambda n: 4 * n), min_size=STEPS, max_size=STEPS))
def test_every_option_in_floats(options: dict, firing: dict, fires: bool, xs: list[float]):
    constants = {**options, **firing} if fires else options
    op = Lif(**constants) if fires else Leaky(**constants)
    x = np.array(xs, np.float64).reshape(-1, 1, 1)
    expected = scalar_run({**options, **firing}, xs, fires)
    for array in (x, torch.from_numpy(x)):
        assert np.asarray(op.run((array,), {}, STEPS)).ravel().tolist() == expected
        first, state = op.resume((array[:3],), {}, 3, None)
        rest, _ = op.resume((array[3:],), {}, STEPS - 3, state)
        assert [*np.asarray(first).ravel(), *np.asarray(rest).ravel()] == expected


def test_constants_of_single_neurons():
    own = {
        "decay": np.array([0.5, 0.25, 1.0]),
        "gain": np.array([1.0, 2.0, -1.0]),
        "leak": np.array([0.0, 0.5, 0.25]),
        "v0": np.array([0.0, -1.0, 0.5]),
        "current_decay": np.array([1.0, 0.5, 0.25]),
        "threshold": np.array([0.5, 1.0, 0.25]),
        "v_reset": np.array([0.0, -0.5, 0.125]),
        "current_gain": np.array([1.0, 2.0, 0.5]),
    }
    x = np.random.default_rng(0).integers(-8, 9, (STEPS, 1, SIZE)) / 4
    defaults = Lif(0.5).attributes()
    for array, params in (
        (x, own),
        (torch.from_numpy(x), {key: torch.from_numpy(value) for key, value in own.items()}),
    ):
        spikes = np.asarray(Lif(0.5).run((array,), params, STEPS))
        for n in range(SIZE):
            constants = {**defaults, **{key: float(value[n]) for key, value in own.items()}}
            assert spikes[:, 0, n].tolist() == scalar_run(constants, x[:, 0, n].tolist(), True)


@pytest.mark.parametrize(
    ("op", "params", "rule"),
    [
        (Lif(0.5, order="both"), {}, "lif.option"),
        (Lif(0.5, reset_at="later"), {}, "lif.option"),
        (Lif(float("nan")), {}, "lif.decay"),
        (Lif(0.5, max_spikes=2, threshold=0.0), {}, "lif.spikes"),
        (Leaky(0.5), {"threshold": (3,)}, "leaky.param"),
        (Leaky(0.5), {"decay": (4,)}, "leaky.decay"),
    ],
)
def test_refused(op: Any, params: dict, rule: str):
    with pytest.raises(CompileError) as error:
        op.infer((parse_type("current[3]"),), params)
    assert error.value.rule == f"ir.{rule}"
