"""Populations that never fire, or fire at every step: either says nothing about the inputs, and looks like a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compile.measure.layers import LayerSummary
from compile.measure.spike_match import SpikeMatch
from ir.errors import first_names
from ir.graph import Graph
from ir.types import SPIKE

SHOWN = 4
"""Names of a kind that are all of them said."""


def firing_warnings(
    chip: Graph, layers: Sequence[LayerSummary], matches: Mapping[str, SpikeMatch], samples: int
) -> tuple[str, ...]:
    """
    A sentence for each kind that there is.

    Args:
        matches: population -> what the integers kept of its spikes. samples: of the run.
    """
    found: dict[str, list[str]] = {}
    for layer in layers:
        kind = _kind(layer, matches.get(layer.name), chip.nodes[layer.name].type.domain == SPIKE)
        if kind:
            found.setdefault(kind, []).append(layer.module or layer.name)
    return tuple(f"{kind} on {samples} samples: {first_names(names, SHOWN)}" for kind, names in found.items())


def _kind(layer: LayerSummary, match: SpikeMatch | None, spikes: bool) -> str:
    """What is to be said of a population; "" where nothing is."""
    if layer.rate == 0:
        return "silenced by rounding, the floats fire," if match and match.lost else "never fires"
    if layer.rate == 1 and spikes:
        return "fires at every step by rounding, the floats do not," if match and match.added else "fires at every step"
    return ""
