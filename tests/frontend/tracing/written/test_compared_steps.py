"""Comparisons without memory that differ from step to step, or that are made at some steps alone: each reads its own step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret

STEPS, WIDTH = 6, 8


class Net(nn.Module):
    def __init__(self, run: Callable[[Net, Tensor], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.run, self.f, self.h = run, nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 4)
        self.f.weight.data = torch.randint(-4, 5, (WIDTH, WIDTH)) / 8
        self.f.bias.data = torch.randint(-4, 5, (WIDTH,)) / 16
        self.noise = torch.rand(STEPS, WIDTH, generator=torch.Generator().manual_seed(1))
        self.norms = nn.ModuleList([nn.BatchNorm1d(WIDTH) for _ in range(STEPS)])
        for norm in self.norms:
            norm.get_buffer("running_mean").copy_(torch.rand(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def fired(membrane: Tensor) -> Tensor:
    return (membrane > 0).float()


def window(code: Callable[[Any, int, Tensor], Tensor]) -> Callable[[Any, Tensor], Tensor]:
    """Of spikes, coded step by step: what a layer makes of them, compared."""
    return lambda net, x: torch.stack([fired(net.f(code(net, i, now)) - 0.25) for i, now in enumerate(x)])


RUNS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "noise": window(lambda net, i, x: (x > net.noise[i]).float()),
    "a threshold that falls": window(lambda net, i, x: (x >= 1 - i / 6).float()),
    "a factor": window(lambda net, i, x: (x * (i + 1) > 1).float()),
    "a norm": window(lambda net, i, x: fired(net.norms[i](x))),
    "two thresholds in turn": window(lambda net, i, x: (x > (0.5 if i % 2 else 0.25)).float()),
    "the step before": window(lambda net, i, x: fired(x - 0.5) if i == 0 else fired(x - 0.25)),
    "a level that rises": lambda net, x: torch.stack(
        [net.h((net.f(now) > 0.1 * i).float()) for i, now in enumerate(x)]
    ),
    "the last step": lambda net, x: fired(net.f(x[-1])),
    "one step of a window": lambda net, x: fired(net.f(x)[3]),
    "from the third on": lambda net, x: sum((fired(net.f(now)) for now in x[2:]), torch.zeros(())),
    "every second": lambda net, x: torch.stack([fired(net.f(now)) for now in x[1::2]]),
}


@pytest.mark.parametrize("run", RUNS)
def test_every_comparison_reads_its_own_step(run: str) -> None:
    net = Net(RUNS[run]).eval()
    x = torch.rand(STEPS, 16, WIDTH, generator=torch.Generator().manual_seed(0))
    quiet = x[:, :2] * 0.02  # shows little of what is compared
    with torch.no_grad():
        theirs = net(x)
    for example in (x, quiet):
        graph = trace_module(net, {"x": example[:, :2]}, [], STEPS, "net")
        assert check_import(net, graph, {"x": example}).within_rounding == 0
        (ours,) = interpret(graph, {"x": x}).values()
        torch.testing.assert_close(ours.reshape(theirs.shape), theirs, rtol=0, atol=1e-6)
    assert 0.02 < (theirs > 0).float().mean() < 0.98


def test_steps_that_follow_no_stride_are_refused() -> None:
    net = Net(lambda net, x: torch.stack([fired(net.f(x[i])) for i in (0, 1, 3)])).eval()
    with pytest.raises(CompileError, match="irregular steps") as refused:
        trace_module(net, {"x": torch.rand(STEPS, 2, WIDTH)}, [], STEPS, "net")
    assert refused.value.rule == "import.steps"
