"""Writes IR nodes for traced operations: names them after the module that runs, and brings views into memory order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isnan, prod
from typing import Any, NamedTuple

import numpy as np
import torch

from frontend.names import node_name
from frontend.recording.layout import (
    BATCH,
    FEATURE,
    TIME,
    Axis,
    Dim,
    View,
    feature_dims,
    in_memory_order,
    is_outer,
    is_plain,
    length,
)
from ir.errors import CompileError
from ir.graph import Array, Graph, GraphBuilder, Node, Provenance
from ir.ops import Expand, Input, Op, Past, Permute, Repeat, Reshape
from ir.ops.host.time import AtStep, FoldTime, UnfoldTime
from ir.types import SPIKE, Domain, Type


class Constant(NamedTuple):
    """A parameter on its way into the graph."""

    name: str
    """What the model calls it, or where it is used."""
    array: Array


class Recorder:
    """
    A graph under construction, of a module that computes in `dtype`.

    `path` and `function` are those of the module and the function that run now: nodes are named after them. `stepwise`: the
    model runs step by step, so that what it does at later steps is in the graph already. `calls`: functions written down so far.
    """

    def __init__(
        self,
        name: str,
        steps: int,
        batch: int,
        parameter_names: Mapping[int, str],
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.steps, self.batch, self.dtype = steps, batch, dtype
        self.path, self.function, self.stepwise, self.calls = "", "", False, 0
        self._builder = GraphBuilder(name, steps, dtype=str(dtype).removeprefix("torch."))
        self._parameter_names = parameter_names
        self._routes: dict[tuple[str, Op], str] = {}
        self.moments: dict[tuple[View, int], Any] = {}
        """(tensor, dimension) -> `frontend.recording.moments.Moments`, where it holds steps of a value side by side."""
        self._values: dict[tuple[Op, tuple[str, ...], tuple[tuple[str, str], ...], str], str] = {}

    def input(self, name: str, value_type: Type) -> View:
        """A graph input; static ones are (B, ...), the others (T, B, ...)."""
        value = self._builder.add(Input(str(value_type)), name=node_name(name), provenance=Provenance())
        outer: list[Dim] = [] if value_type.static else [(Axis(TIME, value_type.steps or self.steps),)]
        return View(value, (*outer, (Axis(BATCH, self.batch),), *feature_dims(value_type.shape)))

    def type(self, view: View) -> Type:
        """The IR type behind a view."""
        return self._builder.type(view.value)

    def emit(self, op: Op, *values: str, params: Mapping[str, Constant] | None = None, name: str = "") -> str:
        """
        Append a node named after the running module and function (or `name`) and return its value.

        While the model runs `stepwise`, an operation that the same module did before is that node again; so is one without
        memory on what does not change in time, which a loop over the steps computes anew at each of them.
        """
        stored = {role: self._builder.param(*constant) for role, constant in (params or {}).items()}
        label = name or ".".join(part for part in (self.path, self.function or op.kind) if part)
        if any(isinstance(number, float) and isnan(number) for number in vars(op).values()):
            raise CompileError("import.finite", f"{label} computes with NaN", where=self.path)
        key = (op, values, tuple(stored.items()), self.path)
        again = self.stepwise or (op.family != "neuron" and all(self._builder.type(value).static for value in values))
        if not (again and key in self._values):
            self._values[key] = self._builder.add(
                op, *values, name=node_name(label), params=stored, provenance=Provenance(self.path)
            )
        return self._values[key]

    def placeholder(self, op: Op, value: str, name: str, params: Mapping[str, Constant] | None = None) -> str:
        """Append a node that a later step may `revise`, even if there is one like it."""
        stored = {role: self._builder.param(*constant) for role, constant in (params or {}).items()}
        return self._builder.add(op, value, name=node_name(name), params=stored, provenance=Provenance(self.path))

    def revise(self, value: str, op: Op, *values: str, params: Mapping[str, Constant] | None = None) -> None:
        """A placeholder becomes what later steps show it to be."""
        stored = {role: self._builder.param(*constant) for role, constant in (params or {}).items()}
        self._builder.revise(value, op, *values, params=stored)

    def locate(self, value: str, path: str) -> None:
        """The module path of a placeholder."""
        node = self._builder.node(value)
        self._builder.revise(value, node.op, *node.inputs, params=dict(node.params), provenance=Provenance(path))

    def node(self, value: str) -> Node:
        """What makes a value."""
        return self._builder.node(value)

    def array(self, name: str) -> Array:
        """A parameter that is in the graph."""
        return self._builder.array(name)

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value, without time and batch."""
        return self._builder.type(value).shape

    def step_of(self, value: str) -> tuple[str, int] | None:
        """(value over the window, step) of a value that is one step of another; None for other values."""
        node = self._builder.node(value)
        return (node.inputs[0], node.op.step) if isinstance(node.op, AtStep) else None

    def past(self, name: str, shape: tuple[int, ...], steps: int = 0, domain: Domain = SPIKE) -> str:
        """What is emitted next under `name`, one step late: by default the spikes of a neuron of that shape and window."""
        of, kind = self._builder.free_name(node_name(name)), Type(shape, domain, steps=steps)
        return self.emit(Past(of, str(kind.moved(self.steps, self.steps))), name=f"{name}.past")

    def apply(self, op: Op, view: View, params: Mapping[str, Constant] | None = None, name: str = "") -> View:
        """Append an elementwise node: the result is seen as the operand was."""
        return View(self.emit(op, view.value, params=params, name=name), view.dims)

    def result(self, value: str, dims: Iterable[Dim]) -> View:
        """A view of a fresh value whose features lie in the order of `dims`."""
        return View(value, tuple(in_memory_order(dims)))

    def build(self, outputs: Mapping[str, str]) -> Graph:
        """The finished graph."""
        return self._builder.build(outputs)

    def in_order(self, view: View, drop: frozenset[int] = frozenset()) -> View:
        """
        The same tensor on a value that lies in the tensor's own order, one IR axis per torch dimension.

        Dimensions of time and batch have no IR axis; neither have the dimensions of length 1 in `drop`.
        """
        dims = [dim for place, dim in enumerate(view.dims) if not is_outer(dim) and not (place in drop and not dim)]
        target = tuple(prod(axis.size for axis in dim if axis.kind == FEATURE) for dim in dims)
        value, ranks = view.value, view.ranks
        if ranks != sorted(ranks):
            value = self._permuted(view)
        if self._builder.type(value).shape != target:
            value = self._route(Reshape(target), value)
        return View(value, tuple(in_memory_order(view.dims)))

    def _permuted(self, view: View) -> str:
        """The view's value with its features in torch order: permuted in the fewest pieces that stay together."""
        runs = _runs(view)
        order = sorted(range(len(runs)), key=lambda k: runs[k][0])
        memory_shape = tuple(runs[k][1] for k in order)
        value = view.value
        if self._builder.type(value).shape != memory_shape:
            value = self._route(Reshape(memory_shape), value)
        return self._route(Permute(tuple(order.index(k) for k in range(len(runs)))), value)

    def _route(self, op: Op, value: str) -> str:
        """A routing node, appended once however often it is needed."""
        if (value, op) not in self._routes:
            label = ".".join(part for part in (self.path, op.kind) if part)
            self._routes[value, op] = self._builder.add(
                op, value, name=node_name(label), provenance=Provenance(self.path)
            )
        return self._routes[value, op]

    def axis_of(self, view: View, dim: int) -> tuple[View, int]:
        """The view, reshaped or rearranged if need be, and the IR axis that is exactly the torch dimension `dim`."""
        memory = sorted(view.features, key=lambda axis: axis.place)
        axes, shape = view.dims[dim], self.type(view).shape
        first = memory.index(axes[0]) if axes and is_plain(axes) else 0
        if not axes or tuple(memory[first : first + len(axes)]) != axes:
            view = self.in_order(view)
            return view, sum(not is_outer(other) for other in view.dims[:dim])
        before = prod(axis.size for axis in memory[:first])
        for place in range(len(shape)):
            if prod(shape[:place]) == before and shape[place] == length(axes):
                return view, place
        split = [axis.size for axis in memory]
        split[first : first + len(axes)] = [length(axes)]
        return View(self._route(Reshape(tuple(split)), view.value), view.dims), first

    def repeat(self, view: View) -> View:
        """A static value at every step, time in front of its dimensions."""
        value = self._route(Repeat(), view.value)
        return View(value, ((Axis(TIME, self.steps),), *view.dims))

    def expand(self, view: View, shape: tuple[int, ...]) -> View:
        """Dimensions of length 1 repeated to the torch shape `shape`."""
        if view.shape == shape:
            return view
        view = self.in_order(view)
        dims = [
            old if length(old) == size else (Axis(FEATURE, size),) for old, size in zip(view.dims, shape, strict=True)
        ]
        target = tuple(prod(axis.size for axis in dim if axis.kind == FEATURE) for dim in dims if not is_outer(dim))
        return self.result(self._route(Expand(target), view.value), dims)

    def unfold_time(self, view: View, dim: int) -> View:
        """The feature dimension `dim` becomes the time axis."""
        view, axis = self.axis_of(view, dim)
        value = self._route(UnfoldTime(axis), view.value)
        return View(value, (*view.dims[:dim], (Axis(TIME, length(view.dims[dim])),), *view.dims[dim + 1 :]))

    def fold_time(self, view: View) -> View:
        """All steps of the window as features, the slowest ones in memory: a value without time, for the host."""
        value = self._route(FoldTime(self.window(view)), view.value)
        folded = [tuple(_as_feature(axis) for axis in dim) for dim in view.dims]
        return View(value, tuple(folded))

    def window(self, view: View) -> int:
        """T of the view's value; that of the module where it has no time."""
        return self.type(view).steps or self.steps

    def is_timed(self, view: View) -> bool:
        """Whether the value changes from step to step."""
        return any(axis.kind == TIME for dim in view.dims for axis in dim)

    def constant(self, tensor: torch.Tensor, role: str) -> Constant:
        """A tensor that does not depend on the inputs, under the model's name for it if it is a parameter."""
        name = self._parameter_names.get(id(tensor)) or ".".join(
            part for part in (self.path, self.function, role) if part
        )
        array = (tensor if tensor.is_floating_point() else tensor.to(self.dtype)).detach().cpu().numpy()
        if not np.isfinite(array).all():
            raise CompileError(
                "import.finite", f"{name} holds NaN or infinity", where=self.path, hint="check the checkpoint"
            )
        return Constant(node_name(name), array)


def _as_feature(axis: Axis) -> Axis:
    return Axis(FEATURE, axis.size, (-1,)) if axis.kind == TIME else axis


def _runs(view: View) -> list[tuple[int, int]]:
    """Neighbouring features that are neighbours in memory too: (rank of the first, joint size), in torch order."""
    runs: list[tuple[int, int]] = []
    last = -2
    for axis, rank in zip(view.features, view.ranks, strict=True):
        if rank == last + 1:
            runs[-1] = (runs[-1][0], runs[-1][1] * axis.size)
        else:
            runs.append((rank, axis.size))
        last = rank
    return runs
