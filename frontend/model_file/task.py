"""The task of a model file, with its functions checked: what they raise becomes one error that names the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from frontend.model_file.user_code import broken, call

CONTRACT = "task(config) returns an object with parts, inputs(part, split) and metrics({part: outputs})"


@dataclass(frozen=True)
class Task:
    """How to measure the whole network; `own` is the model file's object."""

    path: Path
    own: Any

    def __post_init__(self) -> None:
        for name in ("parts", "inputs", "metrics"):
            if not hasattr(self.own, name):
                raise broken(self.path, f"the task, a {type(self.own).__name__}, has no {name}", hint=CONTRACT)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that the metrics need."""
        return tuple(self.own.parts)

    def inputs(self, part: str) -> dict[str, Any]:
        """The test set's inputs of a part by name."""
        made = call(self.path, "task.inputs", self.own.inputs, part)
        if not isinstance(made, Mapping):
            raise broken(
                self.path, f"task.inputs() returned a {type(made).__name__}", hint="return {input name: array}"
            )
        return {str(name): value for name, value in made.items()}

    def metrics(self, outputs: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
        """Name -> value from {part: {output: (samples, *shape)}}."""
        found = call(self.path, "task.metrics", self.own.metrics, outputs)
        if not isinstance(found, Mapping) or not all(isinstance(value, Real) for value in found.values()):
            raise broken(self.path, "task.metrics() returned no numbers by name", hint="return {metric: number}")
        return {str(name): float(value) for name, value in found.items()}
