"""The task of a model file: what it needs is checked when it is loaded, not after everything else has run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Real
from typing import Any

from frontend.model_file.task_example import TaskExample, read_example
from frontend.model_file.user_file import UserFile
from frontend.type_guards import is_list, is_mapping, is_tuple
from ir.errors import CompileError

HINT = "task(config) returns an object with parts, inputs(part) and metrics({part: outputs}), see docs/model-file.md"
METHODS = {"inputs": "part", "metrics": "outputs"}
"""Function of the task -> its one argument."""
OPTIONAL = {"examples": "outputs"}
"""The same of functions that a task need not have."""
MOST_EXAMPLES = 12


@dataclass(frozen=True)
class Task:
    """
    How to measure the whole network, with the functions of the file's task checked.

    Raises:
        CompileError: `parts` are no parts of the network, or a function is missing or does not take its one argument.
    """

    file: UserFile
    definition: Any
    """The object that the file's `task` returned."""
    known: tuple[str, ...]
    """The network's parts."""

    def __post_init__(self) -> None:
        for name in ("parts", *METHODS):
            if not self._has(name):
                raise self._broken(f"the task, a {type(self.definition).__name__}, has no {name}")
        unknown = [name for name in self.parts if name not in self.known]
        if unknown:
            what = f"task.parts has {unknown[0]!r}, which is no part of the network"
            raise self._broken(what, hint=f"parts: {', '.join(self.known)}")
        for name, argument in METHODS.items():
            self._check_function(name, argument)
        for name, argument in OPTIONAL.items():
            if self._has(name):
                self._check_function(name, argument)

    @property
    def metric_names(self) -> tuple[str, ...] | None:
        """The metrics' names, where the task says them beforehand; None where it does not."""
        return self._names("metric_names") if self._has("metric_names") else None

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that the metrics need."""
        return self._names("parts")

    def inputs(self, part: str) -> dict[str, Any]:
        """Load the test set's inputs of a part, by name."""
        inputs = self.file.call("task.inputs", self.definition.inputs, part)
        if not is_mapping(inputs):
            what = f"task.inputs() returned a {type(inputs).__name__}"
            raise self._broken(what, hint="return {input name: array}")
        return self.file.call("task.inputs", lambda: {str(name): array for name, array in inputs.items()})

    def metrics(self, outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
        """Compute the metrics by name from {part: {output: (samples, *shape)}}."""
        metrics = self.file.call("task.metrics", self.definition.metrics, outputs)
        if not is_mapping(metrics) or not all(isinstance(value, Real) for value in metrics.values()):
            raise self._broken("task.metrics() returned no numbers by name", hint="return {metric: number}")
        numbers = {str(name): float(value) for name, value in metrics.items()}
        wrong = next((name for name, value in numbers.items() if not isfinite(value)), None)
        if wrong is not None:
            what = f"task.metrics() returned {numbers[wrong]} for {wrong!r}"
            raise self._broken(what, hint="return finite numbers, or leave it out")
        return numbers

    def examples(self, outputs: Mapping[str, Mapping[str, Any]]) -> tuple[TaskExample, ...]:
        """Show a few samples with what the network made of them, from what `metrics` gets; none of a task that shows none."""
        if not self._has("examples"):
            return ()
        given = self.file.call("task.examples", self.definition.examples, outputs)
        if not is_list(given) and not is_tuple(given):
            what = f"task.examples() returned a {type(given).__name__}"
            raise self._broken(what, hint="return a list of examples, see docs/model-file.md")
        return tuple(self._example(each) for each in given[:MOST_EXAMPLES])

    def _example(self, given: object) -> TaskExample:
        example = self.file.call("task.examples", read_example, given)
        if not isinstance(example, TaskExample):
            hint = '{"sample": text, "answers": [text], "expected": [text]}, and "image" where there is one'
            raise self._broken(f"an example of task.examples() {example}", hint=hint)
        return example

    def _has(self, name: str) -> bool:
        return self.file.call("task", hasattr, self.definition, name)

    def _names(self, attribute: str) -> tuple[str, ...]:
        """An attribute that is a tuple or list of names; a single name in brackets is a string."""
        names: Any = self.file.call(f"task.{attribute}", getattr, self.definition, attribute)
        if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in _items(names)):
            raise self._broken(f"task.{attribute} is no tuple of names", hint=f'{attribute} = ("name",)')
        return tuple(_items(names))

    def _check_function(self, name: str, argument: str) -> None:
        function = self.file.call("task", getattr, self.definition, name)
        if not callable(function):
            raise self._broken(f"task.{name} is no function, but a {type(function).__name__}")
        if not _takes_one(function):
            raise self._broken(f"task.{name} cannot be called as {name}({argument})")

    def _broken(self, what: str, hint: str = HINT) -> CompileError:
        return self.file.broken(what, hint=hint)


def _items(names: Any) -> list[Any]:
    return list(names)


def _takes_one(function: Callable[..., Any]) -> bool:
    """Whether a function can be called with one argument; what hides its signature is believed."""
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        return True
    return True
