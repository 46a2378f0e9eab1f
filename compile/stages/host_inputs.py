"""What a user feeds to a network, checked, as tensors that the host computes with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from frontend.input_domain import check_values
from frontend.recording.axis_order import TIME_FIRST, AxisOrder
from frontend.type_guards import is_mapping
from ir.errors import CompileError
from ir.graph import Graph
from ir.types import Type


def host_inputs(
    prologue: Graph, names: Mapping[str, str], inputs: Any, where: str, order: AxisOrder = TIME_FIRST
) -> dict[str, torch.Tensor]:
    """
    The model inputs by the graph's own names, (T or 1, B, *shape) in the dtype of the network's arithmetic.

    Args:
        prologue: whose inputs are the model's.
        names: input -> what the user calls it, where the graph cannot hold that name.
        inputs: {input name: array}, or one array where there is one input; (T, B, *shape), or (B, *shape) if static.
        where: the network, for messages.
        order: of the inputs' axes: with the batch first, (B, T, *shape).

    Raises:
        CompileError: an input is missing, unknown, of the wrong shape, or not finite.
    """
    types = {names.get(node.name, node.name): node.type for node in prologue.inputs}
    named = inputs if is_mapping(inputs) else {next(iter(types)): inputs}
    missing, unknown = set(types) - set(named), set(named) - set(types)
    if missing or unknown:
        have = ", ".join(f"{name} {kind.shape}" for name, kind in types.items())
        what = f"missing input {min(missing)!r}" if missing else f"unknown input {min(unknown)!r}"
        raise CompileError("run.input", what, where=where, hint=f"inputs: {have}")
    host = {name: _host_input(name, kind, named[name], prologue, order) for name, kind in types.items()}
    batches = {name: value.shape[1] for name, value in host.items()}
    if len(set(batches.values())) > 1:
        raise CompileError("run.batch", f"inputs differ in the number of samples: {batches}", where=where)
    lengths = {n: value.shape[0] for n, value in host.items() if not (types[n].static or types[n].steps)}
    if len(set(lengths.values())) > 1:
        raise CompileError("run.steps", f"inputs differ in the number of steps: {lengths}", where=where)
    if 0 in (size for value in host.values() for size in value.shape[:2]):
        raise CompileError("run.batch", "the inputs hold no samples, or no steps", where=where)
    return dict(zip((node.name for node in prologue.inputs), host.values(), strict=True))


def array_of(value: Any, what: str, rule: str = "run.dtype") -> Any:
    """A NumPy array of a user's tensor, array or nested lists; CompileError of `rule`, which says `what`, where it is none."""
    try:
        return np.asarray(value.detach().cpu() if isinstance(value, torch.Tensor) else value)
    except (TypeError, ValueError, RuntimeError) as error:  # lists of different lengths, sparse tensors
        raise CompileError(rule, f"{what} is no array: {error}") from None


def steps_of(prologue: Graph, host: Mapping[str, torch.Tensor]) -> int:
    """T of what `host_inputs` returned; the graph's own where no input has its time axis."""
    timed = (node.name for node in prologue.inputs if not (node.type.static or node.type.steps))
    return next((host[name].shape[0] for name in timed), prologue.steps)


def _host_input(name: str, kind: Type, value: Any, whole: Graph, order: AxisOrder) -> torch.Tensor:
    """One model input in the dtype of the network's arithmetic."""
    steps = kind.steps or whole.steps
    array = array_of(value, f"input {name!r}")
    if array.dtype.kind not in "fiub":
        raise CompileError("run.dtype", f"input {name!r} has type {array.dtype}, needs numbers")
    with np.errstate(over="ignore"):  # infinite then, and refused below
        array = array.astype(whole.dtype)
    rank = len(kind.shape)
    if kind.static and array.ndim == rank + 1:
        array = array[None]
    fits = array.ndim == rank + 2 and array.shape[2:] == kind.shape
    if not fits:
        timed = "(B, T, *shape)" if order.batch_first else "(T, B, *shape)"
        layout = "(B, *shape)" if kind.static else timed
        raise CompileError(
            "run.shape", f"input {name!r} has shape {array.shape}", hint=f"needs {layout}, shape {kind.shape}"
        )
    if not np.isfinite(array).all():
        raise CompileError("run.finite", f"input {name!r} holds NaN, infinite values, or values beyond {whole.dtype}")
    if kind.static:
        if (array != array[:1]).any():
            raise CompileError(
                "run.static", f"input {name!r} changes over time, but the model repeats it over its steps"
            )
        return torch.from_numpy(array[:1].copy())
    array = order.input(array)
    if steps and array.shape[0] != steps:
        what = f"input {name!r} has {array.shape[0]} steps, the network takes {steps} per sample"
        raise CompileError("run.steps", what, hint=_steps_hint(array.shape, steps, order))
    if kind.domain.kind in ("spike", "count"):
        check_values(name, array, kind.domain)
    return torch.from_numpy(np.ascontiguousarray(array))


def _steps_hint(shape: tuple[int, ...], steps: int, order: AxisOrder) -> str:
    if shape[1] == steps:
        axes = "(B, T, ...), and this is (T, B, ...)" if order.batch_first else "(T, B, ...), and this is (B, T, ...)"
        return f"the network takes {axes}, as it seems: exchange the first two axes"
    return f"compile it again with an example of {shape[0]} steps: constants such as 1/T may depend on T"
