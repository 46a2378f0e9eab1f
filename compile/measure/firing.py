"""Populations that never fire, or at every step, or no more: what says nothing about the inputs, and looks like a result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compile.measure.layers import LayerSummary
from compile.measure.spike_match import SpikeMatch
from ir.errors import first_names
from ir.graph import Graph
from ir.quantize.report import QuantizationReport
from ir.types import SPIKE

SHOWN = 4
"""Names of a kind that are all of them said."""


def firing_warnings(
    chip: Graph,
    layers: Sequence[LayerSummary],
    matches: Mapping[str, SpikeMatch],
    samples: int,
    quantization: QuantizationReport | None = None,
) -> tuple[str, ...]:
    """
    A sentence for each kind that there is.

    Args:
        matches: population -> what the integers kept of its spikes. samples: of the run.
        quantization: what is known of the integers' ranges.
    """
    rounded = quantization.layers if quantization is not None else ()
    wrapping = {layer.name for layer in rounded if layer.proven >= layer.room}
    found: dict[str, list[str]] = {}
    for layer in layers:
        match, spikes = matches.get(layer.name), chip.nodes[layer.name].type.domain == SPIKE
        kind = _kind(layer, match, spikes, layer.name in wrapping)
        if kind:
            found.setdefault(kind, []).append(layer.module or layer.name)
    return tuple(f"{kind} on {samples} samples: {first_names(names, SHOWN)}" for kind, names in found.items())


def _kind(layer: LayerSummary, match: SpikeMatch | None, spikes: bool, may_wrap: bool) -> str:
    """What is to be said of a population; "" where nothing is."""
    if match and may_wrap and match.lost > match.kept:
        return "loses most spikes, by rounding or by currents that wrap where inputs are larger than the calibration's,"
    if layer.rate == 0:
        return "silenced by rounding, the floats fire," if match and match.lost else "never fires"
    if layer.rate == 1 and spikes:
        return "fires at every step by rounding, the floats do not," if match and match.added else "fires at every step"
    return ""
