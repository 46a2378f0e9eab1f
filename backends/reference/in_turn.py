"""Samples on the processor: cut after cut."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from backends.reference.prepared import Prepared, Results, cuts
from backends.trace import Array

CUT_BYTES = 1 << 24
"""The largest value of a cut: a layer still finds in the last cache what the layer before it left there."""


class InTurn:
    """Runs a prepared network where the samples are."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared

    def __call__(self, samples: Mapping[str, Array]) -> Results:
        """See `prepared.Runner`."""
        prepared, graph, counter = self._prepared, self._prepared.plan.graph, self._prepared.counter()
        steps, batch = next(iter(samples.values())).shape[:2]
        outputs: dict[str, list[Array]] = {name: [] for name in graph.outputs}
        spikes: dict[str, list[Array]] = {name: [] for name in prepared.probes}
        for cut in cuts(prepared.plan, steps, batch, CUT_BYTES):
            fed = {
                name: torch.from_numpy(x[:, cut]).to(prepared.travels(name)).contiguous() for name, x in samples.items()
            }
            made, kept = prepared.compute(fed, counter)
            for name, value in made.items():
                outputs[name].append(_own(value, prepared.stored(graph.nodes[graph.outputs[name]])))
            for name, value in kept.items():
                spikes[name].append(_own(value, prepared.stored(graph.nodes[name])))
        return Results(_joined(outputs), _joined(spikes), counter)


def _own(value: torch.Tensor, kind: torch.dtype) -> Array:
    """A value in memory of its own."""
    return np.array(value.to(kind).numpy())


def _joined(parts: Mapping[str, list[Array]]) -> dict[str, Array]:
    return {name: own[0] if len(own) == 1 else np.concatenate(own, axis=1) for name, own in parts.items()}
