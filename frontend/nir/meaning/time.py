"""The time constants in a NIR file: which nodes need a time step, and which time steps would make sense."""

from __future__ import annotations

import numpy as np

from frontend.nir.reading.network import NirNetwork

LEAKY = ("LI", "LIF", "CubaLI", "CubaLIF")
TAUS = ("tau", "tau_mem", "tau_syn")


def timed_nodes(network: NirNetwork, if_gain: str) -> list[str]:
    """The nodes whose discrete form depends on the time step."""
    found: list[str] = []
    for name, node in network.nodes.items():
        integrates = node.kind in ("I", "IF") and if_gain == "second"
        waits = node.kind == "Delay" and bool(node.params["delay"].max() > 0)
        if node.kind in LEAKY or integrates or waits:
            found.append(name)
    return found


def time_constants(network: NirNetwork) -> dict[str, tuple[float, float]]:
    """Node -> its smallest and its largest time constant, in the file's unit."""
    found: dict[str, tuple[float, float]] = {}
    for name, node in network.nodes.items():
        if node.kind in LEAKY:
            taus = [node.params[key] for key in TAUS if key in node.params]
            found[name] = (min(float(tau.min()) for tau in taus), max(float(tau.max()) for tau in taus))
    return found


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
