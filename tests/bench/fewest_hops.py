"""
The layout of a small net that has the fewest hops of all: a mixed integer program, solved to the end (HiGHS, through SciPy).

x[s, c] says whether shard s is on core c. Spikes of shard u go from core a to core b if u is on a and one of their readers r on b; the
product x[u, a] x[r, b] is linear in Adams and Johnson's form (DIMACS Series 16, 1994): of a matrix for each u and r, rows add up to
x[u, :] and columns to x[r, :]. It grows fast: 32 shards on 4 cores take 12 s, 24 on 6 take 14.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from ir.graph import Array
from ir.mapping.board import Board
from ir.mapping.layout.shard_graph import ShardGraph


def fewest_hops(graph: ShardGraph, most: int, board: Board) -> tuple[Array, Array]:
    """
    (the core of every shard; the places of all cores), where a core has room for so many shards.

    Raises:
        ValueError: they do not fit.
    """
    distances, nets = board.distances(board.places), graph.nets
    cores, program = len(distances), _Program()
    on = program.variables(np.zeros((graph.shards, cores)))
    program.bound(on, np.ones(cores), 1, 1)
    program.bound(on.T, np.ones(graph.shards), 0, most)
    less_all = np.array([1, *-np.ones(cores)])
    for net, source in enumerate(nets.source.tolist()):
        goes = program.variables(nets.spikes[net] * distances)
        for reader in {*nets.readers.of_set(net).tolist()} - {source}:
            both = program.variables(np.zeros(distances.shape))
            program.bound(np.column_stack([on[source], both]), less_all, 0, 0)
            program.bound(np.column_stack([on[reader], both.T]), less_all, 0, 0)
            program.bound(np.column_stack([goes.ravel(), both.ravel()]), np.array([1, -1]), 0, 1)
    return program.least(on).argmax(axis=1), board.places


class _Program:
    """Variables in 0..1, what they cost, and bounds of their sums."""

    def __init__(self) -> None:
        self._costs, self._sums, self._factors = list[float](), list[Array](), list[Array]()
        self._low, self._high = list[float](), list[float]()

    def variables(self, costs: Array) -> Array:
        """New ones, by number, in the shape of their costs."""
        self._costs += costs.ravel().tolist()
        return np.arange(len(self._costs) - costs.size, len(self._costs)).reshape(costs.shape)

    def bound(self, sums: Array, factors: Array, low: float, high: float) -> None:
        """Every row of `sums`, numbers of variables, adds up to low..high, each of them times its factor."""
        self._sums += [*sums]
        self._factors += [factors] * len(sums)
        self._low += [low] * len(sums)
        self._high += [high] * len(sums)

    def least(self, whole: Array) -> Array:
        """The values of some variables, whole ones, where all cost least."""
        lengths = [len(each) for each in self._sums]
        pairs = np.repeat(np.arange(len(lengths)), lengths), np.concatenate(self._sums)
        sums = coo_array((np.concatenate(self._factors), pairs), shape=(len(lengths), len(self._costs)))
        integral = np.zeros(len(self._costs))
        integral[whole] = 1
        bounds = LinearConstraint(sums.tocsr(), np.array(self._low), np.array(self._high))
        exact = {"mip_rel_gap": 0.0}
        found = milp(
            np.array(self._costs), constraints=bounds, integrality=integral, bounds=Bounds(0, 1), options=exact
        )
        if found.x is None:
            raise ValueError(found.message)
        return found.x[whole]
