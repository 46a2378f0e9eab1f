"""The time constants in a NIR file: which nodes need a time step, and which time steps would make sense."""

from __future__ import annotations

import numpy as np

from frontend.nir_network import NirNetwork

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
    """tau / r where it is one number for all leaky neurons of the file (exporters of discrete neurons write r = tau / dt), else 0."""
    ratios: list[float] = []
    for node in network.nodes.values():
        if node.kind in LEAKY:
            tau, r = (
                node.params[key].astype(np.float64) for key in ("tau" if "tau" in node.params else "tau_mem", "r")
            )
            if bool((r <= 0).any()):
                return 0.0
            ratios += [float((tau / r).min()), float((tau / r).max())]
    same = bool(ratios) and max(ratios) - min(ratios) <= 1e-4 * max(ratios)
    return (
        float(f"{max(ratios):.4g}")
        if same and max(ratios) < min(low for low, _ in time_constants(network).values())
        else 0.0
    )
