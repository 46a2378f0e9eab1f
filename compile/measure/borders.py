"""What lies between the phases of a network: what crosses from chip to host and back, and what the host makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from backends.trace import Events
from compile.energy.crossing import CrossingCost, crossing_cost
from compile.stages.phase import Phase, crossings, first_steps
from compile.stages.program import Program
from ir.graph import Graph


@dataclass(frozen=True)
class Border:
    """Where one phase ends and the next begins."""

    after: int
    """The number of the phase that ends, from 1."""
    read: CrossingCost
    """What the host reads from the chip."""
    fed: CrossingCost
    """What it hands to the next phase."""
    operations: tuple[str, ...]
    """What it computes in between, by kind."""
    begins: int
    """The step in which the next phase begins, counted from the first step of the first: then the host has all of the window."""

    @property
    def crossing(self) -> CrossingCost:
        """What crosses in both directions."""
        return self.read + self.fed

    def text(self) -> str:
        """The border in a few words."""
        computes = ", ".join(self.operations) or "nothing"
        reads = f"after phase {self.after} the host reads {self.read.text()}"
        return f"{reads}, computes {computes}, and hands over {self.fed.text()} from step {self.begins} on"

    def plain(self) -> dict[str, Any]:
        """As JSON content, whole events per sample."""
        return {
            "after": self.after,
            "read": round(self.read.events),
            "read_bits": round(self.read.bits),
            "fed": round(self.fed.events),
            "fed_bits": round(self.fed.bits),
            "energy_pj": self.crossing.plain()["energy_pj"],
            "operations": [*self.operations],
            "begins": self.begins,
        }


def borders(program: Program, events: Events) -> tuple[Border, ...]:
    """All borders between phases; `events` are those of a run of all of them."""
    crossed, starts = crossings(program.phases, events), first_steps(program.phases)

    def cost(number: int, to: str) -> CrossingCost:
        own = [each for each in crossed if (each.phase, each.to) == (number, to)]
        return crossing_cost(own, events.samples, program.profile)

    return tuple(
        Border(number, cost(number, "host"), cost(number + 1, "chip"), _operations(first, second), starts[number])
        for number, (first, second) in enumerate(pairwise(program.phases), 1)
    )


def _operations(first: Phase, second: Phase) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*_kinds(first.deployment.epilogue), *_kinds(second.deployment.prologue)]))


def _kinds(graph: Graph) -> Iterator[str]:
    return (node.op.kind for node in graph.nodes.values() if node.op.family not in ("input", "routing"))
