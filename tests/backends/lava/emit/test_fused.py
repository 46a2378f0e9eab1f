"""The fused emission without Lava: its workers stepped in one Python process, on many networks."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.emit.fused import fuse
from backends.lava.timing import timing_of
from ir.analysis.fan_in import populations


@pytest.mark.slow
@pytest.mark.parametrize("real", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_random_networks_equal_the_interpreter(seed, real, network, expected, in_process):
    graph, inputs = network(1000 + seed, real=real)
    outputs, values, _ = expected(graph, inputs)
    found = in_process(graph, inputs, 1 + seed % 4, lanes=1 + seed % 3)
    for name in found:
        assert np.array_equal(found[name], outputs[name] if name in outputs else values[name]), name


def test_work_is_shared_between_the_processes(network):
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
