"""Batch norms, and factors per channel, that stand behind no linear layer: spikes are the module's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d, pad

from compile import compile_model
from ir.analysis.resources import node_resources, resource_totals

torch.set_num_threads(1)
STEPS, SAMPLES, CHANNELS, SIDE = 3, 4, 4, 4
Tensor = torch.Tensor
Form = Callable[["Normed", Tensor], Tensor]


class Normed(nn.Module):
    """Spikes of four channels, and layers that a form puts behind them; a form ends in neurons."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.stem, self.z = layer.Conv2d(2, CHANNELS, 3, padding=1), LIFNode(decay_input=False)
        self.a, self.b = layer.Conv2d(CHANNELS, CHANNELS, 3, padding=1), layer.Conv2d(CHANNELS, CHANNELS, 1, bias=False)
        self.deep, self.pairs = layer.Conv2d(4, 8, 3, groups=4), layer.Conv2d(4, 6, 3, padding=1, groups=2)
        self.two, self.norm8 = layer.Conv2d(8, 4, 1), layer.BatchNorm2d(8)
        self.q, self.m = IFNode(), LIFNode(decay_input=False)
        self.norm, self.again, self.third = (layer.BatchNorm2d(CHANNELS) for _ in range(3))
        self.tokens, self.fc, self.mix = layer.Linear(CHANNELS, 6), layer.Linear(64, 5), layer.Linear(16, 5)
        self.flat = nn.BatchNorm1d(64)
        functional.set_step_mode(self, "m")

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 2, SIDE, SIDE) -> the spikes of the form."""
        return self.form(self, self.z(self.stem(x)))


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


def affine(x: Tensor) -> Tensor:
    return x * (torch.arange(4) / 4 + 0.25).view(4, 1, 1) - 0.25


def cut(s: Normed, x: Tensor) -> Tensor:
    """A norm of two of the channels of a convolution, which is read as a whole, too."""
    y = s.a(x)
    return y + s.norm(y[:, :, [1, 1, 3, 0]])


FORMS: dict[str, Form] = {
    "RepVGG": lambda s, z: s.m(s.norm(s.a(z)) + s.again(s.b(z)) + s.third(z)),
    "a sum with spikes": lambda s, z: s.m(s.norm(s.a(z) + z)),
    "a difference": lambda s, z: s.m(s.norm(s.a(z) - z)),
    "spikes, neuron": lambda s, z: s.m(s.norm(z)),
    "spikes, conv": lambda s, z: s.m(s.a(s.norm(z))),
    "spikes, conv in groups": lambda s, z: s.m(s.pairs(s.norm(z))),
    "spikes, depthwise": lambda s, z: s.m(s.deep(s.norm(z))),
    "spikes, two convs": lambda s, z: s.m(s.a(s.norm(z)) + s.b(s.norm(z))),
    "maximum, conv": lambda s, z: s.m(s.a(s.norm(max_pool(z)))),
    "maximum of normed": lambda s, z: s.m(max_pool(s.norm(z))),
    "average": lambda s, z: s.m(s.norm(pooled(z))),
    "average, conv": lambda s, z: s.m(s.b(s.norm(pooled(z)))),
    "normed, average, linear": lambda s, z: s.m(s.mix(pooled(s.norm(z)).flatten(2))),
    "sum of all": lambda s, z: s.m(s.norm(z.sum((3, 4), keepdim=True))),
    "sum of rows, conv": lambda s, z: s.m(s.b(s.norm(z.sum(3, keepdim=True)))),
    "sum of channels": lambda s, z: s.m(s.norm(z.transpose(2, 3)).sum(3)),
    "enlarged": lambda s, z: s.m(s.norm(each(lambda y: interpolate(y, scale_factor=2, mode="bilinear"), z))),
    "padded": lambda s, z: s.m(s.norm(pad(s.a(z), (1, 0, 0, 1)))),
    "padded spikes, conv": lambda s, z: s.m(s.b(s.norm(pad(z, (1, 0, 0, 1))))),
    "channels cut": lambda s, z: s.m(cut(s, z)),
    "rows for channels": lambda s, z: s.m(s.norm(s.a(z).transpose(2, 3))),
    "rows of spikes for channels": lambda s, z: s.m(s.norm(z.transpose(2, 3)).transpose(2, 3)),
    "rows of spikes for channels, conv": lambda s, z: s.m(s.a(s.norm(z.transpose(2, 3)).transpose(2, 3))),
    "two in a row": lambda s, z: s.m(s.a(s.again(s.norm(z)))),
    "flat": lambda s, z: s.m(s.fc(each(s.flat, z.flatten(2)))),
    "normed, flat": lambda s, z: s.m(s.fc(s.norm(z).flatten(2))),
    "tokens": lambda s, z: s.m(s.tokens(tokens(s.norm(z)))),
    "counts": lambda s, z: s.m(s.norm(z + s.q(s.a(z)))),
    "counts, conv": lambda s, z: s.m(s.b(s.norm(z + s.q(s.a(z))))),
    "a product of spikes": lambda s, z: s.m(s.norm(z * s.q(s.a(z)))),
    "three products": lambda s, z: s.m(s.norm(attended(z))),
    "negated": lambda s, z: s.m(s.b(s.norm(1 - z))),
    "a join of spikes": lambda s, z: s.m(s.two(s.norm8(torch.cat([z, s.q(s.a(z))], 2)))),
    "an unlike join": lambda s, z: s.m(s.norm8(torch.cat([z, s.a(z)], 2))),
    "an unlike join, conv": lambda s, z: s.m(s.two(s.norm8(torch.cat([z, s.a(z)], 2)))),
    "a late one": lambda s, z: s.m(s.norm(torch.cat([torch.zeros_like(z[:1]), z[:-1]]))),
    "a maximum of two": lambda s, z: s.m(s.norm(torch.maximum(s.a(z), z))),
    "a factor and a term": lambda s, z: s.m(affine(z)),
    "a factor and a term, conv": lambda s, z: s.m(s.a(affine(z))),
    "a factor and a term, tokens": lambda s, z: s.m(s.tokens(tokens(affine(z)))),
    "a factor per pixel, conv": lambda s, z: s.m(s.b(z * (torch.arange(16) / 8).view(4, 4))),
    "factors of channels behind rows": lambda s, z: s.m(affine(s.a(z).transpose(2, 3)).transpose(2, 3)),
}


def _net(form: str) -> tuple[nn.Module, Tensor, np.ndarray]:
    """A module whose weights and norms integers hold exactly; spikes for it, and its own."""
    torch.manual_seed(1)
    net = Normed(FORMS[form]).eval()
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            for array in module.parameters():
                array.data = torch.round(torch.randn(array.shape) * 2 + 0.5) / 4
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


@pytest.mark.parametrize("form", FORMS)
def test_spikes_in_floats_are_the_module_s_own(form: str):
    net, x, spikes = _net(form)
    (got,) = compile_model(net, "gpu", precision="float", example=x).run(x).outputs.values()
    np.testing.assert_array_equal(got, spikes)


@pytest.mark.parametrize("form", FORMS)
def test_spikes_in_integers_are_the_module_s_own(form: str):
    net, x, spikes = _net(form)
    (got,) = compile_model(net, "gpu", example=x).run(x).outputs.values()
    np.testing.assert_array_equal(got, spikes)


@pytest.mark.parametrize(
    "form", ["RepVGG", "a sum with spikes", "spikes, neuron", "spikes, conv", "normed, flat", "tokens", "sum of all"]
)
def test_no_neuron_is_added(form: str):
    net, x, _ = _net(form)
    chip = compile_model(net, "gpu", profile="loihi1", example=x).deployment.chip
    assert resource_totals(node_resources(chip)).neurons["added"] == 0


@pytest.mark.lava
@pytest.mark.parametrize("form", FORMS)
def test_lava_s_spikes_are_the_reference_s(form: str):
    net, x, _ = _net(form)
    lava, reference = (compile_model(net, target, example=x).run(x) for target in ("loihi", "gpu"))
    for name, spikes in reference.outputs.items():
        np.testing.assert_array_equal(lava.outputs[name], spikes)
