"""Accuracy and cross entropy against numbers by hand; scores do not depend on how samples are cut."""

from __future__ import annotations

import pytest
import torch

from models.training.audio_visual import metrics as own
from models.training.audio_visual.digit_clips import Clips


def test_accuracy_and_cross_entropy() -> None:
    scores, labels = torch.tensor([[1.0, 1.0], [0.0, 5.0], [2.0, 0.0]]).log(), torch.tensor([1, 1, 0])
    found = own.classification_metrics(scores.clamp(min=-50), labels)
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert found["cross entropy"] == pytest.approx(0.6931472 / 3)
    assert own.accuracy(scores, labels) == found["accuracy"]


def test_scores_of_batches_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "EVALUATION_BATCH", 3)
    clips = Clips(torch.rand(2, 7, 1, 2, 2), torch.rand(2, 7, 1, 2, 2), torch.zeros(7, dtype=torch.long))
    whole = (clips.video + clips.audio).mean(0).flatten(1)
    assert torch.equal(own.scores_of(lambda part: (part.video + part.audio).mean(0).flatten(1), clips), whole)
