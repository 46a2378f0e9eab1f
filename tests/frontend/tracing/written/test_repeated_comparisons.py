"""Neurons that compare their membrane more than once, or below the threshold: every spike is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.neuron_rules.behaviour import STEPS, tie_currents
from ir.errors import CompileError
from ir.interpreter import interpret
from tests.frontend.tracing.written.written import THRESHOLD, Written, imported

torch.set_num_threads(1)


def assigned(mem: Tensor, condition: Tensor) -> Tensor:
    mem = mem.clone()
    mem[condition] = 0.0
    return mem


def vector(mem: Tensor) -> Tensor:
    """A threshold for every neuron."""
    return (torch.arange(mem.shape[1]) % 4 + 1) / 4


AGAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "subtracted": lambda v: v - THRESHOLD * (v > THRESHOLD).float(),
    "where": lambda v: torch.where(v > THRESHOLD, torch.zeros_like(v), v),
    "masked_fill": lambda v: v.masked_fill(v > THRESHOLD, 0.0),
    "v[v > threshold] = 0": lambda v: assigned(v, v > THRESHOLD),
    "below": lambda v: v * (v <= THRESHOLD),
    "below, turned": lambda v: v * torch.ge(torch.tensor(THRESHOLD), v),
    "not above": lambda v: v * ~(v > THRESHOLD),
    "a difference": lambda v: v * (v - THRESHOLD <= 0),
    "detached": lambda v: v - (v.detach() > THRESHOLD).float() * THRESHOLD,
    "heaviside": lambda v: v * (1 - torch.heaviside(v - THRESHOLD, torch.tensor(0.0))),
    "a function": lambda v: v * (1 - Strictly.apply(v - THRESHOLD)),
    "twice more": lambda v: v * (v <= THRESHOLD) - 0.25 * (v > THRESHOLD),
}
AGAIN_VECTOR: dict[str, Callable[[Tensor], Tensor]] = {
    "subtracted": lambda v: v - vector(v) * (v > vector(v)).float(),
    "where": lambda v: torch.where(v - vector(v) > 0, torch.zeros_like(v), v),
    "below": lambda v: v * (v <= vector(v)),
    "below, turned": lambda v: v * (vector(v) >= v),
}
FIRES: dict[str, Callable[[Tensor], Tensor]] = {
    "above": lambda v: (v > THRESHOLD).float(),
    "a function": lambda v: Strictly.apply(v - THRESHOLD),
    "a vector": lambda v: (v > vector(v)).float(),
    "a difference from a vector": lambda v: Strictly.apply(v - vector(v)),
}
REPEATED = [(fires, reset, AGAIN[reset]) for fires in ("above", "a function") for reset in AGAIN]
REPEATED += [
    (fires, reset, AGAIN_VECTOR[reset])
    for fires in ("a vector", "a difference from a vector")
    for reset in AGAIN_VECTOR
]


class Strictly(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, v: Tensor) -> Tensor:
        out = torch.zeros_like(v)
        out[v > 0] = 1.0
        return out


@pytest.mark.parametrize(("fires", "name", "reset"), REPEATED)
@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("late", [False, True])
def test_the_same_comparison_again_is_the_same_spikes(
    fires: str, name: str, reset: Callable[[Tensor], Tensor], steps: int, late: bool
) -> None:
    def step(mem: Any, spike: Any, x: Tensor) -> Any:
        mem = (reset(mem) if late else mem) * 0.5 + x
        spike = FIRES[fires](mem)
        return mem if late else reset(mem), spike

    net, x = Written(step, torch.zeros_like), tie_currents(THRESHOLD)[:steps]
    graph = imported(net, x)
    assert torch.equal(interpret(graph, {"x": x})["output"], net(x))
    neurons = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert len(neurons) == 1 or steps == 1


@pytest.mark.parametrize("reset", ["subtracted", "where", "below", "twice more"])
def test_a_neuron_that_compares_what_it_starts_from_twice(reset: str) -> None:
    def step(mem: Any, spike: Any, x: Tensor) -> Any:
        return AGAIN[reset](mem) * 0.5 + x, (mem > THRESHOLD).float()

    def other(mem: Any, spike: Any, x: Tensor) -> Any:
        spike = (mem > THRESHOLD).float()
        return AGAIN[reset](mem) * 0.5 + x, spike

    def below(mem: Any, spike: Any, x: Tensor) -> Any:
        keep = (mem <= THRESHOLD).float()
        return AGAIN[reset](mem) * 0.5 + x, 1 - keep

    for net in (Written(step, torch.zeros_like), Written(other, torch.zeros_like), Written(below, torch.zeros_like)):
        x = tie_currents(THRESHOLD)
        assert torch.equal(interpret(imported(net, x), {"x": x})["output"], net(x))


def keeps(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    keep = (mem <= THRESHOLD).float()
    return mem * keep, 1 - keep


def keeps_what_is_smaller(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    keep = mem < THRESHOLD
    return torch.where(keep, mem, torch.zeros_like(mem)), (mem >= THRESHOLD).float()


def keeps_below_a_vector(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    keep = mem < vector(mem)
    return mem * keep, (~keep).float()


def is_below(mem: Any, spike: Any, x: Tensor) -> Any:
    mem = mem * 0.5 + x
    return mem, (mem < THRESHOLD).float()


@pytest.mark.parametrize(
    ("step", "comparator", "module"),
    [
        (keeps, ">", "fires[0::1]~"),
        (keeps_what_is_smaller, ">=", "fires[0::2]~"),
        (keeps_below_a_vector, ">=", "fires[0::1]~"),
        (is_below, ">=", "fires[0::1]~"),
    ],
)
@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("start", [0.0, torch.zeros_like])
def test_a_comparison_below_is_the_complement(
    step: Callable[..., Any], comparator: str, module: str, steps: int, start: Any
) -> None:
    net, x = Written(step, start), tie_currents(THRESHOLD)[:steps]
    graph = imported(net, x)
    assert torch.equal(interpret(graph, {"x": x})["output"], net(x))
    node = next(node for node in graph.nodes.values() if node.op.family == "neuron")
    assert (node.op.comparator, node.provenance.module) == (comparator, module) or steps == 1


class Cells(nn.Module):
    """Two layers in one loop that compare each membrane twice, in turns."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 4)
        for layer in (self.fc1, self.fc2):
            layer.weight.data = torch.randint(-4, 9, layer.weight.shape) / 8

    def forward(self, x: Tensor) -> Tensor:
        mem1, mem2, out = torch.zeros(x.shape[1], 8), torch.zeros(x.shape[1], 4), list[Tensor]()
        for step in x:
            reset = (mem2 > 1.0).float()
            mem1 = mem1 * 0.5 + self.fc1(step)
            mem2 = mem2 * 0.75 - reset + self.fc2((mem1 > 0.5).float())
            mem1 = mem1 - 0.5 * (mem1 > 0.5)
            out.append((mem2 > 1.0).float())
        return torch.stack(out)


def test_layers_that_compare_twice_are_told_apart() -> None:
    torch.manual_seed(0)
    net, x = Cells(), (torch.rand(7, 3, 6) < 0.5).float()
    graph = imported(net, x)
    assert torch.equal(interpret(graph, {"x": x})["output"], net(x))
    first, second = [node for node in graph.nodes.values() if node.op.family == "neuron"]
    assert [node.provenance.module for node in (first, second)] == ["fires[1::4]", "fires[3::4]"]


def test_integers_are_counted_twice() -> None:
    def step(mem: Any, spike: Any, x: Tensor) -> Any:
        mem = mem * 0.5 + x
        return mem - torch.round(torch.clamp(mem, 0, 4)), torch.round(torch.clamp(mem, 0, 4))

    net, x = Written(step, torch.zeros_like), tie_currents(1.0)
    assert torch.equal(interpret(imported(net, x), {"x": x})["output"], net(x))


def _twice(second: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Any]:
    def step(mem: Any, spike: Any, x: Tensor) -> Any:
        mem = mem * 0.5 + x
        spike = (mem > THRESHOLD).float()
        return mem * (1 - second(mem, x).float()), spike

    return step


OTHERS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "another threshold": lambda v, x: v > 1.0,
    "at the threshold, too": lambda v, x: v >= THRESHOLD,
    "not at the threshold": lambda v, x: ~(v < THRESHOLD),
    "a current added": lambda v, x: v + 0.25 * x > THRESHOLD,
    "a number added": lambda v, x: v + 0.25 > THRESHOLD,
    "a number added and subtracted, which rounds": lambda v, x: (v + 0.25) - 0.25 > THRESHOLD,
    "twice the membrane": lambda v, x: 2 * v > THRESHOLD,
    "another sign": lambda v, x: -v > -THRESHOLD,
    "what the reset leaves": lambda v, x: v - THRESHOLD * (v > THRESHOLD) > THRESHOLD,
    "another vector": lambda v, x: v > vector(v),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_comparison_is_refused(case: str) -> None:
    with pytest.raises(CompileError) as caught:
        imported(Written(_twice(OTHERS[case])), tie_currents(THRESHOLD))
    assert caught.value.rule == "import.neuron"
    assert "does not do the same at every step" in caught.value.what
