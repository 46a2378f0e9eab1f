"""Time steps that cannot be meant are refused with the file's time constants; all that make sense are taken."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model
from frontend.nir.import_nir import import_nir
from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.time_step import (
    check_time_step,
    plausible_steps,
    ratio_of_gains,
    time_constants,
    timed_nodes,
)
from frontend.nir.reading.network import NirNetwork
from frontend.nir.reading.reader import network_of
from ir.errors import CompileError


def graph(node: nir.NIRNode) -> nir.NIRGraph:
    nodes = {"x": nir.Input({"input": np.array([2])}), "n": node, "y": nir.Output({"output": np.array([2])})}
    return nir.NIRGraph(nodes, [("x", "n"), ("n", "y")], type_check=False)


def pair(a: float, b: float | None = None, dtype: Any = np.float32) -> np.ndarray:
    return np.array([a, a if b is None else b], dtype)


def lif(tau: np.ndarray) -> nir.LIF:
    one, zero = np.ones_like(tau), np.zeros_like(tau)
    return nir.LIF(tau, one, zero, one, zero)


LIF = lif(pair(0.01))
IF = nir.IF(pair(8), pair(1), pair(0))
EXPONENTIAL = {"integrator": "exponential"}


@pytest.mark.parametrize(
    ("node", "dt", "semantics"),
    [
        (LIF, 1e300, None),
        (LIF, 1e300, EXPONENTIAL),
        (LIF, 1.01, None),
        (LIF, 1.01, EXPONENTIAL),
        (LIF, 1e-300, None),
        (LIF, 1e-300, EXPONENTIAL),
        (LIF, 5e-324, None),
        (lif(pair(0.01, dtype=np.float64)), 5e-324, None),
        (lif(pair(1e-37, 1.0)), 50.0, None),
        (IF, 1e300, None),
        (IF, 1e-300, None),
        (LIF, 0.0, None),
        (LIF, -1e-3, None),
        (LIF, np.nan, None),
        (LIF, np.inf, None),
    ],
)
def test_absurd_steps_are_refused(node: nir.NIRNode, dt: float, semantics: Any):
    with pytest.raises(CompileError) as caught, np.errstate(all="raise"):
        import_nir(graph(node), semantics, dt)
    assert caught.value.rule == ("nir.dt" if 0 < dt < np.inf else "semantics.value")
    assert f"{dt:g}" in caught.value.what or str(dt) in caught.value.what
    if not isinstance(node, nir.IF):
        least = float(np.min(node.tau))
        assert f"{least:.4g}" in caught.value.hint


@pytest.mark.parametrize(
    ("node", "dt", "semantics"),
    [
        (LIF, 0.01, None),
        (LIF, 0.02, None),
        (LIF, 0.01, EXPONENTIAL),
        (LIF, 0.5, EXPONENTIAL),
        (LIF, 1e-3, None),
        (LIF, 1e-9, None),
        (lif(pair(1e-3, 1e9)), 1e-3, None),
        (lif(pair(1e-20, 1.0)), 1e-3, EXPONENTIAL),
        (lif(pair(0.01, dtype=np.float64)), 1e-300, None),
        (IF, 1.0, None),
        (IF, 1e-6, None),
        (IF, 1e300, {"if_gain": "step"}),
        (nir.IF(pair(0), pair(1), pair(0)), 1e-3, None),
    ],
)
def test_all_other_steps_are_taken(node: nir.NIRNode, dt: float, semantics: Any):
    assert "n" in import_nir(graph(node), semantics, dt).graph.nodes


@pytest.mark.parametrize("tau", [0.01, 0.02])
def test_the_time_constant_itself_is_a_step_for_integers_too(tau: float):
    assert float(np.float32(tau)) < tau, "the decay would be above 1"
    x = np.array([0.5, 1.5, 1.5, 0.2])[:, None, None] * np.ones((1, 1, 2))
    trace = compile_model(graph(lif(pair(tau))), target="gpu", dt=tau, example=x).run(x)
    assert np.array_equal(trace.outputs["y"][:, 0, 0], [0, 1, 1, 0])


def network(**nodes: nir.NIRNode) -> NirNetwork:
    """Nodes one after another."""
    ends = {"x": nir.Input({"input": np.array([2])}), "y": nir.Output({"output": np.array([2])})}
    names = ["x", *nodes, "y"]
    return network_of(nir.NIRGraph({**ends, **nodes}, list(pairwise(names)), type_check=False))


def cuba(tau_mem: np.ndarray, tau_syn: np.ndarray, r: float = 1.0) -> nir.CubaLI:
    return nir.CubaLI(tau_syn=tau_syn, tau_mem=tau_mem, r=pair(r), v_leak=pair(0), w_in=pair(1))


MIXED = network(lif=lif(pair(0.02, 0.01)), cuba=cuba(pair(0.04), pair(0.005)), i=IF, d=nir.Delay(pair(0.1, 0)))


def test_who_needs_a_time_step():
    assert timed_nodes(MIXED, "second") == ["cuba", "d", "i", "lif"]
    assert timed_nodes(MIXED, "step") == ["cuba", "d", "lif"]
    assert timed_nodes(network(n=nir.Threshold(pair(1)), d=nir.Delay(pair(0))), "second") == []


def test_time_constants_from_the_smallest_to_the_largest():
    spans = time_constants(MIXED)
    assert spans.keys() == {"lif", "cuba"}
    assert spans["lif"] == pytest.approx((0.01, 0.02))
    assert spans["cuba"] == pytest.approx((0.005, 0.04))


@pytest.mark.parametrize(
    ("nodes", "ratio"),
    [
        ({"a": cuba(pair(0.01), pair(0.1), 100), "b": cuba(pair(0.02), pair(0.1), 200)}, 1e-4),
        ({"a": cuba(pair(0.01), pair(0.1), 100), "b": cuba(pair(0.02), pair(0.1), 100)}, 0.0),
        ({"a": cuba(pair(0.01), pair(0.1), -100)}, 0.0),
        ({"a": cuba(pair(0.01), pair(0.1), 0.5)}, 0.0),  # longer than the time constants
        ({"a": IF}, 0.0),
    ],
)
def test_the_step_that_all_gains_share(nodes: dict[str, nir.NIRNode], ratio: float):
    assert ratio_of_gains(network(**nodes)) == ratio


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ({"a": lif(pair(0.02))}, "the shortest time constant is 0.02, a tenth of it 0.002"),
        ({"a": cuba(pair(0.01), pair(0.1), 100)}, "a tenth of it 0.001; r = tau / dt would hold for dt = 0.0001"),
        ({"d": nir.Delay(pair(0.1, 0.3))}, "the longest delay is 0.3"),
        ({"n": IF}, "IF neurons count per step with if_gain=step"),
    ],
)
def test_steps_that_would_make_sense(nodes: dict[str, nir.NIRNode], text: str):
    assert plausible_steps(network(**nodes)).endswith(text)


def test_a_step_is_judged_in_the_network_s_dtype():
    for dtype, passes in (("float64", True), ("float32", False)):
        semantics = Semantics(dt=1e-42)
        if passes:
            check_time_step(network(n=LIF), semantics, dtype)
            continue
        with pytest.raises(CompileError, match=f"is nothing to the time constants in {dtype}"):
            check_time_step(network(n=LIF), semantics, dtype)
    check_time_step(network(n=LIF), Semantics(), "float32")
