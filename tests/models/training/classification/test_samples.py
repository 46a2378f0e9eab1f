"""Samples keep together; examples are of the dev split."""

from __future__ import annotations

import pytest
import torch

from models.training.classification.samples import Samples, example_samples

DEV = Samples({"a": torch.arange(14.0).reshape(2, 7), "b": torch.arange(7.0).reshape(1, 7)}, torch.arange(7))


class Data:
    def split(self, name: str, seed: int = 0) -> Samples:
        assert name == "dev"
        return DEV


def test_chosen_samples_keep_together() -> None:
    few = DEV.chosen(torch.tensor([5, 2]))
    assert few.labels.tolist() == [5, 2]
    assert few.inputs["a"].tolist() == [[5, 2], [12, 9]]
    assert few.inputs["b"].tolist() == [[5, 2]]
    batches = DEV.batches(3)
    assert [batch.labels.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert batches[1].inputs["a"].tolist() == [[3, 4, 5], [10, 11, 12]]


def test_examples_are_samples_that_no_test_sees() -> None:
    first, again, other = (example_samples(Data(), 3, seed) for seed in (0, 0, 1))
    assert torch.equal(first["a"], again["a"])
    assert torch.equal(first["a"][0], first["b"][0])
    assert not torch.equal(first["a"], other["a"])
    for count in (0, 8):
        with pytest.raises(ValueError, match=f"{count} samples asked for; there are 1 to 7"):
            example_samples(Data(), count, 0)
