"""Inputs and outputs in the model's own order of batch and time, and in the compiler's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from frontend.recording.axis_order import TIME_FIRST, AxisOrder, swapped

BATCH_FIRST = AxisOrder(batch_first=True, batch_first_outputs=frozenset(("spikes",)))


@pytest.mark.parametrize("make", [np.zeros, torch.zeros])
def test_batch_and_time_change_places(make) -> None:
    assert tuple(swapped(make((2, 3, 4))).shape) == (3, 2, 4)
    inputs = {"x": make((2, 3, 4)), "image": make((2, 5))}
    shapes = {name: tuple(array.shape) for name, array in BATCH_FIRST.inputs(inputs, ["image"]).items()}
    assert shapes == {"x": (3, 2, 4), "image": (2, 5)}
    assert tuple(BATCH_FIRST.output("spikes", make((2, 3))).shape) == (3, 2)
    assert tuple(BATCH_FIRST.output("logits", make((2, 3))).shape) == (2, 3)


def test_time_first_changes_nothing() -> None:
    x = np.zeros((2, 3))
    assert TIME_FIRST.inputs({"x": x}, [])["x"] is TIME_FIRST.output("y", x) is x
