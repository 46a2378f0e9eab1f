"""
Which comparisons of a module are steps of one neuron, where the first of them compare constants.

A neuron that compares the membrane of the step before has nothing to compare at first but the zeros that it starts from, so that
tracing does not see that it fires. One run without tracing finds out which comparisons depend on the input later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from frontend.function_rules import function_name
from frontend.neuron_rules.table import reset_neurons
from frontend.tracing.storage.taint import Taint, tensors_in
from frontend.tracing.written.comparisons import is_firing
from frontend.tracing.written.fired import FiredRecord


@dataclass(frozen=True)
class Plan:
    """What one run finds out for the next one."""

    places: Mapping[tuple[str, int], tuple[str, int, int]] = field(
        default_factory=dict[tuple[str, int], tuple[str, int, int]]
    )
    """
    Steps of neurons, by the path of the module that fires and the comparison's place in it:

    (path, which comparison of the module) -> (path, which neuron of the module, step).
    """
    by_step: frozenset[str] = frozenset()
    """The paths of the neurons that read other values at other steps."""


class Scout(FiredRecord):
    """Whether each comparison depends on the inputs, in one run."""

    def __init__(self, module: nn.Module, taint: Taint) -> None:
        super().__init__(module)
        self._taint = taint
        self.depends: dict[str, list[bool]] = {}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if not self.in_neuron and is_firing(function_name(func)):
            reached = any(self._taint.reaches(tensor) for tensor in tensors_in((args, kwargs)))
            self.depends.setdefault(self.path, []).append(reached)
        return func(*args, **(kwargs or {}))


def plan(module: nn.Module, inputs: Mapping[str, torch.Tensor], steps: int) -> Plan:
    """The plan of a module's run in a window of `steps` steps; empty where no neuron starts with constants."""
    taint = Taint()
    scout = Scout(module, taint)
    handles = scout.watch()
    reset_neurons(module)
    try:
        with torch.no_grad(), taint, scout:
            given = {key: tensor.clone() for key, tensor in inputs.items()}
            for tensor in given.values():
                taint.mark(tensor)
            module(**given)
    except Exception:  # as it did when it was traced, which says so
        return Plan()
    finally:
        reset_neurons(module)
        for handle in handles:
            handle.remove()
    return planned(scout.depends, steps)


def planned(depends: Mapping[str, list[bool]], steps: int) -> Plan:
    """The plan where these comparisons depend on the inputs: neurons take turns at every step, or run one after another."""
    places: dict[tuple[str, int], tuple[str, int, int]] = {}
    for path, flags in depends.items():
        count, rest = divmod(len(flags), steps)
        if rest or all(flags) or not any(flags):
            continue
        turns = [list(range(k, len(flags), count)) for k in range(count)]
        rows = [list(range(k * steps, (k + 1) * steps)) for k in range(count)]
        found = next((way for way in (turns, rows) if all(_starts(flags, site) for site in way)), list[list[int]]())
        for k, ordinals in enumerate(found):
            places |= {(path, ordinal): (path, k, step) for step, ordinal in enumerate(ordinals)}
    return Plan(places)


def _starts(flags: list[bool], ordinals: list[int]) -> bool:
    """Whether a neuron's comparisons depend on the inputs from some step on."""
    depends = [flags[ordinal] for ordinal in ordinals]
    return any(depends) and depends == sorted(depends)
