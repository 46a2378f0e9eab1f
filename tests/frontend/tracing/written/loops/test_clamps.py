"""Written neurons whose membrane is clamped: every spike is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from frontend.neuron_rules.behaviour import tie_currents
from frontend.tracing.written.loops.clamps import UNLIMITED, clamp_arguments
from ir.errors import CompileError
from ir.ops import RectifiedLif
from tests.frontend.tracing.written.written import THRESHOLD, Written, imported

torch.set_num_threads(1)
FLOORS: dict[str, tuple[float, Callable[[Tensor], Tensor]]] = {
    "relu": (0.0, torch.relu),
    "relu in place": (0.0, lambda m: F.relu(m, inplace=True)),
    "clamp": (-0.25, lambda m: m.clamp(min=-0.25)),
    "clip": (-0.25, lambda m: torch.clip(m, -0.25)),
    "clamp_min": (-0.25, lambda m: torch.clamp_min(m, -0.25)),
    "max": (0.0, lambda m: torch.max(m, torch.zeros_like(m))),
    "maximum": (-0.5, lambda m: torch.maximum(m, torch.tensor(-0.5))),
    "between two numbers": (-0.25, lambda m: m.clamp(-0.25, 1.0)),
    "hardtanh": (-1.0, F.hardtanh),
    "relu6": (0.0, F.relu6),
    "from 0 to a whole number": (0.0, lambda m: m.clamp(0, 1)),
    "relu of what is above it, as sinabs writes it": (-0.5, lambda m: F.relu(m + 0.5) - 0.5),
}
RESETS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "subtract": lambda m, s: m - THRESHOLD * s,
    "value": lambda m, s: m * (1 - s),
    "where": lambda m, s: torch.where(s > 0, torch.full_like(m, 0.125), m),
    "none": lambda m, s: m,
}


def fired(mem: Tensor) -> Tensor:
    return (mem > THRESHOLD).float()


CEILINGS = ("between two numbers", "hardtanh", "relu6", "from 0 to a whole number")
FORGETS = ("value", "where")


@pytest.mark.parametrize("behind", [False, True], ids=["before it fires", "behind the reset"])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor(floor: str, reset: str, behind: bool) -> None:
    low, change = FLOORS[floor]

    def step(mem: Any, _spike: Any, x: Tensor) -> tuple[Any, Tensor]:
        mem = mem * 0.5 + x
        mem = mem if behind else change(mem)
        spike = fired(mem)
        mem = RESETS[reset](mem, spike)
        return change(mem) if behind else mem, spike

    x = tie_currents(THRESHOLD) * 2 - 0.75
    net = Written(step, torch.zeros_like)
    if floor in CEILINGS and reset not in FORGETS:
        with pytest.raises(CompileError, match="upper limit"):
            imported(net, x)
        return
    graph = imported(net, x)
    (op,) = (node.op for node in graph.nodes.values() if isinstance(node.op, RectifiedLif))
    assert op.floor == low
    assert 0.1 < net(x).mean() < 0.9


def test_what_is_below_matters() -> None:
    """Without its floor the neuron fires otherwise, so that the tests above can fail."""
    x = tie_currents(THRESHOLD) * 2 - 0.75

    def run(low: float) -> Tensor:
        def step(mem: Any, _spike: Any, x: Tensor) -> tuple[Any, Tensor]:
            mem = (mem * 0.5 + x).clamp(min=low)
            return mem * (1 - fired(mem)), fired(mem)

        return Written(step, torch.zeros_like)(x)

    assert not torch.equal(run(0.0), run(-0.5))
    assert not torch.equal(run(-0.5), run(-100.0))


def _moving(mem: Any, spike: Any, x: Tensor) -> tuple[Any, Tensor]:
    v, rise = mem
    rise = 0.5 * rise + spike
    v = torch.relu(0.5 * v + x)
    spike = (v > THRESHOLD + rise).float()
    return (v * (1 - spike), rise), spike


def _current(mem: Any, _spike: Any, x: Tensor) -> tuple[Any, Tensor]:
    v, current = mem
    current = torch.relu(0.5 * current + x)
    v = 0.5 * v + current
    return (v * (1 - fired(v)), current), fired(v)


@pytest.mark.parametrize(
    ("step", "start", "what"),
    [
        (
            _moving,
            lambda x: (torch.zeros_like(x),) * 2,
            "a floor, and a threshold that moves|reads its moving threshold",
        ),
        (_current, lambda x: (torch.zeros_like(x),) * 2, "clamps what it reads"),
    ],
)
def test_what_is_no_floor_of_a_membrane(step: Any, start: Any, what: str) -> None:
    class Net(Written):
        def forward(self, x: Tensor) -> Tensor:
            mem, spike, spikes = start(x[0]), torch.zeros_like(x[0]), list[Tensor]()
            for row in x:
                mem, spike = self.step(mem, spike, row)
                spikes.append(spike)
            return torch.stack(spikes)

    with pytest.raises(CompileError, match=what) as caught:
        imported(Net(step), tie_currents(THRESHOLD) * 2 - 0.75)
    assert caught.value.rule == "import.neuron"


def test_what_a_function_clamps_to() -> None:
    x, low = torch.zeros(2), torch.tensor(0.5)
    assert clamp_arguments("clamp", (x, 0.0, 1.0), {}) == (x, 0.0, 1.0)
    assert clamp_arguments("clamp", (x,), {"max": 1.0}) == (x, -UNLIMITED, 1.0)
    assert clamp_arguments("clamp_min", (x,), {"min": 0.5}) == (x, 0.5, UNLIMITED)
    assert clamp_arguments("hardtanh", (x, -2.0), {}) == (x, -2.0, 1.0)
    assert clamp_arguments("min", (x,), {"other": low}) == (x, -UNLIMITED, low)
    assert clamp_arguments("max", (x, 1), {}) is None
    assert clamp_arguments("tanh", (x,), {}) is None
