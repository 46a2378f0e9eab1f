"""
The neuron of every network here, `v += (x - v) / 2`, fires at `v >= threshold`, then `v = 0`, in the packages at hand.

Each is used as its package means windows to be run: all steps at once where it can, else step by step.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from math import log
from typing import Any

import torch

Neurons = Callable[[torch.Tensor], torch.Tensor]
"""From zero state: currents (T, B, *shape) -> spikes."""
MakeNeurons = Callable[[float], Neurons]
"""Threshold -> neurons."""


def spikingjelly(threshold: float) -> Neurons:
    from spikingjelly.activation_based.neuron import LIFNode

    node = LIFNode(tau=2.0, v_threshold=threshold, step_mode="m").eval()

    def run(currents: torch.Tensor) -> torch.Tensor:
        node.reset()
        return node(currents)

    return run


def norse(threshold: float) -> Neurons:
    from norse.torch import LIFBoxCell, LIFBoxParameters

    cell = LIFBoxCell(LIFBoxParameters(tau_mem_inv=torch.tensor(500.0), v_th=torch.tensor(threshold)), dt=0.001)
    return _step_by_step(cell, lambda: None)


def snntorch(threshold: float) -> Neurons:
    from snntorch import Leaky  # pyright: ignore[reportMissingImports]

    cell: Any = Leaky(beta=0.5, threshold=2 * threshold, reset_mechanism="zero")  # it lacks the 1/2 of the current
    return _step_by_step(cell, cell.reset_mem)


def sinabs(threshold: float) -> Neurons:
    from sinabs.activation import MembraneReset, SingleSpike  # pyright: ignore[reportMissingImports]
    from sinabs.layers import LIF  # pyright: ignore[reportMissingImports]

    settings = {"spike_threshold": threshold, "spike_fn": SingleSpike, "reset_fn": MembraneReset(), "norm_input": True}
    layer: Any = LIF(tau_mem=1 / log(2), **settings)

    def run(currents: torch.Tensor) -> torch.Tensor:
        layer.reset_states()
        return layer(currents.transpose(0, 1)).transpose(0, 1)

    return run


def _step_by_step(cell: Callable[[torch.Tensor, Any], tuple[torch.Tensor, Any]], start: Callable[[], Any]) -> Neurons:
    """What a cell of one step, (current, state) -> (spikes, state), makes of a window; start: its state before the first."""

    def run(currents: torch.Tensor) -> torch.Tensor:
        state, spikes = start(), list[torch.Tensor]()
        for current in currents:
            fired, state = cell(current, state)
            spikes.append(fired)
        return torch.stack(spikes)

    return run


def installed() -> dict[str, MakeNeurons]:
    """Name -> neurons, of the packages that are here."""
    known = {"SpikingJelly": spikingjelly, "Norse": norse, "snnTorch": snntorch, "sinabs": sinabs}
    return {name: make for name, make in known.items() if find_spec(name.lower()) is not None}
