"""While processes are forked, Ctrl-C and requests to end wait for the program's own handlers; children compute in one thread."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from backends.lava.engine import LavaEngine
from backends.lava.runtime.children import interrupts_deferred, quiet_children
from ir.graph import GraphBuilder
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_the_end(number: signal.Signals):
    seen: list[int] = []
    before = signal.signal(number, lambda number, frame: seen.append(number))
    try:
        with interrupts_deferred():
            signal.raise_signal(number)
            assert seen == []
        assert seen == [number]
    finally:
        signal.signal(number, before)


def test_ctrl_c_is_raised_and_signals_without_a_handler_are_left_alone():
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

    def interrupted() -> None:
        with interrupts_deferred():
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupted()


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
