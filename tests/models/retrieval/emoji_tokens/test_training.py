"""CMSF's training on emoji: what a batch is, what is measured, that it learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from models import cmsf
from models.data.emoji_words import vocabulary
from models.retrieval.emoji_tokens import training as own
from models.retrieval.emoji_tokens.features import words_of
from models.training.loop import fit

CONFIG = cmsf.CONFIGS["emoji"]


def test_a_batch_has_altered_pairs_and_says_what_is_real() -> None:
    torch.manual_seed(0)
    batches = own.pair_batches(np.random.default_rng(0))
    again = own.pair_batches(np.random.default_rng(0))
    assert sum(len(batch.regions) for batch in batches) == 2200
    regions, words, real = batches[0]
    assert real is not None
    assert not torch.equal(regions, again[0].regions)
    assert not regions[~real.regions].any()
    assert not words[~real.words].any()
    assert real.words.any(dim=1).all()
    table = words_of(torch.arange(len(vocabulary())).unsqueeze(1)).features.flatten(0, 1)
    known = {row.tobytes() for row in table.numpy()}
    assert all(row.tobytes() in known for row in words[real.words].numpy())


def test_dev_is_the_mean_of_both_styles() -> None:
    """Encoders that say the same of every token find nothing."""
    parts = cmsf.build("emoji")
    metrics = own.metrics(parts, "dev")
    assert metrics["R@Sum"] == pytest.approx(sum(value for name, value in metrics.items() if name != "R@Sum"))
    assert 0.0 <= metrics["i2t R@1"] < 10.0


def test_test_is_the_task_s(monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(task: own.EmojiTokensTask) -> dict[str, float]:
        return {"parts": float(len(task.encoders))}

    monkeypatch.setattr(own.EmojiTokensTask, "measured", measured)
    parts: Mapping[str, nn.Module] = {"image": nn.Identity(), "text": nn.Identity()}
    assert own.metrics(parts, "test") == {"parts": 2.0}


@pytest.mark.slow
def test_it_learns() -> None:
    log = fit(own.emoji_tokens_training(replace(CONFIG, fusion="none"), 4, 2), 4).log
    assert log[1]["loss"]["final"] < log[0]["loss"]["final"]
    assert log[1]["dev"]["R@Sum"] > 60.0
