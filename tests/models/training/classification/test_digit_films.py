"""Films time first, with their labels; an example shows the mean of its frames."""

from __future__ import annotations

import numpy as np
import pytest

from models.data.digit_frames import load_split
from models.training.classification.digit_films import DigitFilms, films_task


def test_films_are_those_of_the_data_set_time_first() -> None:
    own, theirs = DigitFilms(3).split("dev", seed=2), load_split("dev", 3, seed=2)
    assert own.inputs["frames"].shape == (3, 807, 1, 16, 16)
    np.testing.assert_array_equal(own.inputs["frames"].numpy(), theirs.frames.swapaxes(0, 1))
    assert own.labels.tolist() == theirs.labels.tolist()


def test_the_task_is_the_test_split_by_squared_error() -> None:
    task = films_task(DigitFilms(2))
    scores = np.eye(10, dtype=np.float32)[load_split("test", 2).labels]
    assert task.metrics({"network": {"y": scores}}) == {"squared error": 0.0, "accuracy": 100.0}
    first = task.examples({"network": {"y": scores}})[0]
    assert first["sample"] == "film 56"
    assert first["answers"][0] == first["expected"][0]
    film = task.inputs("network")["frames"][:, 56, 0]
    assert first["image"][3, 4] == pytest.approx(film[:, 3, 4].mean())
