"""Payloads that go round a loop: their scale is needed before the unit of the population that emits them is known."""

from __future__ import annotations

from fractions import Fraction
from math import floor, log2

from ir.analysis.wiring import Wiring
from ir.errors import CompileError
from ir.graph import Graph, Node
from ir.ops.neuron import Lif


def looped_payloads(chip: Graph, wiring: Wiring) -> tuple[str, ...]:
    """The payload populations that a population before them, or they themselves, read; spikes and counts have scale 1."""
    place = {name: index for index, name in enumerate(chip.nodes)}
    found = [
        source
        for name in place
        if name in wiring.feeds
        for projection in wiring.projections(name)
        for source in wiring.sources[projection]
        if place[source] >= place[name] and not isinstance(chip.nodes[source].op, Lif)
    ]
    return tuple(name for name in dict.fromkeys(found) if chip.nodes[name].type.domain.kind == "graded")


def part_of_scale(node: Node, scale: Fraction, unit: Fraction) -> Fraction:
    """The next coarser unit of which a scale that was fixed before is a multiple by a power of two."""
    parts = floor(log2(scale / unit))
    if parts < 0:
        what = "its payloads go round a loop and are too fine for its weights"
        raise CompileError(
            "quantize.loop", what, where=f"%{node.name}  {node.provenance}", hint="use --precision float"
        )
    return scale / (1 << parts)
