"""The routes of messages: along a row, then along a column, from router to router, through a buffer at each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.graph import Array


@dataclass(frozen=True, eq=False)
class Routes:
    """Routes by number. Who sends has a buffer of its own at its router; messages that pass on share one for each direction."""

    starts: Array
    """int64 (routes + 1,): route k goes through `buffers[starts[k] : starts[k + 1]]`."""
    buffers: Array
    """int64, numbered from 0, in the order in which a message passes them."""
    hops: Array
    """int64 (routes, 2): along rows, along columns."""


def routes_of(sender: Array, start: Array, end: Array) -> Routes:
    """
    The routes of messages.

    Args:
        sender: int (routes,), who sends. start, end: int (routes, 2), x and y of routers.
    """
    hops, lengths = np.abs(end - start), lengths_of(start, end)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    route = np.repeat(np.arange(len(sender)), lengths)
    made: Array = np.arange(len(route)) - starts[route]  # hops made so far
    along_row = np.minimum(made, hops[route, 0])
    along = np.stack([along_row, made - along_row], axis=1)
    heading = np.sign(end - start)[route]
    x, y = (start[route] + heading * along).T
    turned = along[:, 1] > 0
    direction = 2 * turned + (heading[np.arange(len(route)), turned.astype(int)] > 0)
    rows, columns, senders = (1 + int(each.max(initial=0)) for each in (y, x, sender))
    place = np.where(made > 0, senders + (direction * columns + x) * rows + y, sender[route])
    return Routes(starts, np.unique(place, return_inverse=True)[1], hops)


def lengths_of(start: Array, end: Array) -> Array:
    """int64 (routes,), how many buffers a message passes on each; as in `routes_of`."""
    return 1 + np.abs(end - start).sum(axis=1)
