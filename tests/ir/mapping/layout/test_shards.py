"""Shards are blocks of one population, of at most so many neurons."""

from __future__ import annotations

import numpy as np
import pytest

from ir.graph import Graph, GraphBuilder
from ir.mapping.layout.shards import cut
from ir.ops import Input, Synapse
from ir.ops.integer_neuron import IntegerLif


def population(*shape: int, micro: int = 0) -> Graph:
    builder = GraphBuilder("one", 2)
    x = builder.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x")
    current = builder.add(Synapse(micro=micro), x, name="s")
    neurons = IntegerLif(4095, 4096, 1, 6, 12, 24, micro=micro)
    return builder.build({"y": builder.add(neurons, current, name="y")})


def test_the_longest_side_is_halved_first():
    assert cut(population(3, 8), 4)["y"].reshape(3, 8).tolist() == [
        [0, 0, 1, 1, 2, 2, 3, 3],
        [0, 0, 1, 1, 2, 2, 3, 3],
        [4, 4, 5, 5, 6, 6, 7, 7],
    ]
    assert cut(population(5), 9)["y"].tolist() == [0, 0, 0, 0, 0]
    assert cut(population(2, 2), 1)["y"].tolist() == [0, 1, 2, 3]


def test_micro_steps_are_the_same_neurons():
    assert cut(population(3, 4, micro=3), 2)["y"].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_all_shards_are_used_and_small(chip_graph: Graph, size: int):
    shards = cut(chip_graph, size)
    every = np.concatenate([*shards.values()])
    assert np.array_equal(np.unique(every), np.arange(every.max() + 1))
    assert np.bincount(every).max() <= size
    assert sum(len(np.unique(each)) for each in shards.values()) == every.max() + 1
