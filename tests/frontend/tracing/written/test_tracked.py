"""Which tensors have an expression: what was kept, values as currents, numbers and uniform constants as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from frontend.recording.layout import BATCH, FEATURE, Axis, View
from frontend.recording.recorder import Recorder
from frontend.tracing.import_check import check_import
from frontend.tracing.storage.assembly import Writer
from frontend.tracing.tensors import TracedTensors
from frontend.tracing.trace import trace_module
from frontend.tracing.written.comparisons import Inequality
from frontend.tracing.written.expressions import Expression
from frontend.tracing.written.loops.recognition import Firing
from frontend.tracing.written.loops.rolling import CURRENT, SPIKES, STATE
from frontend.tracing.written.tracked import TrackedExpressions
from ir.ops import Lif
from ir.types import SPIKE as SPIKING
from ir.types import Type

VIEW = View("x", ((Axis(BATCH, 3),), (Axis(FEATURE, 2, (0,)),)), step=0)
V = Expression((STATE, "site", 0))


class Run:
    def __init__(self) -> None:
        self.tensors = TracedTensors(Writer(lambda *_: None, lambda _: Type((2,), SPIKING), lambda _: None))
        self.tracked = TrackedExpressions(Recorder("net", 4, 3, {}), self.tensors, lambda *_: VIEW)
        self.x, self.mem = torch.ones(3, 2), torch.zeros(3, 2)
        self.tensors.add(self.x, VIEW)
        self.tracked.keep(self.mem, V)


@pytest.fixture
def run() -> Run:
    return Run()


def test_values_are_currents_and_states_are_no_values(run: Run) -> None:
    current = run.tracked.of(run.x)
    assert current is not None
    assert current.key is not None
    assert current.key[0] == CURRENT
    assert run.tracked.views[current.key] == VIEW
    assert run.tracked.of(run.mem) is V
    assert run.tracked.is_state(run.mem)
    assert not run.tracked.is_state(run.x)
    assert run.tracked.of(torch.ones(3, 2)) is None


@pytest.mark.parametrize("number", [2.0, 2, torch.tensor(2.0), torch.full((3, 2), 2.0)])
def test_operations_take_numbers_and_uniform_constants(run: Run, number: object) -> None:
    made = run.tracked.operation("__mul__", (run.mem, number), {})
    assert made is not None
    assert (made.name, made.args) == ("mul", (V, 2.0))
    assert run.tracked.holds_state(made)


def test_constants_of_single_neurons_are_those_of_one_sample(run: Run) -> None:
    for constant in (torch.tensor([0.5, 0.25]), torch.tensor([[0.5, 0.25]])):
        made = run.tracked.operation("mul", (run.mem, constant), {})
        assert made is not None
        assert made.args[1].tolist() == [0.5, 0.25]


def test_a_sum_of_branches_is_the_sum_of_its_parts(run: Run) -> None:
    run.tracked.keep(run.mem, Expression(None, "mul", (Expression(run.tracked.key_of(VIEW)), 0.5)))
    for args, given in (
        ((1,), {}),
        ((1, False), {}),
        ((), {"dim": 1, "keepdim": False}),
        (((-1,),), {}),
        ((), {"axis": 1}),
    ):
        made = run.tracked.operation("sum", (run.mem, *args), given)
        assert made is not None
        assert (made.name, [part.name for part in made.args]) == ("add", ["mul", "mul"])
    for args, given in (((), {"dim": 0}), ((1, True), {}), ((1,), {"keepdim": True}), ((1,), {"dtype": torch.float32})):
        assert run.tracked.operation("sum", (run.mem, *args), given) is None


def test_sums_with_alpha(run: Run) -> None:
    for term in (run.x, 0.25):
        made = run.tracked.operation("sub", (run.mem, term), {"alpha": 2})
        assert made is not None
        assert (made.name, made.args[0]) == ("sub", V)
        assert isinstance(made.args[1], Expression)
        assert (made.args[1].name, made.args[1].args[1]) == ("mul", 2.0)


def test_what_has_no_expression(run: Run) -> None:
    for name, args in (
        ("mul", (run.mem, torch.rand(3, 2))),  # differs in the batch
        ("mul", (run.mem, torch.ones(4, 3, 2))),
        ("tanh", (run.mem,)),
    ):
        assert run.tracked.operation(name, args, {}) is None
    assert run.tracked.operation("rsub", (run.mem, run.x), {"alpha": 2}) is None
    assert run.tracked.operation("to", (run.mem,), {"dtype": torch.float32}) is not None


def test_a_state_that_was_written_into_is_forgotten_where_others_look_at_it(run: Run) -> None:
    same_memory = run.mem.detach()
    run.tracked.keep(same_memory, V)
    run.tracked.forget_aliases(run.mem, [run.mem])
    assert not run.tracked.is_state(same_memory)


def test_what_was_compared_is_the_state_and_what_it_was_made_of_is_known_by_it(run: Run) -> None:
    compared = torch.zeros(3, 2)
    expression = run.tracked.operation("sub", (run.mem, 0.5), {})
    assert expression is not None
    run.tracked.keep(compared, expression)
    state = Expression((STATE, "site", 1))
    run.tracked.name_states(compared, expression, state)
    assert run.tracked.of(compared) is state
    membrane = run.tracked.of(run.mem)
    assert membrane is not None
    assert (membrane.name, membrane.args) == ("add", (state, 0.5))
    assert not run.tracked.holds_state(Expression((CURRENT, "x")))
    assert run.tracked.holds_state(Expression((SPIKES, "site", 1)))


class Fired:
    """A site that made one step."""

    def __init__(self, firing: Firing, made: Expression) -> None:
        self.firing, self.made, self.calls = firing, [made], 1


def test_a_comparison_that_was_made_before_is_known(run: Run) -> None:
    first, how, itself = run.tracked.difference(Inequality(run.mem, Firing(0.5, ">")))
    assert first is not None
    assert (first.name, first.args, how, itself) == ("sub", (V, 0.5), Firing(0.0, ">"), False)
    site = Fired(how, first)
    run.tracked.sites["spikes", ()] = site
    run.tracked.name_states(None, first, Expression((STATE, site, 0)))
    for level, comparator, known in ((0.5, ">", True), (0.5, ">=", False), (0.25, ">", False)):
        for below in (False, True):
            difference, how, _ = run.tracked.difference(Inequality(run.mem, Firing(level, comparator, below=below)))
            assert difference is not None
            found = run.tracked.fired_before(difference, how)
            assert (found is not None and found.key == (SPIKES, site, 0)) is known


def test_a_comparison_with_a_value_that_moves_is_known_too(run: Run) -> None:
    moving = torch.zeros(3, 2)
    run.tracked.keep(moving, Expression(None, "mul", (Expression((SPIKES, "other", 0)), 0.5)))
    firing = Firing(0.0, ">")
    first, second = (run.tracked.difference(Inequality(run.mem, firing, moving))[0] for _ in range(2))
    assert first is not None
    assert second is not None
    site = Fired(firing, first)
    run.tracked.sites["spikes", ()] = site
    found = run.tracked.fired_before(second, firing)
    assert found is not None
    assert found.key == (SPIKES, site, 0)
    assert run.tracked.fired_before(Expression(None, "sub", (second, 0.5)), firing) is None


class StillCurrent(nn.Module):
    """A current of a still image, made before the loop of a neuron that is written out."""

    def __init__(self, current: Callable[[torch.Tensor], torch.Tensor], start: float | None = None) -> None:
        super().__init__()
        self.current, self.start = current, start

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        current = self.current(x)
        membrane: Any = torch.zeros_like(current) if self.start is None else self.start
        spikes: list[torch.Tensor] = []
        for _ in range(4):
            membrane = membrane * 0.5 + current
            spikes.append((membrane - 1.0 > 0.0).float())
            membrane = membrane * (1 - spikes[-1])
        return torch.stack(spikes)


@pytest.mark.parametrize("start", [None, 0.0])
@pytest.mark.parametrize("current", [lambda x: x * 3.0, lambda x: (x - 0.4) / 0.25, lambda x: x + 0.5])
def test_numbers_before_the_loop_leave_a_current_what_it_is(
    current: Callable[[torch.Tensor], torch.Tensor], start: float | None
) -> None:
    net, x = StillCurrent(current, start).eval(), torch.rand(5, 6, generator=torch.Generator().manual_seed(0))
    graph = trace_module(net, {"x": x}, ["x"], 4, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    (neuron,) = [node.op for node in graph.nodes.values() if isinstance(node.op, Lif)]
    assert (neuron.decay, neuron.form) == (0.5, "sum")
    assert 0 < net(x).mean() < 1
