"""The busiest link, found by walking every message from router to router."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ir.mapping.timing.links import links_of, routers_of
from ir.profile import Mesh


@pytest.mark.parametrize("seed", range(4))
def test_messages_go_along_their_row_and_then_along_their_column(seed: int):
    random = np.random.default_rng(seed)
    start, end = random.integers(0, 5, (2, 2, 30))
    messages, passed = random.integers(0, 9, 30), Counter[tuple[int, ...]]()
    for (x, y), (to_x, to_y), count in zip(start.T.tolist(), end.T.tolist(), messages.tolist(), strict=True):
        while x != to_x:
            x, before = x + (1 if to_x > x else -1), x
            passed[before, y, x, y] += count
        while y != to_y:
            y, before = y + (1 if to_y > y else -1), y
            passed[x, before, x, y] += count
    links = links_of(tuple(start), tuple(end), messages)
    ends = np.concatenate([links.start, links.end], axis=1).tolist()
    assert dict(zip(map(tuple, ends), links.messages.tolist(), strict=True)) == {
        way: n for way, n in passed.items() if n
    }
    assert links.busiest == max(passed.values())


def test_messages_inside_a_router_pass_no_link():
    same = (np.array([2]), np.array([1]))
    links = links_of(same, same, np.array([7.0]))
    assert (len(links.messages), links.busiest) == (0, 0)


def test_cores_of_a_tile_share_a_router_and_chips_stand_in_a_row():
    places = np.array([[0, 0, 0], [0, 1, 1], [0, 2, 0], [1, 0, 3]])
    assert routers_of(places, Mesh(4, 4, 2, 2)).tolist() == [[0, 0], [0, 0], [1, 0], [2, 1]]
