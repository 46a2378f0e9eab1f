"""
Finds values that depend on the network's input but were computed where tracing cannot see: scripted code, leaked state.

Works one level below tracing, on the storages that every kernel reads and writes, so that nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Taint(TorchDispatchMode):
    """While active, marks everything that is computed from marked tensors."""

    def __init__(self) -> None:
        super().__init__()
        self._marked: dict[int, StorageWeakRef] = {}

    def mark(self, tensor: torch.Tensor) -> None:
        """Say that a tensor depends on the input."""
        reference = _storage(tensor)
        self._marked[reference.cdata] = reference

    def clear(self, tensor: torch.Tensor) -> None:
        """Say that a tensor depends on the form of the input only."""
        self._marked.pop(_storage(tensor).cdata, None)

    def reaches(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor depends on the input."""
        return _storage(tensor).cdata in self._marked

    def __torch_dispatch__(
        self, func: Any, types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunction():
            result = func(*args, **(kwargs or {}))
        if any(self.reaches(tensor) for tensor in _tensors((args, kwargs or {}))):
            for tensor in _tensors(result):
                self.mark(tensor)
        return result


def _storage(tensor: torch.Tensor) -> StorageWeakRef:
    """A tensor's memory. While the reference lives, no other memory gets the same address."""
    with torch._C.DisableTorchFunction():
        return StorageWeakRef(tensor.untyped_storage())


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]
