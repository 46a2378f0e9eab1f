"""
Fine-tuning of trained weights for few bits: the last stage of a training once more, on the chip's grids.

The grids are chosen for the floats, and stay. It begins with what rounding makes of them, which is measured like an epoch; norms
keep the statistics that the floats ended with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from models.training.quantized.grid_adam import GridAdam, to_nearest
from models.training.quantized.mixed_bits import Grids, fewest_bits
from models.training.run_files import digest
from models.training.stage import Training
from models.training.training_error import TrainingError

EPOCHS = 4
STRIDE = 0.004
"""Of two bits, the part of a grid's step that a latent moves in a step of the optimiser, at first; by the root of levels less."""


def fine_tuning(training: Training, grids: Mapping[str, Sequence[RowGrid]], epochs: int) -> Training:
    """The training of trained parts on their grids; parts without grids stay as they are."""
    last, parts = training.stages[-1], training.parts
    names = [name for name in parts if grids.get(name)]
    if not names:
        raise TrainingError("no weights of the network are on a grid of the chip, so there is nothing to fine-tune")
    modules = dict.fromkeys(module for name in names for module in parts[name].modules())
    on_chip = {parts[name].get_submodule(each.path) for name in names for each in grids[name]}
    host = frozenset(module for module in modules if isinstance(module, nn.Linear)) - on_chip
    losses = Distillation(parts, names, last.losses, host)
    table = {parameter: grid for name in names for parameter, grid in put_on_grids(parts[name], grids[name]).items()}
    every = dict.fromkeys(parameter for name in names for parameter in parts[name].parameters())
    paces = {parameter: grid.pace for parameter, grid in table.items() if grid.pace is not None}
    free = [parameter for parameter in every if parameter.requires_grad and parameter not in paces]
    groups: list[dict[str, Any]] = [{"params": [each], "lr": STRIDE * pace} for each, pace in paces.items()]
    groups.append({"params": free, "lr": last.optimiser.param_groups[0]["lr"]})
    stage = replace(
        last,
        name="quantized",
        epochs=epochs,
        losses=losses,
        optimiser=GridAdam(groups, table),
        rate=partial(_cosine, epochs),
        patience=epochs,
        eta=None,
        from_start=True,
    )
    settings = {"epochs": epochs, "stride": STRIDE}
    return Training(parts, (stage,), training.test, training.save, settings)


def _cosine(epochs: int, done: int) -> float:
    return 0.5 * (1 + math.cos(math.pi * (done + 0.5) / epochs))


def quantized_training(
    module: ModuleType,
    model: Path,
    config: str,
    training: Training,
    weights: Path | None,
    bits: Sequence[int],
    budget: tuple[str, float] | None,
    epochs: int | None,
) -> Training:
    """
    The fine-tuning of a configuration's trained weights.

    Raises:
        TrainingError: there are no trained weights, its training needs parts of which none are kept, or the budget is too small.
    """
    lacking = next(
        (name for name in ("load_weights", "weights")[: 1 if weights else 2] if not hasattr(module, name)), None
    )
    if lacking is not None:
        raise TrainingError(f"{model} has no {lacking}(), by which fine-tuning begins with trained weights")
    path = weights or called(str(model), partial(module.weights, config), (ValueError,))
    if path is None:
        raise TrainingError(f"no trained weights of {config!r} come along", hint="name a file with --weights")
    built, parts = called(str(model), partial(module.build, config)), dict(training.parts)
    missing = parts.keys() - (built.keys() if isinstance(built, dict) else {"network"})
    if missing:
        what = f"the training needs {', '.join(sorted(missing))}, of which no weights are kept"
        raise TrainingError(what, hint="give the model file a fine_tuning(config, seed, epochs) that does without")
    called(str(path), partial(module.load_weights, parts, path), (ValueError, FileNotFoundError))
    tables = {each: training_grids(model, config, path, each) for each in bits}
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
