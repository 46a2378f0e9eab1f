"""What is put side by side though it is unlike: spikes, averages, currents, counts, payloads. Spikes are the module's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, max_pool2d

from tests.compile.stages.form_tests import (
    CHANNELS,
    SIDE,
    Case,
    added_neurons,
    attended,
    case_of,
    check_lava,
    each,
    equals,
    max_pool,
    pooled,
    rounds_nothing,
    tokens,
)

Tensor = torch.Tensor
Form = Callable[["Branches", Tensor], Tensor]


class Branches(nn.Module):
    """Spikes of four channels, and layers that a form puts behind them; a form ends in neurons."""

    def __init__(self, form: Form) -> None:
        super().__init__()
        self.form = form
        self.stem, self.z = layer.Conv2d(2, CHANNELS, 3, padding=1), LIFNode(decay_input=False)
        self.a, self.b = layer.Conv2d(CHANNELS, CHANNELS, 3, padding=1), layer.Conv2d(CHANNELS, CHANNELS, 1, bias=False)
        self.q, self.m, self.n = IFNode(), LIFNode(decay_input=False), IFNode()
        self.two, self.three = layer.Conv2d(8, 4, 3, padding=1), layer.Conv2d(12, 4, 1)
        self.pairs, self.halves = layer.Conv2d(8, 8, 3, groups=4), layer.Conv2d(12, 4, 3, padding=1, groups=2)
        self.norm, self.norm4 = layer.BatchNorm2d(8), layer.BatchNorm2d(4)
        self.fc, self.tokens = layer.Linear(8 * SIDE * SIDE, 5), layer.Linear(CHANNELS, 6)
        self.token = nn.Parameter(torch.arange(6.0).view(1, 1, 1, 6) / 4 - 0.25)
        functional.set_step_mode(self, "m")

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 2, SIDE, SIDE) -> the spikes of the form."""
        return self.form(self, self.z(self.stem(x)))


def cat(*parts: Tensor, dim: int = 2) -> Tensor:
    return torch.cat(parts, dim)


def averaged(x: Tensor) -> Tensor:
    return each(lambda y: avg_pool2d(y, 2, 1)[..., :1, :1].expand(-1, -1, SIDE, SIDE), x)


def enlarged(x: Tensor) -> Tensor:
    return each(lambda y: interpolate(max_pool2d(y, 2), scale_factor=2, mode="bilinear"), x)


def shuffled(x: Tensor) -> Tensor:
    return x.unflatten(2, (2, -1)).transpose(2, 3).flatten(2, 3)


def token(s: Branches, z: Tensor, width: int) -> Tensor:
    """The same learned values at every step of every sample."""
    return s.token[..., :width].expand(*z.shape[:2], 1, width)


FORMS: dict[str, Form] = {
    "averages, conv": lambda s, z: s.m(s.two(cat(z, averaged(z)))),
    "averages of both, conv": lambda s, z: s.m(s.two(cat(pooled(z), max_pool(z)))),
    "averages, neuron": lambda s, z: s.m(cat(z, averaged(z))),
    "bilinear, conv": lambda s, z: s.m(s.two(cat(z, enlarged(z)))),
    "halved, conv": lambda s, z: s.m(s.two(cat(z, z / 2))),
    "halved, neuron": lambda s, z: s.m(cat(z, z / 2)),
    "both halved, conv": lambda s, z: s.m(s.two(cat(z / 2, s.q(s.a(z)) / 2))),
    "both halved, pool": lambda s, z: s.m(s.two(max_pool(cat(z / 2, s.q(s.a(z)) / 2)))),
    "counts, conv": lambda s, z: s.m(s.two(cat(z, z + s.q(s.a(z))))),
    "counts, neuron": lambda s, z: s.m(cat(z, z + s.q(s.a(z)))),
    "counts between, pool": lambda s, z: s.m(max_pool(cat(z, z + s.q(s.a(z)), z))),
    "counts first, gate": lambda s, z: s.m(cat(z + s.q(s.a(z)), z) * cat(z, z)),
    "a current, neuron": lambda s, z: s.m(cat(z, s.a(z))),
    "a current, conv": lambda s, z: s.m(s.two(cat(z, s.a(z)))),
    "currents, neuron": lambda s, z: s.m(cat(s.a(z), s.b(z))),
    "currents, conv": lambda s, z: s.m(s.two(cat(s.a(z), s.b(z)))),
    "currents, norm": lambda s, z: s.m(s.norm(cat(s.a(z), s.b(z)))),
    "currents, norm, conv": lambda s, z: s.m(s.two(s.norm(cat(s.a(z), s.b(z))))),
    "currents along the width, norm": lambda s, z: s.m(s.norm4(cat(s.a(z), s.b(z), dim=4))),
    "currents along the height, conv": lambda s, z: s.m(s.a(cat(s.b(z), z, dim=3))),
    "currents along the height, conv of single pixels": lambda s, z: s.m(s.b(cat(s.a(z), z, dim=3))),
    "cat of cats": lambda s, z: s.m(s.three(cat(cat(z, s.a(z)), averaged(z)))),
    "cat of cats across": lambda s, z: s.m(cat(cat(z, s.a(z)), cat(s.b(z), z), dim=4)),
    "three, scaled and shifted": lambda s, z: s.m(cat(z, s.a(z), z) * 0.5 + 0.25),
    "scaled by channel": lambda s, z: s.m(s.two(cat(z, s.a(z)) * (torch.arange(8).view(8, 1, 1) / 4) + 0.25)),
    "scaled by pixel": lambda s, z: s.m(s.two(cat(z, s.a(z)) * (torch.arange(4) / 4))),
    "pool, linear": lambda s, z: s.m(s.fc(cat(averaged(z), s.a(z)).flatten(2))),
    "maximum, conv": lambda s, z: s.m(s.two(max_pool(cat(z, s.a(z))))),
    "maximum of two currents": lambda s, z: s.m(torch.maximum(s.a(z), s.b(z))),
    "sum over the parts": lambda s, z: s.m(torch.stack([s.a(z), s.b(z), z]).sum(0)),
    "mean over the parts": lambda s, z: s.m(torch.stack([s.a(z), s.b(z), z, z]).mean(0)),
    "sum over channels": lambda s, z: s.m(cat(z, s.a(z)).sum(2)),
    "sum over pixels": lambda s, z: s.m(cat(z, s.a(z)).sum((3, 4))),
    "halves swapped": lambda s, z: s.m(cat(*s.a(z).chunk(2, 2)[::-1])),
    "a slice across the border": lambda s, z: s.m(cat(z, s.a(z))[:, :, 2:6]),
    "a slice of one part": lambda s, z: s.m(cat(z, s.a(z), s.b(z))[:, :, 4:7]),
    "groups of one part each": lambda s, z: s.m(s.pairs(cat(z, s.a(z)))),
    "groups across parts": lambda s, z: s.m(s.halves(cat(z, s.a(z), z))),
    "shuffled": lambda s, z: s.m(s.two(shuffled(cat(z, s.a(z))))),
    "tokens": lambda s, z: s.m(s.tokens(tokens(cat(z, s.a(z), dim=4)))),
    "enlarged together": lambda s, z: s.m(cat(z, s.a(z))[..., :1].expand(-1, -1, -1, -1, 3)),
    "padded together": lambda s, z: s.m(nn.functional.pad(cat(z, s.a(z)), (1, 0, 0, 1, 1, 0))),
    "late together": lambda s, z: s.m(late(cat(z, averaged(z)))),
    "constants, conv": lambda s, z: s.m(s.two(cat(z, torch.full(z.shape, 0.5)))),
    "constants between, conv": lambda s, z: s.m(s.three(cat(z, torch.full(z.shape, 0.5), s.a(z)))),
    "constants, neuron": lambda s, z: s.m(cat(torch.full(z.shape, 0.75), s.a(z))),
    "a class token": lambda s, z: s.m(s.tokens(cat(token(s, z, 4), tokens(z), dim=2))),
    "a class token of embeddings": lambda s, z: s.m(cat(token(s, z, 6), s.tokens(tokens(z)), dim=2)),
    "a class token that is dropped": lambda s, z: s.m(s.tokens(cat(token(s, z, 4), tokens(z), dim=2))[:, :, 1:]),
    "a class token, norm": lambda s, z: s.m(
        s.norm4(cat(token(s, z, 4), tokens(z), dim=2).transpose(2, 3).unsqueeze(4))
    ),
    "negated": lambda s, z: s.m(s.two(cat(1 - z, averaged(z)))),
    "negated, neuron": lambda s, z: s.m(cat(1 - z, averaged(z))),
    "negated, conv": lambda s, z: s.m(s.two(cat(1 - z, z))),
    "a product of spikes": lambda s, z: s.m(s.two(cat(z, attended(z)))),
    "gated": lambda s, z: s.m(s.two(cat(s.a(z) * z, z))),
    "gates": lambda s, z: s.m(s.two(cat(z, s.a(z)) * cat(z, z))),
    "read twice": lambda s, z: s.m(s.two(cat(z, s.a(z)))) + s.n(cat(z, s.a(z))[:, :, :4]),
}


def late(x: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(x[:1]), x[:-1]])


def _case(form: str) -> Case:
    return case_of(lambda: Branches(FORMS[form]), seed=0, spread=3, parts=8)


ROUNDED = {
    "a current, conv",
    "currents, conv",
    "currents, norm, conv",
    "pool, linear",
    "read twice",
    "scaled by channel",
    "scaled by pixel",
    "shuffled",
}
"""Forms whose merged matrices do not fit eight bits."""


@pytest.mark.parametrize("form", FORMS)
def test_spikes_in_floats_are_the_module_s_own(form: str):
    assert equals(_case(form), "float")


@pytest.mark.parametrize("form", FORMS)
def test_spikes_in_integers_are_the_module_s_own(form: str):
    exact = rounds_nothing(_case(form))
    assert exact == (form not in ROUNDED)
    assert equals(_case(form), "int") or not exact


@pytest.mark.parametrize(
    "form", ["averages, conv", "counts, conv", "a current, neuron", "currents, norm", "pool, linear"]
)
def test_no_neuron_is_added(form: str):
    assert added_neurons(_case(form)) == 0


@pytest.mark.lava
@pytest.mark.parametrize("form", FORMS)
def test_lava_s_spikes_are_the_reference_s(form: str):
    check_lava(_case(form))
