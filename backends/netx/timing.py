"""
When the layers of a file work, and what a file has to be loaded with so that they start from zero state.

netx takes a step from layer to layer, which moves everything behind it by one. A bias tells: it acts from the first step on,
before the inputs of a later layer have come. netx can set every layer to zero when its window begins, a step later than the
one before, and again after `reset_interval` steps: then samples follow each other without a gap. Where synapses remember
(recurrence, delays), nothing clears them: a run is one sample, and what fires too early must be proven silent. A network that
already waits for these steps, as lava-dl's own do, needs none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from backends.netx.layer import NetxLayer
from ir.errors import CompileError

ENDLESS = 1 << 20
"""The interval of resets of a network without windows: one at the start of a run of at most so many steps."""


@dataclass(frozen=True)
class NetxTiming:
    """What follows from the steps between layers."""

    kept: tuple[int, ...]
    """Of every layer, the steps of its delays that passing on to it takes anyway."""
    latency: int
    """Steps by which the last layer trails the inputs, delays aside."""
    arguments: Mapping[str, int]
    """How netx is to reset."""
    back_to_back: bool
    """Whether samples may follow each other in a run without a gap."""


def timing_of(layers: Sequence[NetxLayer], steps: int, encodes: bool) -> NetxTiming:
    """
    The timing of layers in a chain.

    Args:
        steps: of a sample, 0 for a network without windows.
        encodes: whether the layer before them has neurons of its own, which is the first that netx resets.

    Raises:
        CompileError: a bias that acts too early where nothing undoes it.
    """
    biased = [place for place, layer in enumerate(layers) if layer.neurons.bias.any()]
    waiting = _waiting(layers, max(biased, default=-1))
    lags = _lags(waiting)
    if not steps and not any(lags[place] for place in biased):
        return NetxTiming(waiting, lags[-1], {}, False)
    none = (0,) * len(layers)
    remembers = any(layer.remembers or layer.late for layer in layers)
    if remembers and biased:
        _check_silent(layers)
    resets = {"reset_interval": steps or ENDLESS, "reset_offset": int(not encodes)}
    return NetxTiming(none, len(layers), resets if biased or not remembers else {}, bool(steps) and not remembers)


def _waiting(layers: Sequence[NetxLayer], last: int) -> tuple[int, ...]:
    """The steps that layers up to the `last` with a bias wait anyway, at most the one that each takes."""
    return tuple(min(1, layer.late) if place <= last else 0 for place, layer in enumerate(layers))


def _lags(kept: Sequence[int]) -> list[int]:
    """By how many steps every layer trails the inputs."""
    return list(accumulate(1 - steps for steps in kept))


def _check_silent(layers: Sequence[NetxLayer]) -> None:
    """Require that biases alone make no neuron fire before its window begins: at every step v grows by no more than the bias."""
    for lag, layer in enumerate(layers, 1):
        if (layer.neurons.bias * lag > layer.neurons.threshold).any():
            what = f"its bias can make layer {lag} fire before its first input has come, and synapses remember that"
            raise CompileError("netx.bias", what, hint="leave out the bias, or recurrence and delays")
