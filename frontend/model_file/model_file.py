"""A user's model file with one configuration built: its parts, their weights, example inputs, and the task they are for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from frontend.model_file import contract
from frontend.model_file.follow_up import FollowUp, follow_up
from frontend.model_file.task import Task
from frontend.model_file.user_file import UserFile, run_file
from frontend.type_guards import is_mapping
from frontend.wrappers import network_of, state_of
from ir.errors import CompileError, no_file


@dataclass(frozen=True)
class ModelFile:
    """A model file that keeps the contract, with one configuration built."""

    file: UserFile
    config: str
    """The configuration's name; empty where the file has none."""
    parts: Mapping[str, nn.Module]
    """Networks in eval mode, without what was wrapped around them."""
    static: tuple[str, ...]
    """Names of the inputs without a time axis."""
    steps: int
    """T, of one sample."""
    weights: Path | None
    """The checkpoint that the parts were loaded from."""
    task: Task | None
    batch_first: bool | None
    """Whether inputs are (B, T, ...); None where the file does not say."""
    energy_table: str | None
    """The published energy table that the network is compared with, by name."""
    training_parts: tuple[str, ...]
    """Parts that run in training only."""
    follow_up: FollowUp | None
    """What the host does with every pair of the parts' outputs."""

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.file.path.stem

    def running(self) -> AbstractContextManager[None]:
        """
        Let the parts' forward passes, whoever calls them, run as other code of the file does: what they import is found.

        This is to be entered around all that the compiler does with the parts; its own imports are not touched.
        """
        return self.file.running_in_forward(self.parts.values())

    def examples(self, samples: int, seed: int) -> dict[str, dict[str, torch.Tensor]]:
        """Example inputs by part and name, (B, ...) if static, else with time; CompileError where they do not fit."""
        return contract.example_inputs(self.file, self.parts, self.config, samples, seed)

    def load_weights(self, path: Path) -> None:
        """Load a checkpoint into the parts: by the file's own `load_weights`, else as a state dict (of the single part)."""
        if not path.is_file():
            raise CompileError("weights.file", no_file(path), where=str(path))
        theirs = getattr(self.file.module, "load_weights", None)
        name, load = ("load_state_dict", _load_state) if theirs is None else ("load_weights", theirs)
        self.file.call(name, load, dict(self.parts), path.absolute(), where=path, rule="weights.fit")


def load_model_file(path: str | Path, config: str | None = None, weights: Path | None = None) -> ModelFile:
    """
    Run a model file and build one configuration with its weights.

    Args:
        path: the Python file.
        config: a key of the file's CONFIGS; None takes the first.
        weights: a checkpoint instead of the default one.

    Raises:
        CompileError: for everything in which the file, the configuration or the weights do not fit.
    """
    file = run_file(Path(path))
    config = contract.config_name(file, config)
    static = contract.static_inputs(file)
    parts = contract.built_parts(file, config)
    contract.function(file, "example")
    weights = weights or contract.default_weights(file, config)
    task = contract.optional(file, "task", config)
    model = ModelFile(
        file,
        config,
        parts,
        static,
        steps=contract.steps(file, config),
        weights=weights,
        task=None if task is None else Task(file, task, tuple(parts)),
        batch_first=contract.batch_first(file),
        energy_table=contract.energy_table(file),
        training_parts=contract.training_parts(file, parts),
        follow_up=follow_up(file, contract.optional(file, "follow_up", config)),
    )
    if weights is not None:
        model.load_weights(weights)
    return replace(model, parts={name: network_of(part) for name, part in parts.items()})


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
        network = network_of(part)
        parameters = network.state_dict()
        own = state_of(state if single else state[name], parameters.keys())
        _check_kinds(parameters, own if is_mapping(own) else {})
        network.load_state_dict(own)


def _check_kinds(parameters: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Refuse numbers of another kind than the parameter's, which torch casts in silence: complex ones, truth values."""
    for key in parameters.keys() & state.keys():
        kinds = [value.dtype for value in (state[key], parameters[key]) if isinstance(value, torch.Tensor)]
        if len({(kind.is_complex, kind is torch.bool) for kind in kinds}) > 1:
            what = f"{key} is {kinds[0]} in the checkpoint, {kinds[1]} in the model"
            raise CompileError("weights.fit", what)
