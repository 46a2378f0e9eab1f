"""What is remarked, and that nothing is on what frameworks export."""

from __future__ import annotations

from typing import Any

import nir
import numpy as np
import pytest

from frontend.nir.meaning.lints import suspicions
from frontend.nir.meaning.semantics_resolve import resolve
from frontend.nir.reading.reader import network_of


def full(value: float) -> np.ndarray:
    return np.full(2, value)


def lif(tau: float = 0.02, r: float = 1, leak: float = 0, threshold: float = 1, reset: float = 0) -> nir.LIF:
    return nir.LIF(full(tau), full(r), full(leak), full(threshold), full(reset))


def rules(node: nir.NIRNode, weight: float = 0.5, **options: Any) -> list[str]:
    nodes = {"x": nir.Input({"input": np.array([2])}), "w": nir.Linear(np.full((2, 2), weight)), "n": node}
    nodes["y"] = nir.Output({"output": np.array([2])})
    network = network_of(nir.NIRGraph(nodes, [("x", "w"), ("w", "n"), ("n", "y")], type_check=False))
    return [lint.rule for lint in suspicions(network, resolve(network, {"dt": 1e-3, **options}))]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (lambda: rules(lif()), []),
        (lambda: rules(lif(), dt=0.05), ["dt"]),
        (lambda: rules(lif(), dt=0.05, integrator="exponential"), []),
        (lambda: rules(lif(reset=2.0)), ["v_reset"]),
        (lambda: rules(lif(leak=1.5)), ["always"]),
        (lambda: rules(lif(), weight=0.0), ["dead"]),
        (lambda: rules(lif(tau=20.0)), ["unit"]),
        (lambda: rules(lif(), time_unit="step", dt=1, integrator="exponential"), ["unit"]),
        (lambda: rules(lif(tau=5e-4, r=5.0), dt=1e-4), ["producer"]),
        (lambda: rules(lif(), preset="snntorch", dt=1e-3), ["dt"]),
        (lambda: rules(nir.IF(full(1), full(1))), ["if_gain"]),
        (lambda: rules(nir.IF(full(1), full(1)), if_gain="step"), []),
        (lambda: rules(nir.IF(full(1000), full(1))), []),
        (lambda: rules(nir.Delay(full(4e-4))), ["delay"]),
        (lambda: rules(nir.Delay(full(4e-4)), delay_rounding="ceil"), []),
        (lambda: rules(nir.Delay(full(0.003))), []),
    ],
)
def test_remarks(found: Any, expected: list[str]):
    assert found() == expected
