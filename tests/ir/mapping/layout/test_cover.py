"""A cover by hand."""

from __future__ import annotations

import numpy as np

from ir.mapping.layout.cover import Cover
from ir.mapping.relation import Relation


def test_shares_add_up_to_what_is_held_once():
    cover = Cover(np.array([6, 5]), Relation.of(np.array([0, 0, 0, 1]), np.array([0, 1, 3, 3]), 2))
    assert cover.shares(4).tolist() == [2, 2, 0, 7]
    assert cover.held(np.array([0, 0, 1, 1]), 2).tolist() == [6, 11]
    assert cover.alone(4).tolist() == [6, 6, 0, 11]


def test_some_members_hold_what_they_have():
    cover = Cover(np.array([6, 5, 4]), Relation.of(np.array([0, 0, 0, 1, 2]), np.array([0, 1, 3, 3, 0]), 3))
    some = cover.among(np.array([-1, 1, -1, 0]))
    assert (some.sizes.tolist(), some.sets.starts.tolist(), some.sets.members.tolist()) == (
        [6, 5],
        [0, 2, 3],
        [0, 1, 0],
    )
