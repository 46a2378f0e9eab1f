"""Relations against Python's sets."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ir.mapping.relation import Relation

SETS = st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=7)


def relation(sets: list[set[int]]) -> Relation:
    pairs = [(k, member) for k, members in enumerate(sets) for member in sorted(members, reverse=True)] * 2
    columns = np.array(pairs, np.int64).reshape(-1, 2)
    return Relation.of(columns[:, 0], columns[:, 1], len(sets))


def sets_of(made: Relation) -> list[set[int]]:
    found = [made.of_set(k).tolist() for k in range(made.count)]
    assert all(members == sorted(set(members)) for members in found)
    return [set(members) for members in found]


@given(SETS)
def test_sets_are_what_they_are_made_of(sets: list[set[int]]):
    made = relation(sets)
    assert sets_of(made) == sets
    assert made.lengths.tolist() == [len(members) for members in sets]
    assert sets_of(made.take(np.array([0, 0]))) == [sets[0], sets[0]]
    assert sets_of(made.inverse(6)) == [{k for k, members in enumerate(sets) if i in members} for i in range(6)]
    assert sets_of(made.renamed(np.array([1, 1, 0, 2, 2, 3]))) == [
        {(1, 1, 0, 2, 2, 3)[i] for i in each} for each in sets
    ]
    assert sets_of(made.among(np.array([-1, 1, 0, -1, 2, 3]))) == [
        {(-1, 1, 0, -1, 2, 3)[i] for i in each} - {-1} for each in sets
    ]
    assert sets_of(Relation.stacked([made, Relation.one_each(2)])) == [*sets, {0}, {1}]


@given(SETS, st.lists(st.sets(st.integers(0, 9)), min_size=6, max_size=6))
def test_composition_joins_the_sets_of_members(sets: list[set[int]], others: list[set[int]]):
    assert sets_of(relation(sets).then(relation(others))) == [set().union(*(others[i] for i in each)) for each in sets]


@given(SETS, st.data())
def test_kinds_are_equal_where_labels_and_sets_are(sets: list[set[int]], data: st.DataObject):
    labels = [data.draw(st.integers(-1, 1)) for _ in sets]
    kinds = relation(sets).kinds(np.array(labels))
    same = [[(a, b) == (c, d) for c, d in zip(labels, sets, strict=True)] for a, b in zip(labels, sets, strict=True)]
    assert np.equal.outer(kinds, kinds).tolist() == same
