"""
Whether a network fits: every limit of the profile that single nodes exceed, or cores of its map, population by population.

Cutting populations finer has done what it can; what is left is about single neurons. Chips are added as they are needed, and are
no limit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ir.analysis.limits import violations
from ir.errors import Violation
from ir.graph import Graph, Node
from ir.mapping.core_map import CoreMap
from ir.mapping.loads import LoadCounter, Loads, core_limits
from ir.profile import Profile

LARGER = "or a profile with larger cores"
RESOURCES: Mapping[str, tuple[str, str, str]] = {
    "neurons": ("map.neurons", "neurons", LARGER.removeprefix("or ")),
    "synapse_memory": (
        "map.synapse-memory",
        "bytes of synapses",
        f"fewer inputs, narrower weights (weight_bits), {LARGER}",
    ),
    "axons_in": (
        "map.axons-in",
        "input axons",
        "fewer inputs per neuron (pool before it, a narrower layer before it, fewer heads), another strategy (--lower), or a "
        "profile with graded spikes, by which partial sums on several cores are joined",
    ),
    "axons_out": ("map.axons-out", "output axons", f"a smaller layer behind it, another strategy (--lower), {LARGER}"),
    "cores_per_neuron": ("map.cores-per-neuron", "cores that one neuron reaches", f"fewer layers behind it, {LARGER}"),
    "neuron_groups": ("map.neuron-groups", "sets of neuron constants", LARGER.removeprefix("or ")),
    "delay_slots": ("map.delay-slots", "sums that wait in dendrites", f"shorter delays, {LARGER}"),
}
"""Resource of a core -> its rule, what is counted, and what would help where there is too little."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A map, and what it asks of its cores."""

    cores: CoreMap
    loads: Loads | None = None
    """What every core has to hold; None where there are no limits, or no neurons."""
    misfits: Sequence[Violation] = ()
    """Every limit that is exceeded: those of single nodes, and of cores by integers, with the worst core of every population."""


def fit(graph: Graph, profile: Profile, cores: CoreMap) -> Fit:
    """How a map of a network fits the cores of a profile."""
    limits, beyond = core_limits(profile), violations(graph, profile)
    if not limits or not cores.core_of:
        return Fit(cores, misfits=beyond)
    counter = LoadCounter(graph, profile)
    loads = counter.of(cores.core_of)
    return Fit(cores, loads, [*beyond, *(_misfits(counter, loads, limits, cores) if graph.is_integer else ())])


def _misfits(counter: LoadCounter, loads: Loads, limits: Mapping[str, int], cores: CoreMap) -> list[Violation]:
    graph, found = counter.connections.graph, list[Violation]()
    for name, beyond in loads.over(limits).items():
        used = getattr(loads, name)
        for population, on in cores.core_of.items():
            core = max(np.unique(on).tolist(), key=lambda each: int(used[each]))
            if beyond[core]:
                alone = counter.alone(population).get(name, 0)
                number = alone if alone > limits[name] else int(used[core])
                found.append(_violation(graph.nodes[population], name, number, limits[name]))
    return found


def _violation(node: Node, resource: str, number: int, limit: int) -> Violation:
    rule, unit, hint = RESOURCES[resource]
    what = f"%{node.name} needs {number:,} {unit} on one core, {number / limit:.3g} times the limit {limit:,}"
    where = str(node.provenance)
    return Violation(
        rule=rule, what=what, where=where, hint=hint, node=node.name, number=number, limit=limit, unit=unit
    )
