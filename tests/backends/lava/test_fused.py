"""The fused emission without Lava: its workers stepped in one Python process, on many networks."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.cone import populations
from backends.lava.fused import fuse
from backends.lava.inputs import played
from backends.lava.recording import Tap
from backends.lava.timing import timing_of
from backends.lava.worker import HostWorker


def run_in_process(graph, inputs, processes, drive):
    """Output and population values (T, B, *shape) of the fused emission, and its blueprint."""
    steps, batch = next(iter(inputs.values())).shape[:2]
    timing = timing_of(graph, steps)
    kinds = {node.name: node.type for node in populations(graph)}
    taps = {name: _tap(kind, timing.depth[name], steps * batch) for name, kind in kinds.items()}
    outputs = {
        name: _tap(graph.nodes[value].type, timing.outputs[name], steps * batch)
        for name, value in graph.outputs.items()
    }
    blueprint = fuse(graph, timing, taps, processes)
    sizes = [int(np.prod(tap.shape)) for tap in outputs.values()]
    host = HostWorker(
        [played(inputs[node.name]) for node in graph.inputs], list(outputs.values()), sizes, blueprint.dtype
    )
    drive(blueprint, host, steps * batch + timing.latency)
    return {name: tap.samples(steps) for name, tap in {**taps, **outputs}.items()}, blueprint


def _tap(kind, first, count):
    return Tap(kind.shape, first, count, np.zeros((count, *kind.shape), np.float64))


@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_random_networks_equal_the_interpreter(seed, real, network, expected, drive):
    graph, inputs = network(1000 + seed, real=real)
    outputs, values, _ = expected(graph, inputs)
    found, _ = run_in_process(graph, inputs, 1 + seed % 4, drive)
    for name in found:
        assert np.array_equal(found[name], outputs[name] if name in outputs else values[name]), name


def test_work_is_shared_between_the_processes(network, drive):
    graph, _ = network(3)
    timing = timing_of(graph, graph.steps)
    for processes in (1, 2, 3):
        blueprint = fuse(graph, timing, {}, processes)
        cores = [part.worker.core for name, part in blueprint.parts.items() if name.startswith("core")]
        assert len(cores) == processes
        emitted = [name for core in cores for name in core.emits if not name.startswith("output:")]
        assert sorted(emitted) == sorted(node.name for node in populations(graph))


def test_a_small_network_needs_one_process(network):
    graph, _ = network(3)
    assert [name for name in fuse(graph, timing_of(graph, 2), {}).parts if name.startswith("core")] == ["core0"]
