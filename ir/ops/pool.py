"""Maximum pooling: OR where spikes are pooled, arithmetic for the host where analog values are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from array_api_compat import is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.types import REAL, SPIKE, Type


@dataclass(frozen=True)
class MaxPool(Op):
    """
    The largest value of every window over the last one or two axes of (C, *spatial), as torch.nn.MaxPool1d and MaxPool2d.

    y[c, p] = max_k x[c, stride p + dilation k - padding], taps on padding left out (for spikes: silent)
    """

    kind = "max_pool"
    family = "tensor"
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        rank, shape = len(self.kernel), args[0].shape
        lengths = {len(self.stride), len(self.padding), len(self.dilation), rank}
        expect(rank in (1, 2) and lengths == {rank}, "max_pool.rank", "max_pool takes one or two spatial axes")
        expect(len(shape) == rank + 1, "max_pool.shape", f"a window of {rank} axes cannot slide over {shape}")
        inside = all(2 * pad <= size for pad, size in zip(self.padding, self.kernel, strict=True))
        expect(inside, "max_pool.padding", f"padding {self.padding} is more than half the window {self.kernel}")
        spatial = tuple(
            (n + 2 * pad - gap * (k - 1) - 1) // step + 1
            for n, k, step, pad, gap in zip(
                shape[1:], self.kernel, self.stride, self.padding, self.dilation, strict=True
            )
        )
        fits = min(spatial) > 0
        expect(fits, "max_pool.size", f"the window {self.kernel} is larger than the padded input {shape[1:]}")
        domain = SPIKE if args[0].domain == SPIKE else REAL
        return replace(args[0], shape=(shape[0], *spatial), domain=domain, scale=1.0)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        import torch

        x = args[0] if is_torch_array(args[0]) else torch.as_tensor(np.array(args[0]))
        real = x if x.is_floating_point() else x.to(torch.float64)  # torch pools no bytes
        pool = torch.nn.functional.max_pool1d if len(self.kernel) == 1 else torch.nn.functional.max_pool2d
        y = pool(real.flatten(0, 1), self.kernel, self.stride, self.padding, self.dilation)
        y = y.reshape(*x.shape[:2], *y.shape[1:]).to(x.dtype)
        return y if is_torch_array(args[0]) else y.numpy()
