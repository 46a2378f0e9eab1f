"""Loops that a model closes itself around neurons of frameworks: spikes of earlier steps come back through anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based.neuron import IFNode, LIFNode
from torch import nn
from torch.nn.functional import interpolate

from compile import compile_model
from frontend.neuron_rules.table import reset_neurons
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.ops import Past

torch.set_num_threads(1)
snntorch = pytest.importorskip("snntorch")
norse = pytest.importorskip("norse.torch")
STEPS, WIDTH = 6, 8
Tensor = torch.Tensor
Forward = Callable[[Any, Tensor], Tensor]


class Looped(nn.Module):
    """Two layers of neurons, a forward pass over them, and weights and norms in quarters, so that sums have no rounding."""

    def __init__(self, forward: Forward, make: Callable[[], nn.Module], bias: bool = True) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.compute, self.state = forward, None
        self.own, self.later = make(), make()
        self.fc, self.joint = nn.Linear(12, WIDTH), nn.Linear(12 + WIDTH, WIDTH)
        self.back, self.up = nn.Linear(WIDTH, WIDTH, bias=bias), nn.Linear(WIDTH, WIDTH, bias=False)
        self.conv, self.back_conv = nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 3, padding=1)
        self.norm, self.norms = nn.BatchNorm1d(WIDTH), nn.ModuleList(nn.BatchNorm1d(WIDTH) for _ in range(STEPS))
        self.inhibition = -(torch.ones(WIDTH, WIDTH) - torch.eye(WIDTH)) / 4
        for child in self.modules():
            if isinstance(child, nn.Linear | nn.Conv2d):
                child.weight.data = torch.randint(-3, 6, child.weight.shape) / 4
                if child.bias is not None:
                    child.bias.data = torch.randint(1, 3, child.bias.shape) / 4
            elif isinstance(child, nn.BatchNorm1d):
                child.eps, child.bias.data = 0.0, torch.randint(-2, 3, (WIDTH,)) / 4
                child.running_mean, child.running_var = (
                    torch.randint(-2, 3, (WIDTH,)) / 4,
                    4.0 ** torch.randint(-1, 2, (WIDTH,)),
                )
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        """(T, B, 12) -> (T, B, ...)."""
        return self.compute(self, x)


def loop(body: Callable[[Any, Tensor, Tensor], Tensor], start: Callable[[Tensor], Any], late: int = 1) -> Forward:
    """z[t] = body(net, x[t], z[t - late])."""

    def forward(net: Any, x: Tensor) -> Tensor:
        fired = [start(x) for _ in range(late)]
        for step in x:
            fired.append(body(net, step, fired[-late]))
        return torch.stack(fired[late:])

    return forward


def zeros(x: Tensor) -> Tensor:
    return torch.zeros(x.shape[1], WIDTH)


def _plain(net: Any, x: Tensor, z: Tensor | None) -> Tensor:
    return net.own(net.fc(x) if z is None else net.fc(x) + net.back(z))


def _later(net: Any, x: Tensor) -> Tensor:
    y, fired = zeros(x), list[Tensor]()
    for step in x:
        y = net.later(net.up(net.own(net.fc(step) + net.back(y))))
        fired.append(y)
    return torch.stack(fired)


def _over_a_step(net: Any, x: Tensor) -> Tensor:
    before, fired = zeros(x), list[Tensor]()
    for step in x:
        z = net.own(net.fc(step))
        fired.append(net.later(net.up(z + before)))
        before = z
    return torch.stack(fired)


def _pipelined(net: Any, x: Tensor) -> Tensor:
    """The second layer reads what the first one fired a step before: constants at first."""
    z, fired = zeros(x), list[Tensor]()
    for step in x:
        fired.append(net.later(net.back(z)))
        z = net.own(net.fc(step))
    return torch.stack(fired)


def _gated(net: Any, x: Tensor) -> Tensor:
    z, fired = zeros(x), list[Tensor]()
    for step in x:
        gate = net.later(net.fc(step) + net.up(z))
        z = net.own(net.fc(step) + net.back(gate * z) + gate * net.up(z))
        fired.append(z)
    return torch.stack(fired)


def _trace(net: Any, x: Tensor) -> Tensor:
    z = trace = zeros(x)
    fired = list[Tensor]()
    for step in x:
        trace = 0.5 * trace + z
        z = net.own(net.fc(step) + net.up(trace))
        fired.append(z)
    return torch.stack(fired)


def _images(net: Any, x: Tensor, z: Tensor, pooled: Callable[[Tensor], Tensor]) -> Tensor:
    return net.own(net.conv(x.reshape(-1, 3, 2, 2)) + interpolate(pooled(z), scale_factor=2))


def _images_from(x: Tensor) -> Tensor:
    return torch.zeros(x.shape[1], 2, 2, 2)


def _into_a_buffer(net: Any, x: Tensor) -> Tensor:
    fired = torch.zeros(STEPS + 1, x.shape[1], WIDTH)
    for step in range(STEPS):
        fired[step + 1] = _plain(net, x[step], fired[step])
    return fired[1:]


def _attribute(net: Any, x: Tensor) -> Tensor:
    net.state, fired = None, list[Tensor]()
    for step in x:
        net.state = _plain(net, step, net.state)
        fired.append(net.state)
    return torch.stack(fired)


def _first_frame(net: Any, x: Tensor) -> Tensor:
    first = net.fc(x[0])
    return loop(lambda net, x, z: net.own(net.fc(x) + first - z), zeros)(net, x)


def _with_states(start: Callable[[Any], Any], which: int = 0) -> Forward:
    """Of neurons that return (spikes, state); `which` of them is the output."""

    def forward(net: Any, x: Tensor) -> Tensor:
        z, state, made = zeros(x), start(net), list[Tensor]()
        for step in x:
            z, state = net.own(net.fc(step) + net.back(z), state)
            made.append((z, state)[which])
        return torch.stack(made)

    return forward


def _written_between(net: Any, x: Tensor) -> Tensor:
    """A neuron that is written out, from which spikes come back to one of a framework."""
    y = mem = zeros(x)
    fired = list[Tensor]()
    for step in x:
        z = net.own(net.fc(step) + net.back(y))
        mem = 0.5 * mem * (1 - y) + net.up(z)
        y = (mem > 1).float()
        fired.append(y)
    return torch.stack(fired)


def _norms_of_steps(net: Any, x: Tensor) -> Tensor:
    norms = iter(net.norms)
    return loop(lambda net, x, z: net.own(next(norms)(net.fc(x) + net.back(z))), zeros)(net, x)


def _late_comparison(net: Any, x: Tensor) -> Tensor:
    """A written-out neuron that first compares the zeros it starts from: only a second run sees what the next layer reads."""
    mem = z = zeros(x)
    current, fired = net.fc(x), list[Tensor]()
    for step, norm in enumerate(net.norms):
        out = torch.zeros_like(mem)
        out[mem - 1 > 0] = 1.0
        mem = (0.5 * mem + current[step] + net.up(z)) * (1 - out)
        z = net.own(norm(net.back(out)))
        fired.append(z)
    return torch.stack(fired)


FORMS: dict[str, Forward] = {
    "zeros": loop(_plain, zeros),
    "None": loop(_plain, lambda x: None),
    "a number": loop(lambda net, x, z: net.own(net.fc(x) - 0.5 * z), lambda x: 0.0),
    "ones": loop(_plain, lambda x: zeros(x) + 1),
    "two steps back": loop(_plain, zeros, late=2),
    "lateral inhibition": loop(lambda net, x, z: net.own(net.fc(x) + z @ net.inhibition), zeros),
    "joined": loop(lambda net, x, z: net.own(net.joint(torch.cat([x, z], -1))), zeros),
    "batch norm": loop(lambda net, x, z: net.own(net.norm(net.fc(x) + net.back(z))), zeros),
    "opened by silence": loop(lambda net, x, z: net.own(net.fc(x) * (1 - z)), zeros),
    "convolution": loop(lambda net, x, z: net.own(net.conv(x.reshape(-1, 3, 2, 2)) + net.back_conv(z)), _images_from),
    "mean pool": loop(lambda net, x, z: _images(net, x, z, nn.AvgPool2d(2)), _images_from),
    "maximum pool": loop(lambda net, x, z: _images(net, x, z, nn.MaxPool2d(2)), _images_from),
    "later layer": _later,
    "over a step": _over_a_step,
    "pipelined": _pipelined,
    "gated": _gated,
    "trace": _trace,
    "into a buffer": _into_a_buffer,
    "an attribute": _attribute,
    "the first frame": _first_frame,
    "norms of steps": _norms_of_steps,
    "written between": _written_between,
    "late comparison": _late_comparison,
}
FRAMEWORKS: dict[str, tuple[Forward, Callable[[], nn.Module]]] = {
    "IFNode": (loop(_plain, zeros), IFNode),
    "LIFNode, subtracting": (loop(_plain, zeros), lambda: LIFNode(v_reset=None)),
    "Leaky": (_with_states(lambda net: net.own.init_leaky()), lambda: snntorch.Leaky(beta=0.5)),
    "membranes of Leaky": (_with_states(lambda net: net.own.init_leaky(), 1), lambda: snntorch.Leaky(beta=0.5)),
    "LIFCell": (
        _with_states(lambda net: None),
        lambda: norse.LIFCell(norse.LIFParameters(*map(torch.tensor, (500.0, 500.0)))),
    ),
}
CASES = {**{name: (forward, LIFNode) for name, forward in FORMS.items()}, **FRAMEWORKS}
X = (torch.rand(STEPS, 7, 12, generator=torch.Generator().manual_seed(1)) < 0.4).float()


def _expected(name: str, bias: bool = True) -> tuple[Looped, Any]:
    net = Looped(*CASES[name], bias)
    with torch.no_grad():
        made = net(X).numpy()
    reset_neurons(net)
    assert made[1:].any()
    return net, made


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("precision", ["float", "int"])
@pytest.mark.parametrize("name", CASES)
def test_spikes_are_the_modules_own(name: str, precision: str, bias: bool) -> None:
    net, expected = _expected(name, bias)
    program = compile_model(net, "gpu", precision=precision, example=X)
    assert len(program.phases) == 1
    assert np.array_equal(program.run(X).outputs["output"], expected)


@pytest.mark.lava
@pytest.mark.slow
@pytest.mark.parametrize("name", ["None", "two steps back", "gated", "pipelined", "Leaky"])
def test_lava_agrees(name: str) -> None:
    net, expected = _expected(name)
    program = compile_model(net, "loihi", example=X)
    assert program.report(X).passed
    assert np.array_equal(program.run(X).outputs["output"], expected)


def _traced(name: str) -> Graph:
    net, _ = _expected(name)
    return trace_module(net, {"x": X}, [], STEPS, "net")


def _kinds(graph: Graph) -> list[str]:
    return [node.op.kind for node in graph.nodes.values()]


def test_zeros_at_the_start_are_the_silence_of_the_loop() -> None:
    graph = _traced("zeros")
    assert _kinds(graph) == ["input", "linear", "past", "linear", "add", "lif"]
    assert [node.op for node in graph.loops] == [Past("own", f"spike[{WIDTH}]", 1)]
    assert _kinds(_traced("two steps back")) == _kinds(graph)
    assert [node.op for node in _traced("two steps back").loops] == [Past("own", f"spike[{WIDTH}]", 2)]


def test_another_start_is_read_at_the_first_step_alone() -> None:
    for name in ("None", "ones"):  # the weights back have a bias, which is absent without them
        graph = _traced(name)
        weights = [graph.arrays(node)["weight"] for node in graph.nodes.values() if node.op.kind == "time_weight"]
        assert np.array_equal(sorted(map(list, weights)), [[0] + [1] * (STEPS - 1), [1] + [0] * (STEPS - 1)])


def _ahead(net: Any, x: Tensor) -> Tensor:
    return torch.stack([net.own(net.fc(x[t]) + net.fc(x[min(t + 1, STEPS - 1)])) for t in range(STEPS)])


def _membrane(net: Any, x: Tensor) -> Tensor:
    mem, fired = zeros(x), list[Tensor]()
    for step in x:
        spikes, mem = net.own(net.fc(step) + 0.5 * mem, mem)
        fired.append(spikes)
    return torch.stack(fired)


def _from_ones(net: Any, x: Tensor) -> Tensor:
    z, fired = zeros(x) + 1, list[Tensor]()
    for step in x:
        fired.append(net.later(net.up(z)))
        z = net.own(net.fc(step))
    return torch.stack(fired)


def _constants(net: Any, x: Tensor) -> Tensor:
    return torch.stack([net.own(net.back(zeros(x))) + net.fc(step) for step in x])


REFUSED: dict[str, tuple[Forward, str, str]] = {
    "ahead": (_ahead, "import.steps", "reads step 1 of its input at its own step 0"),
    "constants at first": (
        _from_ones,
        "import.constant",
        "reads constants at step 0 that zeros do not make at later ones",
    ),
    "constants": (_constants, "import.constant", "a neuron's current does not depend on the inputs"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_loop_says_is_refused_once(case: str) -> None:
    forward, rule, text = REFUSED[case]
    with pytest.raises(CompileError, match=text) as caught:
        compile_model(Looped(forward, LIFNode), "gpu", example=X)
    assert (caught.value.rule, caught.value.where) == (rule, "later" if "first" in case else "own")


def test_membranes_do_not_come_back() -> None:
    net = Looped(_membrane, lambda: snntorch.Leaky(beta=0.5, reset_mechanism="none"))
    with pytest.raises(CompileError, match="reads what a membrane was at an earlier step") as caught:
        compile_model(net, "gpu", example=X)
    assert (caught.value.rule, caught.value.where) == ("import.state", "own")


def _sum(net: Any, x: Tensor) -> Tensor:
    total, fired = zeros(x), list[Tensor]()
    for step in x:
        total = total + net.fc(step)
        fired.append(net.own(total))
    return torch.stack(fired)


def test_a_sum_over_a_long_window_is_no_loop() -> None:
    with pytest.raises(CompileError, match="reads at step 17 what was at step 0: more than 16 steps back"):
        compile_model(Looped(_sum, LIFNode), "gpu", example=X.repeat(3, 1, 1))
