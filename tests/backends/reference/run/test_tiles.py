"""A batch in tiles: as equal as can be, side by side in threads that are given back, joined as if there had been none."""

from __future__ import annotations

import threading
from unittest.mock import Mock

import numpy as np
import pytest
import torch

from backends.reference.engine import ReferenceEngine
from backends.reference.kernels.cpu import cpu_kernels
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run import tiles
from backends.reference.run.network import DeviceNetwork
from backends.reference.run.tiles import CpuTiles, tiles_of
from ir.graph import Graph, GraphBuilder
from ir.ops import Input, Linear
from ir.ops.integer_neuron import IntegerLif


def populations(graph):
    return tuple(node.name for node in graph.nodes.values() if node.op.family in ("neuron", "input"))


@pytest.mark.parametrize("threads", [1, 3])
def test_tiles_change_nothing(network, monkeypatch, threads, torch_threads):
    torch_threads(threads)
    graph, inputs = network(7, "attention", "analog_gate", "convolution", samples=7)
    names = populations(graph)
    whole = ReferenceEngine(graph, "cpu").run(inputs, names)
    monkeypatch.setattr(tiles, "TILE_BYTES", 1)
    monkeypatch.setattr(tiles, "MOST_TILE_BYTES", 1)
    monkeypatch.setattr(tiles, "LOOP_TILE_BYTES", 1)
    cut = ReferenceEngine(graph, "cpu").run(inputs, names)
    assert cut.events == whole.events
    assert all(np.array_equal(cut.emissions[name], whole.emissions[name]) for name in names)
    assert all(np.array_equal(cut.outputs[name], whole.outputs[name]) for name in graph.outputs)
    assert torch.get_num_threads() == threads


def test_an_error_in_a_thread_is_the_runs(network, monkeypatch, torch_threads):
    torch_threads(3)
    monkeypatch.setattr(tiles, "TILE_BYTES", 1)
    monkeypatch.setattr(tiles, "MOST_TILE_BYTES", 1)
    monkeypatch.setattr(tiles, "LOOP_TILE_BYTES", 1)
    monkeypatch.setattr(DeviceNetwork, "compute", Mock(side_effect=MemoryError("full")))
    graph, inputs = network(7, "plain", samples=7)
    with pytest.raises(MemoryError, match="full"):
        ReferenceEngine(graph, "cpu").run(inputs)
    assert torch.get_num_threads() == 3


def net() -> Graph:
    """Ten inputs into four neurons, over two steps."""
    b = GraphBuilder("net", 2)
    x = b.add(Input("spike[10]"), name="x")
    weight = b.param("w", np.random.default_rng(0).integers(-40, 60, (4, 10)).astype(np.int8))
    current = b.add(Linear(), x, name="l", params={"weight": weight})
    return b.build({"y": b.add(IntegerLif(4095, 2048, 40, 6, 12, 24), current, name="y")})


@pytest.mark.parametrize(
    ("batch", "samples_at_once", "lengths"),
    [(7, 100, [7]), (7, 3, [3, 3, 1]), (8, 3, [3, 3, 2]), (9, 4, [3, 3, 3]), (1, 1, [1]), (3, 0.5, [1, 1, 1])],
)
def test_tiles_are_as_equal_as_their_limit_allows(batch: int, samples_at_once: float, lengths: list[int]):
    plan = plan_of(net(), frozenset())
    of_one_sample = 10 * 2 * 4  # the widest value, its steps, four bytes each
    tiles_ = tiles_of(plan, 2, batch, int(samples_at_once * of_one_sample))
    assert [tile.stop - tile.start for tile in tiles_] == lengths
    assert [tile.start for tile in tiles_] == [sum(lengths[:k]) for k in range(len(lengths))]


def test_limits_grow_with_the_weights_and_with_loops(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tiles, "TILE_BYTES", 10)
    monkeypatch.setattr(tiles, "MOST_TILE_BYTES", 100)
    plan = Mock(loops={}, graph=Mock(params={"w": np.ones(2)}))
    assert tiles._limit(plan) == 10
    plan.graph.params = {"w": np.ones(12), "v": np.ones(3)}
    assert tiles._limit(plan) == 60
    plan.graph.params = {"w": np.ones(1000)}
    assert tiles._limit(plan) == 100
    plan.loops = {"y": "a loop"}
    assert tiles._limit(plan) == tiles.LOOP_TILE_BYTES


def test_threads_of_torch_are_given_back():
    before = torch.get_num_threads()

    def fail() -> None:
        with tiles.torch_threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.get_num_threads() == before


def test_tiles_run_side_by_side(torch_threads, monkeypatch: pytest.MonkeyPatch):
    """Both tiles must have begun before either may go on."""
    torch_threads(2)
    monkeypatch.setattr(tiles, "TILE_BYTES", 1)
    monkeypatch.setattr(tiles, "MOST_TILE_BYTES", 1)
    both, real, threads = threading.Barrier(2, timeout=600), DeviceNetwork.compute, set[int]()

    def compute(self, inputs, counter):
        both.wait()
        threads.add(threading.get_ident())
        assert torch.get_num_threads() == 1
        return real(self, inputs, counter)

    monkeypatch.setattr(DeviceNetwork, "compute", compute)
    graph = net()
    network = DeviceNetwork(plan_of(graph, frozenset()), torch.device("cpu"), cpu_kernels(), ())
    x = (np.random.default_rng(0).random((2, 2, 10)) < 0.5).astype(np.uint8)
    results = CpuTiles(network).run({"x": x})
    assert len(threads) == 2
    exact = graph.nodes["y"].op.run((x.astype(int) @ graph.params["w"].astype(int).T,), {}, 2)
    assert np.array_equal(results.outputs["y"], exact)
    assert results.counter.events(2, 2).spikes == {"x": int(x.sum()), "y": int(exact.sum())}
