"""NIR's stateless nodes -> IR operations, one after another: weighted sums, pooling, flattening, scaling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from frontend.nir.reading.network import NirNode, float64_constant
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Conv, Linear, Op, Pad, Reshape, Scale

MAX_DELAY = 1 << 20
"""Steps; a longer delay is a mistake of units."""

OpWithParams = tuple[Op, dict[str, Array]]
"""An operation on the value of the one before it, and its parameters."""


def projection(node: NirNode, dtype: str) -> list[OpWithParams]:
    """The operations for a NIR node of `PROJECTIONS`, parameters in `dtype`."""
    return [
        (op, {role: np.asarray(array, dtype) for role, array in arrays.items()})
        for op, arrays in PROJECTIONS[node.kind](node)
    ]


def is_homogeneous(node: NirNode) -> bool:
    """Whether the node makes nothing from nothing: delaying its input is then delaying its output."""
    return node.kind in PROJECTIONS and not ("bias" in node.params and bool(node.params["bias"].any()))


def _matrix(node: NirNode) -> list[OpWithParams]:
    """
    y = W x + b. Leading axes of W make one matrix for each of their elements: a convolution of one tap with as many groups.
    """
    weight, bias = node.params["weight"], _bias(node)
    if weight.ndim == 2:
        return [(Linear(), {"weight": weight, **bias})]
    groups, outputs, inputs = prod(weight.shape[:-2]), weight.shape[-2], weight.shape[-1]
    taps = {"weight": weight.reshape(groups * outputs, inputs, 1), **{key: b.reshape(-1) for key, b in bias.items()}}
    conv = Conv((1,), (0,), (1,), groups)
    return [(Reshape((groups * inputs, 1)), {}), (conv, taps), (Reshape(node.output_shape), {})]


def _conv(node: NirNode) -> list[OpWithParams]:
    """A convolution behind the zeros that it needs on one side only."""
    params = node.params
    pads = _pads(params["padding"])
    even = tuple(min(pair) for pair in params["padding"])
    op = Conv(params["stride"], even, params["dilation"], params["groups"])
    return [*pads, (op, {"weight": params["weight"], **_bias(node)})]


def _bias(node: NirNode) -> dict[str, Array]:
    """The bias, unless it says nothing: every Conv of NIR has one."""
    bias = node.params.get("bias")
    return {} if bias is None or (node.kind.startswith("Conv") and not bias.any()) else {"bias": bias}


def _pads(padding: tuple[tuple[int, int], ...]) -> list[OpWithParams]:
    """What an axis needs on one side more than on the other, as zeros."""
    extra = [
        (axis, before - min(before, after), after - min(before, after))
        for axis, (before, after) in enumerate(padding, start=1)
    ]
    return [(Pad(axis, before, after), {}) for axis, before, after in extra if before or after]


def _pool(node: NirNode) -> list[OpWithParams]:
    """The sum over a window, by unit weights, channel by channel; an average divides by the window, padding included."""
    params, channels = node.params, node.input_shape[0]
    weight = np.ones((channels, 1, *params["kernel_size"]))
    if node.kind == "AvgPool2d":
        weight /= prod(params["kernel_size"])
    padding = tuple(before for before, _ in params["padding"])
    return [(Conv(params["stride"], padding, (1, 1), channels), {"weight": weight})]


def _flatten(node: NirNode) -> list[OpWithParams]:
    return [(Reshape(node.output_shape), {})]


def _scale(node: NirNode) -> list[OpWithParams]:
    scale = float64_constant(node.params["scale"])
    return [(Scale(), {"weight": scale}) if scale.ndim else (Scale(float(scale)), {})]


PROJECTIONS: Mapping[str, Callable[[NirNode], list[OpWithParams]]] = {
    "Linear": _matrix,
    "Affine": _matrix,
    "Conv1d": _conv,
    "Conv2d": _conv,
    "SumPool2d": _pool,
    "AvgPool2d": _pool,
    "Flatten": _flatten,
    "Scale": _scale,
}
"""Kind of NIR node -> operations."""


def delay_steps(node: NirNode, dt: float | None, rounding: str) -> Any:
    """The delays of a Delay node in whole steps: an int64 array, of no axes where all elements share one."""
    delay = float64_constant(node.params["delay"])
    if not delay.any():
        return np.zeros((), np.int64)
    assert dt is not None  # `semantics_resolve` refuses a network that waits without a time step
    exact = delay / dt
    near = np.rint(exact)
    exact = np.where(np.abs(exact - near) <= 1e-5 * np.maximum(near, 1), near, exact)  # 0.003 / 0.001 in float32 is 3
    rounded = {
        "nearest": lambda: np.floor(exact + 0.5 + 1e-5),
        "floor": lambda: np.floor(exact),
        "ceil": lambda: np.ceil(exact),
    }[rounding]()
    if float(rounded.max()) > MAX_DELAY:
        what = f"a delay of {float(delay.max()):.4g} is {float(rounded.max()):.4g} steps of {dt}"
        raise CompileError("nir.value", what, hint=f"at most {MAX_DELAY} steps; is dt in the unit of the delays?")
    return rounded.astype(np.int64)
