"""Functions that ask a tensor about its form, make a constant of that form, or would need its numbers."""

from __future__ import annotations

from typing import Any

import torch

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder

QUERIES = frozenset(
    (
        "size",
        "dim",
        "numel",
        "stride",
        "is_contiguous",
        "is_floating_point",
        "is_complex",
        "element_size",
        "get_device",
        "__len__",
        "__repr__",
        "__hash__",
        "get_shape",
        "get_dtype",
        "get_ndim",
        "get_is_cuda",
        "get_requires_grad",
        "get_layout",
        "get_is_sparse",
        "get_is_leaf",
        "get_is_quantized",
        "get_is_meta",
        "get_is_nested",
        "get_itemsize",
        "is_same_size",
    ),
)
"""They ask about form only and are simply answered."""

LIKE = frozenset(
    (
        *("zeros_like", "ones_like", "full_like", "empty_like"),
        *("new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"),
    ),
)
"""They make a constant."""

FORMS = frozenset(("expand_as", "view_as", "reshape_as"))
"""Of a constant they make a constant: they see no more than the form of the tensor behind it."""

FINITE = frozenset(("isnan", "isinf", "isfinite", "isneginf", "isposinf"))
"""They ask whether numbers are finite, which those of a network are."""

EMPTY = frozenset(("empty", "empty_like", "new_empty", "empty_strided"))
"""They make a tensor that holds nothing yet."""

VALUES = frozenset(
    (
        "__bool__",
        "item",
        "tolist",
        "numpy",
        "__array__",
        "__int__",
        "__float__",
        "__index__",
        "__contains__",
        "nonzero",
        "equal",
        "allclose",
        "is_nonzero",
        "__complex__",
    ),
)
"""They would need the numbers themselves."""

RANDOM = frozenset(
    (
        "rand",
        "randn",
        "randint",
        "randperm",
        "normal",
        "bernoulli",
        "multinomial",
        "poisson",
        "rand_like",
        "randn_like",
        "randint_like",
        "bernoulli_",
        "normal_",
        "uniform_",
        "random_",
        "exponential_",
    ),
)
"""Random functions, refused even where they do not touch the input."""


def without_model(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a function; those of a cast without the values of the tensor whose dtype and device it takes over."""
    if name not in ("to", "type_as"):
        return args, kwargs
    return (*args[:1], *map(_form, args[1:])), {key: _form(arg) for key, arg in kwargs.items()}


def _form(argument: Any) -> Any:
    if not isinstance(argument, torch.Tensor):
        return argument
    return torch.empty((), dtype=argument.dtype, device=argument.device)


def cast(_recorder: Recorder, x: View, *_arguments: object, **_options: object) -> View:
    """float, to, type, ...: the same values; tracing refuses a result in another dtype than the module's."""
    return x


RULES = dict.fromkeys(("float", "int", "long", "short", "byte", "to", "type", "type_as", "cpu", "cuda"), cast)
"""Function name -> rule."""
