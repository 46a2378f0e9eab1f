"""Little data, and a little model file, for training."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.data import digits
from models.data.digits import Split
from models.training import stage

SMALL = f"""
from __future__ import annotations
from dataclasses import dataclass, replace
import numpy as np
import torch
from torch import nn
from {stage.__name__} import TrainingStage, Training

@dataclass(frozen=True)
class Inner:
    side: int = 1

@dataclass(frozen=True)
class Config:
    width: int = 3
    rate: float = 0.1
    loss: str = "l2"
    fast: bool = False
    depths: tuple[int, int] = (1, 1)
    inner: Inner = Inner()

    def __post_init__(self):
        if self.width < 0:
            raise ValueError("no width is below 0")

CONFIGS = {{"a": Config(), "b": Config(5)}}

def training(config, seed, epochs=None):
    if config.width > 8:
        raise ValueError("too wide")
    1.0 / config.rate
    torch.manual_seed(seed)
    part = nn.Linear(config.width, 1)
    x = torch.randn(8, config.width)
    optimiser = torch.optim.SGD(part.parameters(), lr=config.rate)
    stage = TrainingStage("only", epochs or 4, lambda rng: [x[rng.permutation(8)]], lambda b: {{"error": (part(b) ** 2).mean()}},
                  lambda: {{"fit": -float((part(x) ** 2).mean())}}, "fit", optimiser, lambda done: np.cos(0.1 * done), 9)
    return Training({{"net": part}}, (stage,), lambda: {{"fit": 1.0}}, lambda path: torch.save(part.state_dict(), path))
"""


@pytest.fixture
def small_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """64 dev scenes for training, 16 of them for everything else."""
    dev = digits.load_split("dev")
    few = Split(dev.regions[:16], dev.captions[:80], dev.word_ids[:80])
    many = Split(dev.regions[:64], dev.captions[:320], dev.word_ids[:320])
    monkeypatch.setattr(digits, "load_split", lambda name: many if name == "train" else few)


@pytest.fixture
def small(tmp_path: Path) -> str:
    """A model file that trains in no time."""
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    return str(path)
