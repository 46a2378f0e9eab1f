"""
Which tensors of a running model depend on its input: those that tracing has seen, as views of IR values, and all others.

The others were computed where tracing cannot see, by scripted code or from state that leaked. `Taint` finds them one level
below tracing, on the storages that every kernel reads and writes, so that nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from frontend.recording.layout import View
from ir.errors import CompileError

no_torch_function: Callable[[], AbstractContextManager[None]] = torch._C.DisableTorchFunction  # pyright: ignore
"""Within it torch's functions only compute: no mode and no subclass hears of them."""


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
        """Say that a tensor depends on the shape of the input only."""
        self._marked.pop(_storage(tensor).cdata, None)  # pyright: ignore[reportUnknownArgumentType]

    def reaches(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor depends on the input."""
        return _storage(tensor).cdata in self._marked

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


def tensors_in(tree: Any) -> list[torch.Tensor]:
    """The tensors in nested arguments or results."""
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


class TracedTensors:
    """The views behind the tensors of one run; `taint` must be active while the model runs."""

    def __init__(self) -> None:
        self.taint = Taint()
        self._views: dict[int, tuple[torch.Tensor, View]] = {}  # keeps the tensors, so that no id is used twice
        self._overwritten: dict[int, str] = {}
        self._states: dict[int, tuple[torch.Tensor, str, str]] = {}
        self._refused: dict[int, tuple[torch.Tensor, CompileError]] = {}

    def add(self, tensor: torch.Tensor, view: View) -> None:
        """From now on a tensor is a view."""
        self._views[id(tensor)] = (tensor, view)
        self._overwritten.pop(id(tensor), None)
        self.taint.mark(tensor)

    def add_state(self, tensor: torch.Tensor, what: str, path: str) -> None:
        """From now on a tensor is the state `what` of the neuron at `path`: no value, unless it is a view too."""
        self._states[id(tensor)] = (tensor, what, path)

    def refuse(self, tensor: torch.Tensor, error: CompileError) -> None:
        """From now on a tensor is no value; the error says why."""
        self._refused[id(tensor)] = (tensor, error)

    def is_state(self, tensor: Any) -> bool:
        """Whether a tensor is a state of a neuron."""
        return id(tensor) in self._states

    def view(self, tensor: torch.Tensor) -> View | None:
        """The view that a tensor is, None for a constant; CompileError if it depends on the input in an unseen way."""
        if id(tensor) in self._overwritten:
            raise _written_elsewhere(self._overwritten[id(tensor)])
        entry = self._views.get(id(tensor))
        if entry is not None:
            return entry[1]
        if not self.taint.reaches(tensor):
            return None
        if self.is_state(tensor):
            _, what, path = self._states[id(tensor)]
            raise CompileError(
                "import.state",
                f"{what} is used as a value",
                where=path,
                hint="read out the spikes, or mem of a Leaky that subtracts with delay",
            )
        if id(tensor) in self._refused:
            raise self._refused[id(tensor)][1]
        raise CompileError(
            "import.hidden",
            "uses a value that was computed from the input where tracing cannot follow",
            hint="state of neurons, scripted functions and custom kernels cannot be imported",
        )

    def is_view(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a view; nothing is refused."""
        return id(tensor) in self._views

    def views(self) -> list[tuple[torch.Tensor, View]]:
        """All tensors that are views."""
        return list(self._views.values())

    def depends_on_input(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a view, or was computed from one in any way."""
        return id(tensor) in self._views or self.taint.reaches(tensor)

    def holds_views(self, tree: Any) -> bool:
        """Whether a tensor in nested arguments is a view; every one of them is looked at."""
        return any([self.view(tensor) is not None for tensor in tensors_in(tree)])

    def as_rules_see(self, leaf: Any) -> Any:
        """An argument for a function rule: the view in place of a traced tensor."""
        view = self.view(leaf) if isinstance(leaf, torch.Tensor) else None
        return leaf if view is None else view

    def copied_constant(self, leaf: Any) -> Any:
        """A constant tensor as it is now, before a function writes into it; anything else itself."""
        constant = isinstance(leaf, torch.Tensor) and self.view(leaf) is None
        return leaf.clone() if constant else leaf

    def check_writes(self, written: list[torch.Tensor], function: str, result: Any) -> None:
        """A tensor may be changed in place if it is the result; other tensors that look at its memory may not be used again."""
        for tensor in written:
            memory = tensor.untyped_storage().data_ptr()
            if result is not tensor:
                raise _written_elsewhere(function)
            sharing = (other for other, _ in self._views.values() if other.untyped_storage().data_ptr() == memory)
            self._overwritten.update({id(other): function for other in sharing})


def _written_elsewhere(function: str) -> CompileError:
    return CompileError(
        "import.in_place",
        f"{function} writes into a tensor that is also used elsewhere",
        hint="write it without changing tensors in place",
    )
