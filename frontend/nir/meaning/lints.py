"""
What looks like a mistake in a NIR file, or in how it is read; nothing of it stops the compiler.

Units of time, neurons that never or always fire, traces of a framework whose reading nobody asked for: each is a question to the
user, and all of them are quiet on what the frameworks export ordinarily (`test_lints`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from frontend.nir.meaning.neurons import SPIKING
from frontend.nir.meaning.semantics_presets import PRESETS
from frontend.nir.meaning.semantics_resolve import SHARED_STEP, Reading
from frontend.nir.meaning.time_step import LEAKY, TAUS, ratio_of_gains, time_constants
from frontend.nir.reading.network import NirNetwork, NirNode

SECONDS_AT_MOST = 10.0
"""No neuron leaks more slowly; a larger time constant counts milliseconds or steps."""


@dataclass(frozen=True)
class Lint:
    """One remark."""

    rule: str
    text: str
    node: str = ""
    """The NIR node, "" where the remark is about the whole file."""


def lint(network: NirNetwork, reading: Reading) -> tuple[Lint, ...]:
    """All remarks about a network under a reading."""
    written = [Lint(rule, text, node) for rule, node, text in network.remarks]
    metadata = [Lint("metadata", text) for text in reading.remarks]
    return (*written, *metadata, *suspicions(network, reading))


def suspicions(network: NirNetwork, reading: Reading) -> Iterator[Lint]:
    """Usual mistakes, seen from the parameters and the reading: node by node, then of the whole file."""
    for name, node in network.nodes.items():
        yield from _of_time(name, node, reading)
        if node.kind in SPIKING:
            yield from _of_firing(name, node, network, reading)
    yield from _of_units(network, reading)
    yield from _of_producer(network, reading)


def _of_time(name: str, node: NirNode, reading: Reading) -> Iterator[Lint]:
    """A time step that is too long for a node, or a gain that was meant per step."""
    dt = reading.semantics.dt
    if node.kind in LEAKY and dt is not None:
        least = min(float(node.params[key].min()) for key in TAUS if key in node.params)
        if dt > least * (1 + 1e-6) and reading.semantics.integrator == "euler":
            text = f"the time step {dt:g} is longer than the time constant {least:.4g}: Euler's steps overshoot"
            yield Lint("dt", text, name)
    if node.kind == "Delay" and dt is not None:
        delay = node.params["delay"]
        short = delay[(delay > 0) & (delay < 0.5 * dt)]
        if short.size and reading.semantics.delay_rounding != "ceil":
            yield Lint("delay", f"the delay {float(short.max()):.4g} rounds to no steps of {dt:g}", name)
    small = dt is not None and dt < 0.1 and reading.semantics.if_gain == "second"
    if node.kind in ("I", "IF") and small and bool((node.params["r"] == 1).all()):
        text = f"with r = 1 an input of 1 adds {dt:g}; frameworks that write r = 1 mean 1 per step: if_gain=step"
        yield Lint("if_gain", text, name)


def _of_firing(name: str, node: NirNode, network: NirNetwork, reading: Reading) -> Iterator[Lint]:
    """Neurons that fire always or never."""
    threshold, reset = node.params["v_threshold"], node.params["v_reset"]
    if reading.semantics.reset == "value" and bool((reset > threshold).any()):
        yield Lint("v_reset", "v_reset is above v_threshold: a neuron that fired once fires at every step", name)
    if "v_leak" not in node.params:
        return
    rest = node.params["v_leak"]
    if bool((rest > threshold).any()):
        yield Lint("always", "v_leak is above v_threshold: neurons fire without input", name)
    elif not _driven(name, network) and bool((rest <= threshold).all()):
        text = "all weights in front of it are zero and it rests below its threshold: it never fires"
        yield Lint("dead", text, name)


def _driven(name: str, network: NirNetwork) -> bool:
    """Whether anything but zeros can arrive at a node."""
    for start, end in network.edges:
        if end == name:
            params = network.nodes[start].params
            arrays = [params[key] for key in ("weight", "scale", "bias") if key in params]
            if not arrays or any(np.any(array) for array in arrays):
                return True
    return False


def _of_units(network: NirNetwork, reading: Reading) -> Iterator[Lint]:
    """Time constants and a time step that do not look as if they were in one unit."""
    spans = list(time_constants(network).values())
    dt = reading.semantics.dt
    if not spans or dt is None:
        return
    least = min(low for low, _ in spans)
    if reading.semantics.time_unit == "s" and least > SECONDS_AT_MOST and dt < 0.1:
        text = f"time constants from {least:.4g} on are no seconds; milliseconds or steps, as dt = {dt:g} is not?"
        yield Lint("unit", text)
    elif least / dt > 1e5:
        text = f"the shortest time constant {least:.4g} is {least / dt:.0f} steps of {dt:g}: are both in one unit?"
        yield Lint("unit", text)
    if reading.semantics.time_unit == "step" and least < 0.1:
        yield Lint("unit", f"time constants of {least:.4g} are no steps: this looks like seconds")


def _of_producer(network: NirNetwork, reading: Reading) -> Iterator[Lint]:
    """What fits a framework, where the reading is nobody's choice."""
    source = reading.sources.get("reset", "")
    if source == "canonical" and ratio_of_gains(network) == SHARED_STEP:
        text = "r = tau / 0.0001 in every neuron, as snnTorch and SpikingJelly write; their own readings differ from this one"
        yield Lint("producer", f"{text}: --semantics snntorch or spikingjelly")
    dt, source = reading.semantics.dt, reading.sources.get("threshold", "")
    if source.startswith("preset "):
        item = PRESETS[source.removeprefix("preset ")]
        if item.dt_fixed and dt != item.options["dt"]:
            yield Lint("dt", f"{source} knows one time step only, {item.options['dt']:g}, but dt is {dt:g}")
