"""What a chip can do, and the widths of its integers."""

from __future__ import annotations

from dataclasses import dataclass, field

from ir.errors import CompileError
from ir.profile.quantity import counted_in


@dataclass(frozen=True)
class Features:
    """What the chip's neurons and spikes can do."""

    graded_spikes: bool = field(metadata=counted_in("flag"))
    """A spike carries a signed integer payload."""
    programmable_neurons: bool = field(metadata=counted_in("flag"))
    """Neurons run programs of ours (graded, gated, own comparators), not only the built-in leaky integrator."""
    soft_reset: bool = field(default=False, metadata=counted_in("flag"))
    """A spike can take the threshold from the membrane instead of setting it to zero."""


_PRODUCT_BITS = 53
"""Up to here the engines' double precision is exact."""


@dataclass(frozen=True)
class Arithmetic:
    """Widths of the integer neuron and its synapses (`ir.ops.integer_neuron` says what is computed with them)."""

    weight_bits: int = field(metadata=counted_in("bit", 2))
    """A weight in a matrix of both signs, sign included: -2^(n-1) .. 2^(n-1) - 1."""
    decay_bits: int = field(metadata=counted_in("bit", 1))
    """Decays are fractions of 2^n."""
    activation_shift: int = field(metadata=counted_in("bit"))
    """Left shift of the weighted sum on its way into the current, and of the threshold."""
    state_bits: int = field(metadata=counted_in("bit", 2))
    """Current and voltage, sign included."""
    threshold_bits: int = field(metadata=counted_in("bit", 1))
    """Threshold before the shift; thresholds are positive."""
    bias_mantissa_bits: int = field(metadata=counted_in("bit", 2))
    """Bias mantissa, sign included."""
    bias_exponent_max: int = field(metadata=counted_in("bit"))
    """The bias is its mantissa shifted left by `bias_exponent_min` .. n."""
    payload_bits: int = field(metadata=counted_in("bit"))
    """Payload of a graded spike, sign included; 0 where spikes carry none."""
    max_delay: int = field(metadata=counted_in("step"))
    """Extra delay of a synapse, beyond the one step that each takes."""
    bias_exponent_min: int = field(default=0, metadata=counted_in("bit"))
    """The least of these shifts; with that of the activation, biases are whole weight units."""
    weight_exponent_max: int = field(default=0, metadata=counted_in("bit"))
    """
    The weights of a projection are mantissas shifted left by 0 .. n, or right by as many as the activation shift undoes; 0 where
    all projections share one unit.
    """

    def __post_init__(self) -> None:
        if self.activation_shift + 2 > self.state_bits:
            what = f"activation_shift {self.activation_shift} leaves nothing of the {self.state_bits} state_bits"
            raise CompileError("profile.value", what, where="[arithmetic]")
        if self.bias_exponent_min > self.bias_exponent_max:
            what = f"bias_exponent_min {self.bias_exponent_min} is more than bias_exponent_max {self.bias_exponent_max}"
            raise CompileError("profile.value", what, where="[arithmetic]")
        if self.state_bits + self.decay_bits > _PRODUCT_BITS:
            what = f"state_bits {self.state_bits} and decay_bits {self.decay_bits} make products beyond {_PRODUCT_BITS} bits"
            raise CompileError("profile.value", what, where="[arithmetic]")
