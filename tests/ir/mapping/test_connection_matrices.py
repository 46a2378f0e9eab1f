"""Wiring as explicit matrices, by delay: what they add up to is what the interpreter computes."""

from __future__ import annotations

import numpy as np
import pytest

from ir.analysis.fan_in import fan_in_cone, populations
from ir.interpreter import interpret
from ir.mapping.connection_matrices import connection_matrices
from tests.backends.sanafe.conftest import Draw


@pytest.mark.parametrize("seed", range(10))
def test_matrices_say_what_the_wiring_computes(seed: int):
    graph, inputs = Draw(seed).network()
    values = {}
    interpret(graph, inputs, lambda node, value: values.update({node.name: value}))
    delays = set()
    for current in {name for node in populations(graph) for name in node.inputs}:
        total = np.zeros_like(values[current].reshape(*values[current].shape[:2], -1))
        for source in fan_in_cone(graph, (current,), back_edges=True).sources:
            emitted = values[source].reshape(*total.shape[:2], -1)
            for delay, matrix in connection_matrices(graph, current, source).items():
                delays.add(delay)
                total[delay:] += emitted[: len(total) - delay] @ matrix.T.toarray() if delay < len(total) else 0
        assert np.array_equal(total, values[current].reshape(total.shape)), current
    assert len(delays) > 1


def test_matrices_are_evaluated_in_chunks(monkeypatch: pytest.MonkeyPatch):
    graph, _ = Draw(3).network()
    current = populations(graph)[-1].inputs[0]
    (source,) = fan_in_cone(graph, (current,), back_edges=True).sources
    whole = connection_matrices(graph, current, source)
    monkeypatch.setattr("ir.mapping.connection_matrices.ELEMENTS_AT_ONCE", 60)
    chunks = connection_matrices(graph, current, source)
    assert {delay: matrix.toarray().tolist() for delay, matrix in chunks.items()} == {
        delay: matrix.toarray().tolist() for delay, matrix in whole.items()
    }
