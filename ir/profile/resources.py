"""What a chip has: limits, how its cores store synapses, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, field

from ir.profile.quantity import counted_in

MOST_IN_A_ROW = 1024
"""Cores of a row, or a column, of a chip: more are not drawn, and no chip comes near."""


@dataclass(frozen=True)
class Limits:
    """Resources; None where there is no limit, or none is known."""

    cores_per_chip: int | None = field(default=None, metadata=counted_in("core", 1))
    neurons_per_core: int | None = field(default=None, metadata=counted_in("neuron", 1))
    synapse_memory_per_core: int | None = field(default=None, metadata=counted_in("byte", 1))
    axons_in_per_core: int | None = field(default=None, metadata=counted_in("axon", 1))
    """Neurons and inputs that have synapses on the core."""
    axons_out_per_core: int | None = field(default=None, metadata=counted_in("axon", 1))
    """Pairs of a neuron on the core and a core where it has synapses."""
    cores_per_neuron: int | None = field(default=None, metadata=counted_in("core", 1))
    """Cores where one neuron can have synapses."""
    neuron_groups_per_core: int | None = field(default=None, metadata=counted_in("group", 1))
    """Sets of constants that neurons of a core share."""
    delay_slots_per_core: int | None = field(default=None, metadata=counted_in("slot", 1))
    """Sums that wait in dendrites: a neuron has one for each step that its synapses delay, and one for the next step."""
    neurons_per_chip: int | None = field(default=None, metadata=counted_in("neuron", 1))
    """What the vendor says of a whole chip, for reports, as the next one; neither limits anything, cores do."""
    synapses_per_chip: int | None = field(default=None, metadata=counted_in("synapse", 1))


@dataclass(frozen=True)
class SynapseMemory:
    """How a core stores synapses: a list for each axon that arrives, of all neurons that it reaches or those with a weight."""

    word_bytes: int = field(default=1, metadata=counted_in("byte", 1))
    """A list takes whole words."""
    header_bits: int = field(default=0, metadata=counted_in("bit"))
    """At the beginning of a list."""
    list_synapses: int | None = field(default=None, metadata=counted_in("synapse", 1))
    """The most synapses of a list; more of them begin another one."""
    index_bits: int | None = field(default=None, metadata=counted_in("bit", 1))
    """Of the target, beside each weight of a list that leaves out zeros; None where every list has all synapses."""
    delay_bits: int = field(default=0, metadata=counted_in("bit"))
    """Beside each weight, where synapses of a projection wait."""
    narrow_weights: bool = field(default=False, metadata=counted_in("flag"))
    """Weights take the bits that those of their projection need; else all take `weight_bits`."""
    shared_kernels: bool = field(default=False, metadata=counted_in("flag"))
    """Weights that repeat from pixel to pixel, or from token to token, are stored once per core."""
    shared_axons: bool = field(default=False, metadata=counted_in("flag"))
    """A convolution takes one axon on a core for each population that it reads; else one for each neuron."""


@dataclass(frozen=True)
class Mesh:
    """Where cores are on a chip; None where nobody says so."""

    columns: int | None = field(default=None, metadata=counted_in("core", 1, MOST_IN_A_ROW))
    rows: int | None = field(default=None, metadata=counted_in("core", 1, MOST_IN_A_ROW))
    tile_columns: int = field(default=1, metadata=counted_in("core", 1))
    """Cores of a row that share a router."""
    tile_rows: int = field(default=1, metadata=counted_in("core", 1))
    """Cores of a column that share a router."""
    link_buffer: int | None = field(default=None, metadata=counted_in("message", 1))
    """Messages that find room where a core sends, and where a router passes on in one direction; None where nobody says so."""
    input_column: int | None = field(default=None, metadata=counted_in("core"))
    """Of a core at the router where inputs enter the first chip; None where they are at the cores that read them, all at once."""
    input_row: int | None = field(default=None, metadata=counted_in("core"))
    """Likewise."""
