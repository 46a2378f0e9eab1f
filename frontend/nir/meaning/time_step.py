"""
The times in a NIR file: which nodes need a time step, which steps would make sense, and which leave nothing of a membrane.
"""

from __future__ import annotations

import numpy as np

from frontend.nir.meaning.semantics import Semantics
from frontend.nir.reading.network import NirNetwork
from ir.errors import CompileError

LEAKY = ("LI", "LIF", "CubaLI", "CubaLIF")
"""Kinds that leak."""
TAUS = ("tau", "tau_mem", "tau_syn")
"""Their parameters that are time constants."""
LONGEST = 100
"""
Time constants in a step, at most: e^-100 of a membrane is nothing, and Euler's 100^20 more than float32 can hold. One that
overshoots by less is the user's choice (`lints`), as is a short step down to what the dtype can hold.
"""
SHORTEST = 1e-5
"""Of a time constant: what the hint calls sensible."""


def timed_nodes(network: NirNetwork, if_gain: str) -> list[str]:
    """The nodes whose discrete form depends on the time step."""
    names: list[str] = []
    for name, node in network.nodes.items():
        integrates = node.kind in ("I", "IF") and if_gain == "second"
        waits = node.kind == "Delay" and bool(node.params["delay"].max() > 0)
        if node.kind in LEAKY or integrates or waits:
            names.append(name)
    return names


def time_constants(network: NirNetwork) -> dict[str, tuple[float, float]]:
    """Node -> its smallest and its largest time constant, in the file's unit."""
    spans: dict[str, tuple[float, float]] = {}
    for name, node in network.nodes.items():
        if node.kind in LEAKY:
            taus = [node.params[key] for key in TAUS if key in node.params]
            spans[name] = (min(float(tau.min()) for tau in taus), max(float(tau.max()) for tau in taus))
    return spans


def ratio_of_gains(network: NirNetwork) -> float:
    """tau / r where all leaky neurons of a file share it and it is shorter than they are (r = tau / dt is common), else 0."""
    ratios: list[float] = []
    for node in network.nodes.values():
        if node.kind in LEAKY:
            tau = node.params["tau" if "tau" in node.params else "tau_mem"].astype(np.float64)
            if float(node.params["r"].min()) <= 0:
                return 0.0
            quotient = tau / node.params["r"]
            ratios += [float(quotient.min()), float(quotient.max())]
    if not ratios or max(ratios) - min(ratios) > 1e-4 * max(ratios):
        return 0.0
    shortest = min(low for low, _ in time_constants(network).values())
    return float(f"{max(ratios):.4g}") if max(ratios) < shortest else 0.0


def plausible_steps(network: NirNetwork) -> str:
    """Time steps that would make sense, in words; every one is derived from the file."""
    spans = time_constants(network).values()
    if not spans:
        delays = [float(node.params["delay"].max()) for node in network.nodes.values() if node.kind == "Delay"]
        return f"the longest delay is {max(delays):.4g}" if delays else "IF neurons count per step with if_gain=step"
    least = min(low for low, _ in spans)
    gains = ratio_of_gains(network)
    usual = f"the shortest time constant is {least:.4g}, a tenth of it {least / 10:.2g}"
    return usual + (f"; r = tau / dt would hold for dt = {gains:.4g}" if gains else "")


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
    least, most = (
        float(np.finfo(dtype).tiny),
        float(np.finfo(dtype).max),
    )  # a comparison with NumPy's own would round to them
    if shares and min(share for _, share in shares) > LONGEST:
        _refuse(network, semantics.dt, f"is more than {LONGEST} times as long as every time constant")
    if shares and max(share for _, share in shares) < least:
        _refuse(network, semantics.dt, f"is nothing to the time constants in {dtype}")
    for name, share in shares:
        if share > most and semantics.integrator == "euler":
            _refuse(network, semantics.dt, f"over a time constant leaves the range of {dtype}", name)
    for name, gain in _gains(network, semantics).items():
        if not least <= gain <= most:
            _refuse(network, semantics.dt, f"times r leaves the range of {dtype}", name)


def _gains(network: NirNetwork, semantics: Semantics) -> dict[str, float]:
    """Node that integrates without a leak -> the largest magnitude of dt r; nodes that take no input at all (r = 0) apart."""
    if semantics.if_gain == "step" or semantics.dt is None:
        return {}
    gains: dict[str, float] = {}
    for name, node in network.nodes.items():
        if node.kind in ("I", "IF") and np.any(node.params["r"]):
            gains[name] = semantics.dt * float(np.abs(node.params["r"].astype(np.float64)).max())
    return gains


def _refuse(network: NirNetwork, dt: float, why: str, node: str = "") -> None:
    taus = [tau for span in time_constants(network).values() for tau in span]
    span = f"; the file's are {min(taus):.4g} to {max(taus):.4g}" if taus else ""
    usual = f"from {SHORTEST * min(taus):.2g} to {min(taus):.4g}; " if taus else ""
    hint = f"say --dt in the unit of the file's times, {usual}{plausible_steps(network)}"
    raise CompileError("nir.dt", f"a time step of {dt:g} {why}{span}", where=node, hint=hint)
