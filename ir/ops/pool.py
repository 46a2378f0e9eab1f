"""Maximum pooling: OR where spikes are pooled, arithmetic for the host where analog values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from array_api_compat import is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import REAL, Type


@dataclass(frozen=True)
class MaxPool(Op):
    """
    The largest value of every window over the last one to three axes of (C, *spatial), as torch.nn.MaxPool1d to MaxPool3d.

    y[c, p] = max_k x[c, stride p + dilation k - padding], taps on padding left out (for spikes: silent)

    Behind the last element lie `padding + extra` such places. The largest of counts is a count.
    """

    kind = "max_pool"
    family = "tensor"
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    extra: tuple[int, ...] = ()
    """Padding at the end beyond that at the beginning, per axis; () is none."""

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        rank, shape = len(self.kernel), args[0].shape
        ends = self.extra or (0,) * rank
        lengths = {len(self.stride), len(self.padding), len(self.dilation), len(ends), rank}
        expect(rank in (1, 2, 3) and lengths == {rank}, "max_pool.rank", "max_pool takes one to three spatial axes")
        expect(len(shape) == rank + 1, "max_pool.shape", f"a window of {rank} axes cannot slide over {shape}")
        inside = all(2 * pad <= size for pad, size in zip(self.padding, self.kernel, strict=True))
        expect(inside, "max_pool.padding", f"padding {self.padding} is more than half the window {self.kernel}")
        spatial = tuple(
            (n + 2 * pad + end - gap * (k - 1) - 1) // step + 1
            for n, k, step, pad, gap, end in zip(
                shape[1:], self.kernel, self.stride, self.padding, self.dilation, ends, strict=True
            )
        )
        starts = zip(spatial, self.stride, shape[1:], self.padding, strict=True)
        begun = all((places - 1) * step < n + pad for places, step, n, pad in starts)
        expect(begun, "max_pool.extra", f"the last windows begin behind {shape[1:]}, in the {ends} places beyond it")
        fits = min(spatial) > 0
        expect(fits, "max_pool.size", f"the window {self.kernel} is larger than the padded input {shape[1:]}")
        domain = args[0].domain if args[0].domain.kind in ("spike", "count") else REAL
        return replace(args[0], shape=(shape[0], *spatial), domain=domain, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        import torch
        from torch.nn import functional

        x = args[0] if is_torch_array(args[0]) else torch.as_tensor(np.array(args[0]))
        rank = len(self.kernel)
        ends = [pad + end for pad, end in zip(self.padding, self.extra or (0,) * rank, strict=True)]
        sides = zip(self.padding, ends, strict=True)
        least = -torch.inf if x.is_floating_point() else torch.iinfo(x.dtype).min
        windows = zip(self.kernel, self.stride, self.dilation, sides, strict=True)
        # axis by axis, which is several times faster than torch's own pools, and keeps bytes
        for axis, (taps, step, gap, (before, behind)) in enumerate(windows, start=x.ndim - rank):
            x = functional.pad(x, [0, 0] * (x.ndim - 1 - axis) + [before, behind], value=least)
            window = x.unfold(axis, gap * (taps - 1) + 1, step)[..., ::gap]
            x = reduce(torch.maximum, window.unbind(-1))
        return x if is_torch_array(args[0]) else x.numpy()
