"""
The CUBA neurons of a `.net` file as Loihi's own integer neuron, which they are.

SLAYER keeps 4096 - iDecay of the current's 4096 parts (netx: du = iDecay - 1), 4096 - vDecay of the voltage's, and fires
above vThMant << 6 (it compares >= a threshold that is a hair larger). A bias is in units of weights and enters the voltage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from frontend.netx.layers import NetLayer
from ir.graph import Array, GraphBuilder
from ir.ops.integer_neuron import IntegerLeaky, IntegerLif, IntegerNeuron

DECAY_BITS, STATE_BITS, SHIFT = 12, 24, 6
"""Loihi's fixed point, which lava-dl counts in: decays of 4096 parts, states of 24 bits, weights and thresholds << 6."""
READ_OUT = (1 << 17) - 1
"""The largest threshold. lava-dl gives it (or a larger one) to neurons that must never fire: their voltage is what is read."""
VOLTAGE_SCALE = 1 / 4096
"""SLAYER's voltage of one unit of ours: 64 for the weights' scale, 64 for the state's."""
SUM_SCALE = 1 / 64
"""SLAYER's weighted sum of one unit of weight."""
KINDS = ("CUBA", "LOIHI")
"""What lava-dl calls such neurons."""
ENTRIES = ("iDecay", "vDecay", "vThMant", "refDelay", "gradedSpike", "messageBits", "weight_exp", "wgtExp")
"""Entries of a neuron."""
TRAINING = ("tauRho", "scaleRho", "theta")
"""Entries about gradients, and the threshold a second time."""
NEUTRAL = {"refDelay": 1, "gradedSpike": 0, "messageBits": 0, "weight_exp": 0, "wgtExp": 0}
"""What else lava-dl's neurons could do and these do not."""


@dataclass(frozen=True, eq=False)
class Cuba:
    """A population: constants for all neurons (shape ()), or of each channel."""

    i_decay: Array
    """Parts of 4096 that the current loses in a step."""
    v_decay: Array
    """Parts of 4096 that the voltage loses in a step."""
    threshold: Array | None
    """Threshold before the shift; None for no neurons at all: the weighted sum itself is what is read."""
    bias: Array | None
    """Of each neuron, in units of weights."""

    @property
    def read_scale(self) -> float | None:
        """SLAYER's value of one unit of what a population without spikes is read for; None where it can fire."""
        if self.threshold is None:
            return SUM_SCALE
        return VOLTAGE_SCALE if (self.threshold >= READ_OUT).all() else None

    def spiking(self, shift: int = SHIFT) -> IntegerLif:
        """The neuron that fires; a smaller `shift` takes finer currents."""
        assert self.threshold is not None
        vth = int(self.threshold.flat[0]) << (SHIFT - shift)
        return IntegerLif(*self._decays(), vth, shift, DECAY_BITS, STATE_BITS)

    def reading(self) -> IntegerLeaky:
        """The same membrane, emitting its voltage; a weighted sum in units of weights."""
        return IntegerLeaky(*self._decays(), 0 if self.threshold is None else SHIFT, DECAY_BITS, STATE_BITS, STATE_BITS)

    def _decays(self) -> tuple[int, int]:
        return int(self.i_decay.flat[0]) - 1, int(self.v_decay.flat[0])

    def params(self, builder: GraphBuilder, name: str, op: IntegerNeuron) -> dict[str, str]:
        """The parameters in the builder's table: the bias, and constants that differ from channel to channel."""
        constants = {"du": self.i_decay - 1, "dv": self.v_decay}
        if isinstance(op, IntegerLif) and self.threshold is not None:
            constants["vth"] = self.threshold << (SHIFT - op.shift)
        arrays = {role: array for role, array in constants.items() if array.size > 1}
        if self.bias is not None and self.bias.any():
            arrays["bias"] = self.bias if self.threshold is None else self.bias << SHIFT
        return {role: builder.param(f"{name}.{role}", array.astype(np.int32)) for role, array in arrays.items()}


def cuba_of(layer: NetLayer, shape: tuple[int, ...]) -> Cuba:
    """
    The neurons of a layer of the given shape, channels first.

    Raises:
        CompileError: for neurons of other kinds, and constants that are missing, of other shapes or out of range.
    """
    if not layer.has("neuron"):
        full = np.array(1 << DECAY_BITS)
        return Cuba(full, full, None, _bias(layer, shape))
    neuron = layer.group("neuron")
    kind = neuron.text("type")
    if kind not in KINDS:
        raise neuron.error(
            "neuron", f"{kind} neurons are not Loihi's integer neuron", hint=f"known: {', '.join(KINDS)}"
        )
    neuron.check_entries(*ENTRIES, *TRAINING)
    for name, neutral in NEUTRAL.items():
        if neuron.has(name) and (neuron.whole(name) != neutral).any():
            raise neuron.error("neuron", f"{name} is not {neutral}, which no neuron of the target does")
    i_decay, v_decay = (_constant(neuron, name, shape, 0, 1 << DECAY_BITS) for name in ("iDecay", "vDecay"))
    threshold = _constant(neuron, "vThMant", shape, 0, 1 << 18)
    return Cuba(i_decay, v_decay, threshold, _bias(layer, shape))


def _constant(neuron: NetLayer, name: str, shape: tuple[int, ...], least: int, most: int) -> Array:
    """An entry of one number, or one for each channel, within `least`..`most`."""
    value = neuron.whole(name)
    if value.size and (value.min() < least or value.max() > most):
        raise neuron.error("range", f"{name} must lie in {least}..{most}")
    return value.reshape(()) if value.size == 1 else by_channel(neuron, name, value, shape)


def _bias(layer: NetLayer, shape: tuple[int, ...]) -> Array | None:
    """The bias, to broadcast to the population; None where the layer has none."""
    if not layer.has("bias"):
        return None
    bias = layer.whole("bias")
    if np.abs(bias).max(initial=0) >= 1 << 15:
        raise layer.error("range", "bias must lie within 15 bits and sign", hint="Lava stores it in 16 bits")
    if bias.shape == shape:
        return bias
    if bias.size == 1:
        return np.broadcast_to(bias.reshape(()), shape[:1] + (1,) * (len(shape) - 1))
    return by_channel(layer, "bias", bias, shape)


def by_channel(layer: NetLayer, name: str, value: Array, shape: tuple[int, ...]) -> Array:
    """One number per channel (the first axis), to broadcast to the population."""
    if value.shape != shape[:1]:
        raise layer.error("shape", f"{name} of shape {value.shape} does not fit {shape[0]} channels")
    return value.reshape(shape[0], *(1,) * (len(shape) - 1))
