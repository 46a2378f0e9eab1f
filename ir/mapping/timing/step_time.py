"""
How long a step takes on a map, by the times of the profile.

A step ends when the last core and the last link are done and all have met at the barrier: it takes maxima, never sums over cores.
In a core two halves work side by side. One updates every neuron, whatever happens, and sends what fires; the other takes in what
arrives, message by message, synapse by synapse. The longer half counts, with its waits where these are known (`message_queues`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import log2

import numpy as np

from ir.graph import Array
from ir.mapping.timing.links import routers_of
from ir.mapping.timing.work import StepWork
from ir.profile import EventTimes, Mesh, Profile

SENDING = {"neuron_update": "neurons", "spike": "neurons", "axon_out": "messages"}
RECEIVING = {"axon_in": "messages", "synaptic_event": "synapses"}
"""The halves of a core: event -> what a step is said to wait for where that takes longest."""
QUEUES, LINKS, BARRIER = "queues", "links", "barrier"
"""What else a step can wait for; queues are messages that others wait for."""
Ns = Mapping[str, float]
"""Field of `EventTimes` -> ns."""


@dataclass(frozen=True)
class StepTime:
    """One step."""

    ns: float
    core: int
    """The core that takes longest."""
    waits_for: str
    """What takes most of the step: neurons, messages, synapses, queues, links, barrier."""


def step_time(work: StepWork, ns: Ns, barrier: float, ends: Array | None = None) -> StepTime:
    """
    One step.

    Args:
        ns: what every event takes.
        barrier: what meeting takes, see `barrier_time`.
        ends: float (2, cores), when the halves of every core are done; None: as soon as they can be.
    """
    parts = [{event: getattr(work, event) * ns[event] for event in half} for half in (SENDING, RECEIVING)]
    busy = np.stack([sum(half.values()) for half in parts])
    ends = busy if ends is None else ends
    half, core = np.unravel_index(ends.argmax(), ends.shape)
    longest, links = float(ends[half, core]), work.links.busiest * ns["link"]
    waits = {BARRIER: barrier, LINKS: 0.0, QUEUES: longest - float(busy[half, core])}
    if links > longest:
        waits = {BARRIER: barrier, LINKS: links}
    for event, name in {**SENDING, **RECEIVING}.items() if links <= longest else ():
        if event in parts[half]:
            waits[name] = waits.get(name, 0.0) + float(parts[half][event][core])
    return StepTime(max(longest, links) + barrier, int(core), max(waits, key=lambda name: waits[name]))


def barrier_time(places: Array, mesh: Mesh, ns: Ns) -> float:
    """What it takes until all cores at `places` have met: with the logarithm of the routers of a chip, as in a tree."""
    routers, chips = routers_of(places, mesh), places[:, 0]
    used = max(len(np.unique(routers[chips == chip], axis=0)) for chip in np.unique(chips))
    every = -(-(mesh.columns or 0) // mesh.tile_columns) * -(-(mesh.rows or 0) // mesh.tile_rows)
    share = log2(used) / log2(every) if every > 1 else 1.0
    return ns["barrier_one"] + (ns["barrier_all"] - ns["barrier_one"]) * share


def readings(profile: Profile) -> tuple[Ns, Ns, Ns]:
    """The times as they are stated, at the least and at the most that they may be; what nobody states takes nothing."""
    stated = {key: (own.value, *own.bounds) for key, own in profile.tables.get("timing", {}).items()}

    def read(which: int) -> dict[str, float]:
        return {item.name: float(stated.get(item.name, (0, 0, 0))[which]) for item in fields(EventTimes)}

    return read(0), read(1), read(2)
