"""The compiler's task of classifiers: the test split of their data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.training.classification.metrics import classification_metrics
from models.training.classification.samples import Samples, Splits
from models.training.task_examples import ShownExample, best_names, shown

Arrays = dict[str, NDArray[np.float32]]
PART = "network"


@dataclass(frozen=True)
class ClassificationTask:
    """Inputs and metrics of telling digits."""

    data: Splits
    sample: str
    """What readers call a sample, with braces for its index."""
    picture: Callable[[Samples, int], NDArray[Any]]
    """The test split and an index -> the sample as a reader sees it."""
    error: str = "cross entropy"
    """Of `metrics.ERRORS`."""
    parts: ClassVar[tuple[str, ...]] = (PART,)

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The error, and the accuracy in percent."""
        return (self.error, "accuracy")

    def inputs(self, part: str, split: str = "test") -> Arrays:
        """
        Whole split, (steps, n, channels, height, width) by name.

        Raises:
            ValueError: for an unknown part or split.
        """
        if part != PART:
            raise ValueError(f"no part {part!r}; there is {PART}")
        return {name: value.numpy() for name, value in self.data.split(split).inputs.items()}

    def metrics(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, float]:
        """
        Error and accuracy in percent on the test split, from `{part: {output: scores (n, 10)}}`.

        Raises:
            ValueError: if there is not one output with a row for every sample.
        """
        labels = self.data.split("test").labels
        return classification_metrics(torch.from_numpy(_scores(outputs, len(labels))), labels, self.error)

    def examples(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> list[ShownExample]:
        """Samples of the test split at equal distances, with the digits that they most likely are."""
        test = self.data.split("test")
        scores, digits = _scores(outputs, len(test.labels)), [str(digit) for digit in range(10)]
        return [
            {
                "sample": self.sample.format(index),
                "answers": best_names(scores[index], digits),
                "expected": [digits[int(test.labels[index])]],
                "image": self.picture(test, index),
            }
            for index in shown(len(test.labels))
        ]


def _scores(outputs: Mapping[str, Mapping[str, NDArray[np.float32]]], samples: int) -> NDArray[np.float32]:
    """(samples, 10); ValueError where there is not this one output."""
    found = list(outputs.get(PART, {}).values())
    if len(found) != 1 or found[0].shape != (samples, 10):
        raise ValueError(f"the task takes one output, scores ({samples}, 10), of the part {PART!r}")
    return np.array(found[0], dtype=np.float32)
