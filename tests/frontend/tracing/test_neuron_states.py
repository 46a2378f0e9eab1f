"""What neurons remember, read by a model: equal to the module's own at every step, for real modules of the frameworks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import norse.torch as norse
import numpy as np
import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from spikingjelly.activation_based.lava_exchange import CubaLIFNode
from spikingjelly.activation_based.neuron import IFNode, KLIFNode, LIFNode, ParametricLIFNode, QIFNode
from spikingjelly.clock_driven import neuron as old
from torch import nn

from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Lif

torch.set_num_threads(1)
STEPS, IN, OUT = 5, 6, 9
Tensor = torch.Tensor
Forward = Callable[[Any, Tensor], Any]


class Model(nn.Module):
    """A neuron behind weights that are multiples of 1/8."""

    def __init__(self, forward: Forward, own: nn.Module) -> None:
        super().__init__()
        self.compute, self.own, self.fc = forward, own, nn.Linear(IN, OUT)
        with torch.no_grad():
            for tensor in self.fc.parameters():
                tensor.copy_((torch.randn(tensor.shape, generator=torch.Generator().manual_seed(3)) * 8).round() / 8)

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, self.fc(x))


def traced(forward: Forward, own: nn.Module) -> tuple[Graph, float]:
    """The graph, checked against the module, and the largest difference of its output from the module's own."""
    net = Model(forward, own).eval()
    x = (torch.rand(STEPS, 7, IN, generator=torch.Generator().manual_seed(0)) < 0.5).float()
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    check_import(net, graph, {"x": x})
    for module in net.modules():
        if hasattr(module, "reset"):
            module.reset()  # pyright: ignore[reportCallIssue]
    with torch.no_grad():
        expected = net(x).numpy()
    (made,) = interpret(graph, {"x": x.numpy()}).values()
    return graph, float(np.abs(made.reshape(expected.shape) - expected).max())


def every_step(net: Any, x: Tensor) -> Tensor:
    seen: list[Tensor] = []
    for step in x:
        net.own(step)
        seen.append(net.own.v)
    return torch.stack(seen)


def last_step(net: Any, x: Tensor) -> Tensor:
    for step in x:
        net.own(step)
    return net.own.v


def window(net: Any, x: Tensor) -> Tensor:
    net.own(x)
    return net.own.v_seq


def behind_window(net: Any, x: Tensor) -> Tensor:
    net.own(x)
    return net.own.v


def spikes_and_membrane(net: Any, x: Tensor) -> Tensor:
    return net.own(x) + 0.5 * net.own.v_seq


HARD: dict[str, Any] = {"tau": 1.5, "v_reset": 0.25}
JELLY: dict[str, tuple[Forward, Callable[[], nn.Module]]] = {
    "every step": (every_step, LIFNode),
    "last step": (last_step, lambda: LIFNode(**HARD)),
    "last step, subtract": (last_step, lambda: IFNode(v_reset=None)),
    "IF": (every_step, lambda: IFNode(v_reset=-0.5)),
    "window": (window, lambda: LIFNode(**HARD, step_mode="m", store_v_seq=True)),
    "window without decay_input": (
        window,
        lambda: LIFNode(decay_input=False, **HARD, step_mode="m", store_v_seq=True),
    ),
    "window, learned": (window, lambda: ParametricLIFNode(step_mode="m", store_v_seq=True)),
    "behind a window": (behind_window, lambda: LIFNode(v_reset=None, step_mode="m")),
    "with spikes": (spikes_and_membrane, lambda: LIFNode(step_mode="m", store_v_seq=True)),
    "clock_driven": (window, lambda: old.MultiStepLIFNode(tau=1.5)),
    "never fires": (every_step, lambda: LIFNode(v_threshold=float("inf"))),
    "never fires, last": (last_step, lambda: LIFNode(v_threshold=float("inf"), **HARD)),
    "never fires, window": (behind_window, lambda: IFNode(v_threshold=float("inf"), step_mode="m")),
}


@pytest.mark.parametrize("case", JELLY)
def test_membranes_of_spikingjelly(case: str) -> None:
    forward, own = JELLY[case]
    graph, difference = traced(forward, own())
    assert difference < 1e-6
    kind = "leaky" if case.startswith("never") else "potential"
    assert kind in [node.op.kind for node in graph.nodes.values()]


def states_of(read: Callable[[Any], Tensor]) -> Forward:
    def forward(net: Any, x: Tensor) -> Tensor:
        state, seen = None, []
        for step in x:
            _, state = net.own(step, state)
            seen.append(read(state))
        return torch.stack(seen)

    return forward


def state_behind(read: Callable[[Any], Tensor]) -> Forward:
    return lambda net, x: read(net.own(x)[1])


def v(state: Any) -> Tensor:
    return state.v


def i(state: Any) -> Tensor:
    return state.i


NORSE: dict[str, tuple[Forward, Callable[[], nn.Module]]] = {
    "LIFCell v": (states_of(v), norse.LIFCell),
    "LIFCell i": (states_of(i), norse.LIFCell),
    "LIFBoxCell v": (states_of(v), norse.LIFBoxCell),
    "IAFCell v": (states_of(v), norse.IAFCell),
    "LICell v": (states_of(v), norse.LICell),
    "LICell i": (states_of(i), norse.LICell),
    "LIFRecurrentCell v": (states_of(v), lambda: norse.LIFRecurrentCell(OUT, OUT)),
    "LIFRecurrentCell i": (states_of(i), lambda: norse.LIFRecurrentCell(OUT, OUT)),
    "LIF v": (state_behind(v), norse.LIF),
    "LIF i": (state_behind(i), norse.LIF),
    "LI v": (state_behind(v), norse.LI),
    "LI i": (state_behind(i), norse.LI),
    "LIF v, recorded": (state_behind(v), lambda: norse.LIF(record_states=True)),
    "LIFRecurrent v": (state_behind(v), lambda: norse.LIFRecurrent(OUT, OUT)),
}


@pytest.mark.parametrize("case", NORSE)
def test_states_of_norse(case: str) -> None:
    forward, own = NORSE[case]
    torch.manual_seed(2)
    assert traced(forward, own())[1] < 1e-5


def test_a_layer_that_runs_twice() -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        first, state = net.own(x)
        second, _ = net.own(0.5 * x)
        return (first + second).sum(0) + state.v

    assert traced(forward, norse.LIF())[1] < 1e-5


REFUSED: dict[str, tuple[Forward, Callable[[], nn.Module], str]] = {
    "KLIF": (last_step, KLIFNode, "v of a rectified_lif neuron"),
    "QIF": (last_step, QIFNode, "v of a nonlinear_lif neuron"),
    "Cuba": (
        lambda net, x: [net.own(step) for step in x] and net.own.voltage_state,
        lambda: CubaLIFNode(0.5, 0.5),
        "voltage_state of a fixed_point_lif neuron",
    ),
    "LSNN": (states_of(v), norse.LSNNCell, "v of a moving_threshold_lif neuron"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_states_without_a_node_say_whose(case: str) -> None:
    forward, own, text = REFUSED[case]
    with pytest.raises(CompileError, match=text) as caught:
        traced(forward, own())
    assert (caught.value.rule, caught.value.where) == ("import.state", "own")


def test_spikes_of_a_neuron_that_never_fires_are_refused() -> None:
    with pytest.raises(CompileError, match="never fires"):
        traced(lambda net, x: net.own(x), LIFNode(v_threshold=float("inf"), step_mode="m"))


@pytest.mark.parametrize("multi", [False, True])
def test_states_are_not_written(multi: bool) -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        net.own(x if multi else x[0])
        return net.own.v_seq.mul_(2.0) if multi else net.own.v.add_(0.5)

    with pytest.raises(CompileError, match="a state of a neuron") as caught:
        traced(forward, LIFNode(step_mode="m" if multi else "s", store_v_seq=True))
    assert caught.value.rule == "import.in_place"


class Starts(nn.Module):
    """A neuron that `begin` prepares before every window."""

    def __init__(self, lif: nn.Module, begin: Callable[[Any, torch.Tensor], Any]) -> None:
        super().__init__()
        self.fc, self.lif, self.begin = nn.Linear(6, 40), lif, begin

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.begin(self.lif, x)
        current = self.fc(x) * 2 + 0.25
        return self.lif(current) if self.lif.step_mode == "m" else torch.stack([self.lif(step) for step in current])


def _set(value: float) -> Callable[[Any, torch.Tensor], Any]:
    return lambda lif, x: setattr(lif, "v", value)


def _set_rows(lif: Any, x: torch.Tensor) -> None:
    lif.v = torch.linspace(-0.5, 0.95, 40).expand(x.shape[1], 40).clone()


STARTED = {
    "IF": lambda mode: neuron.IFNode(v_reset=None, step_mode=mode),
    "LIF": lambda mode: neuron.LIFNode(tau=2.0, v_reset=-0.25, step_mode=mode),
    "PLIF": lambda mode: neuron.ParametricLIFNode(init_tau=4.0, decay_input=False, step_mode=mode),
    "KLIF": lambda mode: neuron.KLIFNode(step_mode=mode),
}


@pytest.mark.parametrize("mode", ["s", "m"])
@pytest.mark.parametrize("begin", [_set(0.9), _set_rows], ids=["a number", "a tensor"])
@pytest.mark.parametrize("name", STARTED)
def test_a_membrane_starts_where_the_model_sets_it(name: str, begin: Any, mode: str) -> None:
    torch.manual_seed(0)
    net = Starts(STARTED[name](mode), begin).eval()
    x = torch.rand(6, 3, 6, generator=torch.Generator().manual_seed(0))
    graph = trace_module(net, {"x": x}, [], 6, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    usual = Starts(STARTED[name](mode), lambda lif, x: None).eval()
    usual.load_state_dict(net.state_dict())
    functional.reset_net(net)
    assert not torch.equal(net(x), usual(x))


def test_what_a_reset_sets_a_membrane_to_is_its_start() -> None:
    lif = neuron.IFNode(v_reset=None, step_mode="m")
    lif.set_reset_value("v", 0.5)
    lif.reset()
    x = torch.rand(4, 2, 6, generator=torch.Generator().manual_seed(0))
    net = Starts(lif, lambda lif, x: None).eval()
    graph = trace_module(net, {"x": x}, [], 4, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    (op,) = (node.op for node in graph.nodes.values() if isinstance(node.op, Lif))
    assert op.v0 == 0.5


def test_starts_that_nothing_keeps_or_that_differ_are_refused() -> None:
    x = torch.rand(4, 2, 6)
    net = Starts(neuron.IFNode(step_mode="m"), lambda lif, x: None).eval()
    net.lif.v = 0.5
    with pytest.raises(CompileError, match=r"set_reset_value\(\"v\", 0.5\)"):
        trace_module(net, {"x": x}, [], 4, "net")
    assert net.lif.v == 0.5
    own = Starts(neuron.IFNode(step_mode="m"), lambda lif, x: setattr(lif, "v", torch.rand(x.shape[1], 40))).eval()
    with pytest.raises(CompileError, match=r"other membranes in other samples|random"):
        trace_module(own, {"x": x}, [], 4, "net")
