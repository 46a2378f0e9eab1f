"""Placements against all placements of a few cores."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.mapping.board import Board
from ir.mapping.layout.placement import place

BOARDS = {
    "grid": Board(3, 2, hop_y=2),
    "chips": Board(2, 1, chips=3, crossing=5),
    "shared": Board(6, 1, tile_columns=2),
}


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("cores", [5, 6])
def test_few_cores_are_placed_best(name: str, cores: int):
    board = BOARDS[name]
    for seed in range(3):
        flow = np.random.default_rng(seed).integers(0, 20, (cores, cores)) * (1 - np.eye(cores))
        distances = board.distances(board.places)
        best = min((flow * distances[np.ix_(p, p)]).sum() for p in permutations(range(6), cores))
        places = place(flow, board, seed)
        assert (flow * board.distances(places)).sum() == best
        assert len({tuple(each) for each in places.tolist()}) == cores
        assert {tuple(each) for each in places.tolist()} <= {tuple(each) for each in board.places.tolist()}


def test_no_swap_of_a_placement_helps():
    board, flow = Board(4, 4, hop_y=1.5), np.random.default_rng(3).random((14, 14))
    np.fill_diagonal(flow, 0)
    places = place(flow, board, starts=1)
    assert np.array_equal(places, place(flow, board, starts=1))
    free = [each for each in board.places.tolist() if each not in places.tolist()]
    every = np.array([*places.tolist(), *free])
    least = (flow * board.distances(places)).sum()
    for i in range(14):
        for j in range(i + 1, 16):
            swapped = every.copy()
            swapped[[i, j]] = swapped[[j, i]]
            assert (flow * board.distances(swapped[:14])).sum() > least - 1e-6


def test_too_many_cores_are_refused():
    with pytest.raises(CompileError, match=r"map\.room"):
        place(np.zeros((7, 7)), Board(3, 2))
