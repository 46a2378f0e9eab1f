"""States that adapt a threshold: neurons of e-prop, LSNN and of adaptive recurrent networks, written out."""

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
from ir.ops.float_neurons.moving_threshold import MovingThresholdLif

Step = Callable[[Tensor, Any, Any, Any], tuple[Any, Any, Any]]


class Net(nn.Module):
    """A window of `step(current, v, a, z) -> (v, a, z)`."""

    def __init__(self, step: Step, a: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.step, self.a, self.fc, self.rec = step, a, nn.Linear(12, 10), nn.Linear(10, 10)

    def forward(self, x: Tensor) -> Tensor:
        v, a, z, out = torch.zeros(x.shape[1], 10), self.a, torch.zeros(x.shape[1], 10), list[Tensor]()
        for now in x:
            v, a, z = self.step(self.fc(now) * 4 + self.rec(z), v, a, z)
            out.append(z)
        return torch.stack(out)


def lsnn(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    a = 0.75 * a + z
    v = 0.5 * v + x - z
    return v, a, (v - (1.0 + 0.25 * a) > 0).float()


def after_the_spike(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    v = (0.5 * v + x) * (1 - z)
    z = (v > 0.5 + 0.5 * a).float()
    return v, 0.75 * a + 0.25 * z, z


def a_threshold_that_moves(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    v = 0.5 * v + x
    z = (v >= a).float()
    return v * (1 - z), 0.75 * a + 0.25 * 1.0 + 0.5 * z, z


def reset_by_what_moves(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    a = 0.75 * a + 0.25 * z
    threshold = 0.125 + 1.5 * a
    v = v * 0.5 + x - threshold * z
    return v, a, (v - threshold > 0).float()


def reset_at_once_by_what_moves(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    a = 0.75 * a + 0.25 * z
    v = 0.5 * v + x
    z = (v > 0.5 + a).float()
    return v - z * (0.5 + a), a, z


CASES: dict[str, tuple[Step, float, dict[str, Any]]] = {
    "lsnn": (lsnn, 0.0, {"adapt_decay": 0.25, "adapt_jump": 0.25 / 0.75, "reset": "subtract", "adapt_reset": "rest"}),
    "after the spike": (after_the_spike, 0.0, {"threshold": 0.5, "reset": "value", "reset_at": "next"}),
    "a threshold that moves": (a_threshold_that_moves, 1.0, {"threshold": 1.0, "comparator": ">="}),
    "one that starts elsewhere": (a_threshold_that_moves, 2.0, {"threshold": 1.0}),
    "reset by what moves": (reset_by_what_moves, 0.0, {"threshold": 0.125, "adapt_reset": "moving"}),
    "reset at once by what moves": (
        reset_at_once_by_what_moves,
        0.0,
        {"threshold": 0.5, "adapt_reset": "moving", "reset_at": "spike"},
    ),
    "from a start": (reset_by_what_moves, 0.5, {"threshold": 0.125, "adapt_start": 0.75}),
}


@pytest.mark.parametrize("case", CASES)
def test_thresholds_move_as_in_the_module(case: str) -> None:
    step, a, expected = CASES[case]
    net, x = Net(step, a).eval(), (torch.rand(8, 3, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], len(x), "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    (node,) = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert isinstance(node.op, MovingThresholdLif)
    assert {name: getattr(node.op, name) for name in expected} == pytest.approx(expected)
    (ours,) = interpret(graph, {"x": x}).values()
    with torch.no_grad():
        assert torch.equal(ours, net(x))
    assert 0.02 < ours.mean() < 0.98


def reset_by_half_of_it(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    a = 0.75 * a + z
    v = 0.5 * v + x - 0.5 * a * z
    return v, a, (v - (1.0 + a) > 0).float()


def coupled(x: Tensor, v: Any, a: Any, z: Any) -> Any:
    v, a = 0.5 * v + x - 0.25 * a, 0.75 * a + 0.25 * v + z
    z = (v > 1.0).float()
    return v * (1 - z), a, z


@pytest.mark.parametrize(
    ("step", "what"),
    [(reset_by_half_of_it, "reads its moving threshold in a way of its own"), (coupled, "is written out")],
)
def test_states_that_are_of_no_neuron(step: Step, what: str) -> None:
    x = (torch.rand(8, 3, 12) < 0.4).float()
    with pytest.raises(CompileError, match=what) as caught:
        trace_module(Net(step).eval(), {"x": x}, [], len(x), "net")
    assert caught.value.rule == "import.neuron"
