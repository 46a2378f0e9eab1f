"""Whether a time step and the constants of a NIR file fit together: steps that leave nothing of a membrane are refused."""

from __future__ import annotations

import numpy as np

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.meaning.time import plausible_steps, time_constants
from frontend.nir.reading.network import NirNetwork
from ir.errors import CompileError

LONGEST = 100
"""
Time constants in a step, at most: e^-100 of a membrane is nothing, and Euler's 100^20 more than float32 can hold. One that
overshoots by less is the user's choice (`suspicions`), as is a short step down to what the number type can hold.
"""
SHORTEST = 1e-5
"""Of a time constant: what the hint calls sensible."""


def check_time_step(network: NirNetwork, semantics: Semantics, dtype: str) -> None:
    """
    Refuse a time step with which every neuron that leaks forgets all or nothing, or which some constant does not survive.

    Raises:
        CompileError: (rule `nir.dt`) with the time constants of the file and a range that makes sense.
    """
    if semantics.dt is None:
        return
    spans = time_constants(network)
    shares = [(name, semantics.dt / tau) for name, span in spans.items() for tau in span]
    numbers = np.finfo(dtype)
    if shares and min(share for _, share in shares) > LONGEST:
        _refuse(network, semantics.dt, f"is more than {LONGEST} times as long as every time constant")
    if shares and max(share for _, share in shares) < numbers.tiny:
        _refuse(network, semantics.dt, f"is nothing to the time constants in {dtype}")
    for name, share in shares:
        if share > numbers.max and semantics.integrator == "euler":
            _refuse(network, semantics.dt, f"over a time constant leaves the range of {dtype}", name)
    for name, gain in _gains(network, semantics).items():
        if not numbers.tiny <= gain <= numbers.max:
            _refuse(network, semantics.dt, f"times r leaves the range of {dtype}", name)


def _gains(network: NirNetwork, semantics: Semantics) -> dict[str, float]:
    """Node that integrates without a leak -> the largest magnitude of dt r; nodes that take no input at all (r = 0) apart."""
    if semantics.if_gain == "step" or semantics.dt is None:
        return {}
    found: dict[str, float] = {}
    for name, node in network.nodes.items():
        if node.kind in ("I", "IF") and np.any(node.params["r"]):
            found[name] = semantics.dt * float(np.abs(node.params["r"].astype(np.float64)).max())
    return found


def _refuse(network: NirNetwork, dt: float, why: str, node: str = "") -> None:
    taus = [tau for span in time_constants(network).values() for tau in span]
    span = f"; the file's are {min(taus):.4g} to {max(taus):.4g}" if taus else ""
    usual = f"from {SHORTEST * min(taus):.2g} to {min(taus):.4g}; " if taus else ""
    hint = f"say --dt in the unit of the file's times, {usual}{plausible_steps(network)}"
    raise CompileError("nir.dt", f"a time step of {dt:g} {why}{span}", where=node, hint=hint)
