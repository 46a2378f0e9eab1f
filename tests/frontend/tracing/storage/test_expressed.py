"""Membranes and spikes that a model keeps in the rows of a tensor, all steps at once: every spike, and every membrane, is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn, zeros

from frontend.recording.layout import BATCH, Axis, View
from frontend.tracing.import_check import check_import
from frontend.tracing.storage.assembly import Writer
from frontend.tracing.storage.expressed import ExpressedTensors
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.trace import trace_module
from frontend.tracing.written.expressions import Expression
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.types import SPIKE, Type

STEPS, BATCH_SIZE, WIDTH = 6, 3, 8
Forward = Callable[["Net", Tensor], Any]


class Net(nn.Module):
    """Weights, and a forward that is given."""

    def __init__(self, run: Forward) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.run, self.f = run, nn.Linear(WIDTH, WIDTH)
        self.w = nn.Parameter(torch.randint(-2, 3, (WIDTH, WIDTH)) / 4)
        self.f.weight.data = torch.randint(-3, 4, (WIDTH, WIDTH)) / 4
        self.f.bias.data = torch.randint(0, 3, (WIDTH,)) / 8

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


def compared(run: Forward, *, static: bool = False) -> list[str]:
    """Compare the import with the module; the kinds of the graph's neurons."""
    net, shape = Net(run).eval(), (BATCH_SIZE, WIDTH) if static else (STEPS, BATCH_SIZE, WIDTH)
    x = (torch.rand(shape, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    graph = trace_module(net, {"x": x}, ["x"] if static else [], STEPS, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    with torch.no_grad():
        theirs = net(x)
    theirs = theirs if isinstance(theirs, tuple) else (theirs,)
    assert 0 < (theirs[0] > 0).float().mean() < 1
    found = interpret(graph, {"x": x[None] if static else x}).values()
    for ours, module in zip(found, theirs, strict=True):
        torch.testing.assert_close(ours.reshape(module.shape), module, rtol=0, atol=0)
    return [node.op.kind for node in graph.nodes.values() if node.op.family == "neuron"]


def fired(membrane: Tensor) -> Tensor:
    return (membrane > 0.5).float()


def history(net: Net, x: Tensor) -> tuple[Tensor, Tensor]:
    v, z = zeros(len(x) + 1, *x.shape[1:]), zeros(len(x) + 1, *x.shape[1:])
    for t in range(len(x)):
        v[t + 1] = 0.75 * v[t] + net.f(x[t]) - z[t] * 0.5
        z[t + 1] = fired(v[t + 1])
    return v, z


def added_in_place(net: Net, x: Tensor) -> Tensor:
    v, z = zeros(len(x) + 1, *x.shape[1:]), torch.zeros_like(x)
    for t in range(len(x)):
        v[t + 1] = 0.75 * v[t]
        v[t + 1] += net.f(x[t])
        z[t] = fired(v[t + 1])
        v[t + 1] -= z[t] * 0.5
    return z


def added_by_methods(net: Net, x: Tensor) -> Tensor:
    v, z = zeros(len(x) + 1, *x.shape[1:]), torch.zeros_like(x)
    for t in range(len(x)):
        v[t + 1].add_(0.75 * v[t]).add_(net.f(x[t]))
        z[t].copy_(fired(v[t + 1]))
        v[t + 1].sub_(z[t] * 0.5)
    return z


def reset_in_the_row(net: Net, x: Tensor) -> Tensor:
    v, z = zeros(len(x) + 1, *x.shape[1:]), torch.zeros_like(x)
    for t in range(len(x)):
        v[t + 1] = 0.75 * v[t] + net.f(x[t])
        z[t] = fired(v[t + 1])
        v[t + 1] = v[t + 1] * (1 - z[t])
    return z


def last_row_first(net: Net, x: Tensor) -> Tensor:
    v, z = torch.zeros_like(x), torch.zeros_like(x)
    for t in range(len(x)):
        v[t] = 0.75 * v[t - 1] + net.f(x[t]) - z[t - 1] * 0.5
        z[t] = fired(v[t])
    return z


def batch_first(net: Net, x: Tensor) -> Tensor:
    v, z = zeros(x.shape[1], len(x) + 1, WIDTH), zeros(x.shape[1], len(x), WIDTH)
    for t in range(len(x)):
        v[:, t + 1] = 0.75 * v[:, t] + net.f(x[t])
        z[:, t] = fired(v[:, t + 1])
        v[:, t + 1] = torch.where(z[:, t] > 0, 0.0, v[:, t + 1])
    return z.transpose(0, 1)


def with_a_name_too(net: Net, x: Tensor) -> Tensor:
    v, z = zeros(len(x) + 1, *x.shape[1:]), zeros(len(x) + 1, *x.shape[1:])
    for t in range(len(x)):
        membrane = 0.75 * v[t] + net.f(x[t]) - z[t] * 0.5
        v[t + 1] = membrane
        z[t + 1] = fired(membrane)
    return z[1:]


def fires_first(net: Net, x: Tensor) -> Tensor:
    v, z = zeros(len(x) + 1, *x.shape[1:]), torch.zeros_like(x)
    for t in range(len(x)):
        z[t] = fired(v[t])
        v[t + 1] = 0.75 * v[t] + net.f(x[t]) - z[t] * 0.5
    return z


def two_layers_and_currents(net: Net, x: Tensor) -> Tensor:
    i, v, z = (zeros(2, len(x) + 1, *x.shape[1:]) for _ in range(3))
    for t in range(len(x)):
        i[0, t + 1] = 0.5 * i[0, t] + net.f(x[t]) + z[0, t] @ net.w
        v[0, t + 1] = 0.75 * v[0, t] + i[0, t + 1] - z[0, t] * 0.5
        z[0, t + 1] = fired(v[0, t + 1])
        v[1, t + 1] = 0.75 * v[1, t] + z[0, t + 1] @ net.w - z[1, t] * 0.5
        z[1, t + 1] = fired(v[1, t + 1])
    return z[1, 1:]


def recorded(net: Net, x: Tensor) -> tuple[Tensor, Tensor]:
    v, rows, z = zeros(x.shape[1:]), torch.empty_like(x), torch.empty_like(x)
    for t in range(len(x)):
        v = 0.75 * v + net.f(x[t])
        z[t] = fired(v)
        rows[t] = v
        v -= z[t] * 0.5
    return z, rows


def integrated(net: Net, x: Tensor) -> Tensor:
    v = zeros(len(x) + 1, *x.shape[1:])
    for t in range(len(x)):
        v[t + 1] = 0.75 * v[t] + net.f(x[t])
    return v


FORMS: dict[str, Forward] = {
    "spikes": lambda net, x: history(net, x)[1][1:],
    "spikes and membranes": lambda net, x: (history(net, x)[1][1:], history(net, x)[0][1:]),
    "the last row": lambda net, x: (history(net, x)[1][-1], history(net, x)[0][-1]),
    "stacked rows": lambda net, x: torch.stack([*history(net, x)[0][1:]]),
    "added in place": added_in_place,
    "added by methods": added_by_methods,
    "reset in the row": reset_in_the_row,
    "the last row first": last_row_first,
    "batch first": batch_first,
    "with a name, too": with_a_name_too,
    "fires first": fires_first,
    "two layers, and currents": two_layers_and_currents,
    "recorded": recorded,
    "integrated": lambda net, x: integrated(net, x)[1:],
    "integrated, the last one": lambda net, x: integrated(net, x)[-1],
    "integrated, the largest": lambda net, x: integrated(net, x)[1:].amax(0),
}


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_what_was_written_there(form: str) -> None:
    assert compared(FORMS[form])


def test_rows_of_spikes_are_read_by_another_loop() -> None:
    def run(net: Net, x: Tensor) -> Tensor:
        v, z = zeros(x.shape), zeros(*x.shape, STEPS)
        for t in range(STEPS):
            v = v + x
            z[..., t] = (v > 0.75).float()
            v = v - z[..., t] * 0.75
        v, count = zeros(x.shape), zeros(x.shape)
        for t in range(STEPS):
            v = v * 0.5 + net.f(z[..., t])
            count = count + fired(v)
            v = v * (1 - fired(v))
        return count

    assert compared(run, static=True) == ["lif", "lif", "leaky"]  # the last one counts


def test_a_part_of_the_steps_of_a_membrane_is_refused() -> None:
    with pytest.raises(CompileError, match="used as a value") as refused:
        compared(lambda net, x: history(net, x)[0][3:])
    assert refused.value.rule == "import.state"


VIEW = View("x", ((Axis(BATCH, 2),), (Axis(BATCH, 3),)))


@pytest.fixture
def tensors() -> TracedTensors:
    return TracedTensors(Writer(lambda *_: VIEW, lambda _: Type((3,), SPIKE), lambda _: None))


def test_a_stand_in_is_what_a_tensor_was(tensors: TracedTensors) -> None:
    expressed, rows, membrane = ExpressedTensors(tensors), zeros(4, 2, 3), zeros(2, 3)
    first, second = Expression(("first",)), Expression(("second",))
    expressed.keep(membrane, first)
    tensors.refuse(membrane, CompileError("import.state", "is no value"))
    tensors.prepare_write(rows)
    tensors.write(rows[1], None, expressed.stand_in(membrane))
    expressed.keep(membrane, second)
    assert expressed.get(membrane) is second
    assert expressed.get(rows[1]) is first
    assert expressed.get(rows[2]) is expressed.get(rows[1, :1]) is None
    with pytest.raises(CompileError, match="is no value"):
        tensors.view(rows[1])
    tensors.write(rows[1], VIEW)
    assert expressed.get(rows[1]) is None


def test_all_that_are_the_same_have_one_expression(tensors: TracedTensors) -> None:
    expressed, rows, value = ExpressedTensors(tensors), zeros(4, 2, 3), zeros(2, 3)
    expression = Expression(("current",))
    tensors.add(value, VIEW)
    expressed.keep(value, expression)
    tensors.prepare_write(rows)
    tensors.write(rows[0], VIEW, expressed.stand_in(value))
    (own, row) = expressed.having(expression)
    assert own is value
    assert row is tensors.standing_for(rows[0])
    assert row.untyped_storage().nbytes() == row.element_size()
    expressed.forget(value)
    assert expressed.having(expression) == [row]
