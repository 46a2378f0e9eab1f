"""
Torch's function modes miss some indexing; while a model runs under observation, it is heard of all the same.

`x[mask] = 0` is heard of as what it does, `x.masked_fill_(mask, 0)`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch

from frontend.tracing.storage.taint import no_torch_function

INDEXING = ("__getitem__", "__setitem__")
"""Torch's function modes miss `x[0]`, `x[1:]` and `x[None]` (torch 2.3)."""


@contextmanager
def observed_indexing(handler: Callable[[Any, Any, tuple[Any, ...]], Any]) -> Generator[None]:
    """Within the context every indexing of a tensor calls `handler(function, types, arguments)`, a torch function handler."""
    for name in INDEXING:
        method = getattr(torch._C.TensorBase, name)  # pyright: ignore[reportPrivateUsage]
        setattr(torch.Tensor, name, _with_handler(method, handler))
    try:
        yield
    finally:
        for name in INDEXING:
            delattr(torch.Tensor, name)


def _with_handler(
    function: Callable[..., Any], handler: Callable[[Any, Any, tuple[Any, ...]], Any]
) -> Callable[..., Any]:
    """A method of a tensor that hands its own function and arguments to the handler."""

    def index(*arguments: Any) -> Any:
        with no_torch_function():
            filled = _is_fill(arguments)
            return handler(torch.Tensor.masked_fill_ if filled else function, (), arguments)

    return index


def _is_fill(arguments: tuple[Any, ...]) -> bool:
    """Whether these are a tensor, a mask of its shape and a number: `x[mask] = 0`."""
    if len(arguments) != len(("x", "mask", "number")) or not isinstance(arguments[1], torch.Tensor):
        return False
    x, mask, number = arguments
    single = isinstance(number, (int, float)) or (isinstance(number, torch.Tensor) and number.ndim == 0)
    return mask.dtype is torch.bool and mask.shape == x.shape and single
