"""
Which comparisons of a module are steps of one neuron, where the first of them compare constants, or spikes.

A neuron that compares the membrane of the step before has nothing to compare at first but the zeros that it starts from, so that
tracing does not see that it fires; one that spikes of others are added to looks like a condition of these. What is compared
later tells, as far as tracing comes; from there on, a run without tracing finds out which comparisons depend on the input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import torch
from torch import nn

from frontend.function_rules import function_name
from frontend.names import called
from frontend.neuron_rules.table import reset_neurons
from frontend.recording.recorder import Recorder
from frontend.tracing.storage.taint import Taint, tensors_in
from frontend.tracing.written.comparisons import is_firing
from frontend.tracing.written.fired import FiredRecord
from frontend.user_errors import user_code
from ir.errors import CompileError
from ir.types import Domain


class Compared(Enum):
    """What a comparison compares."""

    CONSTANTS = 0
    SPIKES = 1
    """As a condition."""
    MEMBRANE = 2
    """Of a neuron, which fires."""


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
    by_step: Mapping[str, Domain] = field(default_factory=dict[str, Domain])
    """The paths of the neurons that read other values at other steps -> what they read in their place."""


class Comparisons:
    """The comparisons of one traced run, counted module by module; `plan`: those of neurons that are known already."""

    def __init__(self, recorder: Recorder, plan: Plan) -> None:
        self._recorder, self._plan = recorder, plan
        self._seen: dict[str, list[Compared]] = {}

    def count(self) -> None:
        """Another comparison runs, of constants as far as is known."""
        self._seen.setdefault(self._recorder.path, []).append(Compared.CONSTANTS)

    def compares(self, what: Compared) -> None:
        """What the last comparison turned out to compare."""
        self._seen[self._recorder.path][-1] = what

    @property
    def ordinal(self) -> int:
        """Which of its module's the last comparison is."""
        return self.total(self._recorder.path) - 1

    def total(self, path: str) -> int:
        """How many comparisons a module has made."""
        return len(self._seen.get(path, ()))

    def place(self) -> tuple[str, int, int] | None:
        """Where the plan has the last comparison."""
        return self._plan.places.get((self._recorder.path, self.ordinal))

    def next_plan(self, module: nn.Module, inputs: Mapping[str, torch.Tensor]) -> Plan:
        """The plan after this run: empty where only membranes were compared."""
        kinds = {kind for kinds in self._seen.values() for kind in kinds}
        return Plan() if kinds <= {Compared.MEMBRANE} else plan(module, inputs, self._recorder.steps, self._seen)


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


def plan(
    module: nn.Module, inputs: Mapping[str, torch.Tensor], steps: int, seen: Mapping[str, Sequence[Compared]]
) -> Plan:
    """
    The plan of a module's run in a window of `steps` steps; empty where no neuron starts with constants or spikes.

    Args:
        seen: path -> what its comparisons compared, as far as a traced run without a plan came.
    """
    taint = Taint()
    scout = Scout(module, taint)
    handles = scout.watch()
    reset_neurons(module)
    try:
        with user_code("the model"), torch.no_grad(), taint, scout:
            given = {key: tensor.clone() for key, tensor in inputs.items()}
            for tensor in given.values():
                taint.mark(tensor)
            called(module, given)
    except CompileError:  # as it did when it was traced, which says so
        return Plan()
    finally:
        reset_neurons(module)
        for handle in handles:
            handle.remove()
    return planned(scout.depends, steps, seen)


def planned(depends: Mapping[str, list[bool]], steps: int, seen: Mapping[str, Sequence[Compared]]) -> Plan:
    """The plan where these comparisons depend on the inputs: neurons take turns at every step, or run one after another."""
    places: dict[tuple[str, int], tuple[str, int, int]] = {}
    for path, flags in depends.items():
        count, rest = divmod(len(flags), steps)
        if rest:
            continue
        turns = [list(range(k, len(flags), count)) for k in range(count)]
        rows = [list(range(k * steps, (k + 1) * steps)) for k in range(count)]
        for way in (turns, rows):
            fires = [_fires(flags, seen.get(path, ()), ordinals) for ordinals in way]
            if all(site == sorted(site) for site in fires):  # from some step on
                break
        else:
            continue
        if any(any(site) and not all(site) for site in fires):
            for k, ordinals in enumerate(way):
                if any(fires[k]):
                    places |= {(path, ordinal): (path, k, step) for step, ordinal in enumerate(ordinals)}
    return Plan(places)


def _fires(depends: Sequence[bool], seen: Sequence[Compared], ordinals: Sequence[int]) -> list[bool]:
    """Whether each of these comparisons shows that it is a neuron's: the first steps of one may compare constants, or spikes."""
    found = {seen[ordinal] for ordinal in ordinals if ordinal < len(seen)}
    if Compared.SPIKES in found and Compared.MEMBRANE not in found:
        return [False] * len(ordinals)
    return [seen[n] is Compared.MEMBRANE if n < len(seen) else depends[n] for n in ordinals]
