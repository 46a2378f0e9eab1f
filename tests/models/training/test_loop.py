"""The loop: the loss falls, a seed gives the same run even in pieces, the best epoch is kept, stages follow each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models.training.loop import State, TrainingProgress, fit
from models.training.stage import Training, TrainingStage


class Tiny:
    """A linear regression with dropout, trained in stages."""

    def __init__(
        self,
        epochs: int = 3,
        stages: int = 1,
        dev: Callable[[], float] | None = None,
        patience: int = 9,
        eta: float | None = None,
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            self.part = nn.Sequential(nn.Dropout(0.2), nn.Linear(4, 1))
            self.x, self.y = torch.randn(32, 4), torch.randn(32, 1)
        self.dev, self.modes = dev or (lambda: -float(self.loss(slice(None)))), list[bool]()
        self.training = Training(
            {"net": self.part}, [self._stage(n, epochs, patience, eta) for n in range(stages)], dict, self.save
        )

    def _stage(self, number: int, epochs: int, patience: int, eta: float | None) -> TrainingStage:
        optimiser = torch.optim.AdamW(self.part.parameters(), lr=0.05)
        losses = lambda rows: {"error": self.loss(rows)}
        return TrainingStage(
            f"s{number}",
            epochs,
            self.batches,
            losses,
            self._metrics,
            "fit",
            optimiser,
            lambda done: 0.1 if done >= 2 else 1.0,
            patience,
            eta=eta,
        )

    def _metrics(self) -> dict[str, float]:
        self.modes.append(self.part.training)
        return {"fit": self.dev()}

    def loss(self, rows: Any) -> torch.Tensor:
        return ((self.part(self.x[rows]) - self.y[rows]) ** 2).mean()

    @staticmethod
    def batches(rng: np.random.Generator) -> list[torch.Tensor]:
        return list(torch.from_numpy(rng.permutation(32)).split(8))

    def save(self, path: Path) -> None:
        torch.save(self.part.state_dict(), path)

    @property
    def weight(self) -> torch.Tensor:
        return self.part.state_dict()["1.weight"].clone()


def _without_times(progress: TrainingProgress) -> list[dict[str, Any]]:
    return [{key: value for key, value in line.items() if key != "seconds"} for line in progress.log]


def test_the_loss_falls_and_a_seed_gives_the_same_run() -> None:
    nets = [Tiny(), Tiny(), Tiny()]
    logs = [_without_times(fit(net.training, seed)) for net, seed in zip(nets, (4, 4, 5), strict=True)]
    assert logs[0] == logs[1] != logs[2]
    assert logs[0][2]["loss"]["error"] < logs[0][0]["loss"]["error"]
    assert torch.equal(nets[0].weight, nets[1].weight)
    assert not any(nets[0].modes)
    assert [line["learning_rate"] for line in logs[0][:3]] == [0.05, 0.05, pytest.approx(0.005)]


@pytest.mark.parametrize("eta", [None, 8])
@pytest.mark.parametrize("stop", range(1, 6))
def test_a_run_in_pieces_is_the_run(stop: int, eta: float | None, tmp_path: Path) -> None:
    whole, first, second = (Tiny(stages=2, eta=eta) for _ in range(3))
    expected = fit(whole.training, 3)

    class Stopped(Exception):
        pass

    def interrupt(progress: TrainingProgress, state: State, _better: bool) -> None:
        torch.save(state, tmp_path / "state")
        if sum("epoch" in line for line in progress.log) == stop:
            raise Stopped

    with pytest.raises(Stopped):
        fit(first.training, 3, interrupt)
    torch.rand(5)  # another process has random numbers of its own
    got = fit(second.training, 3, state=torch.load(tmp_path / "state", weights_only=True))
    assert _without_times(got) == _without_times(expected)
    assert torch.equal(second.weight, whole.weight)


def test_the_best_dev_epoch_is_kept_and_patience_ends_a_stage() -> None:
    values, seen, better = iter([10.0, 30.0, 20.0, 25.0, 5.0]), list[torch.Tensor](), list[bool]()

    def dev() -> float:
        seen.append(net.weight)
        return next(values)

    net = Tiny(epochs=9, dev=dev, patience=2)
    progress = fit(net.training, 0, lambda _progress, _state, is_better: better.append(is_better))
    assert better == [True, True, False, False]
    assert progress.log[-1] == {"best_epoch": 2}
    assert torch.equal(net.weight, seen[1])


def test_the_least_is_kept_where_less_is_better() -> None:
    metrics = iter([3.0, 1.0, 2.0])
    tiny = Tiny(dev=lambda: next(metrics))
    stage = replace(tiny.training.stages[0], less_is_better=frozenset({"fit"}))
    progress = fit(replace(tiny.training, stages=(stage,)), 0)
    assert progress.log[-1] == {"best_epoch": 2}
    assert [line["dev"]["fit"] for line in progress.log[:-1]] == [3.0, 1.0, 2.0]


def test_a_stage_starts_from_the_best_epoch_of_the_one_before() -> None:
    values, seen = iter([5.0, 9.0, 1.0, 2.0, 3.0, 4.0]), list[torch.Tensor]()

    def dev() -> float:
        seen.append(net.weight)
        return next(values)

    net = Tiny(stages=2, dev=dev)
    log = fit(net.training, 0).log
    assert [(line["stage"], line["best_epoch"]) for line in log if "best_epoch" in line] == [("s0", 2), ("s1", 3)]
    alone = Tiny(epochs=1)
    alone.part.load_state_dict({"1.weight": seen[1], "1.bias": net.part.state_dict()["1.bias"]})
    assert not torch.equal(seen[3], seen[2])
    assert (
        seen[3] - seen[1]
    ).abs().max() <= 4 * 0.05 + 1e-6  # four steps of AdamW away from the best, not from the last


@pytest.mark.parametrize("eta", [0, 1, 8])
def test_a_mean_over_the_steps_is_what_dev_sees_and_what_is_kept(eta: float) -> None:
    steps: dict[float | None, list[torch.Tensor]] = {None: [], eta: []}
    seen: dict[float | None, list[torch.Tensor]] = {None: [], eta: []}

    def train(eta: float | None) -> torch.Tensor:
        def dev() -> float:
            seen[eta].append(net.weight)
            return float(len(seen[eta]))

        def after_step(*_: object) -> None:
            steps[eta].append(net.weight)

        net = Tiny(dev=dev, eta=eta)
        net.training.stages[0].optimiser.register_step_post_hook(after_step)
        fit(net.training, 2)
        return net.weight

    last, kept = train(None), train(eta)
    torch.testing.assert_close(steps[eta], steps[None], rtol=0, atol=0)  # the mean changes no step
    assert torch.equal(last, steps[eta][11])
    shares = [(eta + 1) / (step + eta) for step in range(1, 13)]
    for taken, mean in zip((4, 8, 12), seen[eta], strict=True):
        counts = [shares[n] * float(np.prod([1 - share for share in shares[n + 1 : taken]])) for n in range(taken)]
        assert sum(counts) == pytest.approx(1)
        expected = torch.stack([count * weight for count, weight in zip(counts, steps[eta], strict=False)]).sum(dim=0)
        torch.testing.assert_close(mean, expected)
    assert torch.equal(kept, seen[eta][2])


@pytest.mark.parametrize("start", [2.0, 0.5])
def test_the_start_of_a_stage_is_kept_where_no_epoch_is_better(start: float) -> None:
    """Dev is measured before training, in eval mode, and told to the caller."""
    values = iter([start, 1.0, 0.9, 0.8])
    tiny = Tiny(dev=lambda: next(values))
    training = replace(tiny.training, stages=[replace(tiny.training.stages[0], from_start=True)])
    first, told = {key: value.clone() for key, value in tiny.part.state_dict().items()}, list[bool]()
    progress = fit(training, 0, lambda progress, state, better: told.append(better))
    assert [line["dev"]["fit"] for line in progress.log[:-1]] == [start, 1.0, 0.9, 0.8]
    assert progress.log[-1] == {"best_epoch": 0 if start == 2.0 else 1}
    assert told == [True, start != 2.0, False, False]
    assert not any(tiny.modes)
    same = all(torch.equal(value, first[key]) for key, value in tiny.part.state_dict().items())
    assert same == (start == 2.0)
