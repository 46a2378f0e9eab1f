"""Modules that take (B, T, ...): found out by the axis along which their neurons step, never guessed from sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spikingjelly.activation_based.neuron import IFNode
from torch import nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_in_order
from ir.errors import CompileError

STEPS, WIDTH = 5, 4
Tensor = torch.Tensor


class Net(nn.Module):
    def __init__(self, compute: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.compute = compute
        self.fc, self.lif, self.step = nn.Linear(WIDTH, WIDTH), IFNode(step_mode="m"), IFNode()
        nn.init.normal_(self.fc.weight)

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)


def net(compute: Callable[[Any, Tensor], Any]) -> Net:
    torch.manual_seed(0)
    return Net(compute).eval()


def example(batch: int, steps: int = STEPS) -> Tensor:
    return (torch.rand(batch, steps, WIDTH, generator=torch.Generator().manual_seed(1)) < 0.5).float()


BATCH_FIRST: dict[str, tuple[Callable[[Any, Tensor], Any], set[str]]] = {
    "permuted, mean": (lambda net, x: net.lif(net.fc(x.permute(1, 0, 2))).mean(0), set()),
    "permuted there and back": (lambda net, x: net.lif(net.fc(x).transpose(0, 1)).transpose(0, 1), {"output"}),
    "permuted there": (lambda net, x: net.lif(net.fc(x).transpose(0, 1)), set()),
    "looped": (lambda net, x: torch.stack([net.step(net.fc(x[:, t])) for t in range(x.shape[1])], 1), {"output"}),
    "unbound": (lambda net, x: torch.stack([net.step(now) for now in net.fc(x).unbind(1)]), set()),
}


@pytest.mark.parametrize("batch", [3, STEPS])
@pytest.mark.parametrize("case", BATCH_FIRST)
def test_a_module_that_exchanges_the_axes_is_found_out(case: str, batch: int) -> None:
    compute, swapped = BATCH_FIRST[case]
    module, x = net(compute), example(batch)
    traced = trace_in_order(module, {"x": x}, [], 0, "net")
    assert traced.order.batch_first
    assert (traced.graph.steps, traced.order.batch_first_outputs) == (STEPS, swapped)
    assert check_import(module, traced.graph, {"x": x}, traced.order).within_rounding == 0
    stated = trace_in_order(module, {"x": x}, [], STEPS, "net", batch_first=True)
    assert stated.graph == traced.graph


@pytest.mark.parametrize("batch", [3, STEPS])
def test_a_module_whose_neurons_step_along_the_first_axis_is_time_first(batch: int) -> None:
    module, x = net(lambda net, x: net.lif(net.fc(x))), example(STEPS, batch)
    traced = trace_in_order(module, {"x": x}, [], 0, "net")
    assert (traced.order.batch_first, traced.graph.steps) == (False, STEPS)
    with pytest.raises(CompileError, match="a neuron reads"):
        trace_in_order(module, {"x": x}, [], 0, "net", batch_first=True)


def test_outputs_of_a_time_first_module_may_have_the_batch_first() -> None:
    module, x = net(lambda net, x: net.lif(net.fc(x)).transpose(0, 1)), example(STEPS, 3)
    traced = trace_in_order(module, {"x": x}, [], STEPS, "net")
    assert (traced.order.batch_first, traced.order.batch_first_outputs) == (False, {"output"})
    check_import(module, traced.graph, {"x": x}, traced.order)


def test_the_number_of_steps_that_is_stated_holds_in_both_orders() -> None:
    module = net(BATCH_FIRST["permuted, mean"][0])
    with pytest.raises(CompileError, match="check the number of steps"):
        trace_in_order(module, {"x": example(3)}, [], 3, "net")
    with pytest.raises(CompileError, match=r"has shape \(3, 5, 4\), not \(B, 3, "):
        trace_in_order(module, {"x": example(3)}, [], 3, "net", batch_first=True)


def test_the_refusal_names_the_flag() -> None:
    module = net(BATCH_FIRST["permuted, mean"][0])
    with pytest.raises(CompileError, match=r"batch_first=True \(--batch-first\)"):
        trace_in_order(module, {"x": example(3)}, [], 0, "net", batch_first=False)


def test_where_neither_order_works_the_first_refusal_stands() -> None:
    module = net(lambda net, x: net.lif(net.fc(x.sum(0))))
    with pytest.raises(CompileError, match="a neuron reads"):
        trace_in_order(module, {"x": example(3)}, [], 0, "net")


def own_neurons(net: Any, x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Neurons that are written out, over the second axis."""
    membrane, spikes = torch.zeros(x.shape[0], WIDTH), list[Tensor]()
    for t in range(x.shape[1]):
        membrane = 0.5 * membrane + function(net.fc(x[:, t]))
        spikes.append((membrane > 1.0).float())
    return torch.stack(spikes, 1)


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (
            torch.lgamma,
            "no rule for the function lgamma",
        ),  # at the first step, and nothing was written down but a layer
        (lambda x: x + x.sum(0), "sums over the batch axis"),  # also about axes
    ],
)
def test_where_neither_order_works_what_is_told_is_of_the_one_that_comes_further(
    function: Callable[[Tensor], Tensor], told: str
) -> None:
    module = net(lambda net, x: own_neurons(net, x, function))
    with pytest.raises(CompileError, match=told):
        trace_in_order(module, {"x": example(3)}, [], 0, "net")
