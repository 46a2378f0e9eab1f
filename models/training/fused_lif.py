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
    `h[t] = v + (x[t] - v) / 2`, `s[t] = [h[t] >= theta]`, `v = h[t] (1 - s[t])`, from `v = 0`, for currents (T, n).

    Backwards, with `p = sigmoid(a (h - theta))`, a the slope of the surrogate, and a reset that carries no gradient:
    `dh[t] = ds[t] a p (1 - p) + dv (1 - s[t])`, `dx[t] = dv = dh[t] / 2`.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, threshold: float, slope: float) -> torch.Tensor:
        ctx.threshold, ctx.slope = threshold, slope
        membranes, spikes = torch.empty_like(x), torch.empty_like(x)
        for start in range(0, x.shape[1], RUN):
            run = slice(start, start + RUN)
            v = torch.zeros_like(x[0, run])
            for step, current in enumerate(x[:, run]):
                h, s = membranes[step, run], spikes[step, run]
                torch.sub(current, v, out=h).mul_(0.5).add_(v)
                torch.ge(h, threshold, out=s)
                torch.addcmul(h, h, s, value=-1.0, out=v)
        ctx.save_for_backward(membranes, spikes)
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (membranes, spikes), (spikes_gradient,) = ctx.saved_tensors, gradients
        result = torch.empty_like(membranes)
        for start in range(0, membranes.shape[1], RUN):
            run = slice(start, start + RUN)
            carried = torch.zeros_like(membranes[0, run])
            for step in reversed(range(len(membranes))):
                h, out = membranes[step, run], result[step, run]
                torch.sub(h, ctx.threshold, out=out).mul_(ctx.slope).sigmoid_()
                out.addcmul_(out, out, value=-1.0).mul_(spikes_gradient[step, run]).mul_(0.5 * ctx.slope)
                out.add_(carried.addcmul_(carried, spikes[step, run], value=-1.0))
                torch.mul(out, 0.5, out=carried)
        return result, None, None


def use_fused_lif(part: nn.Module) -> None:
    """
    Make the LIF neurons in `part` step this way, whatever they stepped like before.

    They keep no membrane from call to call, as the models, which reset before every sample, ask of none. For networks that are
    trained; what is compiled keeps SpikingJelly's own forward.

    Raises:
        ValueError: for a neuron with other settings than those of `models.layers.neuron.lif`.
    """
    for node in part.modules():
        if isinstance(node, LIFNode):
            _check(node)
            object.__setattr__(node, "multi_step_forward", _forward_of(node))


def _check(node: LIFNode) -> None:
    surrogate = node.surrogate_function
    known = (node.tau, node.v_reset, node.decay_input, node.detach_reset, node.step_mode) == (2.0, 0.0, True, True, "m")
    if not known or not isinstance(surrogate, Sigmoid):
        raise ValueError(f"no fused steps for {node}: tau 2, decaying input, detached hard reset, sigmoid surrogate")


def _forward_of(node: LIFNode) -> Callable[[torch.Tensor], torch.Tensor]:
    assert isinstance(node.surrogate_function, Sigmoid)
    threshold, slope = float(node.v_threshold), float(node.surrogate_function.alpha)

    def forward(x: torch.Tensor) -> torch.Tensor:
        spikes = cast(torch.Tensor, _FusedLif.apply(x.flatten(1).contiguous(), threshold, slope))
        return spikes.view_as(x)

    return forward
