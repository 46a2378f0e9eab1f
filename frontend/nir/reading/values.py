"""
What a parameter of a NIR node may hold: real arrays, whole numbers per axis, shapes, paddings.

Every reader here takes what a file or a Python object holds and returns it in one form, or says what is wrong with it.
Integers are accepted as real arrays (their meaning is certain), booleans, complex numbers and texts are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from frontend.nir.reading.network import Shape
from ir.errors import CompileError
from ir.graph import Array

Reader = Callable[[Any], Any]
"""What a file or a Python object holds -> the value in one form; CompileError where it is none."""
MAX_ELEMENTS = 1 << 31
"""Values of one population or array: 8 GiB of float32."""
MAX_AXES = 16
"""Axes of a shape, and whole numbers of a parameter."""
MAX_WHOLE = 1 << 31
"""Whole numbers lie below."""


def as_array(value: Any) -> Array:
    """Any array of any library, torch tensors that take part in training among them; CompileError for what is none."""
    try:
        return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CompileError("nir.dtype", f"is no array of numbers: {error}") from None


def real(value: Any) -> Array:
    """A finite float32 or float64 array; half precision and integers of at most 16 bits become float32 exactly."""
    array = as_array(value)
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise CompileError("nir.dtype", f"holds {_kind(array)}, not real numbers", hint="float32 or float64")
    if array.size == 0:
        raise CompileError("nir.shape", f"is empty: its shape is {array.shape}")
    converted = array.astype(_real_dtype(array.dtype), copy=False)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and not (np.abs(converted) <= 1 << 53).all():
        raise CompileError("nir.value", "holds integers above 2^53, which no float can")
    low, high = float(converted.min()), float(converted.max())  # both are NaN where any value is
    if not np.isfinite(low) or not np.isfinite(high):
        raise CompileError("nir.value", "holds NaN or infinite values", hint="every parameter must be finite")
    converted = converted.view()
    converted.setflags(write=False)
    return converted


def _real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    narrow = dtype.itemsize <= (4 if dtype.kind == "f" else 2)
    return np.dtype(np.float32 if narrow else np.float64)


def _kind(array: Array) -> str:
    return {"S": "text", "U": "text", "O": "objects"}.get(array.dtype.kind, str(array.dtype))


def positive(value: Any) -> Array:
    """A real array above zero: a time constant."""
    array = real(value)
    if float(array.min()) <= 0:
        raise CompileError("nir.value", f"must be above 0, but its smallest value is {float(array.min())}")
    return array


def not_negative(value: Any) -> Array:
    """A real array without negative values: a delay."""
    array = real(value)
    if float(array.min()) < 0:
        raise CompileError("nir.value", f"must not be negative, but its smallest value is {float(array.min())}")
    return array


def whole_numbers(value: Any) -> tuple[int, ...]:
    """A scalar or a short vector of whole numbers; floats are accepted where they are whole (2.0)."""
    array = as_array(value)
    if array.size == 0 and array.ndim <= 1:
        return ()
    if array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise CompileError("nir.dtype", f"holds {_kind(array)}, not whole numbers")
    if array.ndim > 1 or array.size > MAX_AXES:
        raise CompileError("nir.shape", f"has the shape {array.shape}; it must be a number or a short list of numbers")
    numbers = array.reshape(-1).tolist()
    for number in numbers:
        if not np.isfinite(number) or number != int(number) or abs(number) > MAX_WHOLE:
            raise CompileError("nir.value", f"must hold whole numbers below 2^31, but holds {number}")
    return tuple(int(number) for number in numbers)


def whole(minimum: int) -> Reader:
    """One whole number of at least `minimum`."""
    read = per_axis(1, minimum)
    return lambda value: read(value)[0]


def per_axis(rank: int, minimum: int) -> Reader:
    """`rank` whole numbers of at least `minimum`; a single number counts for every axis."""

    def read(value: Any) -> tuple[int, ...]:
        numbers = whole_numbers(value)
        numbers = numbers * rank if len(numbers) == 1 else numbers
        if len(numbers) != rank:
            raise CompileError("nir.shape", f"needs one number or one for each of {rank} axes, but has {len(numbers)}")
        if min(numbers) < minimum:
            raise CompileError("nir.value", f"must be at least {minimum}, but is {min(numbers)}")
        return numbers

    return read


def padding(rank: int) -> Reader:
    """'same', 'valid', or per axis the padding of both ends as pairs (before, after)."""
    read = per_axis(rank, 0)

    def read_padding(value: Any) -> str | tuple[tuple[int, int], ...]:
        if isinstance(value, str):
            if value not in ("same", "valid"):
                raise CompileError("nir.value", f"is {value!r}; a padding is 'same', 'valid' or a number")
            return value if value == "same" else ((0, 0),) * rank
        return tuple((number, number) for number in read(value))

    return read_padding


def shape(value: dict[str, Any] | Sequence[int] | Array) -> Shape:
    """A shape without batch and time; () where a file holds an empty list: no axes, or not known."""
    numbers = whole_numbers(next(iter(value.values()), ()) if isinstance(value, dict) else value)
    return checked_shape(numbers, "")


def checked_shape(numbers: Shape, called: str = "the shape ") -> Shape:
    """The same shape; CompileError, which calls it so, where it has no elements or more than a machine can hold."""
    if any(number < 1 for number in numbers):
        raise CompileError("nir.shape", f"{called}{numbers} has an axis without elements")
    if prod(numbers) > MAX_ELEMENTS:
        raise CompileError("nir.size", f"{called}{numbers} has more than {MAX_ELEMENTS:,} elements")
    return numbers
