"""Accuracy and cross entropy against numbers by hand; scores do not depend on how samples are cut."""

from __future__ import annotations

import pytest
import torch

from models.training.classification import metrics as own
from models.training.classification.samples import Samples


def test_accuracy_and_cross_entropy() -> None:
    scores, labels = torch.tensor([[1.0, 1.0], [0.0, 5.0], [2.0, 0.0]]).log(), torch.tensor([1, 1, 0])
    found = own.classification_metrics(scores.clamp(min=-50), labels)
    assert found["accuracy"] == pytest.approx(200 / 3)
    assert found["cross entropy"] == pytest.approx(0.6931472 / 3)
    assert own.accuracy(scores, labels) == found["accuracy"]


def test_scores_of_batches_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "EVALUATION_BATCH", 3)
    samples = Samples({"a": torch.rand(2, 7, 4), "b": torch.rand(2, 7, 4)}, torch.zeros(7, dtype=torch.long))

    def forward(part: Samples) -> torch.Tensor:
        return (part.inputs["a"] + part.inputs["b"]).mean(0)

    assert torch.equal(own.scores_of(forward, samples), forward(samples))


def test_squared_error_of_rates() -> None:
    rates, labels = torch.tensor([[1.0, 0.0], [0.25, 0.5]]), torch.tensor([0, 0])
    found = own.classification_metrics(rates, labels, "squared error")
    assert found == {"squared error": (0.75**2 + 0.5**2) / 4, "accuracy": 50.0}
