"""
Fixed linear maps of the places of an image, every channel by itself: windows of different sizes, interpolation.

    y[c, p] = sum_k w[p, k] x[c, place[p, k]]

No function has a formula here: torch maps unit images, which shows every weight. Places with one and the same set of weights
are a convolution of the elements that they read, brought side by side; places with nothing but a weight of 1 are wires. So
there is a synapse where a weight is, and none where it is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from frontend.function_rules.layers import convolved, each, feature_dim, require_axes
from frontend.function_rules.slicing import take
from frontend.function_rules.views import permute, reshape
from frontend.recording.broadcasting import combine
from frontend.recording.layout import View, is_outer, is_plain
from frontend.recording.recorder import Constant, Recorder
from ir.errors import CompileError
from ir.graph import Array
from ir.ops import Add, Conv, Gather
from ir.ops.shape import SILENT

MapOfImages = Callable[[torch.Tensor], torch.Tensor]
UNITS = 256
"""Unit images at a time."""
KINDS = 16
"""Sets of weights of one length, beyond which each place has kernels of its own."""


@dataclass(frozen=True)
class Places:
    """Places that read equally many elements."""

    targets: tuple[int, ...]
    reads: Array
    """(places, taps): which elements."""
    weights: Array
    """(places, taps), or (1, taps) where all places have the same."""


def mapped(recorder: Recorder, x: View, axes: int, function: MapOfImages) -> View:
    """A linear function of images (N, C, *places), applied to the last `axes` dimensions; CompileError where it is none."""
    require_axes(
        all(map(is_plain, x.dims[-axes - 1 :])), x, "the map of an image would mix time or batch into the features"
    )
    x = recorder.in_order(x)
    inputs, channels = x.shape[-axes:], x.shape[-axes - 1]
    rows, outputs = weights_of(function, inputs)
    groups = _groups(rows)
    flat = recorder.in_order(reshape(recorder, x, (*x.shape[:-axes], -1)))
    if [group.targets for group in groups] == [tuple(range(len(rows)))]:
        y = _convolved(recorder, flat, channels, groups[0], wires=True)
    else:
        parts = [_placed(recorder, flat, channels, group, len(rows)) for group in groups]
        y = reduce(lambda a, b: combine(recorder, Add(), a, b), parts)
    return reshape(recorder, y, (*x.shape[:-axes], *outputs))


def in_planes(x: View, axes: int, kernel: Sequence[int], steps: Sequence[int], pads: Sequence[int]) -> View | None:
    """
    The images (N, C, ...) of a tensor whose channels torch takes for the first of `axes` places, as (T, B, C, H, W) of 3.

    None where batch or time are not in torch's channels, or windows have more than one place along the first axis.
    """
    outer, places = x.dims[:-axes], x.dims[-axes:]
    planes = axes > 1 and (kernel[0], steps[0], pads[0]) == (1, 1, 0)
    if not (planes and outer and is_outer(outer[-1]) and all(map(is_plain, places))):
        return None
    return x.with_dims((tuple(chain(*outer)), *places))


def out_of_planes(images: View, x: View, axes: int) -> View:
    """What was made of the images of a tensor, with the dimensions that it has before them."""
    return images.with_dims((*x.dims[:-axes], *images.dims[1:]))


def weights_of(function: MapOfImages, sizes: tuple[int, ...]) -> tuple[list[tuple[Array, Array]], tuple[int, ...]]:
    """For every place of the result (elements that it reads, their weights), and the sizes of the result."""
    inputs = int(np.prod(sizes))
    columns: list[Array] = []
    outputs: tuple[int, ...] = ()
    with torch._C.DisableTorchFunction():  # pyright: ignore
        if bool(function(torch.zeros(1, 1, *sizes)).any()):
            raise CompileError("import.map", "the map of an image adds a constant")
        for start in range(0, inputs, UNITS):
            units = torch.eye(min(UNITS, inputs - start), inputs).roll(start, 1).reshape(-1, 1, *sizes)
            images = function(units)
            outputs = tuple(images.shape[2:])
            columns.append(images.reshape(len(units), -1).numpy())
    matrix = np.concatenate(columns).T
    return [(read, row[read]) for row in matrix for read in (np.flatnonzero(row),)], outputs


def _groups(rows: Sequence[tuple[Array, Array]]) -> list[Places]:
    """The places by the weights that they have; those that read nothing are in none."""
    kinds: dict[int, dict[bytes, list[tuple[int, Array, Array]]]] = {}
    for place, (read, weights) in enumerate(rows):
        order = np.argsort(weights, kind="stable")
        same = kinds.setdefault(len(read), {}).setdefault(weights[order].tobytes(), [])
        same.append((place, read[order], weights[order]))
    groups: list[Places] = []
    for taps, sets in kinds.items():
        if not taps:
            continue
        together = [list(chain(*sets.values()))] if len(sets) > KINDS else list(sets.values())
        for members in together:
            targets, reads, weights = zip(*sorted(members, key=lambda member: member[0]), strict=True)
            stacked = np.stack(weights)
            alike = bool((stacked == stacked[:1]).all())
            groups.append(Places(tuple(targets), np.stack(reads), stacked[:1] if alike else stacked))
    return groups


def _convolved(recorder: Recorder, flat: View, channels: int, group: Places, *, wires: bool) -> View:
    """(..., channels, places) -> (..., channels, targets of the group); `wires`: a weight of 1 needs no synapse."""
    count, taps = group.reads.shape
    read = take(recorder, flat, len(flat.dims) - 1, [int(k) for k in group.reads.reshape(-1)])
    if wires and taps == 1 and bool((group.weights == 1).all()):
        return read
    alone = len(group.weights) > 1
    if alone:  # every place has kernels of its own: it takes the part of a channel, the channels lie side by side
        lead = list(range(len(flat.dims) - 2))
        cut = reshape(recorder, read, (*flat.shape[:-2], channels, count, taps))
        read = permute(recorder, cut, (*lead, len(lead) + 1, len(lead), len(lead) + 2))
        read = reshape(recorder, read, (*flat.shape[:-2], count, channels * taps))
    groups = count if alone else channels
    kernels = np.broadcast_to(group.weights[:, None], (groups, 1, taps)).astype(np.float32)
    constant = Constant(".".join(part for part in (recorder.path, recorder.function, "weight") if part), kernels.copy())
    y = convolved(recorder, read, Conv((taps,), (0,), (1,), groups), {"weight": constant})
    return permute(recorder, y, (*range(len(flat.dims) - 2), -1, -2)) if alone else y


def _placed(recorder: Recorder, flat: View, channels: int, group: Places, places: int) -> View:
    """The values of a group at its places, wires from nowhere at all others."""
    y = _convolved(recorder, flat, channels, group, wires=False)
    index = np.full(places, SILENT)
    index[list(group.targets)] = range(len(group.targets))
    y = recorder.in_order(y)
    axis = len(recorder.type(y).shape) - 1
    value = recorder.emit(Gather(axis, tuple(int(k) for k in index)), y.value)
    return recorder.result(value, (*y.dims[:-1], feature_dim(places)))


def interpolate(
    recorder: Recorder,
    x: View,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> View:
    """Another resolution: the nearest elements are wires, means of several have synapses."""
    options: Any = (size, scale_factor, mode, align_corners, recompute_scale_factor, antialias)
    axes = len(x.dims) - 2
    resize: Callable[..., Any] = getattr(functional, recorder.function)
    kept = x.shape[2] == _first(size) or _first(scale_factor) == 1
    planes = in_planes(x, axes, (1,), (1,), (0,)) if kept else None
    if planes is None:
        return mapped(recorder, x, axes, lambda images: resize(images, *options))
    images = mapped(recorder, planes, axes - 1, lambda images: resize(images.unsqueeze(2), *options)[:, :, 0])
    return out_of_planes(images, x, axes)


def _first(values: float | Sequence[float] | None) -> float | None:
    """Of the number along each axis, that along the first."""
    return next(iter(values)) if isinstance(values, Sequence) else values


def fold(
    recorder: Recorder,
    x: View,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> View:
    """Columns of windows, (N, C x window, windows), added up where they lie in the image (N, C, height, width)."""
    taps = int(np.prod(each(kernel_size, 2)))
    grouped = reshape(recorder, x, (x.shape[0], -1, taps, x.shape[-1]))

    def image(columns: torch.Tensor) -> torch.Tensor:
        return functional.fold(columns.flatten(1, 2), output_size, kernel_size, dilation, padding, stride)  # pyright: ignore

    return mapped(recorder, grouped, 2, image)


RULES = {"interpolate": interpolate, "fold": fold}
"""Function name -> rule."""
