"""Training on audio-visual digits: what an epoch sees, how the learning rate falls, that it learns and is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models import snnergy
from models.training.audio_visual.digit_clips import DigitClips
from models.training.classification import training as own
from models.training.classification.samples import Samples
from models.training.loop import fit

CLIPS = DigitClips(4, 4, 8)
SMALL = replace(snnergy.CONFIGS["av-digits"], width=8, T=2)


class Linear(nn.Module):
    """Scores linear in the means over time."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(16 * 16 + 32 * 8, 10)

    def forward(self, video: torch.Tensor, audio: torch.Tensor) -> torch.Tensor:
        return self.read(torch.cat((video.mean(0).flatten(1), audio.mean(0).flatten(1)), dim=1))


def _training(network: nn.Module, epochs: int) -> own.Training:
    return own.classification_training(
        network, CLIPS, epochs, partial(own.plain_losses, network), partial(own.plain_metrics, network)
    )


def test_an_epoch_sees_every_training_clip_once_in_noise_of_its_own() -> None:
    rng = np.random.default_rng(0)
    first, second = own.training_batches(CLIPS, rng), own.training_batches(CLIPS, rng)
    assert [len(batch.labels) for batch in first] == [54] * 60
    assert torch.cat([batch.labels for batch in first]).bincount().tolist() == [324] * 10
    means = [
        torch.cat([b.inputs["audio"].mean((0, 2, 3, 4)) for b in epoch]).sort().values for epoch in (first, second)
    ]
    assert not torch.equal(means[0], means[1])


@pytest.mark.usefixtures("few_clips")
def test_the_learning_rate_falls_as_a_cosine() -> None:
    stage = _training(Linear(), 4).stages[0]
    assert [stage.rate(done) for done in range(5)] == pytest.approx([1, 0.8536, 0.5, 0.1464, 0], abs=1e-4)


@pytest.mark.usefixtures("few_clips")
def test_it_learns_and_writes_a_state_dict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(own, "BATCH", 16)
    torch.manual_seed(0)
    network = Linear()
    training = _training(network, 6)
    log = fit(training, 0).log
    assert log[5]["loss"]["cross entropy"] < log[0]["loss"]["cross entropy"]
    assert set(training.test()) == {"accuracy", "cross entropy"}
    training.save(tmp_path / "linear.pt")
    saved = torch.load(tmp_path / "linear.pt", weights_only=True)
    assert torch.equal(saved["read.weight"], network.read.weight)


@pytest.mark.slow
@pytest.mark.usefixtures("few_clips")
def test_snnergy_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "BATCH", 8)
    log = fit(snnergy.training(SMALL, seed=0, epochs=12), 0).log
    assert log[11]["loss"]["cross entropy"] < log[0]["loss"]["cross entropy"] - 0.1


def test_plain_losses_and_metrics_are_those_of_the_scores() -> None:
    scores = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 1.0]])
    clips = Samples({"video": torch.zeros(1, 3, 2)}, torch.tensor([0, 1, 1]))

    class Fixed(nn.Module):
        def forward(self, video: torch.Tensor) -> torch.Tensor:
            return scores[: video.shape[1]]

    expected = float(np.mean([np.log(1 + np.exp(-2)), np.log(1 + np.exp(-1)), np.log(1 + np.exp(2))]))
    assert own.plain_losses(Fixed(), clips)["cross entropy"].item() == pytest.approx(expected, rel=1e-5)
    metrics = own.plain_metrics(Fixed(), clips)
    assert metrics == {"accuracy": pytest.approx(200 / 3), "cross entropy": pytest.approx(expected, rel=1e-5)}
