"""What a task's outputs are worth: accuracy by itself, or a function of the user's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from backends.trace import Array
from frontend.type_guards import is_mapping
from frontend.user_errors import user_code
from ir.errors import CompileError

Metric = Callable[[Any, Any], Any]
"""(outputs, labels) -> a number, or numbers by name; outputs is an array where the network has one, else {name: array}."""


def accuracy(outputs: Any, labels: Any) -> float:
    """
    The share of samples whose class is that of the largest output, 0..1; of equal outputs the first counts.

    Args:
        outputs: (T, B, classes), which are added up over the steps (NaN behind the end of a window left out), or (B, classes).
        labels: (B,) classes from 0.

    Raises:
        CompileError: there are several outputs, or the labels are no classes of them.
    """
    hint = "pass metric=, a function of outputs and labels"
    if is_mapping(outputs):
        what = f"accuracy needs one output, and there are {len(outputs)}: {', '.join(map(str, outputs))}"
        raise CompileError("report.accuracy", what, hint=hint)
    scores = _array(outputs)
    scores = np.nansum(scores, axis=0, dtype=np.float64) if scores.ndim == 3 else scores
    classes = _array(labels)
    if scores.ndim != 2 or classes.shape != scores.shape[:1] or classes.dtype.kind not in "iu":
        what = f"accuracy needs outputs (T, B, classes) and labels (B,), not {np.shape(outputs)} and {classes.shape}"
        raise CompileError("report.accuracy", f"{what} of type {classes.dtype}", hint=hint)
    if classes.min() < 0 or classes.max() >= scores.shape[1]:
        what = f"labels from {classes.min()} to {classes.max()}, and {scores.shape[1]} classes"
        raise CompileError("report.accuracy", what, hint=hint)
    equal: Array = scores.argmax(axis=1) == classes
    return float(equal.mean())


def measured(metric: Metric, outputs: Mapping[str, Array], labels: Any) -> dict[str, float]:
    """
    A metric's numbers by name, a single one by the function's name; CompileError for all that goes wrong in it.

    It gets copies, so that it may do with them what it likes.
    """
    name, copies = getattr(metric, "__name__", type(metric).__name__), {key: own.copy() for key, own in outputs.items()}
    with user_code(f"{name}()", rule="report.metric", hint="it is called as metric(outputs, labels)"):
        value = metric(next(iter(copies.values())) if len(copies) == 1 else copies, labels)
    numbers = value if is_mapping(value) else {name: value}
    bad = [key for key, number in numbers.items() if not isinstance(_plain(number), Real)]
    if bad or not numbers:
        what = f"{name}() returned a {type(value).__name__} without numbers"
        raise CompileError("report.metric", what, hint="return a number, or {name: number}")
    found = {str(key): float(_plain(number)) for key, number in numbers.items()}
    wrong = next((key for key, number in found.items() if not isfinite(number)), None)
    if wrong is not None:
        what = f"{name}() returned {found[wrong]} for {wrong!r}"
        raise CompileError("report.metric", what, hint="return finite numbers, or leave it out")
    return found


def same_names(values: Mapping[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Metrics of several networks; CompileError where they have different names, as nothing could be compared."""
    names = {kind: sorted(own) for kind, own in values.items()}
    first = next(iter(names), "")
    other = next((kind for kind in names if names[kind] != names[first]), "")
    if other:
        what = f"the metrics are {', '.join(names[first])} of {first}, and {', '.join(names[other])} of {other}"
        raise CompileError("report.metric", what, hint="return the same names each time")
    return dict(values)


def _array(value: Any) -> Array:
    return np.asarray(value)


def _plain(number: Any) -> Any:
    """A number out of an array or tensor of one."""
    return number.item() if hasattr(number, "item") and getattr(number, "ndim", 1) == 0 else number
