"""Weights in the format of Lava's synapses, without loss or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from backends.lava.emit.matrix import stored_matrix

FORMATS = [
    ([[0, 255], [7, 1]], "EXCITATORY", 0),
    ([[-255, 0], [-7, -1]], "INHIBITORY", 0),
    ([[-128, 127], [-7, 1]], "MIXED", -1),
    ([[-256, 254], [-7 * 2, 2]], "MIXED", 0),
    ([[0, 255 << 6], [3 << 6, 64]], "EXCITATORY", 6),
    ([[-(128 << 9), 127 << 9], [0, 0]], "MIXED", 8),
]


@pytest.mark.lava
@pytest.mark.parametrize(("weights", "sign", "exponent"), FORMATS)
def test_weights_survive_lavas_own_preparation(weights, sign, exponent):
    from lava.utils.weightutils import SignMode, clip_weights, truncate_weights

    stored = stored_matrix(sparse.csr_matrix(np.array(weights)))
    assert stored is not None
    assert (stored.sign, stored.exponent) == (sign, exponent)
    prepared = truncate_weights(
        clip_weights(stored.weights.copy(), SignMode[sign], num_bits=8), SignMode[sign], 8
    ).toarray()
    shifted = prepared << exponent if exponent > 0 else prepared >> -exponent
    assert np.array_equal(shifted, weights)


@pytest.mark.parametrize("weights", [[[-129, 1]], [[256, 1]], [[128, -1]], [[-257, -2]]])
def test_weights_that_eight_bits_cannot_say_are_left_to_our_own_process(weights):
    assert stored_matrix(sparse.csr_matrix(np.array(weights))) is None
