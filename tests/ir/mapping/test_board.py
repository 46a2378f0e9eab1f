"""Places and distances of small boards, by hand."""

from __future__ import annotations

import numpy as np

import hw_profiles
from ir.mapping.board import Board


def test_neighbours_in_order_are_neighbours():
    board = Board(3, 2, chips=2)
    assert board.places[:6].tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0], [0, 2, 1], [0, 1, 1], [0, 0, 1]]
    assert len({tuple(place) for place in board.places.tolist()}) == 12
    distances = board.distances(board.places)
    assert [distances[k, k + 1] for k in range(5)] == [1] * 5
    assert distances[5, 6] == 3 + 1


def test_hops_are_between_routers_and_dearer_between_chips():
    board = Board(4, 4, chips=2, tile_columns=2, tile_rows=2, hop_x=3, hop_y=4, crossing=100)
    places = np.array([[0, 0, 0], [0, 1, 1], [0, 2, 1], [0, 3, 3], [1, 0, 0]])
    assert board.distances(places)[0].tolist() == [0, 0, 3, 7, 106]
    assert np.array_equal(board.distances(places), board.distances(places).T)


def test_the_boards_of_profiles():
    assert Board.of(hw_profiles.load("loihi1"), 129) == Board(16, 8, 2, 2, 2, 3.0, 4.0, room=128)
    speck = Board.of(hw_profiles.load("speck"), 9)
    assert (speck.columns, speck.rows, len(speck.places)) == (3, 3, 9)
    full = Board.of(hw_profiles.load("spinnaker2"), 153)
    assert np.bincount(full.places[:, 0]).tolist() == [152, 152]
    assert len(Board.of(hw_profiles.load("ideal"), 5).places) == 5
