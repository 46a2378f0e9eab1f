"""What a file for another tool is to its user: content, what it is to be loaded with, and where inputs and outputs lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where the elements of an input or a population lie."""

    start: int
    stop: int
    """Behind the last one, in the flattened first or last layer."""
    of: str = "value"
    """`value` where spikes or payloads pass, `voltage` where the neurons' membrane is read."""


@dataclass(frozen=True)
class EmittedFile:
    """A network for another tool, and what has to be known to run it there."""

    name: str
    """What it is called in a folder of outputs."""
    content: bytes = field(repr=False)
    arguments: Mapping[str, int]
    """What its loader takes beside the file."""
    latency: int
    """Steps by which its outputs trail the inputs, more than here."""
    back_to_back: bool
    """Whether samples may follow each other in a run without a gap; else a run is one sample."""
    inputs: Mapping[str, Place]
    """Chip input, or population at the input -> its elements in the first layer."""
    outputs: Mapping[str, Place]
    """Population that leaves the chip -> its elements in the last layer."""
    relays: int
    """Neurons that were added to hand on spikes."""

    def plain(self) -> dict[str, Any]:
        """All but the content, for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "content"}
