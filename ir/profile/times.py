"""What events take on a chip: how long a core, a link or the whole chip is busy with each."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from ir.profile.quantity import counted_in


@dataclass(frozen=True)
class EventTimes:
    """Times per event, exact; None where nobody published one."""

    neuron_update: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """One neuron at one step, whether it fires or not."""
    spike: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """What firing takes beside the update, before any message."""
    axon_out: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """One message leaving a core: a spike for one core that reads it."""
    axon_in: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """One message arriving on a core: reading which synapses it is for."""
    synaptic_event: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """One spike, or payload, at one synapse."""
    link: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """One message on a link between two routers: how long the next one waits."""
    hop_east_west: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """One message from a router to the next along a row, where nothing is in its way."""
    hop_north_south: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """The same along a column."""
    barrier_one: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """Between two steps, where cores of one router are used."""
    barrier_all: Fraction | None = field(default=None, metadata=counted_in("ns"))
    """Between two steps, where all cores of a chip are used."""
