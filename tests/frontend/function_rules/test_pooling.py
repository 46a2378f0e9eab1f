"""Pooling, plain and adaptive: as torch computes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from backends.interpreter import InterpreterEngine
from compile import compile_model
from frontend.function_rules.pooling import RULES
from ir.ops import MaxPool
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
Tensor = torch.Tensor


def _maps(x: Tensor, *sizes: int) -> Tensor:
    """(T, B, 4, 6) as the images (T B, *sizes)."""
    return x.flatten(0, 1).reshape(-1, *sizes)


def _timed(x: Tensor) -> Tensor:
    return x.unflatten(0, (STEPS, -1))


def _planes(x: Tensor) -> Tensor:
    """(T, B, 4, 6) as (T, B, 4, 2, 3), for pools that torch would have of (N, C, D, H, W)."""
    return x.unflatten(3, (2, 3))


CASES: dict[str, Compute] = {
    "avg_pool1d": lambda x, y, s: (
        _timed(F.avg_pool1d(x.flatten(0, 1), 2) + F.avg_pool1d(x.flatten(0, 1), 3, 2, 1, ceil_mode=True)[..., :3])
        + _timed(F.avg_pool1d(y.flatten(0, 1), 4, 1, 1, False, False)[..., :3])
    ),
    "avg_pool2d": lambda x, y, s: (
        _timed(F.avg_pool2d(x.flatten(0, 1)[:, None], 2, 1, 1))
        + _timed(F.avg_pool2d(y.flatten(0, 1)[:, None], 2, 1, 1, count_include_pad=False))
        + _timed(F.avg_pool2d(x.flatten(0, 1)[:, None], (2, 3), 1, (1, 1), divisor_override=5)[..., :1])
        + _timed(F.avg_pool2d(y.flatten(0, 1)[:, None], 4, 3, ceil_mode=True)[..., :1])
    ),
    "avg_pool3d": lambda x, y, s: (
        _timed(F.avg_pool3d(_maps(x, 2, 2, 2, 3), (1, 2, 2), 1, (0, 1, 0)))
        + _timed(F.avg_pool3d(_maps(y, 2, 2, 2, 3), (1, 2, 2), 2, ceil_mode=True)[..., :1])
    ),
    "max_pool1d": lambda x, y, s: _timed(F.max_pool1d(-x.flatten(0, 1), 3, 2, 1)),
    "max_pool2d": lambda x, y, s: (
        _timed(F.max_pool2d(-x.flatten(0, 1)[:, None], (3, 2), 1, (1, 0), (1, 2), ceil_mode=True))
        + _timed(F.max_pool2d(-y.flatten(0, 1)[:, None], 3, (3, 4), (1, 0), ceil_mode=True))[..., :1, :1]
    ),
    "max_pool3d": lambda x, y, s: _timed(F.max_pool3d(-_maps(x, 2, 2, 2, 3), 2, (1, 2, 2), ceil_mode=True)),
    "adaptive_max_pool1d": lambda x, y, s: (
        _timed(F.adaptive_max_pool1d(x.flatten(0, 1), 2))
        + _timed(F.adaptive_max_pool1d(-y.flatten(0, 1), 4))[..., 1:3]
        + _timed(F.adaptive_max_pool1d(-x.flatten(0, 1), 7))[..., 1:3]
    ),
    "adaptive_max_pool2d": lambda x, y, s: (
        _timed(F.adaptive_max_pool2d(x.flatten(0, 1)[:, None], (1, 1)))
        + _timed(F.adaptive_max_pool2d(-y.flatten(0, 1)[:, None], (3, 5)))
    ),
    "adaptive_max_pool3d": lambda x, y, s: _timed(F.adaptive_max_pool3d(-_maps(x, 2, 2, 2, 3), (1, 2, 2))),
    "adaptive_avg_pool1d": lambda x, y, s: (
        _timed(F.adaptive_avg_pool1d(x.flatten(0, 1), 1))
        + _timed(F.adaptive_avg_pool1d(x.flatten(0, 1), 6))
        + _timed(F.adaptive_avg_pool1d(y.flatten(0, 1), 4))[..., :1]
    ),
    "adaptive_avg_pool2d": lambda x, y, s: (
        _timed(F.adaptive_avg_pool2d(x.flatten(0, 1), (1, 1)))
        + _timed(F.adaptive_avg_pool2d(x.flatten(0, 1)[:, None], (None, 3))[:, 0]).sum(3, keepdim=True)
        + _timed(F.adaptive_avg_pool2d(y.flatten(0, 1)[:, None], (7, 4))[:, 0]).sum(3, keepdim=True)[:, :, 1:5]
    ),
    "adaptive_avg_pool3d": lambda x, y, s: (
        _timed(F.adaptive_avg_pool3d(_maps(x, 2, 2, 2, 3), (3, 2, 2)))
        + F.adaptive_avg_pool3d(x[:, :, None], (None, 1, 1)).flatten(2)[..., None, None, None]
    ),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "max pool indices": (lambda x, y, s: F.max_pool1d(x.flatten(0, 1), 2, return_indices=True)[0], "import.function"),
    "max pool over two channels of (T, B, C, H, W)": (
        lambda x, y, s: F.max_pool3d(_planes(x), (2, 1, 1)),
        "import.axes",
    ),
    "max pool over tokens of time": (lambda x, y, s: F.max_pool1d(x.flatten(2), 2), "import.axes"),
    "average over samples": (lambda x, y, s: F.adaptive_avg_pool1d(x[:, :, 0].mT, 4), "import.axes"),
}


PLANES: dict[str, Compute] = {
    "max_pool3d": lambda x, y, s: F.max_pool3d(-_planes(x), (1, 2, 3), (1, 1, 2), (0, 1, 1), (3, 1, 1), ceil_mode=True),
    "avg_pool3d": lambda x, y, s: F.avg_pool3d(_planes(x), (1, 2, 2), (1, 1, 2), (0, 1, 0), divisor_override=3),
    "adaptive_max_pool3d": lambda x, y, s: F.adaptive_max_pool3d(-_planes(x), (None, 1, 3)),
    "adaptive_avg_pool3d": lambda x, y, s: F.adaptive_avg_pool3d(_planes(x), (4, 2, 1)),
}


@pytest.mark.parametrize("name", PLANES)
def test_pools_of_every_channel_of_images_behind_time_and_batch(name: str, check_rule: Any) -> None:
    check_rule(name, PLANES[name])


def test_a_pool_of_every_channel_is_one_of_images(check_rule: Any, trace_function: Any) -> None:
    def of_one_step(x: Tensor, y: Tensor, s: Tensor) -> Tensor:
        return torch.stack([F.max_pool3d(_planes(x[t : t + 1])[0], (1, 2, 3)) for t in range(STEPS)])

    check_rule("max_pool3d", of_one_step)
    for compute in (PLANES["max_pool3d"], of_one_step):
        (op,) = {node.op for node in trace_function(compute).nodes.values() if isinstance(node.op, MaxPool)}
        assert op.kernel == (2, 3)


class TestPooling(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED


def _between(*pools: nn.Module) -> nn.Sequential:
    """Neurons, pools, synapses, neurons; and, where there are spikes twice, counts."""
    return nn.Sequential(
        neuron.IFNode(0.3, step_mode="m"), layer.SeqToANNContainer(*pools), neuron.IFNode(0.2, step_mode="m")
    ).eval()


class _Counts(nn.Module):
    """The maximum of a residual sum, which is a count."""

    def __init__(self, populations: int, pool: nn.Module) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(2, 3, 3, padding=1) for _ in range(populations))
        self.fire = nn.ModuleList(neuron.IFNode(0.7, step_mode="m") for _ in range(populations))
        self.pool, self.head = pool, nn.Conv2d(3, 2, 1)
        self.last = neuron.IFNode(0.5, step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        spikes = [fire(_timed4(conv(x.flatten(0, 1)))) for conv, fire in zip(self.convs, self.fire, strict=True)]
        return self.last(_timed4(self.head(self.pool(sum(spikes).flatten(0, 1)))))


def _timed4(x: Tensor) -> Tensor:
    return x.unflatten(0, (4, -1))


NETS: dict[str, Callable[[], nn.Module]] = {
    "adaptive, larger": lambda: _between(nn.AdaptiveAvgPool2d((7, 5)), nn.Conv2d(2, 3, 1)),
    "adaptive, smaller": lambda: _between(nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(18, 9)),
    "windows cut short": lambda: _between(
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False), nn.Conv2d(2, 3, 1)
    ),
    "largest, adaptive": lambda: _between(nn.AdaptiveMaxPool2d((3, 5)), nn.Conv2d(2, 3, 1)),
    "largest, cut short": lambda: _between(nn.MaxPool2d(3, 2, ceil_mode=True), nn.Conv2d(2, 3, 1)),
    "largest of counts": lambda: _Counts(3, nn.MaxPool2d(3, 2, 1)),
    "largest of counts, cut short": lambda: _Counts(2, nn.MaxPool2d(2, 3, ceil_mode=True)),
    "largest of counts, adaptive": lambda: _Counts(2, nn.AdaptiveMaxPool2d((3, 2))),
}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=[pytest.mark.lava, pytest.mark.slow])])
def test_pools_between_neurons(net: str, target: str):
    """Floats fire as the module's, integers as the interpreter's, and both count the same events."""
    torch.manual_seed(2)
    module = NETS[net]().eval()
    for parameter in module.parameters():
        parameter.data.mul_(16).round_().div_(8)
    x = (torch.rand(4, 3, 2, 4, 4) < 0.5).float()
    expected = module(x).detach().numpy()
    functional.reset_net(module)
    assert 0 < expected.mean() < 1
    floats = compile_model(module, "gpu", precision="float", example=x).run(x)
    np.testing.assert_array_equal(floats.outputs["output"], expected)
    program = compile_model(module, target, example=x)
    run, interpreted = program.run(x), InterpreterEngine(program.deployment.chip).run(program.chip_inputs(x))
    np.testing.assert_array_equal(run.outputs["output"], next(iter(interpreted.outputs.values())))
    assert run.events == interpreted.events
