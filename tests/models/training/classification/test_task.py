"""The task of the compiler: inputs of a whole split, metrics by hand, refusals; examples are of the test split."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.training.classification.samples import Samples
from models.training.classification.task import ClassificationTask


class Data:
    """As many samples as a split's name has letters, which say their place."""

    def split(self, name: str, seed: int = 0) -> Samples:
        count = 10 * len(name)
        return Samples({"x": torch.arange(2.0 * count).reshape(2, count, 1)}, torch.arange(count) % 10)


def _picture(test: Samples, index: int) -> NDArray[np.float32]:
    return test.inputs["x"][:, index].numpy()


TASK = ClassificationTask(Data(), "film {}", _picture)


def test_inputs_are_the_whole_test_split() -> None:
    assert np.array_equal(TASK.inputs("network")["x"], np.arange(80.0).reshape(2, 40, 1))
    assert TASK.inputs("network", "dev")["x"].shape == (2, 30, 1)


def test_metrics_of_scores() -> None:
    labels = torch.arange(40) % 10
    right = 20.0 * torch.nn.functional.one_hot(labels, 10).float()
    half = torch.cat((right[:20], right.roll(1, dims=1)[20:])).numpy()
    found = TASK.metrics({"network": {"scores": half}})
    assert tuple(found) == TASK.metric_names
    assert list(found)[-1] == "accuracy", "sweeps judge by the last, larger is better"
    assert found["accuracy"] == 50.0
    assert found["cross entropy"] == pytest.approx(10.0, abs=1e-4)
    rates = ClassificationTask(Data(), "film {}", _picture, "squared error")
    assert rates.metrics({"network": {"scores": half / 20}}) == {"squared error": pytest.approx(0.1), "accuracy": 50.0}
    assert rates.metric_names == ("squared error", "accuracy")


def test_examples_are_samples_with_their_most_likely_digits() -> None:
    scores = np.tile(np.arange(10, dtype=np.float32), (40, 1))
    examples = TASK.examples({"network": {"scores": scores}})
    assert [example["sample"] for example in examples][:2] == ["film 1", "film 5"]
    assert {tuple(example["answers"]) for example in examples} == {("9", "8", "7")}
    assert [example["expected"] for example in examples[:2]] == [["1"], ["5"]]
    assert examples[1]["image"].tolist() == [[5], [45]]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no part 'image'; there is network"):
        TASK.inputs("image")
    refused: list[dict[str, dict[str, NDArray[np.float32]]]] = [
        {},
        {"network": {}},
        {"network": {"scores": np.zeros((3, 10), np.float32)}},
    ]
    for outputs in refused:
        with pytest.raises(ValueError, match=r"one output, scores \(40, 10\), of the part 'network'"):
            TASK.metrics(outputs)
