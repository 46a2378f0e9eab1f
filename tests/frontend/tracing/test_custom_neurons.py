"""SpikingJelly's ways of a neuron of one's own are traced step by step, what computes like a known neuron by its rule: every spike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from spikingjelly.activation_based import base, layer, neuron
from spikingjelly.clock_driven import neuron as old
from torch import Tensor, nn

from compile import compile_model
from frontend.names import parameters_of
from frontend.neuron_rules.table import neuron_name, neuron_rule, reset_neurons
from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from frontend.wrappers import eagerly
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret
from ir.ops import Lif
from tests.frontend.neuron_rules.dynamic_threshold import DynamicThreshold

torch.set_num_threads(1)
STEPS, WIDTH = 6, 8
# quarters, so that membranes of some neurons reach their thresholds exactly
X = torch.randint(-4, 9, (STEPS, 3, WIDTH), generator=torch.Generator().manual_seed(0)) / 4


class Charged(neuron.BaseNode):
    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * 0.75 + x


class Firing(Charged):
    def neuronal_fire(self) -> Tensor:
        return self.surrogate_function(self.v - 0.5)


class Reset(Charged):
    def neuronal_reset(self, spike: Tensor) -> None:
        self.v = self.v - spike * 0.75


class Adapting(neuron.BaseNode):
    """Its threshold rises by its spikes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.register_memory("b", 0.0)

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * 0.75 + x

    def neuronal_fire(self) -> Tensor:
        return self.surrogate_function(self.v - (1.0 + self.b))

    def neuronal_reset(self, spike: Tensor) -> None:
        super().neuronal_reset(spike)
        self.b = self.b * 0.5 + 0.5 * spike


class PerNeuron(neuron.BaseNode):
    """A decay for every neuron."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.decay = nn.Parameter(torch.arange(1, WIDTH + 1) / (2 * WIDTH))

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * self.decay + 2 * x


class Doubled(neuron.LIFNode):
    def single_step_forward(self, x: Tensor) -> Tensor:
        return super().single_step_forward(2 * x)

    def multi_step_forward(self, x_seq: Tensor) -> Tensor:
        return super().multi_step_forward(2 * x_seq)


class Older(old.BaseNode):
    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * 0.75 + x


class OlderWindow(old.MultiStepIFNode):
    """It keeps its membranes of the window, with a dimension more each."""

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * 0.75 + x


class Memory(base.MemoryModule):
    def __init__(self, step_mode: str) -> None:
        super().__init__()
        self.step_mode = step_mode
        self.register_memory("v", 0.0)

    def single_step_forward(self, x: Tensor) -> Tensor:
        self.v = self.v + (x - self.v) / 2
        z = (self.v >= 0.5).float()
        self.v = self.v * (1 - z)
        return z


class Block(base.MemoryModule):
    """It remembers nothing itself."""

    def __init__(self) -> None:
        super().__init__()
        self.step_mode = "m"
        self.fc, self.lif = nn.Linear(WIDTH, WIDTH, bias=False), neuron.LIFNode(step_mode="m")

    def multi_step_forward(self, x_seq: Tensor) -> Tensor:
        return self.lif(self.fc(x_seq))


class Looped(nn.Module):
    """A neuron that takes single steps."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.cell(step) for step in x])


CLASSES = (Charged, Firing, Reset, Adapting, PerNeuron, Doubled)
RESETS: dict[str, float | None] = {"to 0": 0.0, "to -1/2": -0.5, "by the threshold": None}
NEURONS: dict[str, Callable[[], nn.Module]] = {
    f"{cls.__name__}, {name}, {'steps' if looped else 'window'}": (
        lambda cls=cls, v_reset=v_reset, looped=looped: (
            Looped(cls(v_reset=v_reset, step_mode="s")) if looped else cls(v_reset=v_reset, step_mode="m")
        )
    )
    for cls in CLASSES
    for name, v_reset in RESETS.items()
    for looped in (False, True)
    if (cls, v_reset) not in ((Adapting, -0.5),)
}
NETS: dict[str, Callable[[], nn.Module]] = {
    **NEURONS,
    "membranes kept": lambda: Charged(step_mode="m", store_v_seq=True),
    "clock_driven, steps": lambda: Looped(Older()),
    "clock_driven, window": OlderWindow,
    "a threshold of its own": lambda: DynamicThreshold(0.75, True),
    "a memory": lambda: Memory("m"),
    "a memory, steps": lambda: Looped(Memory("s")),
    "no memories": Block,
    "no memories, inside": lambda: nn.Sequential(Block(), nn.Linear(WIDTH, WIDTH), Charged(step_mode="m")),
    "two": lambda: nn.Sequential(Charged(step_mode="m"), nn.Linear(WIDTH, WIDTH), Firing(step_mode="m")),
    "a known neuron": lambda: neuron.LIFNode(step_mode="m"),
    "a known neuron, steps": lambda: Looped(neuron.IFNode()),
    "a container": lambda: layer.LinearRecurrentContainer(neuron.LIFNode(), WIDTH, WIDTH, step_mode="m"),
    "dropout": lambda: nn.Sequential(layer.Dropout(0.5, step_mode="m"), Charged(step_mode="m")),
}


def net_of(name: str) -> nn.Module:
    torch.manual_seed(0)
    net = NETS[name]().eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.Linear):
                module.weight.mul_(8).round_().div_(4)
                if module.bias is not None:
                    module.bias.zero_()
    return net


def traced(net: nn.Module) -> Graph:
    with eagerly():
        key = next(iter(parameters_of(net)))
        graph = trace_module(net, {key: X}, [], STEPS, "net")
        assert check_import(net, graph, {key: X}).within_rounding == 0
    return graph


@pytest.mark.parametrize("name", NETS)
def test_every_spike_is_the_modules(name: str) -> None:
    net = net_of(name)
    graph = traced(net)
    x = torch.randint(-4, 9, (STEPS, 5, WIDTH), generator=torch.Generator().manual_seed(1)) / 4
    reset_neurons(net)
    expected = net(x)
    assert 0 < expected.mean() < 1
    (key,) = (node.name for node in graph.inputs)
    np.testing.assert_array_equal(interpret(graph, {key: x.numpy()})["output"], expected.detach().numpy())


class Reading(nn.Module):
    """What a neuron of one's own remembers, as the output."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name, self.cell = name, Charged(step_mode="m", store_v_seq=True)

    def forward(self, x: Tensor) -> Tensor:
        self.cell(x)
        return getattr(self.cell, self.name)


@pytest.mark.parametrize("name", ["v", "v_seq"])
def test_its_membranes_are_values(name: str) -> None:
    net = Reading(name).eval()
    graph = traced(net)
    expected = net(X)
    ours = np.asarray(interpret(graph, {"x": X.numpy()})["output"])
    np.testing.assert_allclose(ours.reshape(expected.shape), expected.numpy(), rtol=1e-6, atol=1e-6)


class Derived(neuron.LIFNode):
    """It changes nothing in eval mode, where SpikingJelly has a script of its own."""

    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * 0.75 + x


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (Derived(step_mode="m").eval(), "spikingjelly.activation_based.neuron.LIFNode"),
        (Derived(step_mode="m").train(), None),
        (Doubled().eval(), None),
        (PerNeuron(step_mode="m"), None),
        (DynamicThreshold(1.0, True), "spikingjelly.clock_driven.neuron.MultiStepLIFNode"),
        (DynamicThreshold(0.75, True), None),
        (Charged(), None),
        (layer.Dropout(), None),
    ],
)
def test_a_rule_is_for_what_computes_as_it_says(module: nn.Module, name: str | None) -> None:
    assert neuron_name(module) == name
    assert (neuron_rule(module) is None) == (name is None)


def test_what_a_user_s_neuron_remembers_is_reset() -> None:
    net = nn.Sequential(Adapting(step_mode="m"), Memory("m"), layer.Dropout(0.5, step_mode="m"))
    for _ in range(2):
        reset_neurons(net)
        assert (net[0].v, net[0].b, net[1].v) == (0.0, 0.0, 0.0)
        net(X)
        assert net[0].b.any()


class Squared(Charged):
    def neuronal_charge(self, x: Tensor) -> None:
        self.v = self.v * self.v * 0.25 + x


class Random(Charged):
    def neuronal_fire(self) -> Tensor:
        return (self.v > torch.rand_like(self.v)).to(self.v)


class Twice(nn.Module):
    """One neuron at two places: its membrane goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = Charged(step_mode="m")

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(self.cell(x))


REFUSED: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "squared": (lambda: Squared(step_mode="m"), "import.neuron", "is not affine"),
    "random": (lambda: Random(step_mode="m"), "import.random", "rand_like is random"),
    "twice": (Twice, "import.neuron", "does not do the same at every step"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_neuron_of_the_family_is_refused(case: str) -> None:
    make, rule, what = REFUSED[case]
    with pytest.raises(CompileError, match=what) as caught:
        traced(make().eval())
    assert caught.value.rule == rule
    assert caught.value.where


def test_it_runs_in_integers() -> None:
    net = nn.Sequential(nn.Linear(WIDTH, WIDTH, bias=False), Charged(step_mode="m")).eval()
    with torch.no_grad():
        net[0].weight.copy_(torch.randint(-4, 9, (WIDTH, WIDTH), generator=torch.Generator().manual_seed(0)) / 4)
    spikes = (X > 0).float()
    expected = net(spikes)
    reset_neurons(net)
    program = compile_model(net, "gpu", example=spikes)
    (ours,) = program.run(spikes).outputs.values()
    assert expected.any()
    assert float((torch.as_tensor(ours) != expected).float().mean()) < 0.05
    assert [type(node.op) for node in traced(net).nodes.values() if node.op.family == "neuron"] == [Lif]
