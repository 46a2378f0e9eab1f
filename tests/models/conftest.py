"""Little data for training."""

from __future__ import annotations

import pytest

from models.data import digits
from models.data.digits import Split


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 dev scenes for training, 16 of them for everything else."""
    dev = digits.load_split("dev")
    few = Split(dev.regions[:16], dev.captions[:80], dev.word_ids[:80])
    many = Split(dev.regions[:64], dev.captions[:320], dev.word_ids[:320])
    monkeypatch.setattr(digits, "load_split", lambda name: many if name == "train" else few)
