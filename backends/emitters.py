"""Which files of other tools a compiled network can be written to: one row per format, loaded when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ir.errors import CompileError, known_names
from ir.graph import Graph


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


@dataclass(frozen=True)
class Emitter:
    """One format."""

    title: str
    """What it is, in words."""
    profile: str
    """The hardware profile whose networks it can hold, taken where no other is named."""
    emit: Callable[[Graph], EmittedFile]
    """The file of a chip graph; DeployError with everything that it cannot hold."""


def _netx() -> Emitter:
    from backends.netx.file import net_file

    return Emitter("lava-dl's netx, Lava processes for Loihi 2", "netx", net_file)


EMITTERS: Mapping[str, Callable[[], Emitter]] = {"netx": _netx}
"""Name -> what loads the emitter."""


def emitter(name: str) -> Emitter:
    """The emitter of that name; CompileError where there is none."""
    if name not in EMITTERS:
        raise CompileError("options.emit", f"unknown format {name!r}", hint=known_names(name, EMITTERS))
    return EMITTERS[name]()
