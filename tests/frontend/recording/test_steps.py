"""Loops over the steps, as SpikingJelly's users write them in single-step mode, fold to the same graph as multi-step modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import functional, layer
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn

from frontend.recording.layout import View
from frontend.recording.recorder import Recorder
from frontend.recording.steps import at_step, one_step, part_of_window, whole_window
from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import AtStep
from ir.types import REAL, Type

torch.set_num_threads(1)
STEPS, CHANNELS, OUT = 4, 2, 6
Tensor = torch.Tensor


class Model(nn.Module):
    """A convolutional network in single-step mode, and a forward pass that loops over it."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **children: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.compute = forward
        self.net = nn.Sequential(
            layer.Conv2d(CHANNELS, 4, 3, padding=1, bias=False),
            layer.BatchNorm2d(4),
            IFNode(),
            layer.MaxPool2d(2, 2),
            layer.Flatten(),
            layer.Dropout(0.5),
            layer.Linear(16, OUT),
            LIFNode(v_reset=None),
        )
        nn.init.uniform_(self.net[1].bias, 0.2, 1.0)
        nn.init.uniform_(self.net[6].weight, -0.6, 1.0)
        for name, child in children.items():
            self.add_module(name, child)

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)


def imported(forward: Callable[[Any, Tensor], Any], static: bool = False, **children: nn.Module) -> Graph:
    """The graph, checked against the module spike by spike on other samples."""
    net = Model(forward, **children).eval()
    outer = (7,) if static else (STEPS, 7)
    x = (torch.rand(*outer, CHANNELS, 4, 4, generator=torch.Generator().manual_seed(0)) < 0.4).float()
    graph = trace_module(net, {"x": x}, ["x"] if static else [], STEPS, "net")
    checked = check_import(net, graph, {"x": x})
    assert checked.within_rounding == 0
    assert all(layer.compared for layer in checked.layers)
    with torch.no_grad():
        functional.reset_net(net)
        spikes = functional.multi_step_forward(x if not static else x[None].repeat(STEPS, 1, 1, 1, 1), net.net)
    assert 0.05 < float(spikes.mean()) < 0.95
    return graph


def _accumulated(net: Any, x: Tensor, out: Any) -> Tensor:
    for t in range(STEPS):
        out += net.net(x[t])
    return out


def _last(net: Any, x: Tensor) -> Tensor:
    for t in range(STEPS):
        out = net.net(x[t])
    return out


def _listed(net: Any, x: Tensor) -> list[Tensor]:
    outs: list[Tensor] = []
    for step in x:
        outs.append(net.net(step))
    return outs


def _reset_around(net: Any, x: Tensor) -> Tensor:
    functional.reset_net(net)
    out = functional.multi_step_forward(x, net.net)
    functional.reset_net(net)
    return out


def _read_out(net: Any, x: Tensor) -> Tensor:
    """A leaky integrator by hand, behind the last neurons."""
    v = torch.zeros(x.shape[1], OUT)
    for t in range(STEPS):
        v = 0.5 * v + net.net(x[t])
    return v


LOOPS: dict[str, Callable[[Any, Tensor], Any]] = {
    "added to 0": lambda net, x: _accumulated(net, x, 0) / STEPS,
    "added in place to zeros": lambda net, x: _accumulated(net, x, torch.zeros(x.shape[1], OUT)),
    "sum of a list": lambda net, x: sum(_listed(net, x)),
    "stacked": lambda net, x: torch.stack(_listed(net, x)),
    "stacked behind the batch": lambda net, x: torch.stack(_listed(net, x), dim=1).mean(1),
    "joined": lambda net, x: torch.cat([out.unsqueeze(0) for out in _listed(net, x)], dim=0).mean(0),
    "last": _last,
    "late steps": lambda net, x: torch.stack(_listed(net, x))[2:].sum(0),
    "two of them": lambda net, x: (torch.stack(_listed(net, x))[-1], torch.stack(_listed(net, x)[:1])[0]),
    "multi_step_forward": lambda net, x: functional.multi_step_forward(x, net.net),
    "reset around": _reset_around,
    "integrator by hand": _read_out,
    "split": lambda net, x: torch.stack([net.net(part.squeeze(0)) for part in x.split(1)]).sum(0),
    "features of a step": lambda net, x: torch.stack([net.net(x[t, :, :2] * 1.0) for t in range(STEPS)]),
}


@pytest.mark.parametrize("case", [name for name in LOOPS if name != "two of them"])
def test_loops_fold_into_one_step(case: str) -> None:
    graph = imported(LOOPS[case])
    kinds = [node.op.kind for node in graph.nodes.values()]
    assert [kinds.count(kind) for kind in ("conv", "batch_norm", "lif", "max_pool", "linear")] == [1, 1, 2, 1, 1]
    assert graph.nodes["net.7"].op.reset == "subtract"
    whole = case in ("stacked", "multi_step_forward", "reset around", "features of a step")
    assert ("at_step" in kinds or "time_sum" in kinds) != whole


def test_a_net_that_runs_twice_is_refused() -> None:
    net = Model(LOOPS["two of them"]).eval()
    with pytest.raises(CompileError, match="runs more than 4 times") as caught:
        trace_module(net, {"x": torch.rand(STEPS, 2, CHANNELS, 4, 4)}, [], STEPS, "net")
    assert caught.value.where == "net.2"
    assert caught.value.hint


def test_direct_coding_gives_the_same_image_at_every_step() -> None:
    graph = imported(lambda net, x: sum(net.net(x) for _ in range(STEPS)), static=True)
    assert [node.op.kind for node in graph.nodes.values()].count("conv") == 1
    assert graph.nodes["net.0"].type.static
    assert not graph.nodes["net.2"].type.static


@pytest.fixture
def recorder() -> Recorder:
    return Recorder("net", STEPS, 3, {})


def steps_of(recorder: Recorder, name: str = "x") -> list[View]:
    """The single steps of an input (T, B, 5)."""
    x = recorder.input(name, Type((5,), REAL))
    return [replace(part, dims=part.dims[1:]) for part in part_of_window(recorder, x, 0, range(STEPS))]


def test_parts_of_the_window_are_the_value_seen_at_a_step(recorder: Recorder) -> None:
    assert not recorder.stepwise
    x = recorder.input("x", Type((5,), REAL))
    parts = part_of_window(recorder, x, 0, (3, 1))
    assert recorder.stepwise
    assert [(part.value, part.step, part.shape) for part in parts] == [("x", 3, (1, 3, 5)), ("x", 1, (1, 3, 5))]


def test_a_step_by_itself_is_taken_out_of_the_window(recorder: Recorder) -> None:
    x, step = recorder.input("y", Type((5,), REAL)), steps_of(recorder)[2]
    assert at_step(recorder, x) is x
    taken = at_step(recorder, step)
    assert (taken.step, taken.dims) == (None, step.dims)
    assert recorder.build({"out": taken.value}).nodes[taken.value].op == AtStep(2)


def test_arguments_of_one_step_are_that_step_s(recorder: Recorder) -> None:
    (first, second, *_), static = steps_of(recorder), recorder.input("s", Type((5,), REAL, 1.0, True))
    assert one_step(recorder, ((static, 3), {"y": 2})) == (((static, 3), {"y": 2}), None)
    (arguments, options), step = one_step(recorder, ((second, static, 3), {"y": [second]}))
    assert step == 1
    assert arguments == (replace(second, step=None), static, 3)
    assert options == {"y": [replace(second, step=None)]}
    timed = recorder.input("t", Type((5,), REAL))
    for mixture in ((first, second), (first, timed)):
        (arguments, _), step = one_step(recorder, (mixture, {}))
        assert step is None
        assert [argument.step for argument in arguments] == [None, None]
        assert arguments[0].value == "at_step"


def test_all_steps_in_order_are_the_whole_window(recorder: Recorder) -> None:
    parts, x = steps_of(recorder), recorder.input("y", Type((5,), REAL))
    whole = whole_window(recorder, "stack", parts)
    assert whole is not None
    assert (whole.value, whole.step, whole.shape) == ("x", None, (STEPS, 3, 5))
    behind = whole_window(recorder, "stack", tuple(parts), dim=-1)
    assert behind is not None
    assert behind.shape == (3, 5, STEPS)
    rows = [part.with_dims(((), *part.dims)) for part in parts]
    joined = whole_window(recorder, "cat", rows)
    assert joined is not None
    assert joined.dims == whole.dims
    others = steps_of(Recorder("other", STEPS, 3, {}), "z")
    for tensors in (parts[::-1], parts[1:], [*parts[:-1], x], [*parts[:-1], 3.0], [*parts[:-1], others[-1]], x):
        assert whole_window(recorder, "stack", tensors) is None
    assert whole_window(recorder, "cat", parts) is None, "the batch is no dimension of length 1"


ACROSS_TIME: dict[str, Callable[[Tensor], Tensor]] = {
    "matmul": lambda x: x.permute(1, 2, 0, 3) @ x.permute(1, 2, 3, 0),
    "linear": lambda x: nn.functional.linear(x.permute(1, 2, 3, 0), torch.arange(8.0).reshape(2, 4)),
    "reshape": lambda x: x.permute(1, 2, 0, 3).reshape(x.shape[1], 2, -1).flip(-1),
    "conv1d": lambda x: nn.functional.conv1d(x[:, :, 0].permute(1, 2, 0), torch.ones(3, CHANNELS, 2)),
}


@pytest.mark.parametrize("name", ACROSS_TIME)
def test_what_mixes_time_with_features_gets_all_steps(name: str) -> None:
    class Across(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return ACROSS_TIME[name](x)

    graph = trace_module(Across().eval(), {"x": torch.rand(STEPS, 3, 2, CHANNELS)}, (), STEPS, "net")
    assert [node.op.kind for node in graph.nodes.values()].count("fold_time") == 1
    x = torch.rand(STEPS, 5, 2, CHANNELS)
    torch.testing.assert_close(interpret(graph, {"x": x})["output"][0], ACROSS_TIME[name](x))


def test_features_merged_with_the_batch_become_steps_where_nothing_else_can_be_done() -> None:
    """Neurons run over the tokens of every step, as if these were steps."""

    class OverTokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.lif = nn.Conv1d(CHANNELS, 3, 1), LIFNode(step_mode="m")

        def forward(self, x: Tensor) -> Tensor:
            turned = x.permute(2, 1, 3, 0)  # (tokens, B, channels, T)
            return self.lif(self.conv(turned.flatten(0, 1)).unflatten(0, turned.shape[:2])).permute(3, 1, 0, 2)

    torch.manual_seed(0)
    net, tokens = OverTokens().eval(), STEPS + 2
    graph = trace_module(net, {"x": torch.rand(STEPS, 3, tokens, CHANNELS)}, (), STEPS, "net")
    (lif,) = (node for node in graph.nodes.values() if node.op.kind == "lif")
    assert (graph.steps, str(lif.type)) == (tokens, f"spike[3x{STEPS}]")
    assert str(graph.nodes["x"].type) == f"real[{tokens}x{CHANNELS}] T={STEPS}"
    x = 4 * torch.rand(STEPS, 5, tokens, CHANNELS)
    with torch.no_grad():
        expected = net(x)
    assert 0 < expected.mean() < 1
    assert torch.equal(interpret(graph, {"x": x})["output"], expected)
