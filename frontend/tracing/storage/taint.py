"""
Which memory holds what was computed from the input, whether or not tracing saw it.

Scripted code and state that leaked compute where no torch function is heard of. `Taint` finds them one level below, on the
storages that every kernel reads and writes, so that nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

no_torch_function: Callable[[], AbstractContextManager[None]] = torch._C.DisableTorchFunction  # pyright: ignore
"""Within it torch's functions only compute: no mode and no subclass hears of them."""


class Taint(TorchDispatchMode):
    """While active, marks everything that is computed from marked tensors."""

    def __init__(self) -> None:
        super().__init__()
        self._marked: dict[int, StorageWeakRef] = {}

    def mark(self, tensor: torch.Tensor) -> None:
        """Say that a tensor depends on the input."""
        if has_memory(tensor):
            reference = _storage(tensor)
            self._marked[reference.cdata] = reference

    def clear(self, tensor: torch.Tensor) -> None:
        """Say that a tensor depends on the shape of the input only."""
        self._marked.pop(memory_of(tensor), None)

    def reaches(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor depends on the input."""
        return memory_of(tensor) in self._marked

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        with no_torch_function():
            result = func(*args, **(kwargs or {}))
        if any(self.reaches(tensor) for tensor in tensors_in((args, kwargs or {}))):
            for tensor in tensors_in(result):
                self.mark(tensor)
        return result


def _storage(tensor: torch.Tensor) -> StorageWeakRef:
    """A tensor's memory. While the reference lives, no other memory gets the same address."""
    with no_torch_function():
        return StorageWeakRef(tensor.untyped_storage())


def memory_of(tensor: torch.Tensor) -> int:
    """The identity of a tensor's memory, the same for all views of it, as long as one of them lives; or else of the tensor."""
    return int(_storage(tensor).cdata) if has_memory(tensor) else -id(tensor)  # pyright: ignore[reportUnknownArgumentType]


def has_memory(tensor: torch.Tensor) -> bool:
    """Whether a tensor lies in memory of its own, as sparse ones do not."""
    return tensor.layout is torch.strided


def version_of(tensor: Any) -> int:
    """How often a tensor's memory was written; 0 for anything else."""
    with no_torch_function():
        return tensor._version if isinstance(tensor, torch.Tensor) and not tensor.is_inference() else 0


def tensors_in(tree: Any) -> list[torch.Tensor]:
    """The tensors in nested arguments or results."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
