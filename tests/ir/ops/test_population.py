"""Neurons with state: a run in pieces is the run in one, whatever the neuron, and where its bias goes."""

from __future__ import annotations

import numpy as np
import pytest

from ir.ops import IntegerLeaky, IntegerLif, Leaky, Lif
from ir.ops.population import Stepwise

CHIP = {"du": 1000, "dv": 300, "shift": 6, "decay_bits": 12, "state_bits": 24}
NEURONS = {
    "lif": Lif(decay=0.5, current_decay=0.25, reset_at="next", threshold=2.0),
    "leaky": Leaky(decay=0.5, v0=1.5),
    "integer_lif": IntegerLif(**CHIP, vth=3, u0=70, v0=-9, reset_at="next"),
    "integer_leaky": IntegerLeaky(**CHIP, bits=12, right=4),
}


@pytest.mark.parametrize("kind", NEURONS)
def test_a_run_in_pieces_is_the_run_in_one(kind: str):
    op = NEURONS[kind]
    assert isinstance(op, Stepwise)
    rng = np.random.default_rng(2)
    a, b = (rng.integers(-3, 8, (7, 2, 5)).astype(float if "integer" not in kind else np.int64) for _ in range(2))
    params = {"bias": np.arange(5), "v0": np.arange(5) % 3}
    whole, state, pieces = op.run((a, b), params, 7), None, []
    for start, stop in ((0, 1), (1, 5), (5, 7)):
        made, state = op.resume((a[start:stop], b[start:stop]), params, stop - start, state)
        pieces.append(made)
    assert np.array_equal(np.concatenate(pieces), whole)
    assert len(np.unique(whole)) > 1


def test_the_bias_is_a_current_of_a_membrane_and_a_part_of_v_on_chip():
    x = np.arange(12).reshape(3, 1, 4)
    bias = np.array([1, 2, -3, 4])
    leaky, current = Leaky(decay=0.5, gain=3.0), np.broadcast_to(bias, x.shape)
    assert np.array_equal(leaky.run((x,), {"bias": bias}, 3), leaky.run((x, current), {}, 3))
    chip = IntegerLeaky(du=4095, dv=4096, shift=6, decay_bits=12, state_bits=24, bits=20)
    assert np.array_equal(chip.run((x,), {"bias": bias}, 3), (x << 6) + bias)
