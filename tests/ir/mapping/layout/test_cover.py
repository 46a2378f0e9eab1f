"""A cover by hand."""

from __future__ import annotations

import numpy as np

from ir.mapping.layout.cover import Cover
from ir.mapping.relation import Relation


def test_shares_add_up_to_what_is_held_once():
    cover = Cover(np.array([6, 5]), Relation.of(np.array([0, 0, 0, 1]), np.array([0, 1, 3, 3]), 2))
    assert cover.shares(4).tolist() == [2, 2, 0, 7]
    assert cover.held(np.array([0, 0, 1, 1]), 2).tolist() == [6, 11]
    both = Cover.joined([cover, cover.scaled(2)])
    assert both.held(np.array([0, 0, 1, 1]), 2).tolist() == [18, 33]
