"""Time steps that cannot be meant are refused with the file's time constants; all that make sense are taken."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from compile import compile_model
from frontend.nir.import_nir import import_nir
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
