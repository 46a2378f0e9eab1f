"""
Intervals of numbers that lie on cores, each number once per core: counted as such, since one by one there are tens of millions.

Intervals are half open, beside one another in arrays of int64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ir.graph import Array


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals of numbers, each of a core."""

    cores: Array
    first: Array
    end: Array

    @staticmethod
    def of_numbers(cores: Array, numbers: Array) -> Intervals:
        """Every number alone."""
        return Intervals(cores, numbers, numbers + 1)

    @staticmethod
    def joined(parts: Sequence[Intervals]) -> Intervals:
        """The intervals of all parts, as they are."""
        none = np.zeros(0, np.int64)
        columns = zip(*((part.cores, part.first, part.end) for part in parts), strict=True)
        return Intervals(*map(np.concatenate, columns)) if parts else Intervals(none, none, none)

    @property
    def lengths(self) -> Array:
        """How many numbers are in each."""
        return self.end - self.first

    def where(self, chosen: Array) -> Intervals:
        """Those that are chosen."""
        return Intervals(self.cores[chosen], self.first[chosen], self.end[chosen])

    def each_once(self) -> Intervals:
        """The fewest intervals with the same numbers on the same cores, by core and in order; none overlap."""
        if not len(self.cores):
            return self
        width = int(self.end.max()) + 1
        line = self.cores * width
        first, end = line + self.first, line + self.end
        order = np.argsort(first, kind="stable")
        first, reached = first[order], np.maximum.accumulate(end[order])
        starts = np.flatnonzero(np.concatenate([[True], first[1:] > reached[:-1]]))
        first, end = first[starts], reached[np.append(starts[1:], len(reached)) - 1]
        return Intervals(first // width, first % width, end - first // width * width)

    def renamed(self, names: Names) -> Intervals:
        """The same numbers by other names; those without one are left out."""
        piece = np.searchsorted(names.starts, self.first, side="right") - 1
        pieces = np.searchsorted(names.starts, self.end) - piece
        ends = np.cumsum(pieces)
        piece = np.repeat(piece, pieces) + np.arange(int(pieces.sum())) - np.repeat(ends - pieces, pieces)
        first = np.maximum(np.repeat(self.first, pieces), names.starts[piece])
        end = np.minimum(np.repeat(self.end, pieces), names.ends[piece])
        shift = names.names[piece] - names.starts[piece]
        return Intervals(np.repeat(self.cores, pieces), first + shift, end + shift).where(names.names[piece] > 0)

    def count_by_number(self, count: int) -> Array:
        """int64 (count,): on how many cores each number is, of intervals that do not overlap."""
        changes = np.bincount(self.first, minlength=count + 1) - np.bincount(self.end, minlength=count + 1)
        return np.cumsum(changes)[:count]


class Names:
    """The names of numbers from 0, positive, or 0 where a number has none: as pieces in which both go up one by one."""

    def __init__(self, names: Array) -> None:
        breaks = np.flatnonzero(np.diff(names) != (names[:-1] > 0)) + 1
        self.starts = np.concatenate([[0], breaks]).astype(np.int64)
        self.ends = np.append(self.starts[1:], len(names))
        self.names = names[self.starts].astype(np.int64)
