"""
Finds out whether the first axis of a module's inputs is the batch, by running it.

It is in modules that make the steps themselves, as networks of images do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd
from typing import Any

import torch
from torch import nn

from frontend.names import called
from frontend.neuron_rules.table import is_single_step, neuron_rule, reset_neurons
from frontend.ordinary_tensors import ordinary_tensors
from frontend.tracing.trace import trace_in_order
from frontend.tracing.untouched import left_as_it_was
from frontend.tracing.written.fired import FiredRecord
from frontend.user_errors import user_code
from ir.errors import CompileError
from ir.graph import Graph, Node


@dataclass(frozen=True)
class _Steps:
    """What the neurons of a module did in one run on so many samples."""

    first: tuple[int, int] | None
    """(steps, samples) of the framework's neurons that ran first; None where none ran."""
    compared: Counter[tuple[str, torch.Size]]
    """(path of a module, shape of one sample) -> how often it compared tensors (B, ...) of it."""


@ordinary_tensors()
def steps_of_repeated(module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> int | None:
    """
    T of a module in eval mode whose inputs have no time axis: they are all (B, ...), and no second axis is as long as T.

    None where the first axis of an input is time, or may be. The module runs on one sample and on two, and is left as it was, so
    that nothing that it keeps from its first call is of these runs. The first of its neurons makes the same steps, on twice the
    batch; or what it compares, where it writes its neurons out.

    Raises:
        CompileError: where time is the last axis, which no order of axes is.
    """
    if not inputs or any(not x.ndim or not len(x) for x in inputs.values()):
        return None
    one, two = (_run(module, {name: torch.cat([x[:1]] * n) for name, x in inputs.items()}, n) for n in (1, 2))
    if one is None or two is None:
        return None
    if one.first is None and two.first is None:
        return _of_comparisons(module, inputs, one.compared) if one.compared == two.compared else None
    steps = one.first[0] if one.first is not None and one.first[1] == 1 and two.first == (one.first[0], 2) else None
    return None if _is_second(inputs, steps) else steps


def _of_comparisons(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], compared: Counter[tuple[str, torch.Size]]
) -> int | None:
    """
    T of a module without neurons of frameworks; None where it is imported as one whose inputs have time, or not at all.

    A second axis of length 1, as grey images have, is no time where it makes a population of every step.
    """
    most = gcd(*compared.values())
    if not most or _is_second(inputs, most):
        return None
    timed = _imported(module, inputs, (), 0)
    timed = timed if timed is not None and _has_time(timed) else None
    if timed is not None and not _is_second(inputs, 1):
        return None
    steps = [n for n in range(most, 1, -1) if most % n == 0 and not _is_second(inputs, n)] or [1]
    still = ((n, _imported(module, inputs, tuple(inputs), n)) for n in steps)
    found = next(
        (
            n
            for n, graph in still
            if graph is not None and (timed is None or len(_neurons(graph)) < len(_neurons(timed)))
        ),
        None,
    )
    if timed is None and found is None and _is_last(module, inputs, compared):
        hint = "compile a module that takes (T, B, ...) and calls it on x.movedim(0, -1)"
        raise CompileError("import.axes", "time is the last axis of the inputs", where=type(module).__name__, hint=hint)
    return found


def _is_last(module: nn.Module, inputs: Mapping[str, torch.Tensor], compared: Counter[tuple[str, torch.Size]]) -> bool:
    """Whether a module compares less often by what the last axis of its inputs is shorter."""
    (steps, *others) = {x.shape[-1] for x in inputs.values()}
    run = None if others else _run(module, {name: x[:1, ..., :-1] for name, x in inputs.items()}, 1)
    return run is not None and {key: n * steps for key, n in run.compared.items()} == {
        key: n * (steps - 1) for key, n in compared.items()
    }


def _is_second(inputs: Mapping[str, torch.Tensor], steps: int | None) -> bool:
    """Whether a second axis is as long."""
    return any(x.shape[1:2] == (steps,) for x in inputs.values())


def _imported(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], static: tuple[str, ...], steps: int
) -> Graph | None:
    """The graph of a module, in whatever order of axes; None where it has none."""
    try:
        with left_as_it_was(module):
            return trace_in_order(module, inputs, static, steps, "trial").graph
    except CompileError:
        return None


def _neurons(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes.values() if node.op.family == "neuron"]


def _has_time(graph: Graph) -> bool:
    """Whether a neuron reads what changes from step to step."""
    return any(not kind.static for node in _neurons(graph) for kind in graph.args(node))


def _run(module: nn.Module, inputs: Mapping[str, torch.Tensor], samples: int) -> _Steps | None:
    """What a module's neurons do in one run; None where it does not run."""
    shapes: dict[int, tuple[int, int]] = {}
    fired = FiredRecord(module)

    def note(neuron: nn.Module, args: tuple[Any, ...]) -> None:
        calls, _ = shapes.get(id(neuron), (0, 0))
        single = is_single_step(neuron)
        shapes[id(neuron)] = (calls + 1, args[0].shape[0]) if single else (args[0].shape[0], args[0].shape[1])

    try:
        handles = [
            child.register_forward_pre_hook(note) for child in module.modules() if neuron_rule(child) is not None
        ]
        handles += fired.watch()
        try:
            with left_as_it_was(module), torch.no_grad(), user_code("the model"), fired:
                reset_neurons(module)
                called(module, inputs)
        finally:
            for handle in handles:
                handle.remove()
    except CompileError:  # the user's code, which the import runs too: it says what is wrong
        return None
    return _Steps(next(iter(shapes.values()), None), fired.counts(samples))
