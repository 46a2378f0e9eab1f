"""
What a model computes for itself, and no output needs: firing rates, auxiliary losses, numbers for a log.

    self.rate = spikes.mean(); assert not torch.isnan(spikes).any()

Where no rule can write a function down, it only runs, and so does all that reads its result. What was wrong with it is said
where a neuron, an output or Python needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from frontend.function_rules import rule_name
from frontend.function_rules.queries import FINITE, FORMS, LIKE, RANDOM, VALUES
from frontend.tracing.storage.taint import no_torch_function, tensors_in, version_of
from frontend.tracing.storage.writes import writes
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.written.comparisons import is_firing
from frontend.tracing.written.tracked import TrackedExpressions
from ir.errors import CompileError

VARYING = frozenset(
    ("argwhere", "bincount", "masked_select", "repeat_interleave", "to_sparse", "unique", "unique_consecutive", "where")
)
"""Functions whose results may have a form that depends on numbers, which Python could ask for."""
Call = Callable[[str, Any, tuple[Any, ...], dict[str, Any]], Any]
"""(name, function, arguments, arguments by name) -> what the function returns."""


class Unused:
    """
    The results of one traced run that have no rule.

    Args:
        call: runs a function and writes it down.
        where: the path of the module that runs.
    """

    def __init__(
        self,
        tensors: TracedTensors,
        tracked: TrackedExpressions,
        call: Call,
        where: Callable[[], str],
    ) -> None:
        self._tensors, self._tracked, self._call, self._where = tensors, tracked, call, where

    def call(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run a function; CompileError where it has no rule, and its result could be asked for, or it writes."""
        if name in RANDOM:
            raise CompileError("import.random", f"{name} is random", hint="a deployed network must be deterministic")
        if name in FINITE:
            return self._asked(name, func, args, kwargs)
        if name in FORMS and self._tracked.is_constant(args[0]):
            self._tensors.taint.clear(result := func(*args, **kwargs))
            return result
        read = args[1:] if name in LIKE else args[:1] if name in FORMS else (args, kwargs)  # the rest for their form
        error = next((known for known in map(self._refusal, tensors_in(read)) if known is not None), None)
        if error is None:
            try:
                return self._call(name, func, args, kwargs)
            except CompileError as found:
                error = found.placed(self._where())
                if self._is_needed(name, args, kwargs):
                    raise
        if name in VALUES - {"numpy"}:
            rule_name(name)  # it has none, and that is what is wrong
        if self._is_needed(name, args, kwargs):
            raise error
        return self._left_out(error, name, func, args, kwargs)

    def _asked(self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Whether numbers are finite: a constant, where all are, or none is."""
        result: torch.Tensor = func(*args, **kwargs)
        with no_torch_function():
            alike = bool((result == result.flatten()[:1]).all())
        if alike:
            self._tensors.taint.clear(result)
        elif self._tensors.taint.reaches(result):
            what = f"{name} is true of some numbers, and not of others"
            self._tensors.refuse(result, CompileError("import.finite", what, where=self._where()))
        return result

    def _left_out(
        self, error: CompileError, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Run a function, and refuse the tensors that it makes; a text is for a log, and Python needs all else."""
        versions = [(tensor, version_of(tensor)) for tensor in tensors_in((args, kwargs))]
        try:
            result = func(*args, **kwargs)
        except Exception:
            raise error from None
        if any(version_of(tensor) != version for tensor, version in versions):
            raise error
        if name == "numpy":
            return unreadable(result)
        made = tensors_in(result)
        if not made and not isinstance(result, str):
            raise error
        for tensor in made:
            if not any(tensor is argument for argument, _ in versions):
                self._tensors.refuse(tensor, error)
        return result

    def _refusal(self, tensor: torch.Tensor) -> CompileError | None:
        """Why a tensor is no value; None where it is one, or a state, or a constant."""
        return None if self._tracked.is_state(tensor) else self._tensors.refusal(tensor)

    def _is_needed(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function does more than compute tensors of a form that is known, as steps (B, ...) of neurons do."""
        chosen = name == "__getitem__" and bool(tensors_in(args[1:]))
        fires = is_firing(name) and any(tensor.ndim > 1 for tensor in tensors_in((args, kwargs)))
        return fires or chosen or name in VARYING or name in VALUES - {"numpy"} or writes(name, kwargs)


class Unreadable(np.ndarray[Any, Any]):
    """An array for a log: NaN, with which NumPy computes on, and a CompileError where Python looks at a number."""


def unreadable(array: np.ndarray[Any, Any]) -> Unreadable:
    """In place of an array of computed numbers: one of the same shape."""
    return np.full(array.shape, np.nan, np.result_type(array, np.float16)).view(Unreadable)


def _look(*_args: Any, **_kwargs: Any) -> Any:
    rule_name("numpy")  # it has none, and that is what is wrong


for _name in ("__bool__", "__int__", "__float__", "__index__", "__contains__", "__format__", "item", "tolist"):
    setattr(Unreadable, _name, _look)
