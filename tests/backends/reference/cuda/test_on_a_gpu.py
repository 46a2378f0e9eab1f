"""On a real GPU: every kernel equals the processor's engine, replays equal first runs, nothing inside a run waits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.reference.cuda import self_test, tiles
from backends.reference.cuda.kernels import CudaKernels, cuda_kernels
from backends.reference.cuda.precision import whole_float32
from backends.reference.cuda.products import ByteDense
from backends.reference.devices import execution_device
from backends.reference.engine import ReferenceEngine
from backends.reference.kernels.weighted_products import SourceSum
from backends.reference.plan.execution_plan import plan_of
from backends.reference.run.network import DeviceNetwork

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
CUDA = torch.device("cuda")
MOTIFS = ("plain", "residual", "shared", "comb", "attention", "time_coded", "analog_gate", "convolution")
QUIET = [HealthCheck.function_scoped_fixture]


@pytest.fixture(autouse=True)
def strict() -> None:
    """Here the device's own product of bytes is meant, not the stand-in."""


def populations(graph):
    return tuple(node.name for node in graph.nodes.values() if node.op.family in ("neuron", "input"))


def same(found, wanted):
    assert found.events == wanted.events
    for kind in ("outputs", "spikes"):
        for name, values in getattr(wanted, kind).items():
            assert np.array_equal(getattr(found, kind)[name], values), name


def check(graph, inputs, runs=4):
    """An ordinary run, a captured one, replays."""
    here, there = ReferenceEngine(graph, "cpu"), ReferenceEngine(graph, "cuda")
    for probes in (populations(graph), ()):
        wanted = here.run(inputs, probes)
        for _ in range(runs):
            same(there.run(inputs, probes), wanted)
    return there


def test_every_kernel_is_exact_here():
    """A kernel that is not exact is not used, and nothing else is wrong; but on a GPU of this decade all of them are."""
    assert cuda_kernels(CUDA).description == ("int8 products", "fused neurons"), cuda_kernels(CUDA).description
    assert self_test.holds(self_test.halves_are_exact, CUDA)


def test_it_says_so(network):
    graph, _ = network(1, "plain")
    assert ReferenceEngine(graph).describe() == f"torch on {torch.cuda.get_device_name()}, int8 products, fused neurons"


@pytest.mark.parametrize("rows", [1, 16, 17, 33, 1000])
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (9, 10), (784, 512), (1024, 4096), (4096, 1024)])
def test_products_of_bytes(rows, inputs, outputs):
    rng = np.random.default_rng(rows)
    weight = rng.choice([-128, 127, 1], (outputs, inputs))
    x = rng.choice([-128, 127, 0, 1], (1, rows, inputs)).astype(np.int8)
    moved = torch.from_numpy(x).to(CUDA)
    found = ByteDense(SourceSum(("x",), None), weight, CUDA).current(lambda _: moved)
    assert np.array_equal(found.cpu().numpy(), x.astype(np.float64) @ weight.T)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=QUIET)
@given(data=st.data())
def test_integer_networks(data, integer_networks):
    check(*data.draw(integer_networks))


@settings(max_examples=5, suppress_health_check=QUIET)
@given(data=st.data())
def test_networks_in_the_sources_arithmetic(data, float_networks):
    check(*data.draw(float_networks))


@pytest.mark.slow
@pytest.mark.parametrize("level", ["integer", "float64"])
@pytest.mark.parametrize("seed", range(3))
def test_loops_and_delays(seed, level, loops):
    graph = loops.closed(seed, level)
    check(graph, loops.inputs(graph, seed))


@pytest.mark.parametrize("allowed", [True, False])
def test_tf32_changes_nothing(allowed, network):
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("high" if allowed else "highest")
        check(*network(5, *MOTIFS, steps=3, samples=5))
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("bytewise", [True, False])
@pytest.mark.parametrize("fused", [True, False])
def test_every_combination_of_kernels(bytewise, fused, network):
    graph, inputs = network(5, *MOTIFS, steps=3, samples=5)
    device, whole = execution_device(CUDA), cuda_kernels(CUDA)
    kernels = CudaKernels(CUDA, bytewise, bytewise, whole._compiled if fused else None)
    with torch.inference_mode():
        runs = device.tiles(DeviceNetwork(plan_of(graph, frozenset()), CUDA, kernels, ()))
        wanted = ReferenceEngine(graph, "cpu").run(inputs)
        for _ in range(3):
            found = runs.run(inputs)
            assert found.counter.events(5, 3) == wanted.events
            assert all(np.array_equal(found.outputs[name], values) for name, values in wanted.outputs.items())


def test_a_data_set_in_tiles(network, monkeypatch):
    monkeypatch.setattr(tiles, "TILE_BYTES", 3000)
    graph, inputs = network(7, *MOTIFS, samples=301)
    check(graph, inputs)


def test_shapes_are_captured(network):
    """A graph for the shape that came back."""
    graph, inputs = network(7, *MOTIFS, samples=9)
    network_ = DeviceNetwork(plan_of(graph, frozenset()), CUDA, execution_device(CUDA).kernels, ())
    staged = tiles.StagedTiles(network_, tiles.cuda_streams(CUDA), tiles.capture, 1 << 28, pinned=True)
    with torch.inference_mode(), whole_float32():
        for _ in range(3):
            staged.run({name: np.ascontiguousarray(x) for name, x in inputs.items()})
    assert len(staged._replayed._recorded) == 1


def test_nothing_waits(network):
    graph, inputs = network(5, *MOTIFS, steps=3, samples=4)
    one = DeviceNetwork(plan_of(graph, frozenset()), CUDA, execution_device(CUDA).kernels, ())
    fed = {name: torch.from_numpy(x).to(CUDA, one.input_dtype(name)) for name, x in inputs.items()}
    with torch.inference_mode():
        one.compute(fed, one.counter())
        torch.cuda.synchronize()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that it does not see all
            torch.cuda.set_sync_debug_mode("error")
        try:
            one.compute(fed, one.counter())
        finally:
            torch.cuda.set_sync_debug_mode("default")
