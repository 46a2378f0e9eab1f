"""One evaluation: a network in one configuration, compiled in one way."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import hw_profiles
from frontend.model_file.user_file import run_file
from ir.errors import CompileError
from ir.profile import Profile

MODELS = Path(__file__).parents[2] / "models"
LEAST_BITS = 2


@dataclass(frozen=True)
class Setting:
    """What one row of an evaluation is about; as text: the network and what differs from the defaults."""

    network: Path
    config: str
    profile: str = "loihi2"
    bits: int | None = None
    """Of the weights; None for the chip's own."""
    lower: Mapping[str, str] = field(default_factory=dict[str, str])
    """Operation -> strategy, as `--lower` takes them."""
    weights: Path | None = None
    """Another checkpoint than the model file's own."""
    floats: Path | None = None
    """The checkpoint whose floats' spikes are compared; None for that of the integers themselves."""

    def __str__(self) -> str:
        config = f" {self.config}" if self.config else ""
        bits = f" {self.bits} bits" if self.bits is not None else ""
        lower = "".join(f" {op}={strategy}" for op, strategy in self.lower.items())
        weights = "" if self.weights is None else f", {self.weights.name}"
        return f"{self.network.stem}{config}, {self.profile}{bits}{lower}{weights}"

    def chip(self) -> Profile:
        """The hardware profile, with weights narrowed to the bits; CompileError where the chip has not so many."""
        profile = hw_profiles.chip(self.profile)
        widest = profile.arithmetic.weight_bits
        if self.bits is None:
            return profile
        if not LEAST_BITS <= self.bits <= widest:
            hint = f"{LEAST_BITS} to {widest}"
            raise CompileError("options.bits", f"{profile.name} cannot hold weights of {self.bits} bits", hint=hint)
        arithmetic = dict(profile.tables["arithmetic"])
        narrow = replace(arithmetic["weight_bits"], value=self.bits, kind="assumed", note=f"narrowed from {widest}")
        return replace(profile, tables={**profile.tables, "arithmetic": {**arithmetic, "weight_bits": narrow}})


def models() -> list[Path]:
    """The model files of this repository that can be measured."""
    return [path for path in sorted(MODELS.glob("*.py")) if {"build", "example", "task"} <= _functions(path)]


def _functions(path: Path) -> set[str]:
    return {node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)}


def measured_configs(path: Path) -> list[str]:
    """The configurations of a model file that have a task (the one without a name where it has none); CompileError for none."""
    file = run_file(path)
    names, task = list(getattr(file.module, "CONFIGS", {})) or [""], getattr(file.module, "task", None)
    measured = [name for name in names if task is not None and file.call("task", task, name) is not None]
    if not measured:
        raise CompileError(
            "evaluate.task", "there is no test set to evaluate", where=str(path), hint="define task(config)"
        )
    return measured
