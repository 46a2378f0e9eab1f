"""
Recurrent networks for spoken digits and commands, their neurons inlined in loops, and networks that are read out at each layer.

Cramer et al., TNNLS 2022 (the Heidelberg data sets and their recurrent network, T = 100), as in the tutorials on surrogate
gradients; Kaiser et al., DECOLLE, 2020; Bellec et al., e-prop, 2020.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import nn

from tests.networks.network import Case, Size, spikes


class Spike(torch.autograd.Function):
    """1 above 0."""

    @staticmethod
    def forward(ctx: Any, v: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(v)
        out = torch.zeros_like(v)
        out[v > 0] = 1.0
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (v,) = ctx.saved_tensors
        return gradients[0] / (100 * v.abs() + 1.0) ** 2


class Above(Spike):
    """The same without a write."""

    @staticmethod
    def forward(ctx: Any, v: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(v)
        return (v > 0).float()


class Recurrent(nn.Module):
    """syn <- alpha syn + W x + V out; mem <- (beta mem + syn)(1 - out); fires above 1; a leaky read-out, (T, B, units)."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.alpha, self.beta = 0.8187, 0.9048
        self.w1 = nn.Parameter(torch.randn(inputs, hidden) * 2 / inputs**0.5)
        self.v1 = nn.Parameter(torch.randn(hidden, hidden) * 0.5 / hidden**0.5)
        self.w2 = nn.Parameter(torch.randn(hidden, classes) / hidden**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T, B, _ = x.shape
        syn, mem, out = (torch.zeros(B, self.w1.shape[1]) for _ in range(3))
        h1_from_input = torch.einsum("abc,cd->abd", (x, self.w1))
        recorded = []
        for t in range(T):
            h1 = h1_from_input[t] + torch.einsum("ab,bc->ac", (out, self.v1))
            out = Above.apply(mem - 1.0)
            rst = out.detach()
            new_syn = self.alpha * syn + h1
            new_mem = (self.beta * mem + syn) * (1.0 - rst)
            recorded.append(out)
            mem, syn = new_mem, new_syn
        h2 = torch.einsum("abc,cd->abd", (torch.stack(recorded), self.w2))
        return h2.sum(0)


def heidelberg(size: Size) -> Case:
    """700-128-35 for Spiking Speech Commands, one recurrent layer with synaptic currents, T = 100; logits are sums over time."""
    torch.manual_seed(0)
    inputs, hidden, classes, steps = (700, 128, 35, 100) if size == "published" else (12, 10, 5, 6)
    return Case(Recurrent(inputs, hidden, classes).eval(), {"x": spikes(steps, 2, inputs, rate=0.1)})


class Adaptive(nn.Module):
    """e-prop's network in its simplest form: recurrent LIF without currents, the reset a subtraction, a leaky read-out."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.w_in = nn.Linear(inputs, hidden, bias=False)
        self.w_rec = nn.Linear(hidden, hidden, bias=False)
        self.w_out = nn.Linear(hidden, classes, bias=False)
        self.alpha, self.kappa = 0.9, 0.9
        with torch.no_grad():
            self.w_in.weight.mul_(6)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        v = torch.zeros(x.shape[1], self.w_rec.in_features)
        z, vo, outputs = torch.zeros_like(v), 0.0, []
        for step in x:
            v = self.alpha * v + self.w_in(step) + self.w_rec(z) - z
            z = Above.apply(v - 1.0)
            vo = self.kappa * vo + self.w_out(z)
            outputs.append(vo)
        return torch.stack(outputs)


def eprop(size: Size) -> Case:
    """e-prop's recurrent network with a leaky read-out that the model writes out too."""
    torch.manual_seed(0)
    inputs, hidden, classes, steps = (700, 128, 35, 100) if size == "published" else (12, 10, 5, 6)
    return Case(Adaptive(inputs, hidden, classes).eval(), {"x": spikes(steps, 2, inputs, rate=0.2)})


class Decolle(nn.Module):
    """Layers in a row, each with a fixed random read-out of its own spikes; all read-outs are outputs."""

    def __init__(self, sizes: tuple[int, ...], classes: int) -> None:
        super().__init__()
        from spikingjelly.activation_based.neuron import LIFNode

        self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in pairwise(sizes)])
        self.neurons = nn.ModuleList([LIFNode(tau=2.0) for _ in sizes[1:]])
        self.readouts = nn.ModuleList([nn.Linear(b, classes, bias=False) for b in sizes[1:]])

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        recorded: list[list[torch.Tensor]] = [[] for _ in self.layers]
        for step in x:
            for place, (layer, neuron, readout) in enumerate(
                zip(self.layers, self.neurons, self.readouts, strict=True)
            ):
                step = neuron(layer(step))
                recorded[place].append(readout(step))
        return [torch.stack(each) for each in recorded]


def decolle(size: Size) -> Case:
    """DECOLLE: three layers, a read-out at each."""
    from tests.networks.firing import awake

    torch.manual_seed(0)
    sizes, classes, steps = ((700, 256, 256, 256), 10, 100) if size == "published" else ((12, 10, 8, 8), 5, 6)
    x = spikes(steps, 2, sizes[0], rate=0.2)
    return Case(awake(Decolle(sizes, classes), {"x": x}), {"x": x})
