"""
Samples with labels, batch by batch, of whatever a user has them in: whole arrays, a DataLoader, a generator.

Whole arrays are cut, so that the spikes of hidden layers never lie in memory for more than a batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from backends.trace import Array
from compile.stages.host_inputs import array_of
from compile.stages.program import Program
from compile.stages.samples import cut_samples
from frontend.type_guards import is_list, is_mapping, is_tuple
from frontend.user_errors import user_code
from ir.errors import CompileError

BATCH = 256
"""Samples of a batch where whole arrays are cut."""


@dataclass(frozen=True)
class Batch:
    """Some samples."""

    inputs: Mapping[str, Any]
    """Input -> array (T, B, *shape), or (B, *shape) if static."""
    samples: int
    labels: Array | None = None
    """(B, ...): what is known about each sample."""


def batches_of(program: Program, samples: Any, labels: Any = None) -> Iterator[Batch]:
    """
    Batches for a program, one after another; nothing is read before it is asked for.

    Args:
        program: what they are for.
        samples: an array or {input: array} with all samples; or an iterable of batches, each an array, {input: array}, or
            a pair of that and its labels.
        labels: of whole arrays, one label per sample: (B, ...).

    Raises:
        CompileError: labels and samples differ in number, come twice, or a batch is none of these.
    """
    if _is_whole(samples):
        return _cut(program, _by_name(program, samples), None if labels is None else _array(labels))
    if labels is not None:
        what = "labels are given beside an iterable of batches"
        raise CompileError("report.labels", what, hint="let the iterable give (inputs, labels)")
    if not isinstance(samples, Iterable):
        what = f"cannot read samples from a {type(samples).__name__}"
        raise CompileError("report.samples", what, hint="pass an array, {input: array}, or an iterable of batches")
    items: Iterable[Any] = samples  # pyright: ignore[reportUnknownVariableType]
    return (_batch(program, item) for item in _read(program, items))


def _read(program: Program, items: Iterable[Any]) -> Iterator[Any]:
    """The items of the user's iterable; CompileError with the number of the one that it fails at."""
    iterator, end = iter(items), object()
    for number in itertools.count():
        with user_code(f"reading batch {number} (from 0)", program.name, "report.samples"):
            item = next(iterator, end)
        if item is end:
            return
        yield item


def _is_whole(samples: Any) -> bool:
    """Whether it is all samples in one: an array, arrays by name, or nested lists of numbers."""
    if isinstance(samples, np.ndarray | torch.Tensor) or is_mapping(samples):
        return True
    numbers: Any = samples
    while (is_list(numbers) or is_tuple(numbers)) and len(numbers):
        numbers = numbers[0]
    return isinstance(numbers, int | float)


def _cut(program: Program, inputs: Mapping[str, Any], labels: Array | None) -> Iterator[Batch]:
    parts = cut_samples({name: _array(value) for name, value in inputs.items()}, program, BATCH)
    counts = [_samples(program, part) for part in parts]
    if labels is not None and (labels.ndim == 0 or len(labels) != sum(counts)):
        have = "one label" if labels.ndim == 0 else f"{len(labels)} labels"
        raise CompileError("report.labels", f"{have} for {sum(counts)} samples", where=program.name)
    ends = np.cumsum(counts).tolist()
    for part, count, end in zip(parts, counts, ends, strict=True):
        yield Batch(part, count, None if labels is None else labels[end - count : end])


def _batch(program: Program, item: Any) -> Batch:
    """A batch as an iterable gives it."""
    inputs, labels = item, None
    if is_tuple(item) or is_list(item):
        pair: Sequence[Any] = item
        if len(pair) != 2:
            hint = "a batch is an array, {input: array}, or a pair of that and its labels"
            raise CompileError("report.samples", f"a batch of {len(pair)} things", where=program.name, hint=hint)
        inputs, labels = pair[0], _array(pair[1])
    named = _by_name(program, inputs)
    count = _samples(program, named)
    if labels is not None and (labels.ndim == 0 or len(labels) != count):
        what = f"a batch of {count} samples has labels of shape {labels.shape}"
        raise CompileError("report.labels", what, where=program.name)
    return Batch(named, count, labels)


def _by_name(program: Program, inputs: Any) -> Mapping[str, Any]:
    """Inputs by name; a bare array is that of the one input."""
    if is_mapping(inputs):
        return {str(name): value for name, value in inputs.items()}
    if len(program.inputs) > 1:
        hint = f"pass {{input: array}}; inputs: {', '.join(program.inputs)}"
        raise CompileError("report.samples", "one array for several inputs", where=program.name, hint=hint)
    return {next(iter(program.inputs)): inputs}


def _samples(program: Program, inputs: Mapping[str, Any]) -> int:
    """How many there are, the inputs checked."""
    return next(iter(program.host_inputs(inputs).values())).shape[1]


def _array(value: Any) -> Array:
    return array_of(value, "samples or labels", "report.samples")
