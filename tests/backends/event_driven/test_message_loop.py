"""The compiled loop, against the same as it is written."""

from __future__ import annotations

import numpy as np
import pytest

from ir.mapping.timing.message_queues import follow
from tests.ir.mapping.timing.test_message_queues import random_step


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_compiled_it_is_the_same(seed: int):
    loop = pytest.importorskip("backends.event_driven.message_loop", reason="needs numba")
    given, room = random_step(seed)
    np.testing.assert_array_equal(np.array(loop.compiled(*given, room)), np.array(follow(*given, room)))
