"""Films of handwritten digits as a network sees them, time first, and the task of telling them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.data.digit_frames import load_split
from models.training.classification.samples import Samples
from models.training.classification.task import ClassificationTask


@dataclass(frozen=True)
class DigitFilms:
    """Films of so many steps."""

    steps: int

    def split(self, name: str, seed: int = 0) -> Samples:
        """
        The split `train`, `dev` or `test`; another seed draws other frames.

        Raises:
            ValueError: for a split that there is not.
        """
        films = load_split(name, self.steps, seed)
        frames = torch.from_numpy(np.ascontiguousarray(films.frames.swapaxes(0, 1)))
        return Samples({"frames": frames}, torch.from_numpy(films.labels))


def films_task(films: DigitFilms) -> ClassificationTask:
    """The test split, by the squared error of rates; a film is shown as the mean of its frames."""
    return ClassificationTask(films, "film {}", _picture, "squared error")


def _picture(films: Samples, index: int) -> NDArray[np.float32]:
    return films.inputs["frames"][:, index, 0].mean(dim=0).numpy()
