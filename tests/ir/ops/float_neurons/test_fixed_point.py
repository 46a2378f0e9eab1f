"""Currents and membranes are cut to a grid toward zero: the integers of Loihi, to the last spike."""

from __future__ import annotations

import numpy as np
import pytest

from ir.errors import CompileError
from ir.ops import FixedPointLif
from ir.ops.integer_neuron import IntegerLif
from ir.types import parse_type


@pytest.mark.parametrize(("du", "dv"), [(0, 0), (1229, 819), (4096, 100), (77, 4096)])
def test_it_is_the_integer_neuron_in_units_of_the_grid(du: int, dv: int):
    x = np.random.default_rng(0).integers(-80, 120, (20, 3, 40))
    whole = IntegerLif(du=du - 1, dv=dv, vth=64, shift=6, decay_bits=12, state_bits=24)
    floats = FixedPointLif(decay=dv / 4096, current_decay=du / 4096, form="sum", comparator=">", grid=4096)
    spikes = floats.run((x / 64,), {}, 20)
    np.testing.assert_array_equal(spikes, whole.run((x,), {}, 20))
    assert 0.02 < spikes.mean() < 0.98


def test_currents_between_the_grid_are_cut_toward_zero():
    op = FixedPointLif(decay=0.0, current_decay=1.0, form="sum", grid=2, threshold=0.5, comparator=">=")
    assert op.run((np.array([0.9, -0.9, 0.4, 0.6]).reshape(4, 1, 1),), {}, 4).ravel().tolist() == [1, 0, 0, 0]


def test_what_counts_has_no_gain():
    with pytest.raises(CompileError, match="without gains"):
        FixedPointLif(decay=0.5, form="sum", gain=2.0).infer((parse_type("current[1]"),), {})
