"""One recurrent network by hand, alone and exported; what shares a process; delays that cannot be."""

from __future__ import annotations

import numpy as np
import pytest

from backends.lava.core.core import core_groups
from backends.lava.emit.fused import fuse
from backends.lava.engine import LavaEngine
from backends.lava.timing import timing_of
from ir.errors import CompileError
from ir.graph import GraphBuilder
from ir.ops import Delay, Input, IntegerLif, Lif, Linear, Past, Synapse

SIZE = 4


def two_layers(steps=0):
    """x -> first -> second -> back into first, three steps later; second hears itself, x reaches it late."""
    rng, b = np.random.default_rng(7), GraphBuilder("pair", steps)
    w = [b.param(f"w{k}", rng.integers(-35, 40, (SIZE, SIZE)).astype(np.int16)) for k in range(4)]
    linear = lambda source, k: b.add(Linear(), source, name=f"l{k}", params={"weight": w[k]})
    x = b.add(Input(f"spike[{SIZE}]"), name="x")
    back = b.add(Past("second", f"spike[{SIZE}]", 3), name="back")
    self_ = b.add(Past("second", f"spike[{SIZE}]", 1), name="self")
    first = b.add(IntegerLif(4095, 1024, 20, 6, 12, 24), linear(x, 0), linear(back, 1), name="first")
    late = b.add(Delay(2), x, name="late")
    sum_ = (linear(first, 2), linear(self_, 3), b.add(Synapse(5), late, name="l"))
    second = b.add(IntegerLif(4095, 1024, 20, 6, 12, 24), *sum_, name="second")
    return b.build({"first": first, "second": second}), [np.asarray(b.array(f"w{k}"), int) for k in range(4)]


def by_hand(x, w):
    """The spikes of both layers for one sample (T, SIZE), straight from the equations."""
    v, u, first, second = np.zeros(SIZE, int), np.zeros(SIZE, int), [], []
    ago = lambda past, steps: past[-steps] if len(past) >= steps else np.zeros(SIZE, int)
    decayed = lambda z: np.sign(z) * (abs(z) * 3 // 4)
    for t in range(len(x)):
        v = decayed(v) + 64 * (w[0] @ x[t] + w[1] @ ago(second, 3))
        first.append((v > 20 * 64).astype(int))
        v[v > 20 * 64] = 0
        delayed = x[t - 2] if t >= 2 else np.zeros(SIZE, int)
        u = decayed(u) + 64 * (w[2] @ first[-1] + w[3] @ ago(second, 1) + 5 * delayed)
        second.append((u > 20 * 64).astype(int))
        u[u > 20 * 64] = 0
    return np.stack([first, second])


@pytest.mark.lava
@pytest.mark.parametrize("emission", ["fused", "stock"])
def test_two_layers_by_hand_in_windows_back_to_back(emission):
    graph, w = two_layers()
    x = (np.random.default_rng(3).random((13, 4, SIZE)) < 0.4).astype(np.int64)
    wanted = np.stack([by_hand(x[:, k], w) for k in range(4)], axis=2)
    outputs = LavaEngine(graph, emission, processes=3).run({"x": x}).outputs
    assert np.array_equal([outputs["first"], outputs["second"]], wanted)
    assert 0.2 < wanted.mean() < 0.8
    assert not np.array_equal(wanted[:, :, 0], by_hand(np.concatenate(x.swapaxes(0, 1)), w)[:, 13:26])


def test_a_loop_is_one_process_and_one_depth():
    graph, _ = two_layers()
    assert core_groups(graph, timing_of(graph, 5)) == [("first", "second")]
    blueprint = fuse(graph, timing_of(graph, 5), {}, 3)
    assert blueprint.timing.outputs == {"first": 1, "second": 1}
    assert [part.worker.core.emits for part in blueprint.parts.values()] == [("first", "second")]


@pytest.mark.lava
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("steps", [0, 6])
def test_an_exported_loop_runs_on_or_in_windows(steps, between_ring_buffers):
    graph, w = two_layers(steps)
    x = (np.random.default_rng(3).random((24, SIZE)) < 0.4).astype(np.int64)
    recorded, latency = between_ring_buffers(LavaEngine(graph), {"x": x.T}, ("first", "second"), 24)
    cuts = range(0, 24, steps or 24)
    wanted = np.concatenate([by_hand(x[k : k + (steps or 24)], w) for k in cuts], axis=1)
    for k, name in enumerate(("first", "second")):
        assert np.array_equal(recorded[name].T[latency[name] :], wanted[k, : -latency[name]])


@pytest.mark.lava
def test_delays_that_are_none_are_refused():
    b = GraphBuilder("net", 0)
    x = b.add(Input(f"spike[{SIZE}]"), name="x")
    steps = b.param("steps", np.array([0, 1, -1, 2]))
    late = b.add(Delay(), x, name="late", params={"steps": steps})
    graph = b.build({"y": b.add(Lif(0.5), b.add(Synapse(1), late, name="s"), name="y")})
    with pytest.raises(CompileError, match=r"lava\.parameter(.|\n)*no whole numbers"):
        LavaEngine(graph)


def test_a_delay_beyond_memory_is_refused_and_beyond_the_window_is_silence(in_process):
    b = GraphBuilder("net", 0)
    x = b.add(Input(f"spike[{SIZE}]"), name="x")
    late = b.add(Delay(10**18), x, name="late")
    y = b.add(Lif(0.5, threshold=0.0), b.add(Synapse(1.0), late, name="s"), name="y")
    graph = b.build({"y": y})
    assert in_process(graph, {"x": np.ones((3, 2, SIZE))}, 1)["y"].all()
    with pytest.raises(CompileError, match=r"lava\.delay"):
        fuse(graph, timing_of(graph, 0), {})
