"""The neurons of programmable chips against one neuron in plain Python integers, written from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Input, IntegerLif, ProgrammedLif
from ir.text import graph_text, parse_graph
from ir.types import parse_type

SIZE, STEPS, HALF = 3, 9, 1 << 23
WIDTHS: dict[str, Any] = {"shift": 6, "decay_bits": 12, "state_bits": 24}
SHARED: dict[str, Any] = {
    "du": st.sampled_from([1000, 4095]),
    "dv": st.sampled_from([0, 410, 2048, 4096]),
    "vth": st.integers(0, 200),
    "theta": st.integers(1, 20000),
    "v0": st.integers(-9000, 9000),
    "floor": st.sampled_from([-(1 << 31), 0, -500, 90]),
    "bias": st.integers(-500, 500),
}
ADAPTING = {
    "adapt_decay": st.sampled_from([0, 1024, 3000, 4096]),
    "adapt_jump": st.integers(-3000, 9000),
    "adapt_start": st.integers(-3000, 9000),
}
RESTING = {"rest": st.integers(1, 4)}
NEURONS = st.one_of(
    st.fixed_dictionaries({**SHARED, **own})
    for own in (ADAPTING, {**ADAPTING, "adapt_reset": st.just("moving")}, RESTING, {})
)
OPTIONS = st.fixed_dictionaries(
    {
        "reset": st.sampled_from(["zero", "subtract", "none"]),
        "reset_at": st.sampled_from(["spike", "next"]),
        "comparator": st.sampled_from([">", ">="]),
    }
)


def decayed(value: int, kept: int) -> int:
    """Toward zero, as a magnitude."""
    return (abs(value) * kept >> 12) * (1 if value > 0 else -1)


def scalar_run(c: dict[str, Any], currents: list[int]) -> list[int]:
    """The spikes of one neuron whose currents cannot wrap."""
    u, v, b, r, late, spikes = 0, c["v0"], c.get("adapt_start", 0), 0, False, []
    moving = c.get("adapt_reset") == "moving"
    resets = {"zero": lambda v: 0, "subtract": lambda v: v - c["theta"], "none": lambda v: v}
    for a in currents:
        u = decayed(u, 4095 - c["du"]) + 64 * a
        new = max(1 - HALF, min(HALF - 1, decayed(v, 4096 - c["dv"]) + u + c["bias"]))
        new = max(resets[c["reset"]](new) if late else new, c["floor"])
        v = v if r else new
        b = decayed(b, 4096 - c.get("adapt_decay", 0))
        taken = b * 2 ** c["adapt_shift"] if moving else 0
        v = max(1 - HALF, min(HALF - 1, v - taken)) if late and moving else v
        level = 64 * c["vth"] + b * 2 ** c["adapt_shift"]
        fires = (v >= level if c["comparator"] == ">=" else v > level) and not r
        r = c.get("rest", 0) if fires else max(r - 1, 0)
        b += c.get("adapt_jump", 0) if fires else 0
        late = fires and c["reset_at"] == "next"
        v = resets[c["reset"]](v) if fires and not late else v
        v = max(1 - HALF, min(HALF - 1, v - taken)) if fires and not late and moving else v
        spikes.append(int(fires))
    return spikes


@settings(max_examples=200)
@given(OPTIONS, NEURONS, st.integers(0, 99), st.sampled_from([0, 3]))
def test_every_option_against_plain_integers(options, neuron, seed: int, adapt_shift: int):
    options = {**options, "reset_at": "spike"} if "rest" in neuron else options
    options = {**options, "reset": "subtract"} if "adapt_reset" in neuron else options
    op = ProgrammedLif(
        **{name: value for name, value in neuron.items() if name != "bias"},
        **options,
        **WIDTHS,
        adapt_shift=adapt_shift,
    )
    x = np.random.default_rng(seed).integers(-100, 200, (STEPS, 2, SIZE))
    params = {"bias": np.full(SIZE, neuron["bias"])}
    whole = {**neuron, **options, "adapt_shift": adapt_shift}
    expected = np.array([[scalar_run(whole, x[:, b, n].tolist()) for n in range(SIZE)] for b in range(2)])
    expected = expected.transpose(2, 0, 1)
    assert np.array_equal(op.run((x,), params, STEPS), expected)
    on_torch = {name: torch.from_numpy(array) for name, array in params.items()}
    assert np.array_equal(op.run((torch.from_numpy(x),), on_torch, STEPS).numpy(), expected)
    first, state = op.resume((x[:4],), params, 4, None)
    assert np.array_equal(np.concatenate([first, op.resume((x[4:],), params, STEPS - 4, state)[0]]), expected)


@pytest.mark.parametrize(
    "own", [{"adapt_jump": [50, 900, 0], "adapt_decay": [0, 9, 99]}, {"rest": [1, 2, 5]}, {"floor": [0, -64, -640]}]
)
def test_neurons_may_differ_in_their_constants(own: dict[str, list[int]]):
    x = np.random.default_rng(1).integers(-10, 20, (STEPS, 2, SIZE))
    options: dict[str, Any] = {"du": 4095, "dv": 2048, "vth": 9, **WIDTHS}
    params = {name: np.array(values, np.int32) for name, values in own.items()}
    op = ProgrammedLif(**options, **{name: max(values) for name, values in own.items()})
    op.infer((parse_type("current[3]"),), {name: array.shape for name, array in params.items()})
    together = op.run((x,), params, STEPS)
    for n in range(SIZE):
        alone = ProgrammedLif(**options, **{name: values[n] for name, values in own.items()})
        assert np.array_equal(alone.run((x,), {}, STEPS)[..., n], together[..., n])


def test_without_anything_of_its_own_it_is_the_plain_neuron():
    x = np.random.default_rng(2).integers(-10, 20, (STEPS, 2, SIZE))
    constants: dict[str, Any] = {"du": 1000, "dv": 400, "vth": 9, **WIDTHS}
    plain, own = IntegerLif(**constants), ProgrammedLif(**constants)
    assert np.array_equal(plain.run((x,), {}, STEPS), own.run((x,), {}, STEPS))


@pytest.mark.parametrize(
    "wrong", [{"rest": -1}, {"adapt_decay": 5000}, {"rest": 2, "adapt_jump": 1}, {"rest": 2, "reset_at": "next"}]
)
def test_what_it_cannot_be_is_refused(wrong: dict[str, Any]):
    with pytest.raises(CompileError, match="programmed_lif"):
        ProgrammedLif(4095, 2048, 8, **WIDTHS, **wrong).infer((parse_type("current[3]"),), {})


def test_it_parses_back():
    b = GraphBuilder("net", 2)
    x = b.add(Input("graded<8>[3]"), name="x")
    own = {"rest": b.param("rest", np.array([1, 2, 3], np.int32))}
    b.add(ProgrammedLif(4095, 2048, 8, **WIDTHS, rest=3, floor=0), x, name="y", params=own)
    graph = b.build({"y": "y"})
    assert parse_graph(graph_text(graph), graph.params) == graph
    assert graph.is_integer
