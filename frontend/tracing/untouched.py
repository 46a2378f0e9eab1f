"""
Leaves a network as it was, whatever the compiler does with it: it goes into eval mode, its neurons are reset, it runs.

What can change is written down before and brought back afterwards, in place, so that a tensor that an optimiser, another
module or a pending backward pass holds stays the same tensor.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from frontend.current_folder import change_folder, current_folder
from frontend.type_guards import is_tuple

Container = dict[Any, Any] | list[Any] | deque[Any] | set[Any]
"""What can be emptied and filled again."""


@contextmanager
def left_as_it_was(*networks: nn.Module) -> Generator[None]:
    """
    Bring back, at the end, what running networks changes.

    Of every module in `networks`, those in plain lists included: training mode, parameters, buffers, hooks, states of neurons
    and all other attributes, with the values of tensors, arrays, lists, dictionaries and sets in them (objects of other
    kinds stay in place, and keep what they hold now). Of the process: the random states of torch, NumPy and Python, torch's
    grad mode, default dtype and number of threads, and the current folder.
    """
    before = _Snapshot(networks)
    try:
        yield
    finally:
        before.restore()


@contextmanager
def undone_where_it_fails(*networks: nn.Module) -> Generator[None]:
    """Bring back what `left_as_it_was` does where an error ends the block."""
    before = _Snapshot(networks)
    try:
        yield
    except BaseException:
        before.restore()
        raise


class _Snapshot:
    """Networks and the process as they were when this was made."""

    def __init__(self, networks: Iterable[nn.Module]) -> None:
        self._process, self._contents = _Process(), _contents(networks)

    def restore(self) -> None:
        for content in self._contents:
            content.restore()
        self._process.restore()


@dataclass(frozen=True)
class _Process:
    """What code may change for the whole process, as it was when this was made."""

    torch_random: torch.Tensor = field(default_factory=torch.get_rng_state)
    cuda_random: list[torch.Tensor] = field(
        default_factory=lambda: torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    )
    numpy_random: Any = field(default_factory=np.random.get_state)
    python_random: Any = field(default_factory=random.getstate)
    grad: bool = field(default_factory=torch.is_grad_enabled)
    dtype: torch.dtype = field(default_factory=torch.get_default_dtype)
    threads: int = field(default_factory=torch.get_num_threads)
    folder: str | None = field(default_factory=current_folder)

    def restore(self) -> None:
        torch.set_rng_state(self.torch_random)
        if self.cuda_random:
            torch.cuda.set_rng_state_all(self.cuda_random)
        np.random.set_state(self.numpy_random)
        random.setstate(self.python_random)
        torch.set_grad_enabled(self.grad)
        torch.set_default_dtype(self.dtype)
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        change_folder(self.folder)


class _Content:
    """The content of a container, a tensor or an array."""

    def restore(self) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class _Items(_Content):
    """References to what a dictionary, a list, a deque or a set holds; a module is the dictionary of its attributes."""

    container: Container
    items: Any

    def restore(self) -> None:
        if _same_items(self.container, self.items):
            return
        self.container.clear()
        if isinstance(self.container, dict | set):
            self.container.update(self.items)
        else:
            self.container.extend(self.items)


@dataclass(frozen=True)
class _Values(_Content):
    """The values of a tensor; `memory` looks at its memory without its history, so that a backward pass sees no write."""

    tensor: torch.Tensor
    memory: torch.Tensor
    values: torch.Tensor
    requires_grad: bool

    def restore(self) -> None:
        if self.tensor.data_ptr() != self.memory.data_ptr() or self.tensor.shape != self.memory.shape:
            self.tensor.data = self.memory
        if not torch.equal(self.memory, self.values):
            self.memory.copy_(self.values)
        if self.tensor.is_leaf and self.tensor.requires_grad != self.requires_grad:
            self.tensor.requires_grad_(self.requires_grad)


@dataclass(frozen=True)
class _Elements(_Content):
    """The elements of a NumPy array."""

    array: Any
    elements: Any

    def restore(self) -> None:
        if not np.array_equal(self.array, self.elements):
            self.array[...] = self.elements


def _contents(networks: Iterable[nn.Module]) -> list[_Content]:
    """The contents of everything that is reached from `networks` through modules and containers."""
    reached: dict[int, Any] = {}
    contents: list[_Content] = []
    pending: list[Any] = list(networks)
    while pending:
        value = pending.pop()
        if id(value) in reached:
            continue
        reached[id(value)] = value
        if isinstance(value, nn.Module):
            pending.append(vars(value))
        elif _is_container(value):
            items = dict(value) if isinstance(value, dict) else list(value)
            contents.append(_Items(value, items))
            pending.extend(items.values() if isinstance(items, dict) else items)
        elif is_tuple(value):
            pending.extend(value)
        elif isinstance(value, torch.Tensor) and _has_values(value):
            contents.append(_Values(value, value.data, value.data.clone(), value.requires_grad))
        elif isinstance(value, np.ndarray):
            contents.append(_Elements(value, value.copy()))
    return contents


def _is_container(value: object) -> TypeGuard[Container]:
    return isinstance(value, dict | list | deque | set)


def _has_values(tensor: torch.Tensor) -> bool:
    """Whether a tensor has memory that can be read and written back, element by element."""
    lazy = isinstance(tensor, UninitializedParameter | UninitializedBuffer)
    return not lazy and tensor.layout is torch.strided and tensor.device.type != "meta"


def _same_items(container: Container, items: Any) -> bool:
    """Whether a container holds the very same objects as before."""
    if len(container) != len(items):
        return False
    if isinstance(container, dict):
        return all(a is b and container[a] is items[b] for a, b in zip(container, items, strict=True))
    return all(a is b for a, b in zip(container, items, strict=True))
