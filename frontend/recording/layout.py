"""
Which torch axis is time, which is batch, and how the others lie in the IR value: the bookkeeping behind tracing.

A traced tensor is a `View` of an IR value. IR values have neither time nor batch; their features are cut into axes that are
numbered by `place`, their order in memory. Reshaping and permuting a tensor only rearranges axes here and costs no node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import NamedTuple

from ir.errors import CompileError

TIME, BATCH, FEATURE = "time", "batch", "feature"


class Axis(NamedTuple):
    """One indivisible piece of a tensor."""

    kind: str
    """`TIME`, `BATCH` or `FEATURE`."""
    size: int
    place: tuple[int, ...] = ()
    """Of features: where they lie in the IR value's memory, in lexicographic order; a split axis adds a digit."""


Dim = tuple[Axis, ...]
"""One torch dimension: the axes merged in it, slowest first; empty where its length is 1."""


@dataclass(frozen=True)
class View:
    """A torch tensor as a view of an IR value."""

    value: str
    """Name of the IR value."""
    dims: tuple[Dim, ...]
    """The torch dimensions, in order."""
    step: int | None = None
    """The step of the window whose value the tensor is; None for the value over the whole window, or without time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the torch tensor."""
        return tuple(length(dim) for dim in self.dims)

    @property
    def features(self) -> list[Axis]:
        """The feature axes in the order of the torch dimensions."""
        return [axis for dim in self.dims for axis in dim if axis.kind == FEATURE]

    @property
    def ranks(self) -> list[int]:
        """For every feature axis, in torch order, its rank in the IR value's memory."""
        places = sorted(axis.place for axis in self.features)
        return [places.index(axis.place) for axis in self.features]

    def with_dims(self, dims: Iterable[Dim]) -> View:
        """The same IR value, seen with other dimensions."""
        return replace(self, dims=tuple(dims))

    def __str__(self) -> str:
        return "(" + ", ".join(_dim_text(dim) for dim in self.dims) + ")"


def _dim_text(dim: Dim) -> str:
    letters = {TIME: "T", BATCH: "B"}
    return "*".join(letters.get(axis.kind, str(axis.size)) for axis in dim) or "1"


def length(dim: Dim) -> int:
    """The length of a torch dimension."""
    return prod(axis.size for axis in dim)


def is_plain(dim: Dim) -> bool:
    """Whether a dimension is made of features only (or has length 1)."""
    return all(axis.kind == FEATURE for axis in dim)


def is_outer(dim: Dim) -> bool:
    """Whether a dimension is made of time and batch only, so that the IR value does not have it."""
    return bool(dim) and all(axis.kind != FEATURE for axis in dim)


def is_time(dim: Dim) -> bool:
    """Whether a dimension is the time axis and nothing else."""
    return len(dim) == 1 and dim[0].kind == TIME


def feature_dims(sizes: Sequence[int]) -> list[Dim]:
    """Dimensions of an IR value of shape `sizes`, in memory order."""
    return [(Axis(FEATURE, size, (place,)),) if size != 1 else () for place, size in enumerate(sizes)]


def in_memory_order(dims: Iterable[Dim]) -> list[Dim]:
    """The same dimensions on a value whose features lie in the order of the dimensions."""
    places = iter(range(1 << 30))
    return [
        tuple(axis._replace(place=(next(places),)) if axis.kind == FEATURE else axis for axis in dim) for dim in dims
    ]


def regroup(view: View, shape: Sequence[int]) -> View:
    """
    `view` reshaped in C order; features may be split and merged, time and batch only joint.

    Raises:
        CompileError: where the new shape would cut the time or the batch axis.
    """
    axes = _merge_neighbours(view)
    dims = [_take(axes, size, view, shape) for size in shape]
    if axes:  # only axes of length 1 can remain: a batch or a window of one
        dims[-1] = (*dims[-1], *axes)
    return view.with_dims(dims)


def _merge_neighbours(view: View) -> list[Axis]:
    """All axes in torch order, features that are neighbours in memory too joined into one."""
    ranks = iter(view.ranks)
    merged: list[Axis] = []
    last = -2
    for axis in (axis for dim in view.dims for axis in dim):
        rank = next(ranks) if axis.kind == FEATURE else -2
        if rank == last + 1 and rank > 0:
            merged[-1] = merged[-1]._replace(size=merged[-1].size * axis.size)
        else:
            merged.append(axis)
        last = rank
    return merged


def _take(axes: list[Axis], size: int, view: View, shape: Sequence[int]) -> Dim:
    """Remove from the front of `axes` those that make up a dimension of length `size`."""
    dim: list[Axis] = []
    if size == 1 and axes and axes[0].size == 1:
        return (axes.pop(0),)
    while size > 1:
        axis = axes.pop(0)
        if size % axis.size == 0:
            dim.append(axis)
            size //= axis.size
        elif axis.kind == FEATURE and axis.size % size == 0:  # the axis is split: its fast part stays
            dim.append(Axis(FEATURE, size, (*axis.place, 0)))
            axes.insert(0, Axis(FEATURE, axis.size // size, (*axis.place, 1)))
            size = 1
        else:
            raise CompileError(
                "import.axes",
                f"reshaping {view} to {tuple(shape)} mixes the {axis.kind} axis with others",
                hint="keep time and batch whole: (T, B, ...) may become (T*B, ...) and back",
            )
    return tuple(dim)
