"""How long steps take on average, of which it is known who fires, or how often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ir.graph import Array
from ir.mapping.connections import Connections
from ir.mapping.core_map import CoreMap
from ir.mapping.timing.message_queues import Loop, ends_of
from ir.mapping.timing.step_messages import MessageLister
from ir.mapping.timing.step_time import barrier_time, readings, step_time
from ir.mapping.timing.ways import Ways, ways_of
from ir.mapping.timing.work import WorkCounter
from ir.profile import Profile

Moment = Mapping[str, Array]
"""Population or input -> float (neurons,), spikes of every neuron in a step of the chip, or in many of them on average."""


def mean_step(
    connections: Connections,
    cores: CoreMap,
    profile: Profile,
    moments: Sequence[Moment],
    loop: Loop | None = None,
) -> float | None:
    """
    A step on a map, in ns; None where the profile states no times.

    Args:
        loop: follows messages, which wait for each other, of moments in which neurons fire or do not; None: none waits.
    """
    ns, room = readings(profile)[0], profile.mesh.link_buffer
    if not any(ns.values()):
        return None
    ways = ways_of(connections, cores.core_of)
    counter, barrier = WorkCounter(ways, cores, profile.mesh), barrier_time(cores.places, profile.mesh, ns)
    works = (counter.of(way_spikes(ways, moment)) for moment in moments)
    if loop is None or room is None:
        return float(np.mean([step_time(work, ns, barrier).ns for work in works]))
    lister = MessageLister(ways, cores, profile.mesh)
    fired = (lister.of({name: np.flatnonzero(moment[name]) for name in ways.of}) for moment in moments)
    ends = (ends_of(messages, lister.routes, ns, room, loop) for messages in fired)
    return float(np.mean([step_time(work, ns, barrier, each).ns for work, each in zip(works, ends, strict=True)]))


def way_spikes(ways: Ways, moment: Moment) -> Array:
    """float (ways,), the spikes of every way."""
    spikes = np.zeros(ways.count)
    for name, way in ways.of.items():
        spikes += np.bincount(way, moment[name], ways.count)
    return spikes
