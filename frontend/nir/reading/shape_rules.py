"""
How the shapes of the primitives of NIR follow from their parameters and from each other, as far as that is certain.

A rule never looks at the graph; `frontend.nir.reading.shapes` applies the rules until nothing new is learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from frontend.nir.reading.network import Shape
from ir.errors import CompileError

Params = Mapping[str, Any]


@dataclass(frozen=True)
class ShapeRule:
    """The shapes of one primitive; None stands for a shape that is not certain."""

    from_params: Callable[[Params], Shape | None]
    """The input shape that the parameters fix."""
    forward: Callable[[Params, Shape], Shape]
    """The output shape of an input shape; CompileError where there is none."""
    backward: Callable[[Params, Shape], Shape | None]
    """The input shape of an output shape."""
    fallback: Callable[[Params], Shape | None] = lambda params: None
    """The input shape that holds if nothing else says more."""


def _same_shape(params: Params, shape: Shape) -> Shape:
    return shape


def _never(params: Params, *shape: Shape) -> Shape | None:
    return None


def elementwise(*names: str) -> ShapeRule:
    """Neurons, scales, delays: parameters of one shape, which is the population's; single values count for every element."""

    def from_params(params: Params) -> Shape | None:
        """The shape of the parameters that are no single values; CompileError where there are several."""
        shapes = {name: params[name].shape for name in names if params[name].size > 1}
        if len(set(shapes.values())) > 1:
            listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise CompileError(
                "nir.shape",
                f"its parameters have different shapes: {listed}",
                hint="all parameters of a population have its shape, or are scalars",
            )
        return next(iter(shapes.values()), None)

    def fallback(params: Params) -> Shape | None:
        return max((params[name].shape for name in names), key=len)

    return ShapeRule(from_params, _same_shape, _same_shape, fallback)


def _recorded(params: Params) -> Shape | None:
    return params["shape"] or None


ENDPOINT = ShapeRule(_recorded, _same_shape, _same_shape, lambda params: params["shape"])
"""Input and Output: whatever passes, or what they say; an empty shape may also mean that it is not known."""


def _matrix_input(params: Params) -> Shape:
    weight = params["weight"].shape
    return (*weight[:-2], weight[-1])


def _matrix(params: Params, shape: Shape) -> Shape:
    return params["weight"].shape[:-1]


MATRIX = ShapeRule(_matrix_input, _matrix, _never)
"""Linear and Affine: (..., I) to (..., O)."""


def _window(size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]) -> int:
    """The positions of a window along one axis."""
    reach = dilation * (kernel - 1) + 1
    if size + sum(pads) < reach:
        raise CompileError("nir.shape", f"its window of {reach} is larger than its padded input of {size + sum(pads)}")
    return (size + sum(pads) - reach) // stride + 1


def _conv_input(params: Params) -> Shape | None:
    if params["input_shape"] is None:
        return None
    return (params["groups"] * params["weight"].shape[1], *params["input_shape"])


def _conv_axes(params: Params) -> zip[Any]:
    kernel = params["weight"].shape[2:]
    return zip(kernel, params["stride"], params["dilation"], params["padding"], strict=True)


def _conv(params: Params, shape: Shape) -> Shape:
    channels, rank = params["groups"] * params["weight"].shape[1], params["weight"].ndim - 1
    if len(shape) != rank or shape[0] != channels:
        axes = "(channels, length)" if rank == 2 else "(channels, height, width)"
        raise CompileError("nir.shape", f"takes {channels} channels as {axes}, but gets the shape {shape}")
    sizes = (_window(size, *axis) for size, axis in zip(shape[1:], _conv_axes(params), strict=True))
    return (params["weight"].shape[0], *sizes)


def _conv_backward(params: Params, shape: Shape) -> Shape | None:
    """Certain for stride 1 only; a larger stride leaves out a remainder."""
    weight = params["weight"].shape
    if set(params["stride"]) != {1} or len(shape) != len(weight) - 1:
        return None
    sizes = [
        n - sum(pads) + dilation * (kernel - 1)
        for n, (kernel, _, dilation, pads) in zip(shape[1:], _conv_axes(params), strict=True)
    ]
    return (params["groups"] * weight[1], *sizes) if min(sizes) > 0 else None


CONV = ShapeRule(_conv_input, _conv, _conv_backward)
"""Conv1d and Conv2d: channels first."""


def _pool(params: Params, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise CompileError("nir.shape", f"takes (channels, height, width), but gets the shape {shape}")
    axes = zip(shape[1:], params["kernel_size"], params["stride"], params["padding"], strict=True)
    return (shape[0], *(_window(size, kernel, stride, 1, pads) for size, kernel, stride, pads in axes))


POOL = ShapeRule(_never, _pool, _never)
"""Sums and averages over windows, channel by channel."""


def flattened_axes(params: Params, rank: int) -> tuple[int, int]:
    """The first and last axis that a Flatten merges, from 0; CompileError where the value has no such axes."""
    first, last = (axis + rank if axis < 0 else axis for axis in (params["start_dim"], params["end_dim"]))
    if not 0 <= first <= last < rank:
        asked = f"start_dim {params['start_dim']} and end_dim {params['end_dim']}"
        raise CompileError(
            "nir.shape",
            f"{asked} do not fit a value with {rank} axes",
            hint="NIR counts feature axes only: there is no batch axis",
        )
    return first, last


def _flatten(params: Params, shape: Shape) -> Shape:
    first, last = flattened_axes(params, len(shape))
    return (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :])


FLATTEN = ShapeRule(_never, _flatten, _never)
"""Neighbouring axes merged."""
