"""Surrogate gradients by detach: what cancels leaves spikes, and what functions make of membranes is refused where it is used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.types import SPIKE
from tests.frontend.tracing.written.written import imported

torch.set_num_threads(1)


def hard(v: Tensor) -> Tensor:
    return (v > 1).float()


def detour(soft: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda v: (hard(v) - soft(v)).detach() + soft(v)


def kept(v: Tensor) -> Tensor:
    soft = torch.sigmoid(4 * (v - 1))
    return soft + (hard(v) - soft).detach()


FIRES: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": detour(lambda v: torch.sigmoid(v - 1)),
    "tanh": detour(lambda v: torch.tanh(2 * v)),
    "atan": detour(lambda v: torch.arctan(v) / torch.pi + 0.5),
    "softmax": detour(lambda v: torch.softmax(v, -1)),
    "nested": detour(lambda v: torch.exp(-torch.abs(v - 1))),
    "triangle": detour(lambda v: F.relu(1 - torch.abs(v - 1))),
    "clamp": detour(lambda v: v.clamp(0, 1)),
    "hardtanh": detour(lambda v: F.hardtanh(v - 1)),
    "itself": detour(lambda v: v),
    "scaled": detour(lambda v: 0.3 * v + 0.1),
    "before": kept,
    "in another order": lambda v: hard(v) + torch.sigmoid(v) - torch.sigmoid(v).detach(),
    "detached first": lambda v: hard(v).detach() + v - v.detach(),
    "around the membrane": lambda v: v + (hard(v) - v).detach(),
    "taken from": lambda v: v - (v - hard(v)).detach(),
    "two": lambda v: hard(v) + (v - v.detach()) + (torch.tanh(v) - torch.tanh(v).detach()),
    "the complement": lambda v: 1 - ((v <= 1).float() - v.detach() + v),
}


class Net(nn.Module):
    def __init__(self, fire: Callable[[Tensor], Tensor], soft: bool) -> None:
        super().__init__()
        self.fire, self.soft = fire, soft

    def forward(self, x: Tensor) -> Tensor:
        v, out = 0.0, list[Tensor]()
        for step in x:
            v = 0.75 * v + step
            z = self.fire(v)
            v = v - z if self.soft else v * (1 - z.detach())
            out.append(z)
        return torch.stack(out)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("name", FIRES)
def test_spikes_are_left_up_to_rounding(name: str, soft: bool) -> None:
    net, plain = Net(FIRES[name], soft), Net(hard, soft)
    # eighths of odd numbers: no membrane comes to a threshold, where rounding of the spikes would decide
    x, more = (
        torch.randint(-6, 12, (6, n, 8), generator=torch.Generator().manual_seed(n)) / 4 + 0.0517 for n in (3, 5)
    )
    graph = imported(net, x)
    assert graph.nodes[graph.outputs["output"]].type.domain == SPIKE
    spikes = interpret(graph, {"x": more})["output"]
    assert 0 < spikes.mean() < 1
    assert torch.equal(spikes, plain(more))
    torch.testing.assert_close(net(more), spikes, rtol=0, atol=1e-6)


OTHER: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "no detour": (lambda v: hard(v) * torch.sigmoid(v), r"\(sigmoid\)"),
    "half of it": (lambda v: hard(v) + torch.sigmoid(v) - 0.5 * torch.sigmoid(v).detach(), r"\(sigmoid\)"),
    "another function": (lambda v: hard(v) + torch.sigmoid(v) - torch.tanh(v).detach(), r"\((sigmoid|tanh)\)"),
    "of something else": (lambda v: hard(v) + torch.sigmoid(v) - torch.sigmoid(v + 1).detach(), r"\(sigmoid\)"),
    "other limits": (lambda v: hard(v) + v.clamp(0, 1) - v.clamp(0, 2).detach(), "clamp"),
    "one limit": (lambda v: hard(v) + v - v.clamp(-100, 100).detach(), "is scaled"),
    "other numbers": (lambda v: hard(v) + F.leaky_relu(v, 0.1) - F.leaky_relu(v, 0.2), r"\(leaky_relu\)"),
    "a comparison of it": (lambda v: (torch.tanh(v) > 0.5).float() * hard(v), r"\(tanh\)"),
}


@pytest.mark.parametrize("case", OTHER)
def test_what_does_not_cancel_is_refused(case: str) -> None:
    fire, what = OTHER[case]
    x = torch.rand(6, 3, 8, generator=torch.Generator().manual_seed(0)) * 3
    with pytest.raises(CompileError, match=what) as caught:
        imported(Net(fire, soft=False), x)
    assert caught.value.rule.startswith("import.")


class Looking(nn.Module):
    """It keeps something of its membranes, and may return it."""

    def __init__(self, look: Callable[[Tensor], Any], returns: bool) -> None:
        super().__init__()
        self.look, self.returns = look, returns

    def forward(self, x: Tensor) -> Any:
        v, out, seen = 0.0, list[Tensor](), list[Any]()
        for step in x:
            v = 0.75 * v + step
            z = hard(v)
            seen.append(self.look(v))
            v = v * (1 - z)
            out.append(z)
        return (torch.stack(out), torch.stack(seen)) if self.returns else torch.stack(out)


LOOKS: dict[str, Callable[[Tensor], Any]] = {
    "tanh": torch.tanh,
    "unsqueeze": lambda v: v.unsqueeze(0),
    "select": lambda v: v[:, 0],
    "mean": lambda v: torch.tanh(v).mean(-1),
}


@pytest.mark.parametrize("name", LOOKS)
def test_functions_of_membranes_matter_where_they_are_used(name: str) -> None:
    x = torch.randint(-6, 12, (6, 3, 8), generator=torch.Generator().manual_seed(0)) / 4
    graph = trace_module(Looking(LOOKS[name], returns=False).eval(), {"x": x}, [], 6, "net")
    assert torch.equal(interpret(graph, {"x": x})["output"], Looking(LOOKS[name], returns=False)(x))
    with pytest.raises(CompileError, match=r"used as a value \(\w+\)") as caught:
        trace_module(Looking(LOOKS[name], returns=True).eval(), {"x": x}, [], 6, "net")
    assert (caught.value.rule, "(hard - soft).detach() + soft" in caught.value.hint) == ("import.state", True)


@pytest.mark.parametrize("look", [lambda v: v.tanh_(), lambda v: bool(v.sum() > 0)])
def test_what_writes_or_decides_is_refused_at_once(look: Callable[[Tensor], Any]) -> None:
    with pytest.raises(CompileError) as caught:
        trace_module(Looking(look, returns=False).eval(), {"x": torch.rand(6, 3, 8)}, [], 6, "net")
    assert caught.value.rule.startswith("import.")
