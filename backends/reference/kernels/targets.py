"""How many synapses a convolution has from every position; padding has none."""

from __future__ import annotations

from functools import lru_cache

import torch

from ir.ops.linear import Conv


@lru_cache(maxsize=256)
def targets_per_position(
    op: Conv, weight: tuple[int, ...], sizes: tuple[int, ...], device: torch.device
) -> torch.Tensor:
    """Output elements that one input channel reaches from every spatial position."""
    axes = [torch.zeros(size, dtype=torch.int64) for size in sizes]
    for axis, (size, kernel) in enumerate(zip(sizes, weight[2:], strict=True)):
        stride, padding, gap = op.stride[axis], op.padding[axis], op.dilation[axis]
        outputs = (size + 2 * padding - gap * (kernel - 1) - 1) // stride + 1
        taps = [stride * p + gap * k - padding for p in range(outputs) for k in range(kernel)]
        for position in taps:
            if 0 <= position < size:
                axes[axis][position] += 1
    reached = axes[0]
    for axis in axes[1:]:
        reached = reached[..., None] * axis
    return (reached * (weight[0] // op.groups)).to(device)
