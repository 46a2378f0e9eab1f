"""
The primitives of nir 1.0.8, one table entry each: parameters, shapes, and whether a node holds state.

Sources: the class docstrings of nir 1.0.8 and https://neuroir.org/docs/primitives.html. Defaults stand for parameters that
older files lack: `v_reset` came with nir 1.0.6 and meant 0 before, `w_in` is 1 unless said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from frontend.nir.reading.network import Shape
from frontend.nir.reading.shape_rules import (
    CONV,
    ENDPOINT,
    FLATTEN,
    MATRIX,
    POOL,
    Params,
    ShapeRule,
    elementwise,
    flattened_axes,
)
from frontend.nir.reading.values import (
    Reader,
    not_negative,
    padding,
    per_axis,
    positive,
    real,
    shape,
    whole,
    whole_numbers,
)
from ir.errors import CompileError

REQUIRED = object()
"""The default of a parameter that has none."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a primitive."""

    read: Reader
    """Checks it and brings it into one form."""
    default: Any = REQUIRED
    """What holds where a file does not have it."""
    like: str = ""
    """The parameter whose dtype the default takes."""


@dataclass(frozen=True)
class Primitive:
    """One class of NIR."""

    parameters: Mapping[str, Parameter]
    shapes: ShapeRule
    check: Callable[[Params], Params] = lambda params: params
    """Looks at the parameters together and returns them in one form."""
    finish: Callable[[Params, Shape], Params] = lambda params, shape: params
    """The final form of the parameters, once the input shape is known."""
    stateful: Callable[[Params], bool] = lambda params: False
    """Whether the output of a step can be told before the input of the step: what a loop needs."""


def _axis(value: Any) -> int:
    """An axis, which may be negative."""
    numbers = whole_numbers(value)
    if len(numbers) != 1:
        raise CompileError("nir.shape", f"needs one number, but has {len(numbers)}")
    return numbers[0]


def _population(stateful: Callable[[Params], bool], **parameters: Parameter) -> Primitive:
    """A primitive that acts on every element by itself; its parameters are broadcast to the elements."""

    def finish(params: Params, shape: Shape) -> Params:
        return {
            key: np.broadcast_to(array.reshape(()) if array.size == 1 else array, shape)
            for key, array in params.items()
        }

    return Primitive(parameters, elementwise(*parameters), finish=finish, stateful=stateful)


def _neuron(**parameters: Parameter) -> Primitive:
    return _population(lambda params: True, **parameters)


def _check_matrix(params: Params) -> Params:
    """Weight and bias that fit each other."""
    weight = params["weight"]
    if weight.ndim < 2:
        raise CompileError(
            "nir.shape", f"weight has the shape {weight.shape}; a matrix needs two axes, (outputs, inputs)"
        )
    if "bias" in params and params["bias"].shape != weight.shape[:-1]:
        raise CompileError(
            "nir.shape", f"bias has the shape {params['bias'].shape}, the outputs have {weight.shape[:-1]}"
        )
    return params


def _check_conv(params: Params) -> Params:
    """Weight, groups and bias that fit each other; padding in numbers."""
    weight, groups = params["weight"], params["groups"]
    rank = len(params["stride"])
    if weight.ndim != rank + 2:
        expected = "(outputs, inputs / groups, kernel)" if rank == 1 else "(outputs, inputs / groups, height, width)"
        raise CompileError("nir.shape", f"weight has the shape {weight.shape}; it must be {expected}")
    if weight.shape[0] % groups:
        raise CompileError("nir.shape", f"its {weight.shape[0]} output channels do not divide into {groups} groups")
    if params["bias"].shape != weight.shape[:1]:
        raise CompileError("nir.shape", f"bias has the shape {params['bias'].shape}, the outputs are {weight.shape[0]}")
    return {**params, "padding": _same(params) if params["padding"] == "same" else params["padding"]}


def _same(params: Params) -> tuple[tuple[int, int], ...]:
    """As torch pads: dilation * (kernel - 1) in all, the odd one at the end."""
    if set(params["stride"]) != {1}:
        raise CompileError(
            "nir.value",
            f"padding 'same' has no meaning for the strides {params['stride']}",
            hint="give the padding in numbers",
        )
    totals = [d * (kernel - 1) for d, kernel in zip(params["dilation"], params["weight"].shape[2:], strict=True)]
    return tuple((total // 2, total - total // 2) for total in totals)


def _finish_conv(params: Params, shape: Shape) -> Params:
    return {**params, "input_shape": shape[1:]}


def _finish_flatten(params: Params, shape: Shape) -> Params:
    first, last = flattened_axes(params, len(shape))
    return {"start_dim": first, "end_dim": last}


def _conv(rank: int) -> Primitive:
    """A convolution along `rank` axes."""
    parameters = {
        "input_shape": Parameter(per_axis(rank, 1), None),
        "weight": Parameter(real),
        "stride": Parameter(per_axis(rank, 1)),
        "padding": Parameter(padding(rank)),
        "dilation": Parameter(per_axis(rank, 1)),
        "groups": Parameter(whole(1)),
        "bias": Parameter(real),
    }
    return Primitive(parameters, CONV, _check_conv, _finish_conv)


def _pool() -> Primitive:
    size = Parameter(per_axis(2, 1))
    sizes = {"kernel_size": size, "stride": size, "padding": Parameter(_pool_padding)}
    return Primitive(sizes, POOL)


def _pool_padding(value: Any) -> tuple[tuple[int, int], ...]:
    return tuple((number, number) for number in per_axis(2, 0)(value))


def _endpoint() -> Primitive:
    return Primitive({"shape": Parameter(shape, None)}, ENDPOINT, finish=lambda params, shape: {"shape": shape})


ARRAY, TAU = Parameter(real), Parameter(positive)
V_RESET, W_IN = Parameter(real, 0, like="v_threshold"), Parameter(real, 1, like="v_leak")
LEAKY = {"tau": TAU, "r": ARRAY, "v_leak": ARRAY}
CUBA = {"tau_syn": TAU, "tau_mem": TAU, "r": ARRAY, "v_leak": ARRAY, "w_in": W_IN}
FIRING = {"v_threshold": ARRAY, "v_reset": V_RESET}

PRIMITIVES: dict[str, Primitive] = {
    "Input": _endpoint(),
    "Output": _endpoint(),
    "Linear": Primitive({"weight": ARRAY}, MATRIX, _check_matrix),
    "Affine": Primitive({"weight": ARRAY, "bias": ARRAY}, MATRIX, _check_matrix),
    "Scale": _population(lambda params: False, scale=ARRAY),
    "Conv1d": _conv(1),
    "Conv2d": _conv(2),
    "SumPool2d": _pool(),
    "AvgPool2d": _pool(),
    "Flatten": Primitive(
        {"start_dim": Parameter(_axis, 1), "end_dim": Parameter(_axis, -1)}, FLATTEN, finish=_finish_flatten
    ),
    "I": _neuron(r=ARRAY),
    "IF": _neuron(r=ARRAY, **FIRING),
    "LI": _neuron(**LEAKY),
    "LIF": _neuron(**LEAKY, **FIRING),
    "CubaLI": _neuron(**CUBA),
    "CubaLIF": _neuron(**CUBA, **FIRING),
    "Threshold": _population(lambda params: False, threshold=ARRAY),
    "Delay": _population(lambda params: bool(params["delay"].min() > 0), delay=Parameter(not_negative)),
}
"""Class name in NIR -> the primitive; NIRGraph is no primitive, it is flattened away."""
