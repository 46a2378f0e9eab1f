"""
The LIF neuron of all models with one node in the graph of gradients for all its steps, several times as fast in training.

SpikingJelly's own multi-step neuron makes some fifteen tensors per step. Here the membranes before the reset are all that is
kept, and the work is done in runs that fit a processor's cache. Spikes and gradients are SpikingJelly's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import Sigmoid
from torch import nn
from torch.autograd.function import Function

RUN = 32_768
"""Neurons that are stepped at a time."""


class _FusedLif(Function):
    """
    `h[t] = v / 2 + c x[t]`, `s[t] = [h[t] >= theta]`, `v = h[t] (1 - s[t])`, from `v = 0`, for currents (T, n); c is `scale`,
    1/2 or 1.

    Backwards, with `p = sigmoid(a (h - theta))`, a the slope of the surrogate, and a reset that carries no gradient:
    `dh[t] = ds[t] a p (1 - p) + dv (1 - s[t])`, `dx[t] = c dh[t]`, `dv = dh[t] / 2`.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, threshold: float, slope: float, scale: float) -> torch.Tensor:
        ctx.threshold, ctx.slope, ctx.scale = threshold, slope, scale
        membranes, spikes = torch.empty_like(x), torch.empty_like(x)
        for start in range(0, x.shape[1], RUN):
            run = slice(start, start + RUN)
            v = torch.zeros_like(x[0, run])
            for step, current in enumerate(x[:, run]):
                h, s = membranes[step, run], spikes[step, run]
                _charge(current, v, scale, h)
                torch.ge(h, threshold, out=s)
                torch.addcmul(h, h, s, value=-1.0, out=v)
        ctx.save_for_backward(membranes, spikes)
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        (membranes, spikes), (spikes_gradient,) = ctx.saved_tensors, gradients
        result = torch.empty_like(membranes)
        for start in range(0, membranes.shape[1], RUN):
            run = slice(start, start + RUN)
            carried = torch.zeros_like(membranes[0, run])
            for step in reversed(range(len(membranes))):
                h, out = membranes[step, run], result[step, run]
                torch.sub(h, ctx.threshold, out=out).mul_(ctx.slope).sigmoid_()
                out.addcmul_(out, out, value=-1.0).mul_(spikes_gradient[step, run]).mul_(ctx.scale * ctx.slope)
                out.add_(carried.addcmul_(carried, spikes[step, run], value=-1.0))
                torch.mul(out, 0.5, out=carried)
        return result, None, None, None


def _charge(current: torch.Tensor, v: torch.Tensor, scale: float, h: torch.Tensor) -> None:
    """The membrane before the reset, into `h`, rounded as SpikingJelly rounds it."""
    if scale == 1.0:
        torch.add(current, v, alpha=0.5, out=h)
    else:
        torch.sub(current, v, out=h).mul_(scale).add_(v)


def use_fused_lif(part: nn.Module) -> None:
    """
    Make the LIF neurons in `part` step this way, whatever they stepped like before.

    They keep no membrane from call to call, as the models, which reset before every sample, ask of none. For networks that are
    trained; what is compiled keeps SpikingJelly's own forward.

    Raises:
        ValueError: for a neuron with other settings than those of `models.layers.neuron`.
    """
    for node in part.modules():
        if isinstance(node, LIFNode):
            _check(node)
            object.__setattr__(node, "multi_step_forward", _forward_of(node))


def _check(node: LIFNode) -> None:
    surrogate = node.surrogate_function
    known = (node.tau, node.v_reset, node.detach_reset, node.step_mode) == (2.0, 0.0, True, "m")
    if not known or not isinstance(surrogate, Sigmoid):
        raise ValueError(f"no fused steps for {node}: tau 2, detached hard reset, sigmoid surrogate")


def _forward_of(node: LIFNode) -> Callable[[torch.Tensor], torch.Tensor]:
    assert isinstance(node.surrogate_function, Sigmoid)
    threshold, slope = float(node.v_threshold), float(node.surrogate_function.alpha)
    scale = 0.5 if node.decay_input else 1.0

    def forward(x: torch.Tensor) -> torch.Tensor:
        spikes = cast(torch.Tensor, _FusedLif.apply(x.flatten(1).contiguous(), threshold, slope, scale))
        return spikes.view_as(x)

    return forward
