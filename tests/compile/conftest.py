"""A tiny model file, small enough to compile in a blink, for tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from compile.cli import main

TINY = """
import torch
from spikingjelly.activation_based import neuron
from torch import nn

T = 2


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(6, 8)
        self.lif1 = neuron.LIFNode(step_mode="m")
        self.fc2 = nn.Linear(8, 3)
        self.lif2 = neuron.LIFNode(step_mode="m")

    def forward(self, x):
        return self.lif2(self.fc2(self.lif1(self.fc1(x))))


def build(config):
    torch.manual_seed(1)
    net = Net().eval()
    with torch.no_grad():
        net.fc1.weight.mul_(4)
        net.fc2.weight.mul_(6)
    return net


def example(config, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    return {"x": (torch.rand(T, samples, 6, generator=generator) < 0.5).float()}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The path of the tiny model file."""
    path = tmp_path / "tiny.py"
    path.write_text(TINY)
    return path


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """fails(argv, code, *words): the command line ends with `code` and exactly one error, which says the words."""

    def run(argv: list[str], code: int, *words: str) -> str:
        assert main(argv) == code
        text = capsys.readouterr().err
        assert text.count("error[") == 1
        assert "Traceback" not in text
        for word in words:
            assert word in text
        return text

    return run
