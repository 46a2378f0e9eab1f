"""Recall at K on score matrices small enough to rank by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.retrieval.metrics import recalls


def test_recalls_of_a_matrix_ranked_by_hand() -> None:
    scores = np.zeros((2, 10), dtype=np.float32)
    scores[0] = [0.1, 0.2, 0.9, 0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
    scores[1] = [0.95, 0.1, 0.2, 0.3, 0.05, 0.9, 0.0, 0.1, 0.2, 0.3]
    result = recalls(scores)
    assert result["i2t R@1"] == 50.0
    assert result["i2t R@5"] == 100.0
    # image 0 leads on its captions 1, 2 and 4, image 1 on its caption 5
    assert result["t2i R@1"] == 40.0
    assert result["t2i R@5"] == 100.0
    assert result["R@Sum"] == pytest.approx(sum(v for k, v in result.items() if k != "R@Sum"))


def test_a_tie_is_no_retrieval() -> None:
    result = recalls(np.zeros((20, 100), dtype=np.float32))
    assert set(result.values()) == {0.0}


def test_percentages_are_rounded_once() -> None:
    own = np.arange(100) // 5 == np.arange(20)[:, None]
    scores = own.astype(np.float32)
    scores[11:] *= -1
    assert recalls(scores)["i2t R@1"] == 55.0


def test_perfect_scores_give_600() -> None:
    own = np.arange(60) // 5 == np.arange(12)[:, None]
    assert recalls(own.astype(np.float32))["R@Sum"] == 600.0


def test_random_scores_are_at_chance() -> None:
    scores = np.random.default_rng(0).random((400, 2000)).astype(np.float32)
    result = recalls(scores)
    assert result["t2i R@10"] == pytest.approx(100 * 10 / 400, abs=1.0)
    assert result["i2t R@10"] == pytest.approx(100 * 10 / 400, abs=2.0)


def test_caption_count_is_checked() -> None:
    with pytest.raises(ValueError, match="3 images need 15 captions, not 14"):
        recalls(np.zeros((3, 14), dtype=np.float32))


def test_nan_is_refused() -> None:
    scores = np.zeros((1, 5), dtype=np.float32)
    scores[0, 2] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        recalls(scores)
