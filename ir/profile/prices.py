"""What events cost on a chip, and what the parts of a lowering are worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from ir.profile.quantity import counted_in


@dataclass(frozen=True)
class Energy:
    """Prices, exact; None where nobody published one."""

    e_ac: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One accumulation in the papers' formula."""
    e_mac: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One multiplication with accumulation in the papers' formula."""
    synaptic_event: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike arriving over one synapse."""
    graded_event: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One payload arriving over one synapse."""
    neuron_update: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One neuron at one step, whether it fires or not."""
    spike: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike leaving a neuron, before any hop."""
    hop_east_west: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike over one tile boundary of a row."""
    hop_north_south: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike over one tile boundary of a column."""
    axon_out: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One message leaving a core: a spike for one core that reads it."""
    axon_in: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One message arriving on a core."""
    static_power: Fraction | None = field(default=None, metadata=counted_in("mW"))
    """What a chip takes whatever happens on it; 1 mW for 1 ns is 1 pJ."""
    crossing_event: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One spike or payload that passes between host and chip, in either direction; bits of payload are paid for beside it."""
    crossing_bit: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One bit of payload that does."""
    operand_bits: int | None = field(default=None, metadata=counted_in("bit", 1))
    """The width of the whole numbers that e_mac multiplies; None for floating point."""
    memory_access: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """One word read from memory, or written to it, however small the memory is."""
    memory_access_per_bit: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """What each bit that the memory holds adds to that."""
    sram_8k: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """64 bits read from a memory of 8 KiB on the chip, or written to it."""
    sram_32k: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """The same of 32 KiB."""
    sram_1m: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """The same of 1 MiB."""
    dram: Fraction | None = field(default=None, metadata=counted_in("pJ"))
    """The same of memory outside the chip."""


@dataclass(frozen=True)
class CostWeights:
    """
    What the parts of a lowering's cost (`ir.lowerings.cost`) are worth, all in synapses; the cheapest lowering is taken.

    A chip is full when its neurons or its synapses are, so a neuron is worth the synapses that a chip has for each of its
    neurons: more than a hundred on the chips that we know. Synaptic events and micro-steps are energy and time, not space.
    Events weigh nothing by default, since how many occur is not known before a network runs; a micro-step weighs just enough
    to decide between lowerings of the same size.
    """

    neuron: int = field(default=120, metadata=counted_in("synapse"))
    """One neuron; 120 is Loihi 2's published number of synapses per neuron (of a chip)."""
    synapse: int = field(default=1, metadata=counted_in("synapse"))
    """One synapse."""
    event: int = field(default=0, metadata=counted_in("synapse"))
    """One synaptic event per model step, if every population fired."""
    step: int = field(default=1, metadata=counted_in("synapse"))
    """One micro-step of a model step."""
