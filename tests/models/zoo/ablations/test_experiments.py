"""The experiments fit their networks, their claims name arms, and the schedule fits its limit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from models.data.av_digits import load_split
from models.train import _config  # pyright: ignore[reportPrivateUsage]
from models.training.audio_visual import digit_clips
from models.zoo.ablations.experiment import Arm, Experiment, all_runs, core_minutes
from models.zoo.ablations.experiments import EXPERIMENTS
from models.zoo.cases import ENTRIES

ARMS = [(experiment, arm) for experiment in EXPERIMENTS for arm in experiment.arms]


def test_all_of_it_takes_five_hours_of_two_cores_at_most() -> None:
    assert core_minutes(EXPERIMENTS) <= 2 * 5 * 60


def test_names_are_distinct() -> None:
    assert len({experiment.name for experiment in EXPERIMENTS}) == len(EXPERIMENTS)


@pytest.mark.parametrize(("experiment", "arm"), ARMS, ids=lambda each: getattr(each, "name", None) or each.label)
def test_arms_are_configurations_of_their_network(experiment: Experiment, arm: Arm) -> None:
    configs: dict[str, Any] = ENTRIES[experiment.model].module.CONFIGS
    changed = _config(configs, experiment.config, arm.changes)
    assert not arm.changes or changed != configs[experiment.config] or arm.changes == ("fusion=scca",)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.name)
def test_claims_compare_arms_with_three_seeds_or_say_why_not(experiment: Experiment) -> None:
    seeds = {arm.label: arm.seeds for arm in experiment.arms}
    assert len(seeds) == len(experiment.arms)
    assert experiment.metric in ENTRIES[experiment.model].module.task(experiment.config).metric_names
    for claim in experiment.claims:
        assert bool(claim.settled) != (seeds.get(claim.better) == seeds.get(claim.worse) == 3), claim.text


DISTINCT = {(run.model, run.config, run.changes) for run in all_runs(EXPERIMENTS)}


@pytest.fixture(scope="module")
def _same_clips_for_all() -> Iterator[None]:
    """No arm writes into them; drawing them takes as long as a step of training."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digit_clips, "load_split", cache(load_split))
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("_same_clips_for_all")
@pytest.mark.parametrize(("model", "config", "changes"), sorted(DISTINCT))
def test_every_arm_has_a_loss_with_gradients(model: str, config: str, changes: tuple[str, ...]) -> None:
    """So that no arm fails in the fourth hour."""
    module = ENTRIES[model].module
    training = module.training(_config(module.CONFIGS, config, changes), 0, 1)
    stage = training.stages[0]
    losses = stage.losses(stage.batches(np.random.default_rng(0))[0])
    sum(losses.values()).backward()
    gradients = [p.grad for group in stage.optimiser.param_groups for p in group["params"] if p.grad is not None]
    assert any(bool(gradient.any()) for gradient in gradients)
