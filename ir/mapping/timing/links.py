"""Messages on the links of the mesh: each goes along its row, then along its column, from router to router."""

from __future__ import annotations

import numpy as np

from ir.graph import Array
from ir.profile import Mesh


def routers_of(places: Array, mesh: Mesh) -> Array:
    """int64 (cores, 2), x and y of the router of every core, of `places` as in a CoreMap; chips stand in a row."""
    chip, x, y = places.T.astype(np.int64)
    columns = mesh.columns or int(x.max(initial=0)) + 1
    return np.stack([(chip * columns + x) // mesh.tile_columns, y // mesh.tile_rows], axis=1)


def busiest_link(start: tuple[Array, Array], end: tuple[Array, Array], messages: Array) -> float:
    """
    The messages on the busiest link; every direction has links of its own.

    Args:
        start, end: x and y of routers, int (flows,) each. messages: (flows,), how many go from one to the other.
    """
    rows = _busiest(start[1], start[0], end[0], messages)
    return max(rows, _busiest(end[0], start[1], end[1], messages))


def _busiest(line: Array, start: Array, end: Array, messages: Array) -> float:
    """The most messages between two neighbours on any of some parallel lines."""
    length, lines = 1 + int(max(start.max(initial=0), end.max(initial=0))), 1 + int(line.max(initial=0))
    most = 0.0
    for low, high, ahead in ((start, end, start < end), (end, start, end < start)):
        begin, stop = (line[ahead] * length + place[ahead] for place in (low, high))
        more, less = (np.bincount(place, messages[ahead], lines * length) for place in (begin, stop))
        most = max(most, float((more - less).reshape(lines, length).cumsum(axis=1).max()))
    return most
