"""Every rule for SpikingJelly's neurons against its own forward pass, on random currents and on currents made of ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from spikingjelly.activation_based import lava_exchange, layer, neuron, surrogate
from spikingjelly.clock_driven import neuron as old
from torch import nn

from compile import compile_model
from frontend.neuron_rules.behaviour import STEPS, tie_currents
from frontend.neuron_rules.spikingjelly import (
    SPIKINGJELLY_NEURONS,
    integrate_and_fire,
    lif,
    parametric_lif,
    takes_single_steps,
)
from frontend.neuron_rules.table import is_single_step, reset_neurons
from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.interpreter import interpret
from ir.ops import Lif

torch.set_num_threads(1)


def _klif(k: float, **options: Any) -> nn.Module:
    made = neuron.KLIFNode(**{"step_mode": "m", **options})
    made.k.data.fill_(k)
    return made


NEURONS: dict[str, list[Callable[[], nn.Module]]] = {
    "spikingjelly.activation_based.neuron.LIFNode": [
        lambda: neuron.LIFNode(step_mode="m"),
        lambda: neuron.LIFNode(tau=4.0, decay_input=False, step_mode="m", v_threshold=0.5),
        lambda: neuron.LIFNode(v_reset=None, step_mode="m"),
        lambda: neuron.LIFNode(v_reset=None, decay_input=False, step_mode="m"),
        lambda: neuron.LIFNode(v_reset=-0.5, step_mode="m", v_threshold=0.75),
        lambda: neuron.LIFNode(v_reset=0.25, decay_input=False, step_mode="m", store_v_seq=True),
    ],
    "spikingjelly.activation_based.neuron.IFNode": [
        lambda: neuron.IFNode(step_mode="m"),
        lambda: neuron.IFNode(v_reset=None, step_mode="m", v_threshold=2.0),
        lambda: neuron.IFNode(v_reset=-1.0, step_mode="m"),
    ],
    "spikingjelly.activation_based.neuron.ParametricLIFNode": [
        lambda: neuron.ParametricLIFNode(step_mode="m"),
        lambda: neuron.ParametricLIFNode(init_tau=3.0, decay_input=False, step_mode="m"),
        lambda: neuron.ParametricLIFNode(init_tau=2.0, v_reset=None, step_mode="m"),
    ],
    "spikingjelly.activation_based.neuron.KLIFNode": [
        lambda: neuron.KLIFNode(step_mode="m"),
        lambda: _klif(1.5, scale_reset=True),
        lambda: _klif(0.5, scale_reset=True, decay_input=False, v_reset=-0.25),
        lambda: _klif(1.5, tau=4.0),
        lambda: _klif(0.75, decay_input=False, v_reset=0.25, v_threshold=0.75),
        lambda: _klif(1.0, v_reset=-0.5, step_mode="s"),
    ],
    "spikingjelly.activation_based.neuron.QIFNode": [
        lambda: neuron.QIFNode(step_mode="m"),
        lambda: neuron.QIFNode(tau=4.0, v_c=0.5, a0=0.75, v_rest=-0.25, v_reset=-0.5, step_mode="m"),
        lambda: neuron.QIFNode(v_reset=None, step_mode="s"),
    ],
    "spikingjelly.activation_based.neuron.EIFNode": [
        lambda: neuron.EIFNode(step_mode="m"),
        lambda: neuron.EIFNode(tau=3.0, delta_T=0.5, theta_rh=0.75, v_rest=0.125, v_reset=0.0, step_mode="s"),
    ],
    "spikingjelly.activation_based.neuron.IzhikevichNode": [
        lambda: neuron.IzhikevichNode(step_mode="m"),
        lambda: neuron.IzhikevichNode(tau=3.0, a=0.5, b=0.25, w_rest=0.125, tau_w=4.0, v_reset=-0.5, step_mode="m"),
        lambda: neuron.IzhikevichNode(a=0.5, b=0.25, v_reset=None, step_mode="s"),
    ],
    "spikingjelly.activation_based.lava_exchange.CubaLIFNode": [
        lambda: lava_exchange.CubaLIFNode(0.3, 0.2, step_mode="m"),
        lambda: lava_exchange.CubaLIFNode(0.25, 0.5, v_threshold=1.3, scale=1 << 5, step_mode="m", store_v_seq=True),
        lambda: lava_exchange.CubaLIFNode(1.0, 0.03, v_threshold=100.0, requires_grad=True, step_mode="m"),
        lambda: lava_exchange.CubaLIFNode(0.0, 1.0, step_mode="s"),
    ],
    "spikingjelly.clock_driven.neuron.LIFNode": [lambda: old.LIFNode(), lambda: old.LIFNode(v_reset=None)],
    "spikingjelly.clock_driven.neuron.IFNode": [lambda: old.IFNode(v_reset=-0.5)],
    "spikingjelly.clock_driven.neuron.ParametricLIFNode": [lambda: old.ParametricLIFNode(init_tau=4.0)],
    "spikingjelly.clock_driven.neuron.MultiStepLIFNode": [
        lambda: old.MultiStepLIFNode(),
        lambda: old.MultiStepLIFNode(v_reset=None, v_threshold=0.5, detach_reset=True),
        lambda: old.MultiStepLIFNode(decay_input=False, v_reset=-0.5),
    ],
    "spikingjelly.clock_driven.neuron.MultiStepIFNode": [
        lambda: old.MultiStepIFNode(),
        lambda: old.MultiStepIFNode(v_reset=None),
    ],
    "spikingjelly.clock_driven.neuron.MultiStepParametricLIFNode": [
        lambda: old.MultiStepParametricLIFNode(),
        lambda: old.MultiStepParametricLIFNode(init_tau=3.0, decay_input=False),
    ],
}
ANALOG: dict[str, list[Callable[[], nn.Module]]] = {
    "spikingjelly.activation_based.layer.SynapseFilter": [
        lambda: layer.SynapseFilter(tau=4.0, step_mode="m"),
        lambda: layer.SynapseFilter(tau=5.0, learnable=True, step_mode="s"),
    ],
    "spikingjelly.activation_based.layer.Delay": [
        lambda: layer.Delay(2, step_mode="m"),
        lambda: layer.Delay(3, step_mode="s"),
        lambda: layer.Delay(0, step_mode="s"),
    ],
}
MOVED = {
    "spikingjelly.activation_based.neuron.lif.LIFNode": "spikingjelly.activation_based.neuron.LIFNode",
    "spikingjelly.activation_based.neuron.integrate_and_fire.IFNode": "spikingjelly.activation_based.neuron.IFNode",
    "spikingjelly.activation_based.neuron.plif.ParametricLIFNode": "spikingjelly.activation_based.neuron.ParametricLIFNode",
}
"""SpikingJelly 2's name -> that of 0.0.0.0.14: the same neurons in files of their own (2 needs a newer Python than ours)."""
CASES = [(name, place) for name, made in NEURONS.items() for place in range(len(made))]


class Net(nn.Module):
    def __init__(self, lif: nn.Module) -> None:
        super().__init__()
        self.lif = lif

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.lif(step) for step in x]) if is_single_step(self.lif) else self.lif(x)


def test_every_rule_has_a_neuron() -> None:
    assert SPIKINGJELLY_NEURONS.keys() - NEURONS.keys() - ANALOG.keys() == MOVED.keys()
    for new, old_name in MOVED.items():
        assert SPIKINGJELLY_NEURONS[new] is SPIKINGJELLY_NEURONS[old_name]


def currents(threshold: float) -> torch.Tensor:
    """Half random, half multiples of an eighth of the threshold: (STEPS, 2, neurons)."""
    ties = tie_currents(threshold)
    return torch.cat([ties, torch.randn(ties.shape, generator=torch.Generator().manual_seed(0)) * 2 * threshold], dim=1)


@pytest.mark.parametrize(("name", "place"), CASES)
def test_every_spike_is_equal(name: str, place: int) -> None:
    net = Net(NEURONS[name][place]()).eval()
    graph = trace_module(net, {"x": torch.rand(STEPS, 2, 4)}, [], STEPS, "net")
    x = currents(graph.nodes["lif"].op.threshold)
    ours = interpret(graph, {"x": x})["output"]
    with torch.no_grad():
        theirs = net(x)
    assert torch.equal(ours, theirs)
    assert 0.05 < theirs.mean() < 0.95


@pytest.mark.parametrize("steps", [1, 2, 20])
@pytest.mark.parametrize("name", [name for name in NEURONS if "activation_based" in name])
def test_windows_of_any_length(name: str, steps: int) -> None:
    net = Net(NEURONS[name][-1]()).eval()
    x = torch.randn(steps, 3, 200, generator=torch.Generator().manual_seed(1)) * 2
    graph = trace_module(net, {"x": x}, [], steps, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0


@pytest.mark.parametrize(
    ("name", "place"), [(name, place) for name, made in ANALOG.items() for place in range(len(made))]
)
def test_every_value_is_equal(name: str, place: int) -> None:
    net, x = Net(ANALOG[name][place]()).eval(), (torch.rand(STEPS, 2, 40) < 0.4).float()
    graph = trace_module(net, {"x": x}, [], STEPS, "net")
    check_import(net, graph, {"x": x})
    with torch.no_grad():
        assert torch.equal(interpret(graph, {"x": x})["output"], net(x))


CONTAINERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: layer.LinearRecurrentContainer(neuron.LIFNode(), 6, 6, step_mode="m"),
    "linear, other widths": lambda: layer.LinearRecurrentContainer(
        nn.Sequential(nn.Linear(6, 4), neuron.LIFNode(v_reset=None)), 6, 4, step_mode="m"
    ),
    "linear, without bias, step by step": lambda: layer.LinearRecurrentContainer(neuron.IFNode(), 6, 6, bias=False),
    "sum": lambda: layer.ElementWiseRecurrentContainer(neuron.IFNode(v_reset=None), torch.add, step_mode="m"),
    "difference": lambda: layer.ElementWiseRecurrentContainer(neuron.IFNode(), lambda y, x: x - y, step_mode="m"),
}


class Contained(nn.Module):
    def __init__(self, container: nn.Module) -> None:
        super().__init__()
        self.container = container
        for linear in (child for child in self.modules() if isinstance(child, nn.Linear)):
            linear.weight.data = torch.randint(-4, 9, linear.weight.shape) / 8
            if linear.bias is not None:
                linear.bias.data.fill_(0.25)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.container(x) if self.container.step_mode == "m" else torch.stack([self.container(t) for t in x])


@pytest.mark.parametrize("case", CONTAINERS)
def test_recurrent_containers_fire_as_themselves(case: str) -> None:
    torch.manual_seed(0)
    net, x = Contained(CONTAINERS[case]()).eval(), torch.randint(-3, 6, (12, 4, 6)) / 4
    graph = trace_module(net, {"x": x}, [], 12, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    with torch.no_grad():
        theirs = net(x)
    assert torch.equal(interpret(graph, {"x": x})["output"], theirs)
    assert 0.05 < theirs.mean() < 0.95
    assert "single_step_forward" not in vars(net.container)


def test_a_container_that_hands_back_no_spikes_is_refused() -> None:
    chain = nn.Sequential(neuron.IFNode(), nn.Linear(6, 6))
    net = Contained(layer.LinearRecurrentContainer(chain, 6, 6, step_mode="m")).eval()
    with pytest.raises(CompileError, match="not the spikes of its last neuron") as caught:
        trace_module(net, {"x": torch.rand(STEPS, 2, 6)}, [], STEPS, "net")
    assert (caught.value.rule, caught.value.where) == ("import.recurrence", "container")


def test_a_tau_that_is_no_power_of_two_differs_by_rounding_only() -> None:
    net = Net(neuron.LIFNode(tau=3.0, step_mode="m", store_v_seq=True)).eval()
    graph = trace_module(net, {"x": torch.rand(STEPS, 2, 4)}, [], STEPS, "net")
    x = torch.randn(STEPS, 2, 512, generator=torch.Generator().manual_seed(0)) * 3
    assert torch.equal(interpret(graph, {"x": x})["output"], net(x))


def test_tracing_leaves_the_neurons_reset() -> None:
    net = Net(neuron.LIFNode(step_mode="m")).eval()
    net(torch.rand(STEPS, 7, 4))
    trace_module(net, {"x": torch.rand(STEPS, 2, 4)}, [], STEPS, "net")
    assert net.lif.v == 0.0


class Single(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lif = neuron.LIFNode(step_mode="m")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(self.lif(x))


def _normalised() -> nn.Module:
    norm = lava_exchange.BatchNorm2d(4)
    return lava_exchange.CubaLIFNode(0.5, 0.5, norm=norm, step_mode="m")


REFUSED: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "single step": (lambda: nn.Sequential(neuron.LIFNode(step_mode="s")), "import.step_mode", "runs step by step"),
    "analog": (
        lambda: Net(old.MultiStepLIFNode(surrogate_function=surrogate.Sigmoid(spiking=False))),
        "import.surrogate",
        "no spikes",
    ),
    "k below 0": (lambda: Net(_klif(-1.0)), "import.parameter", "scales by k = -1"),
    "normalised current": (lambda: Net(_normalised()), "import.parameter", "normalises its current"),
    "twice without reset": (Single, "import.shared_neuron", "reset"),
    "subtracts infinity": (
        lambda: Net(neuron.IFNode(float("inf"), None, step_mode="m")),
        "import.parameter",
        "subtracts a threshold of inf",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_rule_covers_is_refused(case: str) -> None:
    make, rule, text = REFUSED[case]
    with pytest.raises(CompileError, match=text) as caught:
        trace_module(
            make().eval(), {"input" if "single step" in case else "x": torch.rand(STEPS, 2, 4)}, [], STEPS, "net"
        )
    assert caught.value.rule == rule
    assert caught.value.where


@pytest.mark.parametrize(
    ("rule", "make", "expected"),
    [
        (lif, lambda: neuron.LIFNode(tau=4.0), Lif(decay=0.25)),
        (lif, lambda: neuron.LIFNode(tau=4.0, decay_input=False), Lif(decay=0.25, form="sum")),
        (lif, lambda: neuron.LIFNode(v_reset=None), Lif(decay=0.5, reset="subtract")),
        (lif, lambda: neuron.LIFNode(v_reset=-0.5), Lif(decay=0.5, threshold=1.5)),
        (integrate_and_fire, lambda: neuron.IFNode(v_threshold=2.0), Lif(decay=0.0, form="sum", threshold=2.0)),
        (parametric_lif, lambda: neuron.ParametricLIFNode(init_tau=2.0), Lif(decay=0.5)),
    ],
)
def test_a_membrane_is_counted_from_the_reset(rule: Callable[[nn.Module], Lif], make: Any, expected: Lif) -> None:
    assert rule(make()) == expected


def test_who_takes_single_steps() -> None:
    for node, mode in ((neuron.LIFNode(step_mode="s"), True), (neuron.LIFNode(step_mode="m"), False)):
        assert takes_single_steps(node, "spikingjelly.activation_based.neuron.LIFNode") is mode
    for name, mode in (("LIFNode", True), ("MultiStepLIFNode", False)):
        assert takes_single_steps(getattr(old, name)(), f"spikingjelly.clock_driven.neuron.{name}") is mode


@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=pytest.mark.lava)])
@pytest.mark.parametrize("decays", [(0.25, 0.5), (0.3, 0.2), (0.7, 0.03)])
def test_spikingjelly_s_neuron_for_loihi_is_loihi_s_in_integers(decays: tuple[float, float], target: str) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(12, 40, bias=False),
        lava_exchange.CubaLIFNode(*decays, step_mode="m"),
        nn.Linear(40, 20, bias=False),
        lava_exchange.CubaLIFNode(*decays, step_mode="m"),
    ).eval()
    net[0].weight.data = torch.randint(-30, 50, (40, 12)) / 32
    net[2].weight.data = torch.randint(-40, 40, (20, 40)) / 32
    x = (torch.rand(20, 3, 12) < 0.4).float()
    with torch.no_grad():
        theirs = net(x)
    reset_neurons(net)
    (spikes,) = compile_model(net, target, example=x).run(x).outputs.values()
    assert torch.equal(torch.as_tensor(spikes).float(), theirs)
    assert 0.05 < theirs.mean() < 0.95
