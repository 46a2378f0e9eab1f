"""Training: the loss falls, a seed gives the same run, the best epoch is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models import cmsf
from models.training import training
from models.training.training import TrainingSchedule, fit


@pytest.mark.slow
@pytest.mark.usefixtures("small_data")
def test_loss_falls_and_a_seed_gives_the_same_run() -> None:
    config = replace(cmsf.CONFIGS["digits"], fusion="none")
    runs: list[list[dict[str, object]]] = []
    for _ in range(2):
        log: list[dict[str, object]] = []
        fit(config, TrainingSchedule(epochs=3, seed=4, batch=32), log.append, lambda _parts: None)
        runs.append([{**entry, "seconds": 0} for entry in log])
    assert runs[0] == runs[1]
    first, last = runs[0][0]["loss"], runs[0][-1]["loss"]
    assert isinstance(first, dict)
    assert isinstance(last, dict)
    assert last["final"] < first["final"]


@pytest.mark.usefixtures("small_data")
def test_best_dev_epoch_is_kept_and_patience_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = iter([10.0, 30.0, 20.0, 25.0, 5.0])
    seen: list[torch.Tensor] = []

    def retrieval_metrics(parts: training.Parts, _split: str) -> dict[str, float]:
        seen.append(parts["image"].state_dict()["linear.weight"].clone())
        return {"R@Sum": next(sums)}

    monkeypatch.setattr(training, "retrieval_metrics", retrieval_metrics)
    config = replace(cmsf.CONFIGS["digits"], fusion="none")
    kept: list[training.Parts] = []
    trained = fit(config, TrainingSchedule(epochs=9, seed=0, patience=2), lambda _entry: None, kept.append)
    assert (trained.epoch, trained.dev_sum, len(seen)) == (2, 30.0, 4)
    assert len(kept) == 2
    assert torch.equal(trained.parts["image"].state_dict()["linear.weight"], seen[1])
