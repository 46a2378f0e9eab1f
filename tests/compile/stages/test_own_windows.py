"""Inputs and values of different numbers of steps: the module's own forward, both targets, what cannot be run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, layer, neuron
from torch import nn

from compile import compile_model
from compile.compiled_program import CompiledProgram
from ir.errors import CompileError, DeployError

Tensor = torch.Tensor
Forward = Callable[[Any, Tensor, Tensor], Any]
"""Of the network, spikes of 4 steps and spikes of 8, (steps, B, 8) each."""
SAMPLES, WIDTH = 4, 6


def _weights(inputs: int, outputs: int, mean: float) -> nn.Linear:
    linear = nn.Linear(inputs, outputs)
    nn.init.normal_(linear.weight, mean, 3 / inputs**0.5)
    return linear


class Branches(nn.Module):
    """Two branches of neurons, and what is done with their spikes."""

    def __init__(self, forward: Forward, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.meet, self.first, self.second = forward, first, second
        self.in_first, self.in_second = _weights(WIDTH, 8, 0.2), _weights(WIDTH, 8, 0.2)
        self.up, self.wide, self.last = _weights(8, 5, 0.6), _weights(16, 5, 0.4), neuron.LIFNode(step_mode="m")
        self.later, self.per_step = neuron.LIFNode(step_mode="m"), nn.Parameter(torch.rand(8, 1, 1))
        self.over_time = nn.Conv1d(8, 8, 3, stride=2, groups=8, bias=False)

    def forward(self, a: Tensor, b: Tensor) -> Any:
        return self.meet(self, self.first(self.in_first(a)), self.second(self.in_second(b)))


def _interpolated(net: Any, u: Tensor, v: Tensor) -> Tensor:
    longer = nn.functional.interpolate(u.permute(1, 2, 0), size=8, mode="linear").permute(2, 0, 1)
    return net.last(net.wide(torch.cat([longer, v], -1)))


def _convolved(net: Any, u: Tensor, v: Tensor) -> Tensor:
    shorter = net.over_time(nn.functional.pad(v.permute(1, 2, 0), (1, 0))).permute(2, 0, 1)
    return net.last(net.up(u + shorter))


def _pooled(net: Any, u: Tensor, v: Tensor) -> Tensor:
    halves = [nn.functional.avg_pool1d(x.permute(1, 2, 0), len(x) // 2).permute(2, 0, 1) for x in (u, v)]
    return net.last(net.up(sum(halves)))


def _attended(net: Any, u: Tensor, v: Tensor) -> Tensor:
    q, k = u.transpose(0, 1), v.transpose(0, 1)
    return net.last(net.up(((q @ k.transpose(1, 2)).softmax(-1) @ k).transpose(0, 1)))


def _back_and_forth(net: Any, u: Tensor, v: Tensor) -> Tensor:
    met = net.last(net.up(u + v.mean(0))).mean(0)
    return net.later(net.up(v) + met)


MEET: dict[str, tuple[Forward, list[int]]] = {
    "each by itself": (lambda net, u, v: (u, v), [4, 8]),
    "means": (lambda net, u, v: u.mean(0) + v.mean(0), [4, 8]),
    "weights of steps": (lambda net, u, v: u.sum(0) + (net.per_step * v).sum(0), [4, 8]),
    "repeated": (lambda net, u, v: net.last(net.up(u.repeat_interleave(2, 0) + v)), [4, 8]),
    "padded": (lambda net, u, v: net.last(net.up(nn.functional.pad(u, (0, 0, 0, 0, 2, 2)) + v)), [4, 8]),
    "interpolated": (_interpolated, [4, 8, 8]),
    "convolved": (_convolved, [4, 8, 4]),
    "every other step": (lambda net, u, v: net.last(net.up(u + v[::2])), [4, 8, 4]),
    "last step": (lambda net, u, v: net.last(net.up(u + v[-1])), [4, 8, 4]),
    "means of pairs": (lambda net, u, v: net.last(net.up(u + v.unflatten(0, (4, 2)).mean(1))), [4, 8, 4]),
    "a third window": (_pooled, [4, 8, 2]),
    "one after the other": (lambda net, u, v: net.last(net.up(torch.cat([u, v]))), [4, 8, 12]),
    "attention": (_attended, [4, 8, 4]),
    "back and forth": (_back_and_forth, [4, 8, 4, 8]),
}
"""How the branches meet -> the network behind their spikes, and T of its phases."""


class StepByStep(nn.Module):
    """Neurons that a loop over the steps runs."""

    def __init__(self) -> None:
        super().__init__()
        self.neurons = neuron.LIFNode(step_mode="s")

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.neurons(step) for step in x])


class Written(nn.Module):
    """Neurons that are written out."""

    def forward(self, x: Tensor) -> Tensor:
        v, fired = torch.zeros_like(x[0]), list[Tensor]()
        for step in x:
            v = 0.5 * v + step
            fired.append((v >= 1).float())
            v = v * (1 - fired[-1])
        return torch.stack(fired)


def _at_once() -> nn.Module:
    return neuron.LIFNode(step_mode="m")


def _recurrent() -> nn.Module:
    return layer.LinearRecurrentContainer(neuron.LIFNode(), in_features=8, out_features=8, step_mode="m")


def _network(forward: Forward, branch: Callable[[], nn.Module] = _at_once) -> Branches:
    torch.manual_seed(0)
    return Branches(forward, branch(), branch()).eval()


def _inputs(seed: int = 1, steps: tuple[int, int] = (4, 8)) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    shapes = {"a": (steps[0], SAMPLES, WIDTH), "b": (steps[1], SAMPLES, WIDTH)}
    return {name: (torch.rand(shape, generator=random) < 0.5).float() for name, shape in shapes.items()}


def _own(net: nn.Module, inputs: dict[str, Tensor]) -> list[np.ndarray]:
    functional.reset_net(net)
    with torch.no_grad():
        results = net(**inputs)
    functional.reset_net(net)
    return [y.numpy() for y in (results if isinstance(results, tuple) else (results,))]


@pytest.mark.parametrize("meet", MEET)
def test_floats_are_the_modules_own(meet: str) -> None:
    forward, windows = MEET[meet]
    net, inputs = _network(forward), _inputs(2)
    program = compile_model(net, "gpu", precision="float", example=_inputs())
    assert [phase.deployment.chip.steps for phase in program.phases] == windows
    trace, expected = program.run(inputs), _own(net, inputs)
    assert all(y.any() for y in expected)
    for ours, y in zip(trace.outputs.values(), expected, strict=True):
        assert np.array_equal(ours, y)
    assert {len(spikes) for spikes in trace.spikes.values()} == set(windows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "meet"),
    [
        *(("gpu", meet) for meet in MEET),
        *(
            pytest.param("loihi", meet, marks=pytest.mark.lava)
            for meet in ("means", "repeated", "convolved", "back and forth")
        ),
    ],
)
def test_integers_are_those_of_the_twin_and_every_event_is_counted(target: str, meet: str) -> None:
    program = compile_model(_network(MEET[meet][0]), target, example=_inputs())
    part = program.report(_inputs(2)).parts[0]
    assert part.run.verdict.passed
    chip, events = program.deployment.chip, part.run.events
    sizes = {node.name: node.type.size for node in chip.nodes.values() if node.op.family == "neuron"}
    own = {n: len(spikes) for n, spikes in program.run(_inputs(2), tuple(sizes)).spikes.items()}
    assert dict(events.updates) == {name: size * own[name] * SAMPLES for name, size in sizes.items()}
    rates = {row.name: row.rate for row in part.layers}
    assert all(rates[n] == events.spikes[n] / (sizes[n] * own[n] * SAMPLES) for n in program.populations)


@pytest.mark.parametrize("branch", [_recurrent, StepByStep, Written])
def test_loops_run_in_the_window_of_their_branch(branch: Callable[[], nn.Module]) -> None:
    net, inputs = _network(MEET["means"][0], branch), _inputs(2)
    program = compile_model(net, "gpu", precision="float", example=_inputs())
    (ours,), (expected,) = program.run(inputs).outputs.values(), _own(net, inputs)
    assert expected.any()
    assert np.array_equal(ours, expected)


def test_time_may_come_second() -> None:
    class BatchFirst(Branches):
        def forward(self, a: Tensor, b: Tensor) -> Any:
            return super().forward(a.transpose(0, 1), b.transpose(0, 1)).transpose(0, 1)

    torch.manual_seed(0)
    net = BatchFirst(MEET["repeated"][0], _at_once(), _at_once()).eval()
    inputs = {name: x.transpose(0, 1).contiguous() for name, x in _inputs().items()}
    program = compile_model(net, "gpu", precision="float", example=inputs)
    assert program.order.batch_first
    assert np.array_equal(program.run(inputs).outputs["output"], _own(net, inputs)[0])


def test_a_window_of_one_step_meets_all_steps_of_a_longer_one() -> None:
    net, inputs = _network(lambda net, u, v: net.last(net.up(u + v))), _inputs(2, (1, 8))
    program = compile_model(net, "gpu", precision="float", example=_inputs(1, (1, 8)))
    assert [phase.deployment.chip.steps for phase in program.phases] == [1, 8]
    assert np.array_equal(program.run(inputs).outputs["output"], _own(net, inputs)[0])


def test_a_saved_program_runs_and_reports_the_same(tmp_path: Path) -> None:
    program = compile_model(_network(MEET["convolved"][0]), "gpu", example=_inputs())
    program.save(tmp_path / "net.program")
    loaded = CompiledProgram.load(tmp_path / "net.program")
    traces = [each.run(_inputs(2)) for each in (program, loaded)]
    assert np.array_equal(*(trace.outputs["output"] for trace in traces))
    texts = [str(each.report(_inputs(2))).splitlines() for each in (program, loaded)]
    assert texts[0][1] == texts[1][1] == "T = 4 and 8, 4 samples; energies per sample"
    assert texts[0][3:] == texts[1][3:]


def test_the_nir_graph_holds_the_windows() -> None:
    program = compile_model(_network(MEET["convolved"][0]), "gpu", example=_inputs())
    assert program.origin is not None
    again = compile_model(program.origin.build.nir, "gpu", precision="float")
    assert [phase.deployment.chip.steps for phase in again.phases] == [4, 8, 4]
    whole = compile_model(_network(MEET["convolved"][0]), "gpu", precision="float", example=_inputs())
    outputs = [each.run(_inputs(2)).outputs["output"] for each in (again, whole)]
    assert np.array_equal(*outputs)


def test_windows_are_those_of_the_example() -> None:
    program = compile_model(_network(MEET["means"][0]), "gpu", example=_inputs())
    assert [str(kind) for kind in program.inputs.values()] == ["spike[6] T=4", "spike[6]"]
    with pytest.raises(CompileError, match="input 'a' has 8 steps, the network takes 4 per sample"):
        program.run(_inputs(2, (8, 16)))
    with pytest.raises(CompileError, match="its values differ in their number of steps already"):
        program.at(16)


def test_what_never_meets_in_time_is_refused() -> None:
    net = _network(lambda net, u, v: net.last(net.up(u + v)))
    with pytest.raises(CompileError, match="bring them to one number before they meet") as caught:
        compile_model(net, "gpu", example=_inputs())
    assert caught.value.rule == "import.forward"
    uneven = {**_inputs(), "b": torch.ones(8, SAMPLES + 1, WIDTH)}
    with pytest.raises(CompileError, match=r"example input b has shape \(8, 5, 6\), not \(4, B, ...\)"):
        compile_model(net, "gpu", example=uneven)


def test_one_phase_is_refused_by_the_neurons_that_differ() -> None:
    with pytest.raises(DeployError, match="%first runs 4 steps per sample, other neurons 8") as caught:
        compile_model(_network(MEET["means"][0]), "gpu", example=_inputs(), phases=1)
    assert caught.value.rule == "split.steps"
