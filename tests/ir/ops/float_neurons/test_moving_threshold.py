"""The threshold jumps at a spike and comes back, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import MovingThresholdLif


def run(op: MovingThresholdLif, *currents: float) -> list[float]:
    """What one neuron emits."""
    return op.run((np.array(currents).reshape(-1, 1, 1),), {}, len(currents)).ravel().tolist()


def test_a_spike_raises_the_threshold_which_decays_to_its_rest():
    # b as it is compared: 1, then 1.5 = (2 + 1) / 2, 1.25, and after the second spike 1.625, 1.3125
    op = MovingThresholdLif(decay=1.0, form="sum", threshold=1.0, adapt_decay=0.5, adapt_jump=1.0)
    assert run(op, 1.0, 1.4, 1.25, 1.0, 1.3125) == [1, 0, 1, 0, 1]


def test_it_may_start_elsewhere_and_resets_may_take_it():
    # b: 2, 1.5, 1.25 + 1; a spike at 1.5 leaves nothing, or 0.5 where the reset takes the rest of 1
    moving = MovingThresholdLif(
        decay=0.0, form="sum", reset="subtract", adapt_decay=0.5, adapt_start=2.0, adapt_reset="moving"
    )
    assert run(moving, 0.0, 1.5, 1.25, 0.0) == [0, 1, 1, 0]
    late = MovingThresholdLif(
        decay=0.0, form="sum", reset="subtract", reset_at="next", adapt_decay=0.5, adapt_start=2.0, adapt_reset="moving"
    )
    assert run(late, 0.0, 1.5, 1.25, 1.125) == [0, 1, 1, 1]  # 1.5 less the 1.25 of the next step, and so on
    with pytest.raises(CompileError, match="only subtracting resets"):
        run_type(MovingThresholdLif(decay=1.0, adapt_reset="moving"))


def test_the_comparator_decides_on_ties():
    strict = MovingThresholdLif(decay=1.0, form="sum", comparator=">", adapt_jump=1.0)
    assert run(strict, 1.0, 1.5, 2.0, 2.5) == [0, 1, 0, 1]


def test_several_spikes_have_no_moving_threshold():
    with pytest.raises(CompileError, match="single spikes"):
        run_type(MovingThresholdLif(decay=1.0, max_spikes=2, reset="subtract"))


def run_type(op: MovingThresholdLif) -> object:
    from ir.types import parse_type

    return op.infer((parse_type("current[1]"),), {})


def test_it_makes_spikes():
    assert str(run_type(MovingThresholdLif(decay=1.0))) == "spike[1]"
