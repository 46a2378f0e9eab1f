"""Running sums and means of loops over the steps: as torch's cumsum, compared or joined; what only looks like one is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.neuron import LIFNode
from torch import Tensor, nn

from compile import compile_model
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret

STEPS = 7


def _compared(s: Tensor) -> Tensor:
    acc, out = torch.zeros_like(s[0]), list[Tensor]()
    for t in range(len(s)):
        acc = acc + s[t]
        out.append((acc / (t + 1) >= 0.3).float())
    return torch.stack(out)


def _in_place(s: Tensor) -> Tensor:
    acc, out = torch.zeros_like(s[0]), list[Tensor]()
    for t in range(len(s)):
        acc += s[t]
        out.append((acc * (1 / (t + 1)) - 0.5 > 0).float())
    return torch.stack(out)


def _joined(s: Tensor) -> Tensor:
    acc, out = torch.zeros_like(s[0]), list[Tensor]()
    for t, now in enumerate(s):
        acc = now + acc
        out.append(acc / (t + 1))
    return (torch.stack(out) >= 0.5).float()


def _updated(s: Tensor) -> Tensor:
    mean, out = torch.zeros_like(s[0]), list[Tensor]()
    for t in range(len(s)):
        mean = mean + (s[t] - mean) / (t + 1)
        out.append((mean > 0.4).float())
    return torch.stack(out)


def _against_a_rising_level(s: Tensor) -> Tensor:
    acc, out = 0.0, list[Tensor]()
    for t in range(len(s)):
        acc = acc + s[t]
        out.append((acc >= (t + 1) * 0.25).float())
    return torch.stack(out)


LOOPS: dict[str, Callable[[Tensor], Tensor]] = {
    "compared": _compared,
    "in place": _in_place,
    "joined": _joined,
    "updated": _updated,
    "a rising level": _against_a_rising_level,
}


class Loop(nn.Module):
    """Neurons, and a loop over their steps."""

    def __init__(self, loop: Callable[[Tensor], Tensor], weights: bool = False) -> None:
        super().__init__()
        self.loop, self.lif, self.weights = loop, LIFNode(step_mode="m", v_threshold=0.5), weights
        self.first, self.out = nn.Linear(6, 8), nn.Linear(8, 8)
        for layer in (self.first, self.out):
            layer.weight.data = torch.randint(-2, 5, layer.weight.shape) / 4

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 6) -> (T, B, 8)."""
        s = self.lif(self.first(x))
        return self.loop(self.out(s) if self.weights else s)


class SnnTorch(nn.Module):
    """A cell of snnTorch in the same loop."""

    def __init__(self) -> None:
        super().__init__()
        snntorch = pytest.importorskip("snntorch")
        self.first, self.lif = nn.Linear(6, 8), snntorch.Leaky(beta=0.5)
        self.first.weight.data = torch.randint(-2, 5, self.first.weight.shape) / 4

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 6) -> (T, B, 8)."""
        mem, acc, out = self.lif.init_leaky(), 0.0, list[Tensor]()
        for t in range(len(x)):
            spikes, mem = self.lif(self.first(x[t]), mem)
            acc = acc + spikes
            out.append((acc / (t + 1) >= 0.4).float())
        return torch.stack(out)


def _inputs(steps: int = STEPS) -> Tensor:
    return (torch.rand(steps, 16, 6, generator=torch.Generator().manual_seed(0)) < 0.5).float()


def _forward(module: nn.Module, x: Tensor) -> np.ndarray[Any, Any]:
    if isinstance(module, Loop):
        functional.reset_net(module)
    with torch.no_grad():
        return module(x).numpy()


def _kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes.values()]


@pytest.mark.parametrize("steps", [1, 2, 3, STEPS])
@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_is_a_running_mean(loop: str, steps: int) -> None:
    torch.manual_seed(0)
    module, x = Loop(LOOPS[loop]).eval(), _inputs(steps)
    graph = trace_module(module, {"x": x}, (), steps, "net")
    if steps > 1:
        assert _kinds(graph) == ["input", "linear", "lif", "along", "time_weight", "lif"]
    (spikes,) = interpret(graph, {"x": x}).values()
    expected = _forward(module, x)
    assert 0 < expected.mean() < 1
    assert np.array_equal(spikes, expected)


@pytest.mark.parametrize("case", [*LOOPS, "snnTorch", "currents"])
def test_the_chip_fires_as_the_loop(case: str) -> None:
    torch.manual_seed(0)
    made = {"snnTorch": SnnTorch, "currents": lambda: Loop(_compared, weights=True)}
    module = made[case]() if case in made else Loop(LOOPS[case])
    x = _inputs()
    expected = _forward(module.eval(), x)
    for precision in ("float", "int"):
        program = compile_model(module, "gpu", precision=precision, example=x)
        assert len(program.phases) == 1
        assert np.array_equal(program.run(x).outputs["output"], expected)


def _mean_over_the_window(s: Tensor) -> Tensor:
    acc, out = torch.zeros_like(s[0]), list[Tensor]()
    for t in range(len(s)):
        acc = acc + s[t]
        out.append((acc / (t + 2) >= 0.3).float())
    return torch.stack(out)


def _without_the_second_step(s: Tensor) -> Tensor:
    acc, out = torch.zeros_like(s[0]), list[Tensor]()
    for t in range(len(s)):
        acc = acc + s[t] * (t != 1)
        out.append((acc / (t + 1) >= 0.3).float())
    return torch.stack(out)


@pytest.mark.parametrize("loop", [_mean_over_the_window, _without_the_second_step])
def test_other_weights_are_refused(loop: Callable[[Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    with pytest.raises(CompileError) as refused:
        trace_module(Loop(loop).eval(), {"x": _inputs()}, (), STEPS, "net")
    assert refused.value.rule == "import.neuron"
