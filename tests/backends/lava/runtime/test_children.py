"""Children of a run compute in one thread each."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from backends.lava.engine import LavaEngine
from backends.lava.runtime.children import quiet_children
from ir.graph import GraphBuilder
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif


def threads() -> int:
    """The most threads that a library of products would use here."""
    return max(pool["num_threads"] for pool in threadpool_info())


def test_children_of_a_run_compute_in_one_thread_and_the_parent_keeps_its_own():
    with threadpool_limits(2):
        with quiet_children():
            child = os.fork()
            if not child:
                os._exit(threads())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        assert threads() == 2
        child = os.fork()
        if not child:
            os._exit(threads())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2


@pytest.mark.lava
def test_pools_that_the_parent_has_used_do_no_harm():
    b, big = GraphBuilder("wide", 3), 700
    x = b.add(Input(f"spike[{big}]"), name="x")
    weight = b.param("w", np.random.default_rng(0).integers(-9, 11, (big, big)).astype(np.int8))
    current = b.add(Linear(), x, name="l", params={"weight": weight})
    graph = b.build({"y": b.add(IntegerLif(4095, 2048, 200, 6, 12, 24), current, name="y")})
    spikes = np.random.default_rng(1).integers(0, 2, (3, 40, big))
    with threadpool_limits(2):
        torch.mm(torch.ones(big, big), torch.ones(big, big))
        _ = np.ones((big, big)) @ np.ones((big, big))
        (y,) = LavaEngine(graph, processes=1).run({"x": spikes}).outputs.values()
    assert np.array_equal(y, graph.nodes["y"].op.run((spikes @ graph.params[weight].astype(int).T,), {}, 3))
    assert 0 < y.mean() < 1
