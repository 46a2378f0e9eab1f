"""What is written is what the features are read from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.data.emoji_styles import ARRAYS
from models.data.make import emoji_features
from models.data.make.emoji_features import make


def test_arrays_are_those_of_the_committed_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without training: names, shapes and types; the table has the deviation 1, and nothing for padding and unknown words."""
    monkeypatch.setattr(emoji_features, "train", lambda network, epochs: None)
    torch.manual_seed(1)
    make(tmp_path)
    with np.load(tmp_path / "emoji-features.npz") as made, np.load(ARRAYS / "emoji-features.npz") as committed:
        assert {name: (made[name].shape, made[name].dtype) for name in made.files} == {
            name: (committed[name].shape, committed[name].dtype) for name in committed.files
        }
        for words in (made["words"].astype(float), committed["words"].astype(float)):
            assert not words[:2].any()
            assert words[2:].std() == pytest.approx(1.0, abs=0.01)
            assert np.isfinite(words).all()
