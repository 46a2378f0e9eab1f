"""
Fine-tuning of trained weights for few bits: stages of a training once more, on the chip's grids.

The grids are chosen for the floats, and stay. It begins with what rounding makes of them, which is measured like an epoch; norms
keep the statistics that the floats ended with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from compile.evaluation.training_grids import RowGrid, training_grids
from models.training.loop import numbers
from models.training.model_file import called
from models.training.quantized.chip_grids import put_on_grids, unchanged
from models.training.quantized.distillation import Distillation
from models.training.quantized.grid_adam import GridAdam, ParameterGrid, on_grid_again, to_nearest
from models.training.quantized.mixed_bits import Grids, fewest_bits
from models.training.run_files import digest
from models.training.stage import Training, TrainingStage
from models.training.training_error import TrainingError

EPOCHS = 4


def fine_tuning(training: Training, grids: Mapping[str, Sequence[RowGrid]], epochs: int) -> Training:
    """A training's stages for trained parts on their grids; what learns in none of them is rounded alone."""
    parts = training.parts
    grids = {name: grids[name] for name in parts if grids.get(name)}
    stages = [(stage, names) for stage in training.stages if (names := _learning(stage, parts, grids))]
    if not stages:
        raise TrainingError("no weights of the network are on a grid of the chip, so there is nothing to fine-tune")
    on_chip = {parts[name].get_submodule(each.path) for name in grids for each in grids[name]}
    modules = dict.fromkeys(module for name in grids for module in parts[name].modules())
    host = frozenset(module for module in modules if isinstance(module, nn.Linear)) - on_chip
    losses = [Distillation(parts, names, stage.losses, host) for stage, names in stages]
    table = {parameter: grid for name in grids for parameter, grid in put_on_grids(parts[name], grids[name]).items()}
    to_nearest(table)
    tuned = tuple(
        replace(
            stage,
            epochs=epochs,
            losses=distilled,
            optimiser=_optimiser(stage, [each for name in names for each in parts[name].parameters()], table),
            rate=partial(_cosine, epochs),
            patience=epochs,
            eta=stage.few_bits.eta,
            settle=partial(on_grid_again, table),
            from_start=True,
        )
        for (stage, names), distilled in zip(stages, losses, strict=True)
    )
    settings = {"epochs": epochs, "few_bits": {stage.name: asdict(stage.few_bits) for stage, _ in stages}}
    return Training(parts, tuned, training.test, training.save, settings)


def _learning(stage: TrainingStage, parts: Mapping[str, nn.Module], grids: Iterable[str]) -> list[str]:
    """Parts with grids that a stage trains."""
    own = {parameter for group in stage.optimiser.param_groups for parameter in group["params"]}
    return [name for name in grids if not own.isdisjoint(parts[name].parameters())]


def _optimiser(
    stage: TrainingStage, parameters: Sequence[nn.Parameter], table: Mapping[nn.Parameter, ParameterGrid]
) -> GridAdam:
    """Latents move by parts of their steps, all others as fast as in the stage's own training."""
    learning = dict.fromkeys(parameters)
    own = {parameter: grid for parameter, grid in table.items() if parameter in learning}
    paces = {parameter: grid.pace for parameter, grid in own.items() if grid.pace is not None}
    free = [each for each in learning if each.requires_grad and each not in paces]
    stride = stage.few_bits.stride
    groups: list[dict[str, Any]] = [{"params": [each], "lr": stride * pace} for each, pace in paces.items()]
    groups.append({"params": free, "lr": stage.optimiser.param_groups[0]["lr"]})
    return GridAdam(groups, own)


def _cosine(epochs: int, done: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * (done + 0.5) / epochs))


def weights_to_begin_with(module: ModuleType, model: Path, config: str, weights: Path | None) -> Path:
    """
    Those that are named, or those that come along.

    Raises:
        TrainingError: there are none, or no way to load them.
    """
    lacking = next(
        (name for name in ("load_weights", "weights")[: 1 if weights else 2] if not hasattr(module, name)), None
    )
    if lacking is not None:
        raise TrainingError(f"{model} has no {lacking}(), by which fine-tuning begins with trained weights")
    path = weights or called(str(model), partial(module.weights, config), (ValueError,))
    if path is None:
        raise TrainingError(f"no trained weights of {config!r} come along", hint="name a file with --weights")
    return path


def quantized_training(
    module: ModuleType,
    model: Path,
    config: str,
    training: Training,
    path: Path,
    bits: Sequence[int],
    budget: tuple[str, float] | None,
    epochs: int | None,
) -> Training:
    """
    The fine-tuning of a configuration's trained weights, by the stages of `training`.

    Raises:
        TrainingError: the training needs parts of which no weights are kept, or the budget is too small.
    """
    built, parts = called(str(model), partial(module.build, config)), dict(training.parts)
    missing = parts.keys() - (built.keys() if isinstance(built, dict) else {"network"})
    if missing:
        what = f"the training needs {', '.join(sorted(missing))}, of which no weights are kept"
        raise TrainingError(what, hint="give the model file a fine_tuning(config, seed, weights) that does without")
    called(str(path), partial(module.load_weights, parts, path), (ValueError, FileNotFoundError))
    tables = training_grids(model, config, path, bits)
    settings: dict[str, Any] = {"bits": bits[0], "weights": str(path), "digest": digest(path)}
    grids: Grids = tables[bits[0]]
    if budget is not None:
        grids = _within(training, tables, budget)
        settings |= {"bits": {name: {str(each): each.bits for each in part} for name, part in grids.items()}}
        settings |= {"budget": budget}
    tuned = fine_tuning(training, grids, epochs or EPOCHS)
    return replace(tuned, settings={**tuned.settings, **settings})


def _within(training: Training, tables: Mapping[int, Grids], budget: tuple[str, float]) -> Grids:
    """The fewest bits with which a metric of dev loses no more than its budget, before anything is trained again."""
    (metric, points), stage = budget, training.stages[-1]

    def worth() -> float:
        for part in training.parts.values():
            part.eval()
        with torch.no_grad():
            dev = called("the dev metrics", lambda: numbers(stage.dev()))
        if metric not in dev:
            raise TrainingError(f"dev has no metric {metric!r}: {', '.join(dev)}")
        if not math.isfinite(dev[metric]):
            raise TrainingError(f"{metric!r} of dev is {dev[metric]}, of which nothing can be lost")
        return stage.worth(metric, dev)

    def on_grids(grids: Grids) -> float:
        with unchanged(training.parts.values()):
            for name, part in training.parts.items():
                to_nearest(put_on_grids(part, grids.get(name, ())))
            return worth()

    return fewest_bits(tables, on_grids, worth() - points)
