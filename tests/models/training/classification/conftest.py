"""Little data for training."""

from __future__ import annotations

import pytest
import torch

from models.training.audio_visual.digit_clips import DigitClips
from models.training.classification.samples import Samples


@pytest.fixture
def few_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first 32 clips of every split, with the same noise at every epoch, so that they can be learned by heart."""
    whole = DigitClips.split

    def few(self: DigitClips, name: str, seed: int = 0) -> Samples:
        return whole(self, name, 0).chosen(torch.arange(32))

    monkeypatch.setattr(DigitClips, "split", few)
