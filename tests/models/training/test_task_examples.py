"""Which samples are shown, and in which order names are found."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.task_examples import best_names, shown


@pytest.mark.parametrize(
    ("samples", "chosen"),
    [(0, []), (1, [0]), (5, [0, 1, 2, 3, 4]), (12, list(range(12))), (24, list(range(1, 24, 2)))],
)
def test_samples_at_equal_distances(samples: int, chosen: list[int]) -> None:
    assert shown(samples) == chosen


def test_distances_are_equal_where_they_cannot_be_whole() -> None:
    chosen = shown(1000)
    assert (chosen[0], chosen[-1], len(chosen)) == (41, 958, 12)
    assert set(np.diff(chosen)) == {83, 84}


def test_names_of_the_largest_scores() -> None:
    assert best_names(np.array([0.1, 0.4, 0.3, 0.2]), "abcd") == ["b", "c", "d"]
    assert best_names(np.array([0.1, 0.4]), "ab") == ["b", "a"]
    assert best_names(np.array([3, 9, 9, 9, 1]), ["a", "b", "b", "b", "c"]) == ["b", "a", "c"]


def test_of_equal_scores_the_first_counts_but_right_names_come_last() -> None:
    scores = np.array([1.0, 1.0, 1.0, 2.0])
    assert best_names(scores, "abcd") == ["d", "a", "b"]
    assert best_names(scores, "abcd", expected=["a"]) == ["d", "b", "c"]
    assert best_names(scores, "abcd", expected=["d"]) == ["d", "a", "b"]
