"""
Whether a network fits: every limit of a core that its map exceeds, population by population.

Cutting populations finer has done what it can; what is left is about single neurons. Chips are added as they are needed, and are
no limit.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.errors import Violation
from ir.graph import Graph, Node
from ir.mapping.core_map import CoreMap
from ir.mapping.loads import LoadCounter, core_limits
from ir.profile import Profile

RESOURCES: Mapping[str, tuple[str, str]] = {
    "neurons": ("neurons", "choose a profile with larger cores"),
    "synapse_memory": (
        "bytes of synapses",
        "fewer inputs or fewer weight bits (a profile with a smaller weight_bits), or a profile with larger cores",
    ),
    "axons_in": (
        "input axons",
        "fewer inputs per neuron (pool before it, a narrower layer before it, fewer heads), another strategy (--lower), or a "
        "profile with graded spikes, where partial sums on several cores are joined",
    ),
    "axons_out": (
        "output axons",
        "a narrower or smaller layer behind it, another strategy (--lower), or a profile with larger cores",
    ),
    "cores_per_neuron": (
        "cores that one neuron reaches",
        "fewer or smaller layers behind it, or a profile with larger cores",
    ),
    "neuron_groups": ("sets of neuron constants", "choose a profile with more of them"),
    "delay_slots": ("waiting sums in dendrites", "shorter delays, or a profile with more of them"),
}
"""Resource of a core -> what is counted, and what would help where there is too little."""


def misfits(graph: Graph, profile: Profile, cores: CoreMap) -> list[Violation]:
    """Every limit of a core that a map exceeds, resource by resource, with its worst core of every population."""
    limits = core_limits(profile)
    loads = LoadCounter(graph, profile).of(cores.core_of) if limits and cores.core_of else None
    if loads is None:
        return []
    found = list[Violation]()
    for name, beyond in loads.over(limits).items():
        used = getattr(loads, name)
        for population, on in cores.core_of.items():
            core = max(np.unique(on).tolist(), key=lambda each: int(used[each]))
            if beyond[core]:
                found.append(_violation(graph.nodes[population], name, int(used[core]), limits[name]))
    return found


def _violation(node: Node, resource: str, number: int, limit: int) -> Violation:
    counted, hint = RESOURCES[resource]
    what = f"%{node.name} needs {number:,} {counted} on one core, {number / limit:.3g} times the limit {limit:,}"
    return Violation(
        rule=f"map.{resource.replace('_', '-')}",
        what=what,
        where=str(node.provenance),
        hint=hint,
        node=node.name,
        number=number,
        limit=limit,
    )
