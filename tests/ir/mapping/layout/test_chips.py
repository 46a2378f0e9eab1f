"""Cores on chips: as many as there is room for, groups that talk to each other together, and neighbours side by side."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from ir.mapping.board import Board
from ir.mapping.layout.chips import chips_of
from ir.mapping.layout.partition import is_available
from ir.mapping.nets import Nets
from ir.mapping.relation import Relation

GROUPS, MEMBERS = 4, 4
CORES = GROUPS * MEMBERS


def talking() -> tuple[Nets, np.ndarray]:
    """Cores in groups, all of a group to each other, and the first of each to that of the next group; and their groups."""
    group = np.random.default_rng(0).permutation(np.arange(CORES) % GROUPS)
    members = [np.flatnonzero(group == k) for k in range(GROUPS)]
    inside = [(a, b, 1.0) for own in members for a in own for b in own if a != b]
    along = [(own[0], other[0], 0.25) for own, other in pairwise(members)]
    source, reader, spikes = (np.array(column) for column in zip(*inside, *along, strict=True))
    return Nets(source, np.ones(len(source)), spikes, Relation(np.arange(len(source) + 1), reader)), group


@pytest.mark.skipif(not is_available(), reason="mtkahypar is not installed")
def test_groups_are_on_a_chip_and_the_chips_in_order():
    nets, group = talking()
    chip = chips_of(nets, CORES, Board(2, 2, chips=GROUPS))
    assert np.bincount(chip).tolist() == [MEMBERS] * GROUPS
    order = [int(chip[np.flatnonzero(group == k)[0]]) for k in range(GROUPS)]
    assert all(len(set(chip[group == k])) == 1 for k in range(GROUPS))
    assert order in (list(range(GROUPS)), list(range(GROUPS))[::-1])
    assert chip.tolist() == chips_of(nets, CORES, Board(2, 2, chips=GROUPS)).tolist()


def test_what_fits_a_chip_is_on_one():
    nets, _ = talking()
    assert chips_of(nets, CORES, Board(4, 4, chips=3)).tolist() == [0] * CORES
