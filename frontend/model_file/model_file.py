"""
Loads a user's model file and checks it against the contract that `models/cmsf.py` shows.

A model file has `build(config)` -> a torch module or {part: module}, `example(config, samples, seed)` -> example inputs (of
the module, or by part), `T` (a constant, or an attribute of the configuration), and optionally `CONFIGS`, `STATIC_INPUTS`,
`weights(config)`, `load_weights(parts, path)`, `task(config)` and `ENERGY_TABLE`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from frontend.model_file.task import Task
from frontend.model_file.user_code import broken, call, import_file
from ir.errors import CompileError


@dataclass(frozen=True)
class ModelFile:
    """A model file that keeps the contract, with one configuration built: modules by part, in eval mode."""

    path: Path
    config: str
    parts: Mapping[str, nn.Module]
    static: tuple[str, ...]
    steps: int
    weights: Path | None
    """The default weights; they are loaded already."""
    task: Task | None
    energy_table: str | None
    """The published energy table that the network is compared with, by name."""
    _module: ModuleType = field(repr=False)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    def examples(self, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
        """Example inputs by part and input name, (B, ...) if static, else (T, B, ...); CompileError where they do not fit."""
        made = call(self.path, "example", self._module.example, self.config, samples, seed)
        by_part = made if _is_by_part(made, self.parts) else {next(iter(self.parts)): made}
        missing = [part for part in self.parts if part not in by_part]
        if missing or (len(self.parts) > 1 and by_part is not made):
            raise broken(self.path, f"example() gives no inputs for the part {missing[0] if missing else '?'}")
        return {part: _named_inputs(self.path, module, by_part[part]) for part, module in self.parts.items()}

    def load_weights(self, path: Path) -> None:
        """Load a checkpoint into the parts: by the file's own `load_weights`, else as a state dict (of the single part)."""
        if not path.is_file():
            raise CompileError("weights.file", "no such file", where=str(path))
        own = getattr(self._module, "load_weights", None)
        if own is not None:
            call(path, "load_weights", own, dict(self.parts), path, rule="weights.fit")
        else:
            call(path, "load_state_dict", _load_state, dict(self.parts), path, rule="weights.fit")


def load_model_file(path: str | Path, config: str | None = None, weights: Path | None = None) -> ModelFile:
    """
    Import a model file and build one configuration with its weights.

    Args:
        path: the Python file.
        config: a key of the file's CONFIGS; None takes the first.
        weights: a checkpoint instead of the default one.

    Raises:
        CompileError: for everything in which the file, the configuration or the weights do not fit.
    """
    path = Path(path)
    module = import_file(path)
    _check_tables(path, module)
    config = _chosen(path, module, config)
    static = tuple(getattr(module, "STATIC_INPUTS", ()))
    parts = _parts(path, call(path, "build", _function(path, module, "build"), config))
    _function(path, module, "example")
    default = _default_weights(path, module, config)
    own = _optional(path, module, "task", config)
    task, table = None if own is None else Task(path, own), getattr(module, "ENERGY_TABLE", None)
    steps = _steps(path, module, config)
    model = ModelFile(path, config, parts, static, steps, weights or default, task, table, module)
    if model.weights is not None:
        model.load_weights(model.weights)
    return model


def _check_tables(path: Path, module: ModuleType) -> None:
    """CONFIGS and STATIC_INPUTS of the right kind; a single name in brackets is a string, not a tuple of names."""
    if not isinstance(getattr(module, "CONFIGS", {}), Mapping):
        raise broken(path, "CONFIGS is not a mapping", hint="CONFIGS = {name: settings}")
    if not isinstance(getattr(module, "STATIC_INPUTS", ()), tuple | list | set | frozenset):
        raise broken(path, "STATIC_INPUTS is not a tuple of names", hint='STATIC_INPUTS = ("name",)')


def _chosen(path: Path, module: ModuleType, config: str | None) -> str:
    """The configuration's name; empty for a file without configurations."""
    known = list(getattr(module, "CONFIGS", {}))
    if config is None:
        return known[0] if known else ""
    if config not in known:
        raise CompileError(
            "model.config", f"no configuration {config!r}", where=str(path), hint=f"known: {', '.join(known) or 'none'}"
        )
    return config


def _function(path: Path, module: ModuleType, name: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if not callable(found):
        raise broken(path, f"the model file has no function {name}")
    return found


def _optional(path: Path, module: ModuleType, name: str, config: str) -> Any:
    """What an optional function of the contract returns, None without it."""
    found = getattr(module, name, None)
    return None if found is None else call(path, name, found, config)


def _default_weights(path: Path, module: ModuleType, config: str) -> Path | None:
    found = _optional(path, module, "weights", config)
    if found is not None and not isinstance(found, str | Path):
        raise broken(
            path, f"weights() returned a {type(found).__name__}", hint="return the path of a checkpoint, or None"
        )
    return None if found is None else Path(found)


def _parts(path: Path, built: Any) -> dict[str, nn.Module]:
    parts = dict(built) if isinstance(built, Mapping) else {"network": built}
    for name, part in parts.items():
        if not isinstance(part, nn.Module):
            raise broken(path, f"build() returned a {type(part).__name__} for {name}, not a torch module")
    if not parts:
        raise broken(path, "build() returned no parts")
    return {str(name): part.eval() for name, part in parts.items()}


def _steps(path: Path, module: ModuleType, config: str) -> int:
    settings = dict(getattr(module, "CONFIGS", {})).get(config)
    steps = getattr(settings, "T", getattr(module, "T", None))
    if not isinstance(steps, int) or steps < 1:
        raise broken(
            path,
            f"T, the number of time steps, is {steps!r}",
            hint="define T = 4 in the file, or T in the configuration",
        )
    return steps


def _is_by_part(made: Any, parts: Mapping[str, nn.Module]) -> bool:
    return (
        isinstance(made, Mapping) and set(parts) <= set(made) and not isinstance(made[next(iter(parts))], torch.Tensor)
    )


def _named_inputs(path: Path, module: nn.Module, made: Any) -> dict[str, torch.Tensor]:
    """Example inputs by the names of forward's parameters; a bare tensor or a tuple goes in order."""
    if isinstance(made, torch.Tensor):
        made = (made,)
    if isinstance(made, (tuple, list)):
        made = dict(zip(inspect.signature(module.forward).parameters, made, strict=False))
    if not isinstance(made, Mapping) or not all(isinstance(value, torch.Tensor) for value in made.values()):
        raise broken(
            path, f"example() returned {type(made).__name__}", hint="return {input name: tensor} for every part"
        )
    return dict(made)


def _load_state(parts: dict[str, nn.Module], path: Path) -> None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has no error of its own: a file of text raises KeyError, an empty one EOFError
        what = f"torch cannot read tensors from it ({type(error).__name__})"
        raise CompileError(
            "weights.file", what, where=str(path), hint="save a state dict: torch.save(net.state_dict(), path)"
        ) from error
    single = len(parts) == 1
    for name, part in parts.items():
        part.load_state_dict(state if single else state[name])
