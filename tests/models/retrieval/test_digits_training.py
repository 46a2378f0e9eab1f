"""CMSF's training on digit scenes: what a batch is, and that it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models import cmsf
from models.data import digits
from models.retrieval import digits_training as own
from models.retrieval.metrics import CAPTIONS_PER_IMAGE
from models.training.loop import fit

CONFIG = cmsf.CONFIGS["digits"]


def test_every_scene_comes_once_with_one_of_its_captions(small_data: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "BATCH", 16)
    data, batches = digits.load_split("train"), own.scene_batches(np.random.default_rng(0))
    assert len(batches) == 4
    words, seen = torch.from_numpy(data.words()), list[int]()
    for regions, captions, real in batches:
        assert real is None
        for region, caption in zip(regions, captions, strict=True):
            scene = next(n for n, own in enumerate(data.regions) if np.array_equal(own, region.numpy()))
            mine = words[scene * CAPTIONS_PER_IMAGE : (scene + 1) * CAPTIONS_PER_IMAGE]
            assert any(torch.equal(caption, each) for each in mine)
            seen.append(scene)
    assert sorted(seen) == list(range(64))


@pytest.mark.slow
@pytest.mark.usefixtures("small_data")
def test_it_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "BATCH", 32)
    log = fit(own.digits_training(replace(CONFIG, fusion="none"), 4, 3), 4).log
    assert log[2]["loss"]["final"] < log[0]["loss"]["final"]
