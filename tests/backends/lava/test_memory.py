"""No run that was measured took more memory than is said; what counts is counted."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.memory import PER_INPUT, memory_of_run
from ir.graph import Graph, GraphBuilder
from ir.mapping.core_map import UNMAPPED, CoreMap
from ir.ops import Conv, Input, IntegerLif, Linear

MIB = 1 << 20
NEURON = IntegerLif(4095, 2048, 40, 6, 12, 24)


def _linear(width: int, layers: int) -> Graph:
    return _layers((width,), Linear(), (width, width), layers)


def _conv(channels: int, size: int) -> Graph:
    return _layers((channels, size, size), Conv((1, 1), (1, 1), (1, 1), 1), (channels, channels, 3, 3), 2)


def _layers(shape: tuple[int, ...], op: Linear | Conv, weight: tuple[int, ...], layers: int) -> Graph:
    b = GraphBuilder("layers", 0)
    value, kept = b.add(Input(f"spike[{'x'.join(map(str, shape))}]"), name="x"), np.broadcast_to(np.int8(3), weight)
    for layer in range(layers):
        params = {"weight": b.param(f"w{layer}", kept)}
        value = b.add(NEURON, b.add(op, value, name=f"c{layer}", params=params), name=f"p{layer}")
    return b.build({"y": value})


@pytest.mark.parametrize(
    ("graph", "emission", "steps", "samples", "grown"),
    [
        (_linear(4096, 3), "fused", 4, 1, 365),
        (_conv(16, 128), "fused", 4, 8, 308),
        (_conv(128, 64), "fused", 2, 1, 216),
        (_linear(512, 3), "stock", 4, 1, 135),
        (_linear(1024, 3), "stock", 4, 1, 141),
        (_linear(512, 3), "stock", 4, 64, 238),
    ],
)
def test_no_run_grew_by_more(graph: Graph, emission: str, steps: int, samples: int, grown: int):
    """`grown`: MiB by which all processes' proportional set size grew at the most, sampled every 10 ms (2 cores, lava-nc 0.10)."""
    probes = [name for name in graph.nodes if name.startswith("p")]
    said = memory_of_run(graph, UNMAPPED, emission, steps, samples, probes) / MIB
    assert grown <= said <= 3 * grown


@pytest.mark.parametrize(
    ("graph", "cores", "steps", "samples", "grown"),
    [
        (_linear(64, 2), 4, 2000, 1, 201),
        (_linear(64, 2), 32, 2000, 1, 430),
        (_linear(64, 2), 64, 1000, 1, 938),
        (_linear(2048, 3), 24, 300, 1, 398),
        (_conv(128, 64), 8, 2, 1, 797),
        (_conv(128, 64), 24, 2, 1, 1418),
        (_conv(16, 128), 16, 4, 8, 1191),
        (_conv(16, 64), 48, 40, 1, 970),
    ],
)
def test_no_mapped_run_grew_by_more(graph: Graph, cores: int, steps: int, samples: int, grown: int):
    """As many cores for every population, each with an equal part of its channels, or of its neurons in their order."""
    probes = [name for name in graph.nodes if name.startswith("p")]
    each = cores // len(probes)
    on = {
        name: np.arange(size := graph.nodes[name].type.size) * each // size + k * each for k, name in enumerate(probes)
    }
    spread = CoreMap(on, np.stack([np.zeros(cores), np.arange(cores), np.zeros(cores)], axis=1))
    said = memory_of_run(graph, spread, "mapped", steps, samples, probes) / MIB
    assert grown <= said <= 3 * grown


def test_what_counts():
    graph, larger = _linear(64, 1), _linear(256, 1)
    take = lambda chip, steps, samples, probes: memory_of_run(chip, UNMAPPED, None, steps, samples, probes)
    assert take(larger, 2, 1, ()) > take(graph, 2, 1, ())
    assert take(graph, 2, 1, ["p0"]) - take(graph, 2, 1, ()) == 64 * 2
    assert take(graph, 4, 1, ()) - take(graph, 2, 1, ()) == (64 + 64 * PER_INPUT) * 2
    # stock synapses share no weight
    shared = _conv(4, 16)
    assert memory_of_run(shared, UNMAPPED, "stock", 2, 1, ()) - take(shared, 2, 1, ()) > 4 * 4 * 9 * 16 * 16
