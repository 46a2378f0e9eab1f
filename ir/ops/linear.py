"""
Weighted sums: dense, convolutional, and the unit synapses that lowering is made of.

On spikes (or graded payloads) these are projections: their result is the current of a neuron. On real values they are
arithmetic for the host.

In float64 a sum is rounded once and has no order (`ir.ops.exact_product`); numpy's float32 is accumulated in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from ir.ops.base import Op, Shapes, Value, arity, expect
from ir.ops.exact_product import accumulated, exact_bilinear, exact_product, exact_sum
from ir.types import CURRENT, REAL, Type

Array = np.ndarray[Any, np.dtype[Any]]


def weighted(arg: Type, shape: tuple[int, ...]) -> Type:
    """The type of a weighted sum of `arg`: a current where spikes or payloads flow in, else real."""
    domain = CURRENT if arg.domain.populations else REAL
    return replace(arg, shape=shape, domain=domain, scale=1.0)


@dataclass(frozen=True)
class Linear(Op):
    """y[..., o] = sum_i W[o, i] x[..., i] + b[o]: the same matrix at every token (leading axis)."""

    kind = "linear"
    family = "projection"

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        expect(
            "weight" in params and len(params["weight"]) == 2, "linear.weight", "linear needs a weight of shape (O, I)"
        )
        outputs, inputs = params["weight"]
        shape = args[0].shape
        fits = bool(shape) and shape[-1] == inputs
        expect(fits, "linear.shape", f"a weight of shape ({outputs}, {inputs}) cannot take {shape}")
        if "bias" in params:
            expect(params["bias"] == (outputs,), "linear.bias", f"bias has shape {params['bias']}, needs ({outputs},)")
        return weighted(args[0], (*shape[:-1], outputs))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        x, weight = args[0], params["weight"]
        wide = _is_wide(x) and _is_wide(weight)
        if is_torch_array(x) and not wide:  # the very kernel of torch.nn.Linear, so that networks keep its rounding
            from torch.nn.functional import linear

            return linear(x, weight, params.get("bias"))
        y = exact_product(x, weight) if wide else accumulated(x, weight)
        return y + params["bias"] if "bias" in params else y

    def synapses(self, args: tuple[Type, ...], params: Shapes) -> int:
        return args[0].size * params["weight"][0]


@dataclass(frozen=True)
class Conv(Op):
    """
    Cross-correlation over the last one to three axes of (C, *spatial), as torch.nn.Conv1d to Conv3d.

    y[o, p] = sum_{c, k} W[o, c, k] x'[c, stride p + dilation k - padding] + b[o],    x'[spread i] = x[i]

    Between the elements of x' lie zeros, before the first one `padding` of them, behind the last one `padding + extra`: none
    has a synapse. With a `spread` it is torch.nn.ConvTranspose1d to 3d of that stride, its kernels flipped.
    """

    kind = "conv"
    family = "projection"
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    spread: tuple[int, ...] = ()
    """How far apart elements lie, per axis; () is 1 everywhere."""
    extra: tuple[int, ...] = ()
    """Zeros at the end beyond those at the beginning, per axis; () is none."""

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        kernel = params["weight"][2:]
        shape, rank = args[0].shape, len(kernel)
        lengths = {len(self.stride), len(self.padding), len(self.dilation), len(self.gaps), len(self.ends), rank}
        expect(rank in (1, 2, 3) and lengths == {rank}, "conv.rank", "conv takes one to three spatial axes")
        fits = len(shape) == rank + 1 and shape[0] == params["weight"][1] * self.groups
        expect(
            fits, "conv.shape", f"a weight of shape {params['weight']} with {self.groups} groups cannot take {shape}"
        )
        legal = min(*self.padding, *self.ends, *(gap - 1 for gap in self.gaps), 0) == 0
        expect(legal, "conv.zeros", f"there is no padding {self.padding} with {self.ends}, no spread {self.gaps}")
        spatial = self.places(shape[1:], kernel)
        expect(min(spatial) > 0, "conv.size", f"the kernel {kernel} is larger than the padded input {shape[1:]}")
        return weighted(args[0], (params["weight"][0], *spatial))

    @property
    def gaps(self) -> tuple[int, ...]:
        """The spread of every axis."""
        return self.spread or (1,) * len(self.stride)

    @property
    def ends(self) -> tuple[int, ...]:
        """The extra zeros of every axis."""
        return self.extra or (0,) * len(self.stride)

    @property
    def is_plain(self) -> bool:
        """Whether elements lie side by side, between as many zeros on either side."""
        return set(self.gaps) <= {1} and not any(self.ends)

    def padded(self, sizes: tuple[int, ...]) -> tuple[int, ...]:
        """The lengths of x' with its padding."""
        axes = zip(sizes, self.gaps, self.padding, self.ends, strict=True)
        return tuple(gap * (n - 1) + 1 + 2 * pad + end for n, gap, pad, end in axes)

    def inside(self, sizes: tuple[int, ...]) -> tuple[slice, ...]:
        """Where x lies in x' with its padding."""
        axes = zip(sizes, self.gaps, self.padding, strict=True)
        return tuple(slice(pad, pad + gap * (n - 1) + 1, gap) for n, gap, pad in axes)

    def places(self, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
        """How many places the kernel has along every axis."""
        axes = zip(self.padded(sizes), kernel, self.stride, self.dilation, strict=True)
        return tuple((n - gap * (k - 1) - 1) // step + 1 for n, k, step, gap in axes)

    def reads(self, axis: int, size: int, kernel: int) -> Array:
        """(places, taps) -> which element of an axis of `size` is read there; -1 where a zero is."""
        padded, rank = self.padded((size,) * len(self.stride))[axis], len(self.stride)
        elements = np.full(padded, -1)
        elements[self.inside((size,) * rank)[axis]] = np.arange(size)
        places = self.places((size,) * rank, (kernel,) * rank)[axis]
        return elements[self.stride[axis] * np.arange(places)[:, None] + self.dilation[axis] * np.arange(kernel)]

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        import torch

        x, weight = _tensor(args[0]), _tensor(params["weight"])
        bias, flat = _tensor(params["bias"]) if "bias" in params else None, x.flatten(0, 1)
        dtype = x.dtype if x.is_floating_point() or not weight.is_floating_point() else weight.dtype
        if _is_wide(args[0]) and _is_wide(params["weight"]):
            y = self.exact(flat, weight)
            y = y if bias is None else y + bias.reshape(-1, *(1,) * (y.ndim - 2))
        else:
            narrow = is_torch_array(args[0]) and x.is_floating_point()
            working = x.dtype if narrow else torch.float64  # torch convolves no integers; float64 is exact here
            bias = None if bias is None else bias.to(working)
            y = self.convolve(flat.to(working), weight.to(working), bias).to(dtype)
        y = y.reshape(*x.shape[:2], *y.shape[1:])
        return y if is_torch_array(args[0]) else y.numpy()

    def convolve(self, x: Value, weight: Value, bias: Value = None) -> Value:
        """The plain convolution of a batch of torch tensors (B, C, *spatial)."""
        from torch.nn import functional

        convolution: Callable[..., Value] = getattr(functional, f"conv{weight.ndim - 2}d")
        if self.is_plain:
            return convolution(x, weight, bias, self.stride, self.padding, self.dilation, self.groups)
        sizes = tuple(x.shape[2:])
        wide = x.new_zeros((*x.shape[:2], *self.padded(sizes)))
        wide[(slice(None), slice(None), *self.inside(sizes))] = x
        return convolution(wide, weight, bias, self.stride, 0, self.dilation, self.groups)

    def exact(self, x: Value, weight: Value) -> Value:
        """The convolution of a batch of float64 torch tensors, rounded once."""
        return exact_bilinear(x, weight, prod(weight.shape[1:]), self.convolve)

    def synapses(self, args: tuple[Type, ...], params: Shapes) -> int:
        axes = enumerate(zip(args[0].shape[1:], params["weight"][2:], strict=True))
        taps = [int((self.reads(axis, size, kernel) >= 0).sum()) for axis, (size, kernel) in axes]
        return params["weight"][0] * params["weight"][1] * prod(taps)


@dataclass(frozen=True)
class Synapse(Op):
    """
    y = w x: one synapse per element. With `micro` > 0 the leading axis counts micro-steps of the same synapses.

    `delay` is about hardware steps only, never about values: the schedule lets the synapse wait that long, or longer.
    """

    kind = "synapse"
    family = "projection"
    weight: float = 1.0
    micro: int = 0
    delay: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        _check_micro(self, self.micro, args[0].shape)
        return weighted(args[0], args[0].shape)

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        return args[0] if self.weight == 1 else args[0] * self.weight

    def synapses(self, args: tuple[Type, ...], params: Shapes) -> int:
        return args[0].size // (self.micro or 1)


@dataclass(frozen=True)
class Sum(Op):
    """
    y = w sum of x over `axes` (kept with length 1): many synapses of one weight onto each target.

    With `micro` > 0 the leading axis counts micro-steps of the same synapses and must be summed over.
    """

    kind = "sum"
    family = "projection"
    axes: tuple[int, ...]
    weight: float = 1.0
    micro: int = 0

    def infer(self, args: tuple[Type, ...], params: Shapes) -> Type:
        arity(self, args, 1)
        shape = args[0].shape
        exist = bool(self.axes) and all(0 <= axis < len(shape) for axis in self.axes)
        expect(exist, "sum.axes", f"{shape} cannot be summed over axes {self.axes}")
        _check_micro(self, self.micro, shape)
        expect(not self.micro or 0 in self.axes, "sum.micro", "the micro-step axis must be summed over")
        return weighted(args[0], tuple(1 if axis in self.axes else n for axis, n in enumerate(shape)))

    def run(self, args: tuple[Value, ...], params: Mapping[str, Value], steps: int) -> Value:
        x, axes = args[0], tuple(axis + 2 for axis in self.axes)
        if _is_wide(x):
            y = exact_sum(x, axes)
        else:
            narrow = not is_torch_array(x) and x.dtype == np.float32
            wide = np.float64 if narrow else x.dtype
            y = array_namespace(x).sum(x, axis=axes, keepdims=True, dtype=wide)
            y = y.astype(np.float32) if narrow else y
        return y if self.weight == 1 else y * self.weight

    def synapses(self, args: tuple[Type, ...], params: Shapes) -> int:
        return args[0].size // (self.micro or 1)


def _check_micro(op: Op, micro: int, shape: tuple[int, ...]) -> None:
    fits = not micro or (bool(shape) and shape[0] == micro)
    expect(fits, f"{op.kind}.micro", f"{shape} has no leading axis of {micro} micro-steps")


def _tensor(x: Value) -> Any:
    """The array as a torch tensor; numpy's is copied, since it may be read-only."""
    import torch

    return x if is_torch_array(x) else torch.as_tensor(np.array(x))


def _is_wide(x: Value) -> bool:
    """Whether an array is of float64, numpy's or torch's."""
    return str(x.dtype).endswith("float64")
