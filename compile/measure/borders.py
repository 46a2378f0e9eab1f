"""What lies between the phases of a network: what crosses from chip to host and back, and what the host makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from backends.trace import Events
from compile.stages.phase import Phase
from ir.analysis.wiring import behind_routing
from ir.graph import Graph


@dataclass(frozen=True)
class Border:
    """Where one phase ends and the next begins."""

    after: int
    """The number of the phase that ends, from 1."""
    read: int
    """Spikes and payloads per sample that the host reads from the chip."""
    fed: int
    """Spikes and payloads per sample that it hands to the next phase."""
    operations: tuple[str, ...]
    """What it computes in between, by kind."""

    def text(self) -> str:
        """The border in a few words."""
        computes = ", ".join(self.operations) or "nothing"
        return f"after phase {self.after} the host reads {self.read:,} events, computes {computes}, and hands over {self.fed:,}"


def borders(phases: Sequence[Phase], events: Events) -> tuple[Border, ...]:
    """All borders between phases; `events` are those of a run of all of them."""
    return tuple(
        Border(number, _read(first, events), _fed(second, events), _operations(first, second))
        for number, (first, second) in enumerate(pairwise(phases), 1)
    )


def _read(phase: Phase, events: Events) -> int:
    chip = phase.deployment.chip
    sources = {name for value in chip.outputs.values() for name in behind_routing(chip, value)}
    return _per_sample(phase, sources, events)


def _fed(phase: Phase, events: Events) -> int:
    return _per_sample(phase, {node.name for node in phase.deployment.chip.inputs}, events)


def _per_sample(phase: Phase, names: set[str], events: Events) -> int:
    return round(sum(events.spikes.get(phase.names.get(name, name), 0) for name in names) / events.samples)


def _operations(first: Phase, second: Phase) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*_kinds(first.deployment.epilogue), *_kinds(second.deployment.prologue)]))


def _kinds(graph: Graph) -> Iterator[str]:
    return (node.op.kind for node in graph.nodes.values() if node.op.family not in ("input", "routing"))
