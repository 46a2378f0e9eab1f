"""
The loop that trains every model: surrogate gradients, the best dev epoch kept, every epoch a place to go on from.

A seed gives the same run, whether or not it was interrupted: everything that it depends on is in the `TrainingProgress`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any

import numpy as np
import torch
from spikingjelly.activation_based import functional
from torch import nn
from torch.nn.utils.clip_grad import clip_grad_norm_
from tqdm import tqdm

from compile.command.signals import raise_pending
from models.training.model_file import called
from models.training.stage import Training, TrainingStage
from models.training.training_error import TrainingError, first_line

Record = dict[str, Any]
"""One line of the log."""
State = dict[str, Any]
"""Tensors, numbers and texts, nested: what `torch.load(weights_only=True)` reads."""


@dataclass
class TrainingProgress:
    """How far a run is, after an epoch."""

    log: list[Record] = field(default_factory=list[Record])
    stage: int = 0
    """Index of the stage that runs."""
    epoch: int = 0
    """Epochs of it that are done."""
    best_epoch: int = 0
    """Of the stage, 0 before the first."""
    best: float = -np.inf
    """The stage's best dev metric, larger is better."""
    best_weights: dict[str, State] = field(default_factory=dict[str, State])
    """Part -> its weights after the best epoch."""
    last: dict[str, State] = field(default_factory=dict[str, State])
    """Part -> its weights after the last step, where the part itself has the mean over steps."""


def fit(
    training: Training,
    seed: int,
    after_epoch: Callable[[TrainingProgress, State, bool], None] = lambda progress, state, better: None,
    state: State | None = None,
) -> TrainingProgress:
    """
    Train all stages; in the end the parts have the weights of the last stage's best epoch, in eval mode.

    Args:
        training: freshly made with the same settings, also where a run goes on.
        seed: of batches and dropout.
        after_epoch: called with the progress, the state from which a run can go on, and whether the epoch is the best so far.
        state: from which to go on; None to begin.

    Raises:
        TrainingError: what the model file gives fails or cannot be trained, or the state is of another network.
    """
    rng, progress = np.random.default_rng(seed), TrainingProgress()
    torch.manual_seed(seed)
    if state is not None:
        progress = _restored(training, rng, state)
    while progress.stage < len(training.stages):
        stage = training.stages[progress.stage]
        if stage.from_start and progress.best == -np.inf:
            called(f"{stage.name}, before training", partial(_measure, training, stage, progress))
            after_epoch(progress, _state(training, rng, progress), True)
        while progress.epoch < stage.epochs and progress.epoch - progress.best_epoch < stage.patience:
            epoch = partial(_epoch, training, stage, rng, progress)
            better = called(f"{stage.name}, epoch {progress.epoch + 1}", epoch)
            after_epoch(progress, _state(training, rng, progress), better)
        _load(training.parts, progress.best_weights)
        progress.log.append({**_named(training, stage), "best_epoch": progress.best_epoch})
        progress.stage, progress.epoch, progress.best_epoch, progress.best = progress.stage + 1, 0, 0, -np.inf
        progress.last = {}
    return progress


def _measure(training: Training, stage: TrainingStage, progress: TrainingProgress) -> None:
    """The weights as they are, entered in the progress as epoch 0."""
    started = time.perf_counter()
    for part in training.parts.values():
        part.eval()
    with torch.no_grad():
        dev = numbers(stage.dev())
    _check(stage, 0, {}, dev)
    progress.best = stage.worth(stage.select, dev)
    progress.best_weights = {name: _weights(part) for name, part in training.parts.items()}
    seconds = round(time.perf_counter() - started, 1)
    progress.log.append({**_named(training, stage), "epoch": 0, "loss": {}, "dev": dev, "seconds": seconds})


def _epoch(training: Training, stage: TrainingStage, rng: np.random.Generator, progress: TrainingProgress) -> bool:
    """One epoch, entered in the progress; whether it is the best of its stage so far."""
    started, number = time.perf_counter(), progress.epoch + 1
    for group in stage.optimiser.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * float(stage.rate(progress.epoch))
    means = {name: _weights(training.parts[name]) for name in _averaged(training, stage)}
    _load(training.parts, progress.last)
    losses = _passed_over(training, stage, rng, means, progress.epoch)
    progress.last = {name: _weights(training.parts[name]) for name in means}
    _load(training.parts, means)
    stage.settle()
    with torch.no_grad():
        dev = numbers(stage.dev())
    for part in training.parts.values():
        functional.reset_net(part)  # states hang on the last step's gradients
    _check(stage, number, losses, dev)
    progress.epoch = number
    worth = stage.worth(stage.select, dev)
    better = worth > progress.best
    if better:
        progress.best, progress.best_epoch = worth, number
        progress.best_weights = {name: _weights(part) for name, part in training.parts.items()}
    rate, seconds = stage.optimiser.param_groups[0]["lr"], round(time.perf_counter() - started, 1)
    timed = {"epoch": number, "learning_rate": rate, "loss": losses, "dev": dev, "seconds": seconds}
    progress.log.append({**_named(training, stage), **timed})
    return better


def numbers(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics as the log has them; TypeError where one is no number, as a tensor is none."""
    for name, value in metrics.items():
        if not isinstance(value, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{name!r} is a {type(value).__name__}, not a number")
    return dict(metrics)


def _check(stage: TrainingStage, number: int, losses: Mapping[str, float], dev: Mapping[str, float]) -> None:
    """Refuse an epoch after which nothing is left to train, or none can be chosen."""
    wrong = [f"the loss {name!r} is {value}" for name, value in losses.items() if not isfinite(value)]
    if not isfinite(dev.get(stage.select, np.nan)):
        wrong.append(f"{stage.select!r} of dev, which decides, is {dev.get(stage.select, 'missing')}")
    if wrong:
        raise TrainingError(f"{stage.name}, epoch {number}: {', and '.join(wrong)}")


def _named(training: Training, stage: TrainingStage) -> dict[str, str]:
    """The stage's name for the log, where there are several."""
    return {"stage": stage.name} if len(training.stages) > 1 else {}


def _passed_over(
    training: Training, stage: TrainingStage, rng: np.random.Generator, means: Mapping[str, State], done: int
) -> dict[str, float]:
    """One pass over the training data after `done` others, entered in the means of weights; the mean of every loss term."""
    for part in training.parts.values():
        part.train()
    batches, sums = stage.batches(rng), dict[str, float]()
    if not len(batches):
        raise TrainingError(f"{stage.name} has no batches")
    trained = [p for group in stage.optimiser.param_groups for p in group["params"]]
    label = f"{stage.name} {done + 1}/{stage.epochs}"
    shown = tqdm(batches, desc=label, leave=False, mininterval=1.0, disable=None)
    for step, batch in enumerate(shown, start=done * len(batches) + 1):
        raise_pending()
        terms = stage.losses(batch)
        stage.optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        clip_grad_norm_(trained, stage.clip)
        stage.optimiser.step()
        for name, mean in means.items():
            _average(mean, training.parts[name], stage.share(step))
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + term.item()
    for part in training.parts.values():
        part.eval()
    return {name: round(total / len(batches), 4) for name, total in sums.items()}


def _averaged(training: Training, stage: TrainingStage) -> list[str]:
    """Names of the parts whose mean over steps the stage keeps: those that it trains, if it says so."""
    trained = {id(parameter) for group in stage.optimiser.param_groups for parameter in group["params"]}
    parts = () if stage.eta is None else training.parts.items()
    return [name for name, part in parts if any(id(parameter) in trained for parameter in part.parameters())]


@torch.no_grad()
def _average(mean: State, part: nn.Module, share: float) -> None:
    """`m += share (w - m)` of weights and of norms' statistics; what counts has its last value."""
    for key, value in part.state_dict().items():
        mean[key].lerp_(value, share) if value.is_floating_point() else mean[key].copy_(value)


def _weights(part: nn.Module) -> State:
    return deepcopy(dict(part.state_dict()))


def _load(parts: Mapping[str, nn.Module], weights: Mapping[str, State]) -> None:
    """Give the parts that are named their weights, in eval mode."""
    for name, state in weights.items():
        parts[name].load_state_dict(state)
        parts[name].eval()


def _state(training: Training, rng: np.random.Generator, progress: TrainingProgress) -> State:
    """All that the next epoch depends on."""
    stage = training.stages[progress.stage]
    return {
        "progress": dict(vars(progress)),
        "parts": {name: part.state_dict() for name, part in training.parts.items()},
        "optimiser": stage.optimiser.state_dict(),
        "numpy": rng.bit_generator.state,
        "torch": torch.get_rng_state(),
    }


def _restored(training: Training, rng: np.random.Generator, state: State) -> TrainingProgress:
    try:
        progress = TrainingProgress(**state["progress"])
        _load(training.parts, state["parts"])
        training.stages[progress.stage].optimiser.load_state_dict(state["optimiser"])
        rng.bit_generator.state = state["numpy"]
        torch.set_rng_state(state["torch"])
    except (RuntimeError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise TrainingError(f"the state is of another network ({first_line(error)}); begin anew with --force") from None
    return progress
