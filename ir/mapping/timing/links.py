"""Messages on the links of the mesh: each goes along its row, then along its column, from router to router."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ir.graph import Array
from ir.profile import Mesh

ROUNDING = 1e-9
"""Messages less than which a link has none: sums of floats."""


def routers_of(places: Array, mesh: Mesh) -> Array:
    """int64 (cores, 2), x and y of the router of every core, of `places` as in a CoreMap; chips stand in a row."""
    chip, x, y = places.T.astype(np.int64)
    columns = mesh.columns or int(x.max(initial=0)) + 1
    return np.stack([(chip * columns + x) // mesh.tile_columns, y // mesh.tile_rows], axis=1)


@dataclass(frozen=True, eq=False)
class Links:
    """Links from a router to a neighbour, those that pass on messages; every direction has links of its own."""

    start: Array
    """int64 (links, 2), x and y of the router that sends."""
    end: Array
    """int64 (links, 2), those of its neighbour."""
    messages: Array
    """float64 (links,)."""

    @property
    def busiest(self) -> float:
        """The messages on the busiest link; 0 without links."""
        return float(self.messages.max(initial=0))

    @property
    def along_rows(self) -> float:
        """Hops of all messages along rows: a message makes one for every link that it takes."""
        return float(self.messages[self.start[:, 1] == self.end[:, 1]].sum())

    @property
    def along_columns(self) -> float:
        """The same along columns."""
        return float(self.messages[self.start[:, 0] == self.end[:, 0]].sum())


def links_of(start: tuple[Array, Array], end: tuple[Array, Array], messages: Array) -> Links:
    """
    The links that messages take.

    Args:
        start, end: x and y of routers, int (flows,) each. messages: (flows,), how many go from one to the other.
    """
    found = list[Links]()
    for axis, line, first, last in ((0, start[1], start[0], end[0]), (1, end[0], start[1], end[1])):
        for step, ahead in ((1, first < last), (-1, last < first)):
            found.append(_along(axis, step, line[ahead], first[ahead], last[ahead], messages[ahead]))
    return Links(*(np.concatenate([getattr(each, name) for each in found]) for name in ("start", "end", "messages")))


def _along(axis: int, step: int, line: Array, first: Array, last: Array, messages: Array) -> Links:
    """The links along one axis, 0 for x, in one direction; `line` is the place on the other axis."""
    length, lines = 1 + int(max(first.max(initial=0), last.max(initial=0))), 1 + int(line.max(initial=0))
    low, high = (first, last) if step > 0 else (last, first)
    more, less = (np.bincount(line * length + place, messages, lines * length) for place in (low, high))
    load = (more - less).reshape(lines, length).cumsum(axis=1)  # between a place and the next one
    across, place = np.nonzero(load > ROUNDING)
    ends = [np.stack([place + k, across] if axis == 0 else [across, place + k], axis=1) for k in (0, 1)]
    start, end = ends if step > 0 else ends[::-1]
    return Links(start, end, load[across, place])
