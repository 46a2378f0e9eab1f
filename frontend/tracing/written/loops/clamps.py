"""
Membranes that are clamped: `relu(mem)`, `clamp(mem, min=-1)`, `torch.maximum(mem, low)`, `relu(mem - low) + low`.

In exact fractions a clamp does nothing, so that a neuron is known by its equation between the limits; the lower one is seen far
below it. Whether it is clamped before it fires or behind its reset is the same to its spikes, and so is the upper limit, where
a reset forgets how far above the threshold the membrane was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from frontend.tracing.written.loops.recognition import Update, no_neuron
from ir.ops import Lif, RectifiedLif

CLAMP = "clamp"
"""The operation (value, least, most)."""
UNLIMITED = 1e30
"""The limit of what has none."""
FAR = 1e12
"""A membrane so far from any limit."""
LIMITS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("clamp", "clip"), ("min", "max")),
    "clamp_min": ("min",),
    "clamp_max": ("max",),
    "hardtanh": ("min_val", "max_val"),
}
"""The limits that functions take, by their names, in their order."""
ALWAYS: Mapping[str, tuple[float, float]] = {"relu": (0.0, UNLIMITED), "relu6": (0.0, 6.0), "hardtanh": (-1.0, 1.0)}
"""Those that they have where none are given."""
LARGER, SMALLER = ("maximum", "fmax", "max"), ("minimum", "fmin", "min")
CLAMPS = frozenset((*LIMITS, *ALWAYS, *LARGER, *SMALLER))
"""All functions that clamp."""


def clamp_arguments(plain: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, Any, Any] | None:
    """(value, least, most) where a torch function, of that plain name, clamps by limits of its own; None for any other."""
    if plain in (*LARGER, *SMALLER):
        both = (*args, *(kwargs[key] for key in ("other",) if key in kwargs))
        if len(both) != 2 or not all(isinstance(each, torch.Tensor) for each in both):
            return None
        return (both[0], both[1], UNLIMITED) if plain in LARGER else (both[0], -UNLIMITED, both[1])
    if plain not in CLAMPS or not args:
        return None
    names = LIMITS.get(plain, ())
    given = {**dict(zip(names, args[1:], strict=False)), **{key: kwargs[key] for key in names if key in kwargs}}
    least, most = ALWAYS.get(plain, (-UNLIMITED, UNLIMITED))
    for name, limit in given.items():
        if limit is not None:
            least, most = (limit, most) if name.startswith("min") else (least, limit)
    return args[0], least, most


def clamped(value: Any, least: Any, most: Any) -> Any:
    """The value between two limits; in fractions the value itself."""
    return value if isinstance(value, Fraction) else np.clip(value, least, most)


def with_limits(op: Lif, update: Update, offset: float) -> Lif:
    """
    The neuron whose membrane is clamped.

    Args:
        offset: its membrane less that of the update.

    Raises:
        CompileError: its spikes depend on an upper limit.
    """
    far, still, sign = np.full(1, FAR), np.zeros(1), 1 if op.gain > 0 else -1
    low = float(update.next(-far, still, -sign * far)[0])
    if low < -FAR / 1e3 and op.decay < 1:  # clamped behind the reset: the current comes on top of it
        low = _behind_reset(op, update)
    if op.reset != "value" and op.decay < 1 and float(update.next(far, still + 1, still)[0]) < FAR / 1e3:
        hint = "a lower limit is taken as it is; or reset the membrane to a value"
        raise no_neuron("has an upper limit for its membrane, of which a reset leaves a part", hint)
    if low < -FAR / 1e3:
        return op
    attributes: dict[str, Any] = {item.name: getattr(op, item.name) for item in fields(Lif)}
    return RectifiedLif(**attributes, floor=low + offset)


def _behind_reset(op: Lif, update: Update) -> float:
    """The floor that a membrane far below has, of which the next one keeps its part."""
    zero, still = Fraction(0), np.zeros(1)
    keep, drift = 1 - op.decay, float(update.next(zero, zero, zero))
    kept = float(update.next(np.full(1, -FAR), still, still)[0])
    low = (kept - drift) / keep
    single = float(np.float32(low))
    return single if keep * single + drift == kept else low
