"""Which classes a layer's modules have: torch's, or the operations of a network from a file."""

from __future__ import annotations

import torch
from spikingjelly.activation_based import neuron
from torch import nn

from compile import compile_model
from compile.stages.module_classes import layer_classes
from frontend.nir.round_trip.to_nir import to_nir
from frontend.tracing.trace import trace_module


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), neuron.LIFNode(), nn.Flatten(), nn.Linear(18, 4), neuron.IFNode()
    ).eval()


class Steps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = network()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.net(step) for step in x])


def test_of_a_torch_module_and_of_a_file():
    x, module = torch.ones(2, 5, 2, 8), Steps().eval()
    source = trace_module(module, {"x": x}, (), 2, "network")
    chip = compile_model(module, target="gpu", example=x).deployment.chip
    torch_classes = layer_classes(module, source, chip)
    assert list(torch_classes.values()) == ["Conv1d, LIFNode", "Linear, IFNode"]
    graph = to_nir(source)
    program = compile_model(graph, target="gpu", example=x.numpy())
    read = layer_classes(program.deployment.chip, source, program.deployment.chip)
    assert list(read.values()) == ["conv, lif", "linear, lif"]
