"""Which members every set has, as flat arrays: what composes, inverts and compares such relations at once, not set by set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ir.graph import Array


@dataclass(frozen=True, eq=False)
class Relation:
    """Sets of members, both counted from 0; a member is in a set once, and in order."""

    starts: Array
    """int64 (sets + 1,): the members of set k are `members[starts[k] : starts[k + 1]]`."""
    members: Array
    """int64, ascending within a set."""

    @staticmethod
    def of(sets: Array, members: Array, count: int) -> Relation:
        """The relation of `count` sets that has these pairs, in any order, repeated or not."""
        width = int(members.max(initial=0)) + 1
        pairs = np.unique(sets.astype(np.int64) * width + members)
        return Relation(np.searchsorted(pairs, np.arange(count + 1) * width), pairs % width)

    @staticmethod
    def one_each(count: int) -> Relation:
        """Every member in a set of its own."""
        return Relation(np.arange(count + 1), np.arange(count))

    @staticmethod
    def stacked(relations: Sequence[Relation]) -> Relation:
        """The sets of all relations, one after another."""
        ends = np.cumsum(np.concatenate([each.lengths for each in relations]))
        return Relation(np.concatenate([[0], ends]), np.concatenate([each.members for each in relations]))

    @property
    def count(self) -> int:
        """How many sets there are."""
        return len(self.starts) - 1

    @property
    def lengths(self) -> Array:
        """How many members every set has."""
        return np.diff(self.starts)

    @property
    def sets(self) -> Array:
        """The set of every pair, beside `members`."""
        return np.repeat(np.arange(self.count), self.lengths)

    def of_set(self, number: int) -> Array:
        """The members of one set."""
        return self.members[self.starts[number] : self.starts[number + 1]]

    def take(self, sets: Array) -> Relation:
        """These sets, in this order."""
        lengths = self.lengths[sets]
        ends = np.cumsum(lengths)
        places: Array = np.arange(int(lengths.sum())) + np.repeat(self.starts[sets] - ends + lengths, lengths)
        return Relation(np.concatenate([[0], ends]), self.members[places])

    def then(self, other: Relation) -> Relation:
        """The sets of all that the members' own sets in `other` have."""
        reached = other.take(self.members)
        return Relation.of(np.repeat(self.sets, reached.lengths), reached.members, self.count)

    def renamed(self, names: Array) -> Relation:
        """The sets of the members' other names; several members may get the same one."""
        return Relation.of(self.sets, names[self.members], self.count)

    def among(self, place: Array) -> Relation:
        """The same sets without some members; `place`: the other name of every member, -1 where it is left out."""
        kept = place[self.members] >= 0
        return Relation.of(self.sets[kept], place[self.members][kept], self.count)

    def inverse(self, count: int) -> Relation:
        """Of each of `count` members, the sets that have it."""
        return Relation.of(self.members, self.sets, count)

    def kinds(self, labels: Array) -> Array:
        """Numbers for the sets, equal for two of them exactly if they have equal labels and equal members."""
        kinds = np.unique(labels, return_inverse=True)[1].astype(np.int64)
        width, lengths, known = int(self.members.max(initial=0)) + 1, self.lengths, len(kinds)
        rank, longer = 0, np.flatnonzero(lengths > 0)
        while len(longer):
            following = kinds[longer] * width + self.members[self.starts[longer] + rank]
            finer = np.unique(following, return_inverse=True)[1]
            kinds[longer], known = known + finer, known + len(longer)
            rank += 1
            longer = longer[lengths[longer] > rank]
        return np.unique(kinds, return_inverse=True)[1]
