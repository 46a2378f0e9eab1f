"""The plainest map: neurons in the order of the graph, core after core, each filled to its last neuron."""

from __future__ import annotations

import numpy as np

from ir.analysis.fan_in import populations
from ir.graph import Graph
from ir.mapping.core_map import CoreMap


def fill_cores(chip: Graph, neurons_per_core: int | None) -> CoreMap:
    """All neurons on one chip that is as large as it needs, with that many on a core; no other limit is looked at."""
    sizes = {node.name: node.op.neurons(node.type) for node in populations(chip)}
    total = sum(sizes.values())
    cores = (np.arange(total) // (neurons_per_core or total)).astype(np.int32)
    bounds = np.cumsum([*sizes.values()])[:-1]
    used = int(cores[-1]) + 1
    places = np.stack([np.zeros(used, np.int32), np.arange(used, dtype=np.int32), np.zeros(used, np.int32)], axis=1)
    return CoreMap(dict(zip(sizes, np.split(cores, bounds), strict=True)), places)
