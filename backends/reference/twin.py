"""The reference as what other targets are compared with: sums of spikes are put together once more, in numbers that hold any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from backends.reference.engine import ReferenceEngine
from backends.trace import Array, Trace
from ir.analysis.fan_in import fan_in_cone
from ir.graph import Graph, Node
from ir.interpreter import interpret
from ir.ops import Input


class ReferenceTwin(ReferenceEngine):
    """The reference engine, but that outputs which sum spikes come from what populations emit, whatever a trace has room for."""

    def run(self, inputs: Mapping[str, Array], probes: tuple[str, ...] = ()) -> Trace:
        """See `backends.trace.Engine`."""
        sums = {name: value for name, value in self.chip.outputs.items() if _is_sum(self.chip.nodes[value])}
        sources = fan_in_cone(self.chip, tuple(sums.values()), back_edges=True).sources
        trace = super().run(inputs, tuple(dict.fromkeys((*probes, *sources))))
        emitted = {name: trace.emissions[name].astype(np.float64) for name in sources}
        found = interpret(_read_out(self.chip, sums), emitted) if sums else {}
        kept = {name: array for name, array in trace.emissions.items() if name in probes}
        return Trace.of(self.chip, {**trace.outputs, **found}, kept, trace.events)


def _is_sum(node: Node) -> bool:
    return node.type.domain.kind == "count" and not node.type.static


def _read_out(chip: Graph, outputs: Mapping[str, str]) -> Graph:
    """What makes some outputs of the emissions of populations, which are its inputs."""
    cone = fan_in_cone(chip, tuple(outputs.values()), back_edges=True)
    nodes = {node.name: node for node in cone.nodes}
    sources = [chip.nodes[name] for name in cone.sources]
    inputs = {node.name: replace(node, op=Input(str(node.type)), inputs=(), params=()) for node in sources}
    return replace(chip, nodes={**inputs, **nodes}, outputs=outputs)
