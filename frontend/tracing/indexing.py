"""Makes `x[0]`, `x[1:]` and `x[None]` visible to tracing: torch's function modes miss these forms of indexing (torch 2.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

Handler = Callable[[Any, Any, tuple[Any, ...]], Any]
_INDEXING = ("__getitem__", "__setitem__")


@contextmanager
def indexing_through(handler: Handler) -> Iterator[None]:
    """Within the context every indexing of a tensor calls `handler(function, types, arguments)`, a torch function handler."""
    for name in _INDEXING:
        setattr(torch.Tensor, name, _routed(getattr(torch._C.TensorBase, name), handler))
    try:
        yield
    finally:
        for name in _INDEXING:
            delattr(torch.Tensor, name)


def _routed(function: Callable[..., Any], handler: Handler) -> Callable[..., Any]:
    def index(*arguments: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return handler(function, (), arguments)

    return index
