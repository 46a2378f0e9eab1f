"""What the cores and links of a map do in a step, of which it is known who fires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.mapping.core_map import CoreMap
from ir.mapping.nets import OUTSIDE
from ir.mapping.timing.links import Links, links_of, routers_of
from ir.mapping.timing.ways import Ways
from ir.profile import Mesh


@dataclass(frozen=True, eq=False)
class StepWork:
    """Events of one step, named like their times in a profile; arrays (cores,)."""

    neuron_update: Array
    """All neurons, whether they fire or not."""
    spike: Array
    axon_out: Array
    """Messages that leave a core, those to itself included."""
    axon_in: Array
    """Messages that arrive on a core, from outside too."""
    synaptic_event: Array
    links: Links


class WorkCounter:
    """Counts the work of steps on one map."""

    def __init__(self, ways: Ways, cores: CoreMap, mesh: Mesh) -> None:
        self.cores, self._ways = cores, ways
        self._neurons = np.sum([np.bincount(on, minlength=cores.cores) for on in cores.core_of.values()], axis=0)
        self._way, self._target, self._source = ways.messages.sets, ways.messages.members, ways.source
        self._inside = ways.source != OUTSIDE
        self._sent = self._inside[self._way]
        ends = np.stack([self._source[self._way[self._sent]], self._target[self._sent]], axis=1)
        routes = routers_of(cores.places, mesh)[ends].reshape(-1, 4)
        self._routes, self._route = np.unique(routes, axis=0, return_inverse=True)

    def of(self, spikes: Array) -> StepWork:
        """The work of a step in which so many neurons of every way fire, float (ways,)."""
        count, messages = self.cores.cores, spikes[self._way]
        sent = messages[self._sent]
        x, y, to_x, to_y = self._routes.T
        return StepWork(
            self._neurons,
            np.bincount(self._source[self._inside], spikes[self._inside], count),
            np.bincount(self._source[self._way[self._sent]], sent, count),
            np.bincount(self._target, messages, count),
            np.bincount(self._target, messages * self._ways.synapses, count),
            links_of((x, y), (to_x, to_y), np.bincount(self._route.ravel(), sent, len(self._routes))),
        )
