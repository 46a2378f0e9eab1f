"""A module with one written neuron, and its import, checked against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.graph import Graph

THRESHOLD = 0.5


class Written(nn.Module):
    """One neuron, which `step(mem, spike, x)` makes a step of."""

    def __init__(self, step: Callable[[Any, Any, Tensor], tuple[Any, Any]], start: Any = 0.0) -> None:
        super().__init__()
        self.step, self.start = step, start

    def forward(self, x: Tensor) -> Tensor:
        mem = spike = self.start(x[0]) if callable(self.start) else self.start
        spikes: list[Tensor] = []
        for t in range(x.shape[0]):
            mem, spike = self.step(mem, spike, x[t])
            spikes.append(spike)
        return torch.stack(spikes)


def imported(net: nn.Module, x: Tensor) -> Graph:
    graph = trace_module(net.eval(), {"x": x}, [], len(x), "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    return graph
