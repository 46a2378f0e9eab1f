"""Small spiking modules in many forms, whose weights integers hold exactly: spikes are the module's own, Lava's the reference's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from spikingjelly.activation_based import functional
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

from compile import compile_model
from ir.analysis.resources import node_resources, resource_totals

torch.set_num_threads(1)
STEPS, SAMPLES, CHANNELS, SIDE = 3, 4, 4, 4
Tensor = torch.Tensor
Case = tuple[nn.Module, Tensor, np.ndarray]
"""A module, spikes for it, (STEPS, SAMPLES, 2, SIDE, SIDE), and its own."""


def each(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A function of images, at every step."""
    return function(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def pooled(x: Tensor) -> Tensor:
    return each(lambda y: avg_pool2d(y, 2), x)


def max_pool(x: Tensor) -> Tensor:
    return each(lambda y: max_pool2d(y, 2), x)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(3).transpose(2, 3)


def attended(x: Tensor) -> Tensor:
    q = x.flatten(3)
    return (q @ q.transpose(-1, -2) @ q / 8).unflatten(3, (SIDE, SIDE))


def case_of(make: Callable[[], nn.Module], seed: int, spread: int, parts: int) -> Case:
    """A module with weights in `parts` of 1, normal but for their grid; norms have factors and variances of powers of two."""
    torch.manual_seed(seed)
    net = make().eval()
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            for array in module.parameters():
                array.data = torch.round(torch.randn(array.shape) * spread + 0.5) / parts
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            channels = torch.arange(module.num_features)
            module.running_var = torch.tensor([1.0, 4.0, 0.25])[channels % 3]
            module.running_mean, module.eps = channels % 5 / 4 - 0.5, 0.0
            module.weight.data, module.bias.data = torch.tensor([1.0, -0.5, 0.5])[channels % 3], channels % 5 / 8
    x = (torch.rand(STEPS, SAMPLES, 2, SIDE, SIDE) < 0.5).float()
    with torch.no_grad():
        spikes = net(x).numpy()
    functional.reset_net(net)
    assert 0.02 < spikes.mean() < 0.98, spikes.mean()
    return net, x, spikes


def equals(case: Case, precision: str) -> bool:
    """Whether the compiled spikes are the module's."""
    net, x, spikes = case
    (got,) = compile_model(net, "gpu", precision=precision, example=x).run(x).outputs.values()
    return np.array_equal(got, spikes)


def rounds_nothing(case: Case) -> bool:
    """Whether every population of the integers is exact."""
    quantization = compile_model(case[0], "gpu", example=case[1]).deployment.quantization
    assert quantization is not None
    return all(layer.exact for layer in quantization.layers)


def added_neurons(case: Case) -> int:
    """Those that a chip without programs takes beyond the module's."""
    chip = compile_model(case[0], "gpu", profile="loihi1", example=case[1]).deployment.chip
    return resource_totals(node_resources(chip)).neurons["added"]


def check_lava(case: Case) -> None:
    """Lava's outputs are the reference's."""
    lava, reference = (compile_model(case[0], target, example=case[1]).run(case[1]) for target in ("loihi", "gpu"))
    for name, spikes in reference.outputs.items():
        np.testing.assert_array_equal(lava.outputs[name], spikes)
