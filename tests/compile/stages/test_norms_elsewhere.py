"""Batch norms, and factors per channel, that stand behind no linear layer: spikes are the module's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn
from torch.nn.functional import interpolate, pad

from tests.compile.stages.form_tests import (
    CHANNELS,
    Case,
    added_neurons,
    attended,
    case_of,
    check_lava,
    each,
    equals,
    max_pool,
    pooled,
    tokens,
)

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


def _case(form: str) -> Case:
    return case_of(lambda: Normed(FORMS[form]), seed=1, spread=2, parts=4)


@pytest.mark.parametrize("form", FORMS)
def test_spikes_in_floats_are_the_module_s_own(form: str):
    assert equals(_case(form), "float")


@pytest.mark.parametrize("form", FORMS)
def test_spikes_in_integers_are_the_module_s_own(form: str):
    assert equals(_case(form), "int")


@pytest.mark.parametrize(
    "form", ["RepVGG", "a sum with spikes", "spikes, neuron", "spikes, conv", "normed, flat", "tokens", "sum of all"]
)
def test_no_neuron_is_added(form: str):
    assert added_neurons(_case(form)) == 0


@pytest.mark.lava
@pytest.mark.parametrize("form", FORMS)
def test_lava_s_spikes_are_the_reference_s(form: str):
    check_lava(_case(form))
