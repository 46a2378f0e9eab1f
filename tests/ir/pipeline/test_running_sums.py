"""Neurons that add up fire where a running sum or mean reaches a threshold, ties included; what else reads one is left alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn

from compile import compile_model
from ir.graph import Array, Graph, GraphBuilder
from ir.interpreter import interpret
from ir.ops import Add, Delay, Input, Lif, Linear, Offset, Permute, Reshape, Scale, TimeWeight
from ir.ops.host.reduce import TIME, Along
from ir.pipeline.running_sums import LARGEST_DENOMINATOR, integrate_running_sums
from ir.verify import verify

STEPS = 12
THRESHOLD = Lif(1.0, form="sum", threshold=0.5)


def _builder(steps: int = STEPS, kind: str = "spike[6]") -> GraphBuilder:
    builder = GraphBuilder("net", steps)
    builder.add(Input(kind), name="x")
    return builder


def _mean(builder: GraphBuilder, of: str = "x", steps: int = STEPS) -> str:
    elapsed = builder.param("elapsed", 1 / np.arange(1, steps + 1, dtype=np.float32))
    return builder.add(
        TimeWeight(), builder.add(Along("cumsum", TIME), of, name="sum"), name="mean", params={"weight": elapsed}
    )


def _spikes(steps: int = STEPS, samples: int = 200) -> Array:
    rates = np.linspace(0.05, 1, 6)
    return (np.random.default_rng(0).random((steps, samples, 6)) < rates).astype(np.float32)


def _kinds(graph: Graph) -> set[str]:
    return {node.op.kind for node in graph.nodes.values()}


def _fires(graph: Graph, x: Array) -> Array:
    (fired,) = interpret(graph, {"x": x}).values()
    return fired


@pytest.mark.parametrize("steps", [1, 2, 7, 60])
@pytest.mark.parametrize("threshold", [0.5, 0.3, 1 / 3, 0.7, 5 / 7, 0.43712, 1.0, 0.0, -0.25, 2.0])
@pytest.mark.parametrize("comparator", [">=", ">"])
def test_a_mean_of_spikes_is_compared_as_it_is_divided(steps: int, threshold: float, comparator: str) -> None:
    builder = _builder(steps)
    op = replace(THRESHOLD, threshold=threshold, comparator=comparator)
    graph = integrate_running_sums(builder.build({"y": builder.add(op, _mean(builder, steps=steps), name="f")}))
    assert not _kinds(graph) & {"along", "time_weight"}
    mean = _spikes(steps).cumsum(0, dtype=np.float32) / np.arange(1, steps + 1, dtype=np.float32)[:, None, None]
    expected = mean >= np.float32(threshold) if comparator == ">=" else mean > np.float32(threshold)
    assert np.array_equal(_fires(graph, _spikes(steps)), expected)


def test_numbers_and_routing_before_a_threshold_are_part_of_it() -> None:
    builder = _builder()
    rows = builder.add(Reshape((2, 3)), "x", name="rows")
    mean = builder.add(Permute((1, 0)), _mean(builder, rows), name="turned")
    twice = builder.add(Scale(2.0), builder.add(Offset(-0.1), mean, name="less"), name="twice")
    op = replace(THRESHOLD, threshold=0.4)
    graph = integrate_running_sums(builder.build({"y": builder.add(op, twice, name="f")}))
    rows = _spikes().reshape(STEPS, -1, 2, 3).transpose(0, 1, 3, 2)
    running = rows.cumsum(0, dtype=np.float32) / np.arange(1, STEPS + 1, dtype=np.float32)[:, None, None, None]
    assert np.array_equal(_fires(graph, _spikes()), 2 * (running + np.float32(-0.1)) >= np.float32(0.4))
    assert _kinds(graph) == {"input", "reshape", "permute", "scale", "lif"}


def test_a_threshold_of_linear_maps_of_means_adds_them_up_with_their_constants() -> None:
    random, builder = np.random.default_rng(1), _builder()
    w, b = random.integers(-4, 5, (3, 6)) / 8, random.integers(-4, 5, 3) / 8
    params = {"weight": builder.param("w", w.astype(np.float32)), "bias": builder.param("b", b.astype(np.float32))}
    mean = _mean(builder)
    total = builder.add(Add(), *(builder.add(Linear(), mean, name="l", params=params) for _ in range(2)), name="total")
    op = replace(THRESHOLD, threshold=0.25, leak=0.125)
    graph = integrate_running_sums(builder.build({"y": builder.add(op, total, name="f")}))
    counts, theta = _spikes().cumsum(0) @ w.T, Fraction(1, 8)
    expected = [[2 * (row / t + b) >= float(theta) for row in counts[t - 1]] for t in range(1, STEPS + 1)]
    exact = 2 * (counts + np.arange(1, STEPS + 1)[:, None, None] * b) - np.arange(1, STEPS + 1)[:, None, None] / 8
    assert (exact == 0).any(), "ties must occur"
    assert np.array_equal(_fires(graph, _spikes()), exact >= 0)
    assert np.array_equal(np.asarray(expected)[exact != 0], (exact >= 0)[exact != 0])
    verify(graph, "source")


@pytest.mark.parametrize("threshold", [2.0, 2.5, 0.0, -1.0])
def test_a_sum_needs_no_division(threshold: float) -> None:
    builder = _builder()
    total = builder.add(Along("cumsum", TIME), "x", name="sum")
    graph = builder.build({"y": builder.add(replace(THRESHOLD, threshold=threshold), total, name="f")})
    assert np.array_equal(_fires(integrate_running_sums(graph), _spikes()), _spikes().cumsum(0) >= threshold)


def _read_by(op: Callable[[GraphBuilder, str], str]) -> Graph:
    builder = _builder()
    return builder.build({"y": builder.add(THRESHOLD, op(builder, _mean(builder)), name="f")})


def _two_readers() -> Graph:
    builder = _builder()
    mean = _mean(builder)
    return builder.build({"y": builder.add(THRESHOLD, mean, name="f"), "m": mean})


def _of_sum(change: Callable[[GraphBuilder, str], str], op: Lif = THRESHOLD) -> Graph:
    builder = _builder()
    total = builder.add(Along("cumsum", TIME), "x", name="sum")
    return builder.build({"y": builder.add(op, change(builder, total), name="f")})


def _of_payloads() -> Graph:
    builder = _builder(kind="real[6]")
    return builder.build({"y": builder.add(THRESHOLD, _mean(builder), name="f")})


def _remembering(op: Lif) -> Graph:
    builder = _builder()
    return builder.build({"y": builder.add(op, _mean(builder), name="f")})


def _in_many_parts() -> Graph:
    builder, steps = _builder(LARGEST_DENOMINATOR + 2), LARGEST_DENOMINATOR + 2
    op = replace(THRESHOLD, threshold=64 / steps)
    return builder.build({"y": builder.add(op, _mean(builder, steps=steps), name="f")})


LEFT: dict[str, Callable[[], Graph]] = {
    "a neuron that leaks": lambda: _remembering(Lif(0.5)),
    "a neuron without leak": lambda: _remembering(Lif(0.0, form="sum")),
    "a mean that is an output": _two_readers,
    "a mean and spikes": lambda: _read_by(lambda builder, mean: builder.add(Add(), mean, "x", name="total")),
    "a late mean": lambda: _read_by(lambda builder, mean: builder.add(Delay(1), mean, name="late")),
    "a sum and a number": lambda: _of_sum(lambda builder, total: builder.add(Offset(0.5), total, name="more")),
    "another division": lambda: _of_sum(
        lambda b, v: b.add(TimeWeight(), v, name="w", params={"weight": b.param("w", np.ones(STEPS, np.float32) / 3)})
    ),
    "payloads": _of_payloads,
    "a fraction of too many parts": _in_many_parts,
}


@pytest.mark.parametrize("case", LEFT)
def test_what_a_threshold_alone_does_not_read_stays(case: str) -> None:
    graph = LEFT[case]()
    assert integrate_running_sums(graph) is graph


def _running_mean(x: torch.Tensor) -> torch.Tensor:
    return x.cumsum(0) / torch.arange(1.0, len(x) + 1).view(-1, *[1] * (x.ndim - 1))


class Thresholds(nn.Module):
    """Neurons, a threshold of their running mean or of a map of it, neurons."""

    def __init__(self, theta: float, maps: bool) -> None:
        super().__init__()
        self.theta, self.maps = theta, maps
        self.first, self.out, self.norm = nn.Linear(6, 8), nn.Linear(8, 8), nn.BatchNorm1d(8, eps=0.0)
        self.lif, self.last = LIFNode(step_mode="m"), IFNode(step_mode="m")
        for layer in (self.first, self.out):
            layer.weight.data = torch.randint(-2, 5, layer.weight.shape) / 4
            layer.bias.data = torch.randint(-2, 3, layer.bias.shape) / 4
        self.norm.running_var, self.norm.bias.data = torch.full((8,), 0.25), torch.randint(-2, 3, (8,)) / 4

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 6) -> (T, B, 8)."""
        mean = _running_mean(self.lif(self.first(x)))
        y = self.norm(self.out(mean).flatten(0, 1)).unflatten(0, x.shape[:2]) if self.maps else mean
        return self.last(self.out((y >= self.theta).float()))


def _forward(module: nn.Module, x: torch.Tensor) -> np.ndarray[Any, Any]:
    functional.reset_net(module)
    with torch.no_grad():
        return module(x).numpy()


def _module(theta: float, maps: bool, steps: int = STEPS) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(3)
    return Thresholds(theta, maps).eval(), (torch.rand(steps, 16, 6) < 0.5).float()


NETS = [(0.5, False), (0.3, False), (0.7, False), (0.25, True), (-0.5, True)]


@pytest.mark.parametrize(("theta", "maps"), NETS)
def test_networks_fire_as_they_do_in_torch(theta: float, maps: bool) -> None:
    module, x = _module(theta, maps)
    expected = _forward(module, x)
    assert 0.02 < expected.mean() < 0.98
    for precision in ("float", "int"):
        program = compile_model(module, "gpu", precision=precision, example=x)
        assert len(program.phases) == 1
        assert np.array_equal(program.run(x).outputs["output"], expected)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize(("theta", "maps"), NETS)
def test_lava_fires_alike(theta: float, maps: bool) -> None:
    module, x = _module(theta, maps)
    program = compile_model(module, "loihi", example=x)
    assert program.report(x).passed
    assert np.array_equal(program.run(x).outputs["output"], _forward(module, x))


class Means(Thresholds):
    """Neurons that remember read the running mean, or sum, of spikes or of currents."""

    def __init__(self, reads: str) -> None:
        super().__init__(0.0, maps=False)
        self.reads = reads

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(T, B, 6) -> (T, B, 8)."""
        s = self.lif(self.first(x))
        if self.reads == "sum":
            return self.last(self.out(s.cumsum(0)))
        return self.last(self.out(_running_mean(s)) if self.reads == "spikes" else _running_mean(self.out(s)))


@pytest.mark.parametrize("reads", ["sum", "spikes", "currents"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_means_of_two_steps_are_weights(reads: str, steps: int) -> None:
    torch.manual_seed(0)
    module, (_, x) = Means(reads).eval(), _module(0.5, maps=False, steps=steps)
    expected = _forward(module, x)
    assert expected.any()
    for precision in ("float", "int"):
        program = compile_model(module, "gpu", precision=precision, example=x)
        assert len(program.phases) == (1 if steps < 3 else 2)
        if precision == "float" or steps < 3:
            assert np.array_equal(program.run(x).outputs["output"], expected)


def test_windows_of_another_length_have_the_same_fraction() -> None:
    module, x = _module(0.3, maps=False)
    program = compile_model(module, "gpu", example=x)
    for steps in (3, 5, 30):
        _, other = _module(0.3, maps=False, steps=steps)
        assert np.array_equal(program.run(other).outputs["output"], _forward(module, other))


def test_chips_whose_neurons_reset_have_the_mean_from_the_host() -> None:
    module, x = _module(0.5, maps=False)
    assert len(compile_model(module, "gpu", profile="loihi1", example=x, precision="float").phases) == 2
