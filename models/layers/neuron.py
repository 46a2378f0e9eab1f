"""
What layers on spikes share: the neuron, the synapses in front of it, the read-out over time, the initialisation.

All spiking tensors are (T, B, tokens, D), as SpikingJelly's multi-step neurons expect.
"""

from __future__ import annotations

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import Sigmoid
from torch import nn

TIME_WEIGHTS = (2.3026, 1.9, 1.6094, 1.2, 0.9163, 0.5)
"""Start values of the learnable weight of each time step, as CMSF publishes them."""


def lif(threshold: float = 1.0) -> LIFNode:
    """`v += (x - v) / 2`, fires at `v >= threshold`, then `v = 0`; surrogate: sigmoid, slope 4."""
    return LIFNode(
        tau=2.0,
        v_threshold=threshold,
        surrogate_function=Sigmoid(alpha=4.0),
        detach_reset=True,
        step_mode="m",
        backend="torch",
    )


def lif_without_input_scaling(threshold: float = 1.0) -> LIFNode:
    """`v = v / 2 + x`, fires at `v >= threshold`, then `v = 0`; surrogate: sigmoid, slope 4."""
    return LIFNode(
        tau=2.0,
        decay_input=False,
        v_threshold=threshold,
        surrogate_function=Sigmoid(alpha=4.0),
        detach_reset=True,
        step_mode="m",
        backend="torch",
    )


def fire(x: torch.Tensor, linear: nn.Linear, bn: nn.BatchNorm1d, neuron: LIFNode) -> torch.Tensor:
    """Spikes of `neuron(bn(linear(x)))` for `x` (T, B, tokens, in); the norm is over channels."""
    return drive(linear(x.flatten(0, 1)), bn, neuron, x)


def drive(current: torch.Tensor, bn: nn.BatchNorm1d, neuron: LIFNode, like: torch.Tensor) -> torch.Tensor:
    """Spikes for a `current` (T*B, tokens, out), shaped (T, B, tokens, out) as `like` is."""
    steps, batch, tokens, _ = like.shape
    normed = bn(current.transpose(-1, -2)).transpose(-1, -2)
    return neuron(normed.reshape(steps, batch, tokens, bn.num_features).contiguous())


def time_weights(steps: int) -> torch.Tensor:
    """Learnable (1, steps, 1, 1) weights of the time steps."""
    return nn.Parameter(torch.tensor(TIME_WEIGHTS[:steps]).reshape(1, steps, 1, 1))


def sum_over_time(spikes: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """`sum_t w_t x[t]`: (T, B, tokens, D) -> (B, tokens, D)."""
    return torch.sum(spikes.transpose(0, 1) * weights, dim=1)


def l2_normalise(x: torch.Tensor) -> torch.Tensor:
    """Each token divided by its Euclidean length + 1e-8; one of zeros stays what it is, and passes its gradient on."""
    squares = torch.pow(x, 2).sum(dim=-1, keepdim=True)
    if squares.requires_grad:
        squares = squares.masked_fill(squares == 0, 1.0)  # the root of 0 has no finite gradient
    length = squares.sqrt() + 1e-8
    return torch.div(x, length)


def truncated_normal_init(module: nn.Module) -> None:
    """Use with `apply`: truncated normal weights (std 0.02), zero biases, plain LayerNorms."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.LayerNorm):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
