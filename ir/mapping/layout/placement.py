"""
Places cores on the mesh so that spikes make few hops: swaps of two places, the best one first, until none helps.

The way from a core to another one costs what the chip's own metric says, times the spikes that go there: the quadratic assignment
problem. Descents from several starts end near each other; the cheapest is taken.
"""

from __future__ import annotations

import numpy as np

from ir.errors import CompileError
from ir.graph import Array
from ir.mapping.board import Board

STARTS = 9


def place(flow: Array, board: Board, seed: int = 0, starts: int = STARTS) -> Array:
    """
    A place for every core, int32 (cores, 3) as in a CoreMap.

    Args:
        flow: (cores, cores), spikes per step from a core to another one.
        starts: descents, of which the cheapest is taken: from the order of the cores, then from random ones.

    Raises:
        CompileError: there are more cores than places.
    """
    places, cores = board.places, len(flow)
    if cores > len(places):
        raise CompileError("map.room", f"{cores} cores do not fit the {len(places)} places of {board.chips} chips")
    both = np.zeros((len(places), len(places)))
    both[:cores, :cores] = flow + flow.T
    distances, random = board.distances(places), np.random.default_rng(seed)
    orders = [np.arange(len(places)), *(random.permutation(len(places)) for _ in range(starts - 1))]
    descents = [_descend(both, distances, order) for order in orders]
    return places[min(descents, key=lambda order: _cost(both, distances, order))[:cores]]


def _cost(both: Array, distances: Array, order: Array) -> float:
    return float((both * distances[np.ix_(order, order)]).sum())


def _descend(both: Array, distances: Array, order: Array) -> Array:
    """The order (core -> place) from which no swap of two helps; both: the flow in both directions."""
    order = order.copy()
    ways = distances[np.ix_(order, order)]
    costs = both @ ways  # costs[i, j]: of core i at the place of core j
    least = -1e-9 * max(1.0, float(costs.trace()))
    while True:
        stay = costs.diagonal()
        gains = costs + costs.T - stay[:, None] - stay + 2 * both * ways
        first, second = np.unravel_index(np.argmin(gains), gains.shape)
        if gains[first, second] >= least:
            return order
        costs += np.outer(both[:, first] - both[:, second], ways[second] - ways[first])
        swapped = [second, first]
        costs[:, [first, second]] = costs[:, swapped]
        order[[first, second]] = order[swapped]
        ways[[first, second]] = ways[swapped]
        ways[:, [first, second]] = ways[:, swapped]
