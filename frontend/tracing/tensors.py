"""
Which tensors of a running model depend on its input: those that tracing has seen, as views of IR values, and all others.

Where a model writes into a tensor, what it and all others that look at the same memory are from then on is found by what was
written where (`memory`, `assembly`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch.utils._pytree import tree_map

from frontend.recording.layout import View
from frontend.tracing.storage.assembly import Writer, assembled
from frontend.tracing.storage.memory import Content, Memory, Mosaic, Region
from frontend.tracing.storage.taint import Taint, memory_of, no_torch_function, tensors_in
from ir.errors import CompileError


@dataclass(frozen=True)
class Window:
    """How a tensor was made that looks at the memory of another one: `parent` is an argument of the function."""

    parent: torch.Tensor
    function: str
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    place: int | None = None
    """Which of several results it is."""


class TracedTensors:
    """The views behind the tensors of one run; `taint` must be active while the model runs."""

    def __init__(self, writer: Writer) -> None:
        self.taint = Taint()
        self._writer = writer
        self._views: dict[int, tuple[torch.Tensor, View]] = {}  # keeps the tensors, so that no id is used twice
        self._windows: dict[int, tuple[torch.Tensor, Window]] = {}
        self._memories: dict[int, Memory] = {}
        self._states: dict[int, tuple[torch.Tensor, str, str]] = {}
        self._refused: dict[int, tuple[torch.Tensor, CompileError]] = {}
        self._kept: dict[int, torch.Tensor] = {}
        self._later: dict[int, tuple[torch.Tensor, Callable[[], View]]] = {}

    def add(self, tensor: torch.Tensor, view: View) -> None:
        """From now on a tensor is a view."""
        self._views[id(tensor)] = (tensor, view)
        self._windows.pop(id(tensor), None)
        self.taint.mark(tensor)
        memory = self._memory(tensor)
        if memory is not None:
            memory.write(_region(tensor), view)

    def note_windows(self, function: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> bool:
        """
        Take note of results that look at the memory of the first argument; whether all of them do.

        Where they are not added too, they are what the memory holds when they are read.
        """
        results, parent = tensors_in(result), args[0] if args else None
        if not (results and isinstance(parent, torch.Tensor)):
            return False
        if any(memory_of(tensor) != memory_of(parent) for tensor in results):
            return False
        for place, tensor in enumerate(results):
            within = None if isinstance(result, torch.Tensor) else place
            if tensor is not parent:
                self._windows[id(tensor)] = (tensor, Window(parent, function, (args, kwargs), within))
        return True

    def standing_for(self, tensor: torch.Tensor) -> torch.Tensor:
        """The copy of what was written to just the memory that a tensor looks at; any other tensor itself."""
        memory = self._memory(tensor)
        source = None if memory is None else memory.source(_region(tensor))
        return tensor if source is None else source

    def add_later(self, tensor: torch.Tensor, make: Callable[[], View]) -> None:
        """A tensor is a view that is written down where the model reads it."""
        self._later[id(tensor)] = (tensor, make)
        self.taint.mark(tensor)

    def _add_now(self, tensor: torch.Tensor) -> None:
        """Write down the view that was left for later."""
        _, make = self._later.pop(id(tensor))
        self.add(tensor, make())

    def add_state(self, tensor: torch.Tensor, what: str, path: str) -> None:
        """From now on a tensor is the state `what` of the neuron at `path`: no value, unless it is a view too."""
        self._states[id(tensor)] = (tensor, what, path)

    def refuse(self, tensor: torch.Tensor, error: CompileError) -> None:
        """From now on a tensor is no value; the error says why."""
        self._refused[id(tensor)] = (tensor, error)

    def keep(self, tree: Any) -> None:
        """Tensors in nested results belong to a neuron, which reads them at its next step: nobody else may write them."""
        self._kept.update((memory_of(tensor), tensor) for tensor in tensors_in(tree))

    def is_kept(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor looks at memory that a neuron reads at its next step."""
        return memory_of(tensor) in self._kept

    def refusal(self, tensor: torch.Tensor) -> CompileError | None:
        """Why a tensor is no value; None where nobody refused it."""
        return self._refused[id(tensor)][1] if id(tensor) in self._refused and not self.is_view(tensor) else None

    def is_state(self, tensor: Any) -> bool:
        """Whether a tensor is a state of a neuron, or was made of one, or of another tensor, in a way that has no rule."""
        return id(tensor) in self._states or id(tensor) in self._refused

    def view(self, tensor: torch.Tensor) -> View | None:
        """The view that a tensor is, None for a constant; CompileError if it depends on the input in an unseen way."""
        if id(tensor) in self._later:
            self._add_now(tensor)
        memory = self._memory(tensor)
        if memory is not None:
            content = self._content(memory, tensor)
            if content is None:
                raise self._refused[id(self.standing_for(tensor))][1]
            return content if isinstance(content, View) else None
        entry = self._views.get(id(tensor))
        if entry is not None:
            return entry[1]
        if not self.taint.reaches(tensor):
            return None
        if id(tensor) in self._states:
            _, what, path = self._states[id(tensor)]
            raise CompileError(
                "import.state",
                f"{what} is used as a value",
                where=path,
                hint="read out the spikes, or the membrane of a plain neuron (docs/neurons.md)",
            )
        if id(tensor) in self._refused:
            raise self._refused[id(tensor)][1]
        raise CompileError(
            "import.hidden",
            "uses a value that was computed from the input where tracing cannot follow",
            hint="state of neurons, scripted modules and custom kernels cannot be imported",
        )

    def is_view(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a view; nothing is refused."""
        return id(tensor) in self._views or id(tensor) in self._later

    def views(self) -> list[tuple[torch.Tensor, View]]:
        """All tensors that are views, those aside whose memory was written."""
        return [entry for entry in self._views.values() if not self.is_written(entry[0])]

    def _content(self, memory: Memory, tensor: torch.Tensor) -> Content:
        """What a tensor holds whose memory was written; a window on all of another tensor is made of it again."""
        region = _region(tensor)
        content = memory.read(region)
        if not isinstance(content, Mosaic):
            return content
        _, window = self._windows.get(id(tensor), (None, None))
        if window is None or prod(window.parent.shape) != prod(tensor.shape) or self.view(window.parent) is None:
            content = assembled(content, self._writer)
        else:
            args, kwargs = tree_map(self.as_rules_see, window.arguments)
            made: Any = self._writer.record(window.function, *args, **kwargs)
            content = made if window.place is None else made[window.place]
        memory.write(region, content)  # as one piece: what is read again is written down once
        return content

    def _memory(self, tensor: torch.Tensor) -> Memory | None:
        return self._memories.get(memory_of(tensor)) if self._memories else None

    def is_written(self, tensor: Any) -> bool:
        """Whether a tensor looks at memory that was written to."""
        return isinstance(tensor, torch.Tensor) and self._memory(tensor) is not None

    def is_part(self, tensor: torch.Tensor) -> bool:
        """Whether there is memory beside that which a tensor looks at."""
        with no_torch_function():
            elements = tensor.untyped_storage().nbytes() // tensor.element_size()
        return not _region(tensor).is_whole(elements)

    def prepare_write(self, tensor: torch.Tensor) -> None:
        """Before a function writes into a tensor: keep what all that look at its memory are by now."""
        key = memory_of(tensor)
        if key in self._memories:
            return
        for other, _ in list(self._later.values()):
            if memory_of(other) == key:
                self._add_now(other)
        with no_torch_function():
            memory = self._memories[key] = Memory(tensor)
        for other, view in self._views.values():
            if id(other) not in self._windows and memory_of(other) == key:
                memory.write(_region(other), view)

    def write(self, tensor: torch.Tensor, view: View | None, source: torch.Tensor | None = None) -> None:
        """A tensor, prepared before, was overwritten with a view, with a state, which a source alone is, or with constants."""
        memory = self._memories[memory_of(tensor)]
        with no_torch_function():
            constants = tensor.detach().numpy().copy() if view is None and source is None else None
        memory.write(_region(tensor), constants if view is None else view, source)
        self.taint.mark(tensor)

    def depends_on_input(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a view, or was computed from one in any way."""
        return id(tensor) in self._views or self.taint.reaches(tensor)

    def holds_views(self, tree: Any) -> bool:
        """Whether a tensor in nested arguments is a view; every one of them is looked at."""
        return any([self.view(tensor) is not None for tensor in tensors_in(tree)])

    def as_rules_see(self, leaf: Any) -> Any:
        """An argument for a function rule: the view in place of a traced tensor, constants as they are now."""
        view = self.view(leaf) if isinstance(leaf, torch.Tensor) else None
        return self.apart(leaf) if view is None else view

    def _constants(self, tensor: torch.Tensor) -> torch.Tensor:
        """A copy of a tensor of constants, in memory of its own that does not depend on the input."""
        with no_torch_function():
            copy = tensor.detach().clone()
        self.taint.clear(copy)
        return copy

    def apart(self, leaf: Any) -> Any:
        """A constant in memory that was written to as a constant of its own; anything else itself."""
        return self._constants(leaf) if self.is_written(leaf) else leaf


def _region(tensor: torch.Tensor) -> Region:
    with no_torch_function():
        return Region.of(tensor)


def copied(leaf: Any) -> Any:
    """A tensor of its own."""
    with torch._C.DisableTorchFunction():  # pyright: ignore
        return leaf.clone() if isinstance(leaf, torch.Tensor) else leaf


WRITES_CONSTANTS = frozenset({"instance_norm"})
"""Functions that write their running statistics back although they are what they were."""


def check_shape(name: str, tensor: torch.Tensor, view: View) -> None:
    """CompileError where the rule of a function says another shape than the function made."""
    if tuple(tensor.shape) != view.shape:
        what = f"{name} made a tensor of shape {tuple(tensor.shape)}, its rule says {view}"
        raise CompileError("import.function", what, hint="this is a bug of the compiler: please report the model")


def wrapper_among(types: Collection[type[Any]], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """What holds tensors without being one, as quantised weights of Brevitas do, and makes functions take them; None for none."""
    wrappers = [each for each in types if not issubclass(each, torch.Tensor)]
    return next((each for each in (*args, *kwargs.values()) if type(each) in wrappers), None) if wrappers else None
