"""A little trained network whose fine-tuning takes no time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.training import stage
from models.training.model_file import run_model_file

NETWORK = f"""
from __future__ import annotations
from dataclasses import dataclass
from pathlib import Path
import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.surrogate import Sigmoid
from torch import nn
from {stage.__name__} import TrainingStage, Training

@dataclass(frozen=True)
class Config:
    T: int = 3

CONFIGS = {{"small": Config()}}

def lif():
    return neuron.LIFNode(decay_input=False, step_mode="m", surrogate_function=Sigmoid(), detach_reset=True)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.lif = nn.Conv2d(1, 6, 3, 2, padding=1), nn.BatchNorm2d(6), lif()
        self.hidden, self.values, self.hidden_lif = nn.Linear(54, 16, bias=False), nn.BatchNorm1d(8), lif()
        self.gate_lif, self.head = lif(), nn.Linear(8, 3)

    def forward(self, images):
        functional.reset_net(self)
        x = self.bn(self.conv(images.flatten(0, 1))).unflatten(0, images.shape[:2])
        values, gates = self.hidden(self.lif(x).flatten(2)).chunk(2, dim=2)
        values = self.hidden_lif(self.values(values.flatten(0, 1)).unflatten(0, values.shape[:2]))
        return self.head((values + self.gate_lif(gates)).mean(dim=0))

def build(config):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(3)
        net = Net()
        for norm in (net.bn, net.values):
            nn.init.normal_(norm.weight, 1.5)
            nn.init.normal_(norm.bias, 0.3)
            norm.weight[0].neg_()
        net.hidden.weight.mul_(8)
        net(example("", 32, 0)["images"])  # statistics
    return net.eval()

def example(config, samples, seed):
    rng = torch.Generator().manual_seed(seed)
    return {{"images": (torch.rand(3, samples, 1, 6, 6, generator=rng) < 0.3).float()}}

def weights(config):
    return Path(__file__).with_name("trained.pt")

def load_weights(parts, path):
    parts["network"].load_state_dict(torch.load(path, weights_only=True))

def training(config, seed, epochs=None):
    net, x = Net(), example("", 64, 1)["images"]
    labels = torch.arange(64) % 3

    def losses(rows):
        return {{"cross entropy": nn.functional.cross_entropy(net(x[:, rows]), labels[rows])}}

    stage = TrainingStage("only", 9, lambda rng: torch.from_numpy(rng.permutation(64)).split(16), losses,
                          lambda: {{"fit": -float(losses(torch.arange(64))["cross entropy"])}}, "fit",
                          torch.optim.SGD(net.parameters(), lr=0.1), lambda done: 1.0, 9)
    return Training({{"network": net}}, (stage,), stage.dev, lambda path: torch.save(net.state_dict(), path))
"""


@pytest.fixture
def few_bits(tmp_path: Path) -> Path:
    """A model file with trained weights beside it."""
    path = tmp_path / "few_bits.py"
    path.write_text(NETWORK)
    torch.save(run_model_file(path).build("small").state_dict(), path.with_name("trained.pt"))
    return path
