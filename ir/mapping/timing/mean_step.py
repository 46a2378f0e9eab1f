"""How long a step takes in which every neuron fires as often as it does on average."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connections
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.step_time import barrier_time, readings, step_time
from ir.mapping.timing.ways import ways_of
from ir.mapping.timing.work import WorkCounter
from ir.profile import Profile


def mean_step(connections: Connections, cores: CoreMap, profile: Profile, rates: Mapping[str, Array]) -> float | None:
    """
    A step on a map, in ns; None where the profile states no times.

    Args:
        rates: population or input -> float (neurons,), spikes of every neuron per step of the chip.
    """
    ns = readings(profile)[0]
    if not any(ns.values()):
        return None
    ways = ways_of(connections, cores.core_of)
    spikes = np.zeros(ways.count)
    for name, way in ways.of.items():
        spikes += np.bincount(way, rates[name], ways.count)
    work = WorkCounter(ways, cores, profile.mesh).of(spikes)
    return step_time(work, ns, barrier_time(cores.places, profile.mesh, ns)).ns
