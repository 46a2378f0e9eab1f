"""
Maxima of windows as comparisons of two, M = max(a, b) = b + relu(a - b): which differences are taken, and what adds up to M.

A maximum is a sum of terms: inputs, and what relays emit that hold relu of a difference. A plan is made once per window,
for all channels; outputs whose windows reach beyond the input have fewer taps, and so fewer comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ir.graph import Array
from ir.ops.pool import MaxPool
from ir.ops.shape import SILENT
from ir.types import Type

INPUTS = 0
"""The source of terms that are inputs; the relays of comparison k are source k + 1."""


@dataclass(frozen=True)
class Term:
    """What one source adds at every place: its element, or nothing where that is SILENT."""

    source: int
    elements: Array

    @property
    def places(self) -> Array:
        """Where it adds something."""
        return np.flatnonzero(self.elements != SILENT)

    def at(self, places: Array) -> Term:
        """The term of some of the places."""
        return Term(self.source, self.elements[places])


Terms = tuple[Term, ...]


@dataclass(frozen=True)
class Comparison:
    """The relays relu(larger - smaller), one for every place."""

    larger: Terms
    smaller: Terms


@dataclass(frozen=True)
class MaximaPlan:
    """The comparisons of a window, each after those that it reads, and the terms whose sum is the maximum."""

    comparisons: tuple[Comparison, ...]
    maximum: Terms

    @property
    def relays(self) -> int:
        """Relays of one channel, those of the inputs left out."""
        return sum(len(step.larger[0].elements) for step in self.comparisons)

    @property
    def synapses(self) -> int:
        """Synapses of one channel, those of the maximum's reader among them."""
        terms = [*self.maximum, *(term for step in self.comparisons for term in (*step.larger, *step.smaller))]
        return sum(len(term.places) for term in terms)


Order = Callable[[list[Terms], Callable[[Terms, Terms], Terms]], Terms]


def as_chain(taps: list[Terms], largest: Callable[[Terms, Terms], Terms]) -> Terms:
    """One tap after another: the fewest synapses, a relay of latency per tap but one."""
    return reduce(largest, taps)


def as_tree(taps: list[Terms], largest: Callable[[Terms, Terms], Terms]) -> Terms:
    """In pairs, and pairs of pairs: the least latency."""
    while len(taps) > 1:
        pairs = [largest(a, b) for a, b in zip(taps[::2], taps[1::2], strict=False)]
        taps = [*pairs, *taps[len(pairs) * 2 :]]
    return taps[0]


def maxima_plan(op: MaxPool, sizes: tuple[int, ...], order: Order) -> MaximaPlan:
    """
    The plan of a pooling.

    Args:
        sizes: the lengths of the input's spatial axes; an element is its place in them, flat.
    """
    comparisons: list[Comparison] = []

    def largest(a: Terms, b: Terms) -> Terms:
        in_a, in_b = _present(a), _present(b)
        both = np.flatnonzero(in_a & in_b)
        rest = [Term(term.source, np.where(in_b, SILENT, term.elements)) for term in a]
        if not len(both):
            return _joined([*b, *rest])
        comparisons.append(Comparison(_joined(term.at(both) for term in a), _joined(term.at(both) for term in b)))
        relays = np.full(len(in_a), SILENT)
        relays[both] = np.arange(len(both))
        return _joined([*b, *rest, Term(len(comparisons), relays)])

    maximum = order([(Term(INPUTS, elements),) for elements in window_taps(op, sizes)], largest)
    return MaximaPlan(tuple(comparisons), maximum)


def window_taps(op: MaxPool, sizes: tuple[int, ...]) -> Array:
    """(taps, outputs): the flat input element of every tap of every window, SILENT ones first where some lie on padding."""
    outputs = op.infer((Type((1, *sizes)),), {}).shape[1:]
    flat = np.zeros((1,) * (2 * len(sizes)), np.int64)
    inside = np.ones((1,) * (2 * len(sizes)), bool)
    for axis, size in enumerate(sizes):
        taps, starts = np.arange(op.kernel[axis]), np.arange(outputs[axis])
        place = op.dilation[axis] * taps[:, None] + op.stride[axis] * starts - op.padding[axis]
        shape = [1] * (2 * len(sizes))
        shape[axis], shape[len(sizes) + axis] = place.shape
        place = place.reshape(shape)
        flat, inside = flat * size + place, inside & (place >= 0) & (place < size)
    table = np.where(inside, flat, SILENT).reshape(int(np.prod(op.kernel)), -1)
    return np.take_along_axis(table, np.argsort(table != SILENT, axis=0, kind="stable"), axis=0)


def _present(terms: Terms) -> Array:
    return np.any([term.elements != SILENT for term in terms], axis=0)


def _joined(terms: Iterable[Term]) -> Terms:
    """The terms with those of one source joined where they add at different places, and without those that add nothing."""
    joined: list[Term] = []
    for term in terms:
        alike = [k for k, other in enumerate(joined) if _may_join(other, term)]
        if alike:
            joined[alike[0]] = Term(term.source, np.maximum(joined[alike[0]].elements, term.elements))
        elif len(term.places):
            joined.append(term)
    return tuple(joined)


def _may_join(a: Term, b: Term) -> bool:
    return a.source == b.source and not np.any((a.elements != SILENT) & (b.elements != SILENT))
