"""Neurons that a model writes out and that read another layer at every step: every spike is the module's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from frontend.recording.layout import BATCH, Axis, View, feature_dims
from frontend.recording.recorder import Recorder
from frontend.tracing.written.expressions import Expression
from frontend.tracing.written.loops.by_step import by_step
from frontend.tracing.written.loops.rolling import CURRENT, STATE
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.types import REAL, Type
from tests.frontend.tracing.written.written import imported

STEPS, WIDTH = 5, 8


class Net(nn.Module):
    """Layers and norms for every step, and a current of one step that is given."""

    def __init__(self, current: Callable[[Any, int, Tensor, Tensor], Any], threshold: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.current, self.rise = current, threshold
        self.layers = nn.ModuleList([nn.Linear(WIDTH, WIDTH) for _ in range(STEPS)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(WIDTH, eps=0.0) for _ in range(STEPS)])
        for parameter in self.parameters():
            parameter.data = torch.randint(-2, 5, parameter.shape) / 8
        for norm in self.norms:
            norm.get_buffer("running_var").copy_(torch.tensor([0.25, 1.0, 4.0, 1.0]).repeat(2))

    def forward(self, x: Tensor) -> Tensor:
        v = z = torch.zeros_like(x[0])
        spikes = list[Tensor]()
        for t in range(len(x)):
            v = 0.75 * v + self.current(self, t, x[t], z)
            z = (v > 0.25 + t * self.rise).float()
            v = v - 0.25 * z
            spikes.append(z)
        return torch.stack(spikes)


FORMS: dict[str, Callable[[Any, int, Tensor, Tensor], Any]] = {
    "norms": lambda net, t, x, z: net.norms[t](net.layers[0](x)),
    "weights": lambda net, t, x, z: net.layers[t](x),
    "both, and one more": lambda net, t, x, z: net.norms[t](net.layers[t](x)) + net.layers[0](x),
    "another one at first": lambda net, t, x, z: net.layers[min(t, 1)](x),
    "with spikes that come back": lambda net, t, x, z: net.layers[t](x) - z @ net.layers[0].weight,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_step_reads_its_own(form: str) -> None:
    net, x = Net(FORMS[form]), (torch.rand(STEPS, 4, WIDTH) < 0.5).float()
    (spikes,) = interpret(imported(net, x), {"x": x}).values()
    assert torch.equal(spikes, net(x))
    assert 0.02 < spikes.mean() < 0.98


@pytest.mark.parametrize(
    ("current", "threshold", "what"),
    [
        (
            lambda net, t, x, z: net.layers[0](x) + (net.layers[1](x) if t == 0 else 0),
            0.0,
            "reads %layers.1 at one step",
        ),
        (lambda net, t, x, z: net.layers[0](x), 0.125, "does something else at step 1"),
    ],
)
def test_what_differs_otherwise_is_refused_as_before(current: Any, threshold: float, what: str) -> None:
    with pytest.raises(CompileError, match=what):
        imported(Net(current, threshold), (torch.rand(STEPS, 4, WIDTH) < 0.5).float())


def test_currents_of_all_steps_become_one() -> None:
    recorder = Recorder("net", 3, 2, {})
    dims = ((Axis(BATCH, 2),), *feature_dims((4,)))
    values = [recorder.input(name, Type((4,), REAL)).value for name in "abc"]

    def made(*names: str) -> list[Expression]:
        rows = [Expression((CURRENT, name, dims, step)) for step, name in enumerate(names)]
        states = [Expression((STATE, "site", step - 1)) if step else 0.0 for step in range(len(names))]
        return [Expression(None, "add", (state, row)) for state, row in zip(states, rows, strict=True)]

    found = by_step(recorder, made(*values))
    assert found is not None
    keys = [expression.args[1].key for expression in found if isinstance(expression.args[1], Expression)]
    assert [key[-1] for key in keys if key] == [0, 1, 2]
    (value,) = {key[1] for key in keys if key}
    assert recorder.node(value).op.kind == "add"
    assert recorder.type(View(value, dims)).shape == (4,)
    assert by_step(recorder, made("a", "a", "a")) is None
