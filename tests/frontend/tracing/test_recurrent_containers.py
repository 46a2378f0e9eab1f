"""A container's output comes back one step late, as the spikes of its last neuron; its own step comes back afterwards."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from torch import nn

from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops import Past


class Net(nn.Module):
    def __init__(self, container: nn.Module) -> None:
        super().__init__()
        self.container = container

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.container(x)


def traced(container: nn.Module) -> Graph:
    return trace_module(Net(container).eval(), {"x": torch.rand(4, 2, 3)}, [], 4, "net")


def test_the_loop_closes_at_the_last_neuron() -> None:
    chain = nn.Sequential(nn.Linear(3, 5), neuron.IFNode(), nn.Linear(5, 2), neuron.LIFNode())
    graph = traced(layer.LinearRecurrentContainer(chain, 3, 2, step_mode="m"))
    (past,) = graph.loops
    assert past.op == Past("container.sub_module.3", "spike[2]", 1)
    assert past.op.of == next(iter(graph.outputs.values()))


def test_a_container_is_left_with_its_own_step_after_a_failure_too() -> None:
    container = layer.ElementWiseRecurrentContainer(nn.ReLU(), torch.add, step_mode="m")
    with pytest.raises(CompileError, match="not the spikes of its last neuron"):
        traced(container)
    assert "single_step_forward" not in vars(container)
