"""Wiring as explicit matrices, and weights in the format of Lava's synapses, without loss or not at all."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from backends.lava.emit.matrix import connection_matrix, stored_matrix
from ir.analysis.fan_in import fan_in_cone, populations


@pytest.mark.parametrize("seed", range(10))
def test_matrices_say_what_the_wiring_computes(seed, network, expected):
    graph, inputs = network(500 + seed, [seed % 10, (seed + 3) % 10])
    _, values, _ = expected(graph, inputs)
    for node in populations(graph):
        for current in node.inputs:
            total = sum(
                values[source].reshape(-1, graph.nodes[source].type.size)
                @ connection_matrix(graph, current, source).T.toarray()
                for source in fan_in_cone(graph, (current,)).sources
            )
            assert np.array_equal(total, values[current].reshape(total.shape)), current


def test_matrices_are_evaluated_in_chunks(network, monkeypatch):
    graph, _ = network(3)
    node = populations(graph)[-1]
    source = fan_in_cone(graph, node.inputs).sources[0]
    whole = connection_matrix(graph, node.inputs[0], source)
    monkeypatch.setattr("backends.lava.emit.matrix.ELEMENTS_AT_ONCE", 60)
    assert np.array_equal(connection_matrix(graph, node.inputs[0], source).toarray(), whole.toarray())


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
