"""
A network with one step in place of T, whose neurons send rates: several times as fast, and near enough to begin a training with.

Under a constant current x, a LIF neuron (tau 2, hard reset to 0) spikes for the first time in step k as soon as
`x (1 - 2^-k) >= theta`, and then in every k-th one. Its rate over T steps is a staircase, for T = 4 and theta = 1: 1/4 from
x = 16/15, 1/2 from 4/3, 1 from 2. Exact for the first layer on an image that is repeated; further on, currents are taken for
constant.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, cast

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn
from torch.autograd.function import Function

from models.training.fused_lif import RUN, use_fused_lif

MIDDLE, SLOPE = 1.4, 3.0
"""The gradient's sigmoid, per threshold: the rate is about a half at its middle, and it is nearly as steep as the stairs."""


def stairs(steps: int, threshold: float) -> list[tuple[float, float]]:
    """
    The currents at which the rate rises, and by how much.

    >>> stairs(2, 1.5)
    [(2.0, 0.5), (3.0, 0.5)]
    """
    first = range(steps, 0, -1)
    spikes = [steps // k for k in first]
    rises = [(number - before) / steps for number, before in zip(spikes, [0, *spikes], strict=False)]
    return [(threshold / (1 - 0.5**k), rise) for k, rise in zip(first, rises, strict=True) if rise]


class _RateLif(Function):
    """The staircase of currents (n,); backwards `a p (1 - p)`, `p = sigmoid(a (x - m))`, a and m by the threshold."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, steps: int, threshold: float) -> torch.Tensor:
        ctx.threshold = threshold
        ctx.save_for_backward(x)
        rates, reached = torch.zeros_like(x), x.new_empty(RUN)
        for start in range(0, len(x), RUN):
            run = slice(start, start + RUN)
            for current, rise in stairs(steps, threshold):
                rates[run].add_(torch.ge(x[run], current, out=reached[: len(x[run])]), alpha=rise)
        return rates

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (x,), (rates_gradient,) = ctx.saved_tensors, gradients
        result, slope = torch.empty_like(x), SLOPE / ctx.threshold
        for start in range(0, len(x), RUN):
            run = slice(start, start + RUN)
            out = result[run]
            torch.sub(x[run], MIDDLE * ctx.threshold, out=out).mul_(slope).sigmoid_()
            out.addcmul_(out, out, value=-1.0).mul_(slope).mul_(rates_gradient[run])
        return result, None, None


@contextmanager
def one_step_of_rates(part: nn.Module) -> Generator[None]:
    """
    Within, `part`, whose inputs are repeated `part.steps` times, has one step, and its neurons the rates of all.

    A network without neurons has no steps, and stays as it is.
    """
    nodes = [node for node in part.modules() if isinstance(node, LIFNode)]
    if not nodes:
        yield
        return
    steps = cast(int, part.steps)
    try:
        part.steps = 1  # pyright: ignore[reportArgumentType]
        for node in nodes:
            object.__setattr__(node, "multi_step_forward", _forward_of(node, steps))
        yield
    finally:
        part.steps = steps  # pyright: ignore[reportArgumentType]
        use_fused_lif(part)


def _forward_of(node: LIFNode, steps: int) -> Callable[[torch.Tensor], torch.Tensor]:
    threshold = float(node.v_threshold)

    def forward(x: torch.Tensor) -> torch.Tensor:
        return cast(torch.Tensor, _RateLif.apply(x.flatten(), steps, threshold)).view_as(x)

    return forward
