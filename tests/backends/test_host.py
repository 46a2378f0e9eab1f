"""A network that leaves nothing to the chip runs nothing there."""

from __future__ import annotations

import numpy as np

from backends.host import HostEngine
from backends.trace import Events, Trace


def test_it_runs_nothing_and_says_so():
    engine = HostEngine()
    assert engine.run({"x": np.ones((3, 2, 4))}, ("x",)) == Trace({}, {}, Events(0, 0))
    assert engine.describe() == "nothing on the chip"
