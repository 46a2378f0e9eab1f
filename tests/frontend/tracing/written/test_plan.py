"""Neurons that compare the zeros which they start from are found by a run that sees which comparisons depend on the input."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from frontend.tracing.written.plan import Compared, plan, planned
from ir.interpreter import interpret


class Spike(torch.autograd.Function):
    """As the tutorials on surrogate gradients write it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[x > 0] = 1.0
        return out


class Spytorch(nn.Module):
    """Zenke's tutorials: compare, then compute the next state from the last ones; a read-out that starts with zeros."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.w, self.v, self.w2 = torch.randn(12, 10), torch.randn(10, 10) / 4, torch.randn(10, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        syn = mem = out = torch.zeros(x.shape[1], 10)
        h, spikes = torch.einsum("abc,cd->abd", (x, self.w)), list[Tensor]()
        for t in range(len(x)):
            h1 = h[t] + torch.einsum("ab,bc->ac", (out, self.v))
            out = Spike.apply(mem - 1.0)
            syn, mem = 0.75 * syn + h1, (0.875 * mem + syn) * (1.0 - out.detach())
            spikes.append(out)
        spikes = torch.stack(spikes)
        h2, flt, read = (
            torch.einsum("abc,cd->abd", (spikes, self.w2)),
            torch.zeros(x.shape[1], 5),
            [torch.zeros(x.shape[1], 5)],
        )
        for t in range(len(x)):
            flt, last = 0.75 * flt + h2[t], 0.875 * read[-1] + flt
            read.append(last)
        return torch.stack(read, dim=1).max(1)[0], spikes


@pytest.mark.parametrize("steps", [7, 9])
def test_the_tutorials_on_surrogate_gradients(steps: int) -> None:
    net, x = Spytorch().eval(), (torch.rand(steps, 2, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], steps, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    (node,) = [node for node in graph.nodes.values() if node.op.kind == "lif"]
    assert (node.op.decay, node.op.current_decay, node.op.reset_at) == (0.125, 0.25, "next")
    assert net(x)[1].sum() > 0


def test_a_run_finds_out() -> None:
    x = (torch.rand(5, 2, 12) < 0.4).float()
    assert plan(Spytorch(), {"x": x}, 5, {}).places == {("", step): ("", 0, step) for step in range(5)}


def test_neurons_take_turns_or_run_one_after_another() -> None:
    turns = planned({"a": [False, False, False, False, True, False, True, True]}, 4, {}).places
    assert [turns["a", n] for n in (0, 1, 6, 7)] == [("a", 0, 0), ("a", 1, 0), ("a", 0, 3), ("a", 1, 3)]
    rows = planned({"a": [False, True, True, False, True, True]}, 3, {}).places
    assert [rows["a", n] for n in (0, 2, 3)] == [("a", 0, 0), ("a", 0, 2), ("a", 1, 0)]
    for flags in ([True] * 4, [False] * 4, [False, True, True], [True, False, True, False]):
        assert not planned({"a": flags}, 4, {}).places


NOTHING, SPIKES, MEMBRANE = Compared.CONSTANTS, Compared.SPIKES, Compared.MEMBRANE


@pytest.mark.parametrize(
    ("depends", "seen", "places"),
    [
        ([0, 1, 1, 1, 1, 1], [NOTHING, MEMBRANE, SPIKES, MEMBRANE, SPIKES, MEMBRANE], []),  # spikes that start as zeros
        ([0, 0, 0, 1, 1, 1], [NOTHING, NOTHING, NOTHING, MEMBRANE, SPIKES], [1, 3, 5]),  # and the membrane, too
        (
            [1, 1, 1, 1, 1, 1],
            [MEMBRANE, SPIKES, MEMBRANE, MEMBRANE],
            [0, 1, 2, 3, 4, 5],
        ),  # added to the spikes of others
    ],
)
def test_what_was_seen_tells_conditions_from_neurons(
    depends: list[int], seen: list[Compared], places: list[int]
) -> None:
    found = planned({"": [bool(flag) for flag in depends]}, 3, {"": seen}).places
    assert sorted(ordinal for _, ordinal in found) == places


class Direct(nn.Module):
    """Spikes that are the next neuron's current, as they are or times a number."""

    def __init__(self, gain: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.gain = nn.Linear(10, 8), gain

    def forward(self, x: Tensor) -> Tensor:
        m1 = s1 = m2 = s2 = torch.zeros(x.shape[1], 8)
        out: list[Tensor] = []
        for step in x:
            m1 = m1 * 0.5 * (1 - s1) + self.fc(step)
            s1 = (m1 > 0.25).float()
            m2 = m2 * 0.75 * (1 - s2) + self.gain * s1
            s2 = (m2 > 0.625).float()
            out.append(s2)
        return torch.stack(out)


@pytest.mark.parametrize("steps", [1, 2, 6])
@pytest.mark.parametrize("gain", [0.5, 1.0, 2.0])
def test_a_neuron_that_starts_with_the_spikes_of_another_is_one(steps: int, gain: float) -> None:
    net, x = (
        Direct(gain).eval(),
        (torch.rand(steps, 3, 10, generator=torch.Generator().manual_seed(1)) < 0.5).float() * 2,
    )
    graph = trace_module(net, {"x": x}, [], steps, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    assert torch.equal(interpret(graph, {"x": x})["output"], net(x))
    assert [node.op.kind for node in graph.nodes.values() if node.op.family == "neuron"] == ["lif", "lif"]


def test_a_module_that_fails_has_no_plan() -> None:
    assert not plan(nn.Linear(3, 4), {"input": torch.ones(2, 5)}, 2, {}).places
