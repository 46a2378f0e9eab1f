"""Routes, walked from router to router."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.timing.routes import routes_of


@pytest.mark.parametrize("seed", range(4))
def test_messages_share_a_buffer_where_they_enter_a_router_from_the_same_side(seed: int):
    random = np.random.default_rng(seed)
    sender, (start, end) = random.integers(0, 9, 30), random.integers(0, 4, (2, 30, 2))
    start = start[sender]  # every sender is at one router
    routes, names = routes_of(sender, start, end), dict[tuple[object, ...], int]()
    for k, (who, (x, y), (to_x, to_y)) in enumerate(zip(sender.tolist(), start.tolist(), end.tolist(), strict=True)):
        passed: list[tuple[object, ...]] = [(who,)]
        while x != to_x:
            x += 1 if to_x > x else -1
            passed.append((x, y, "east" if end[k, 0] > start[k, 0] else "west"))
        while y != to_y:
            y += 1 if to_y > y else -1
            passed.append((x, y, "south" if end[k, 1] > start[k, 1] else "north"))
        buffers = routes.buffers[routes.starts[k] : routes.starts[k + 1]].tolist()
        assert buffers == [names.setdefault(place, number) for place, number in zip(passed, buffers, strict=True)]
        assert routes.hops[k].tolist() == np.abs(end[k] - start[k]).tolist()
    assert sorted(names.values()) == [*range(len(names))]
