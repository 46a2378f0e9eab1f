"""Every population of NIR under every option against a loop over single float64 numbers, written from docs/semantics.md."""

from __future__ import annotations

from math import ceil, exp, floor
from typing import Any

import nir
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from frontend.nir.import_nir import import_nir
from frontend.nir.meaning.semantics import OPTIONS
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.ops import Lif
from ir.verify import verify

STEPS, SIZE = 12, 3
RNG = np.random.default_rng(0)
X = RNG.normal(0.4, 1.0, (STEPS, 2, SIZE))
DT = 0.3


def numbers(low: float, high: float) -> np.ndarray:
    return RNG.uniform(low, high, SIZE)


FIRING = {"v_threshold": numbers(0.3, 0.8), "v_reset": numbers(-0.3, 0.2)}
NODES: dict[str, nir.NIRNode] = {
    "I": nir.I(r=numbers(0.5, 2)),
    "IF": nir.IF(r=numbers(0.5, 2), **FIRING),
    "LI": nir.LI(tau=numbers(0.5, 2), r=numbers(0.5, 3), v_leak=numbers(-0.2, 0.3)),
    "LIF": nir.LIF(tau=numbers(0.5, 2), r=numbers(0.5, 3), v_leak=numbers(-0.2, 0.3), **FIRING),
    "CubaLI": nir.CubaLI(
        tau_syn=numbers(0.5, 2),
        tau_mem=numbers(0.5, 2),
        r=numbers(0.5, 3),
        v_leak=numbers(-0.2, 0.3),
        w_in=numbers(0.5, 3),
    ),
    "CubaLIF": nir.CubaLIF(
        tau_syn=numbers(0.5, 2),
        tau_mem=numbers(0.5, 2),
        r=numbers(0.5, 3),
        v_leak=numbers(-0.2, 0.3),
        w_in=numbers(0.5, 3),
        **FIRING,
    ),
    "Threshold": nir.Threshold(threshold=numbers(0.2, 0.8)),
}


def one_neuron(kind: str, p: dict[str, float], s: dict[str, Any], xs: list[float]) -> list[float]:
    """One neuron from the first step to the last."""

    def share(tau: float) -> float:
        return DT / tau if s["integrator"] == "euler" else 1 - exp(-DT / tau)

    above = (lambda a, b: a >= b) if s["threshold"] == "ge" else (lambda a, b: a > b)
    if kind == "Threshold":
        return [float(above(x, p["threshold"])) for x in xs]
    rest = p.get("v_leak", p.get("v_reset", 0.0))
    v = {"zero": 0.0, "v_leak": rest, "v_reset": p.get("v_reset", 0.0)}.get(s["v0"], s["v0"])
    j, pending, held, out = 0.0, 0, False, []
    for x in xs:
        drive = x
        if "tau_syn" in p:
            c, before = share(p["tau_syn"]), j
            j = {
                "ode": j + c * (p["w_in"] * x - j),
                "step": (1 - c) * j + p["w_in"] * x,
                "decayed": (1 - c) * (j + p["w_in"] * x),
            }[s["cuba_gain"]]
            drive = j if s["order"] == "current_first" else before
        if kind in ("I", "IF"):
            v = v + p["r"] * x * (1 if s["if_gain"] == "step" else DT)
        else:
            a = share(p["tau_mem" if "tau_mem" in p else "tau"])
            r, leak = p["r"], p["v_leak"]
            gain = s["li_gain"] if kind == "LI" else s["lif_gain"]
            v = {
                "ode": v + a * ((leak - v) + r * drive),
                "step": (1 - a) * v + a * leak + r * drive,
                "unit": (1 - a) * v + a * leak + drive,
                "decayed": (1 - a) * (v + drive) + a * leak,
            }[gain]
        if not kind.endswith("IF"):
            out.append(v)
            continue
        theta = p["v_threshold"]

        def reset(v: float, n: int, theta: float = theta) -> float:
            return (
                {"value": p["v_reset"], "subtract": v - n * theta, "subtract_once": v - theta, "none": v}[s["reset"]]
                if n
                else v
            )

        v = reset(v, pending)
        level = 2 * theta if held else theta
        if s["max_spikes"] == 1:
            n = int(above(v, level))
        else:
            n = floor(v / theta) if s["threshold"] == "ge" else ceil(v / theta) - 1
            n = max(0, min(n, s["max_spikes"] or n))
        out.append(float(n))
        when = s["reset_at"] if kind != "CubaLIF" or s["cuba_reset_at"] == "as_lif" else s["cuba_reset_at"]
        pending = n if when == "next" else 0
        v = v if when == "next" else reset(v, n)
        held = s["reset"] == "subtract_once" and above(v, theta)
    return out


@st.composite
def readings(draw: st.DrawFn) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        name: draw(st.sampled_from(list(option.values))) for name, option in OPTIONS.items() if option.values
    }
    chosen |= {
        "dt": DT,
        "time_unit": "s",
        "max_spikes": draw(st.sampled_from([1, 0, 2])),
        "latency": 0,
        "back_edge": "edge",
    }
    if draw(st.booleans()):
        chosen["v0"] = 0.15
    if chosen["reset"] == "subtract_once":
        chosen |= {"max_spikes": 1, "reset_at": "same", "cuba_reset_at": "as_lif"}
    return chosen


def network(node: nir.NIRNode, size: tuple[int, ...] = (SIZE,), **metadata: Any) -> nir.NIRGraph:
    nodes = {"x": nir.Input({"input": np.array(size)}), "n": node, "y": nir.Output({"output": None})}
    return nir.NIRGraph(nodes, [("x", "n"), ("n", "y")], metadata=metadata, type_check=False)


@settings(max_examples=120)
@given(st.sampled_from(list(NODES)), readings())
def test_every_option(kind: str, reading: dict[str, Any]):
    node = NODES[kind]
    graph = import_nir(network(node), reading).graph
    verify(graph, "source")
    values = {name: np.asarray(value) for name, value in vars(node).items() if isinstance(value, np.ndarray)}
    expected = np.zeros_like(X)
    for b in range(2):
        for n in range(SIZE):
            own = {name: float(value[n]) for name, value in values.items()}
            expected[:, b, n] = one_neuron(kind, own, reading, X[:, b, n].tolist())
    for x in (X, torch.from_numpy(X)):
        ours = np.asarray(interpret(graph, {"x": x})["y"])
        if kind.endswith("IF") or kind == "Threshold":
            np.testing.assert_array_equal(ours, expected)
        else:
            np.testing.assert_allclose(ours, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", NODES)
def test_one_number_for_all_neurons_is_an_attribute(kind: str):
    """Uniform arrays and scalars make the same operation, without parameters."""
    values = {name: float(value[0]) for name, value in vars(NODES[kind]).items() if isinstance(value, np.ndarray)}
    full = type(NODES[kind])(**{name: np.full(SIZE, value) for name, value in values.items()})
    single = type(NODES[kind])(**{name: np.full(1, value) for name, value in values.items()})
    made = [import_nir(network(node), dt=DT).graph.nodes["n"] for node in (full, single)]
    assert made[0] == made[1]
    assert not made[0].params


def test_number_types():
    wide = import_nir(network(NODES["LIF"]), dt=DT).graph
    narrow = nir.LIF(
        **{
            name: getattr(NODES["LIF"], name).astype(np.float32)
            for name in ("tau", "r", "v_leak", "v_threshold", "v_reset")
        }
    )
    assert wide.dtype == "float64"
    graph = import_nir(network(narrow), dt=DT).graph
    assert graph.dtype == "float32"
    assert {array.dtype for array in graph.params.values()} == {np.dtype(np.float32)}
    exact = (DT / narrow.tau.astype(np.float64)).astype(np.float32)
    np.testing.assert_array_equal(graph.arrays(graph.nodes["n"])["decay"], exact)


def test_several_spikes_need_thresholds_above_zero():
    node = nir.IF(r=np.ones(3), v_threshold=np.array([1.0, 0.0, 1.0]))
    with pytest.raises(CompileError) as error:
        import_nir(network(node), {"max_spikes": 0, "if_gain": "step"})
    assert error.value.rule == "nir.value"
    assert "node n (IF)" in str(error.value)


def test_if_per_step_needs_no_time_step():
    graph = import_nir(network(NODES["IF"]), "if_gain=step").graph
    op = graph.nodes["n"].op
    assert isinstance(op, Lif)
    np.testing.assert_array_equal(graph.arrays(graph.nodes["n"])["gain"], NODES["IF"].r)
