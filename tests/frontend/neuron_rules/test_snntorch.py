"""
snnTorch's neurons, traced as its users write them, equal to snnTorch's own spikes at every step.

snnTorch is not installed here. Its spikes were recorded (tests/data/snntorch/record.py); tracing sees stand-ins that are filed
under the same names, whose steps are written after snnTorch's documented equations and compared with the recording, too.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from compile import compile_model
from frontend.names import qualified_name
from frontend.neuron_rules.snntorch import SNNTORCH_CELLS
from frontend.tracing.import_check import check_import
from frontend.tracing.trace import trace_module
from ir.errors import CompileError
from ir.graph import Graph
from ir.interpreter import interpret

torch.set_num_threads(1)
RECORDED = dict(np.load(Path(__file__).parents[2] / "data" / "snntorch" / "spikes.npz"))
STEPS, BATCH, WIDTH = RECORDED["x"].shape
HIDDEN = len(RECORDED["beta"])
SHARED = {"beta": 0.8, "alpha": 0.6, "threshold": 1.1}
OWN = {name: torch.from_numpy(RECORDED[name]) for name in SHARED}
SHARED_CASES = [key for key in RECORDED if key.endswith("_shared")]
OWN_CASES = [key for key in RECORDED if key.endswith("_own")]
MEMBRANES = [key for key in RECORDED if key.endswith("/mem")]
Tensor = torch.Tensor


class SpikingNeuron(nn.Module):
    """A stand-in: a membrane, behind a synaptic current if it has alpha, that may send its spikes to itself."""

    states = ("mem",)

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        for name in ("beta", "alpha", "threshold"):
            self.register_buffer(name, torch.as_tensor(options.get(name, 1.0)))
        self.graded_spikes_factor = torch.tensor(options.get("graded_spikes_factor", 1.0))
        self.inhibition, self.state_quant = options.get("inhibition", False), options.get("state_quant", False)
        self.reset_mechanism = options.get("reset_mechanism", "subtract")
        self.reset_mechanism_val = torch.tensor(("subtract", "zero", "none").index(self.reset_mechanism))
        self.state_function = {"subtract": self._base_sub, "zero": self._base_zero, "none": self._base_int}[
            self.reset_mechanism
        ]
        self.reset_delay = options.get("reset_delay", True)
        self.spike_grad = options.get("spike_grad", lambda distance: (distance > 0).float())
        self.reset_mem()
        if "spk" in self.states:
            self.recurrent = nn.Linear(HIDDEN, HIDDEN)
            self.recurrent.load_state_dict(
                {k: torch.from_numpy(RECORDED[f"recurrent.{k}"]) for k in ("weight", "bias")}
            )

    def reset_mem(self) -> Any:
        for name in self.states:
            setattr(self, name, torch.zeros(0))
        values = tuple(getattr(self, name) for name in self.states)
        return values if len(values) > 1 else values[0]

    def step(self, x: Tensor, **given: Tensor | None) -> Any:
        for name in self.states:
            state = given[name] if given[name] is not None else getattr(self, name)
            setattr(self, name, state if state.shape == x.shape else torch.zeros_like(x))
        late = (self.mem > self.threshold).float()
        x = x + self.recurrent(self.spk) if "spk" in self.states else x
        if "syn" in self.states:
            x = self.syn = self.alpha.clamp(0, 1) * self.syn + x
        self.mem = self.state_function(x, late)
        self.spk = self.spike_grad(self.mem - self.threshold) * self.graded_spikes_factor
        if not self.reset_delay:
            amount = {"subtract": self.threshold, "zero": self.mem, "none": 0.0}[self.reset_mechanism]
            self.mem = self.mem - (self.spk - late) * amount
        if self.options.get("init_hidden"):
            return self.spk
        return (self.spk, *(getattr(self, name) for name in self.states if name != "spk"))

    def _base_sub(self, x: Tensor, late: Tensor) -> Tensor:
        return self._base_int(x, late) - late * self.threshold

    def _base_zero(self, x: Tensor, late: Tensor) -> Tensor:
        if self.states == ("mem",):
            return self.beta.clamp(0, 1) * ((1 - late) * self.mem) + x
        return (1 - late) * self._base_int(x, late)

    def _base_int(self, x: Tensor, late: Tensor) -> Tensor:
        return self.beta.clamp(0, 1) * self.mem + x


class Leaky(SpikingNeuron):
    def forward(self, input_: Tensor, mem: Tensor | None = None) -> Any:
        return self.step(input_, mem=mem)


class Synaptic(SpikingNeuron):
    states = ("syn", "mem")

    def forward(self, input_: Tensor, syn: Tensor | None = None, mem: Tensor | None = None) -> Any:
        return self.step(input_, syn=syn, mem=mem)


class RLeaky(SpikingNeuron):
    states = ("spk", "mem")

    def forward(self, input_: Tensor, spk: Tensor | None = None, mem: Tensor | None = None) -> Any:
        return self.step(input_, spk=spk, mem=mem)


class RSynaptic(SpikingNeuron):
    states = ("spk", "syn", "mem")

    def forward(self, input_: Tensor, spk: Any = None, syn: Any = None, mem: Any = None) -> Any:
        return self.step(input_, spk=spk, syn=syn, mem=mem)


class Lapicque(SpikingNeuron):
    def forward(self, input_: Tensor, mem: Tensor | None = None) -> Any:
        return self.step(input_, mem=mem)


SpikingNeuron.__module__ = "snntorch._neurons.neurons"
NEURONS = {"Leaky": Leaky, "Synaptic": Synaptic, "RLeaky": RLeaky, "RSynaptic": RSynaptic}
for _class in (*NEURONS.values(), Lapicque):
    _class.__module__ = f"snntorch._neurons.{_class.__name__.lower()}"


class Net(nn.Module):
    """A layer, a neuron, and a loop over the steps of x (T, B, ...), or over those of an x without time."""

    def __init__(self, lif: nn.Module, forward: Callable[[Any, Tensor], Any]) -> None:
        super().__init__()
        self.fc, self.lif, self.compute = nn.Linear(WIDTH, HIDDEN), lif, forward
        self.fc.load_state_dict({key: torch.from_numpy(RECORDED[f"fc.{key}"]) for key in ("weight", "bias")})

    def forward(self, x: Tensor) -> Any:
        return self.compute(self, x)

    def steps(self, x: Tensor) -> list[tuple[Tensor, ...]]:
        """What the neuron returns at every step, given its own states back."""
        found: list[tuple[Tensor, ...]] = []
        state = self.lif.reset_mem()
        state = state if isinstance(state, tuple) else (state,)
        for t in range(STEPS):
            found.append(self.lif(self.fc(x[t] if x.ndim > 2 else x), *state))
            state = found[-1][-len(state) :]
        return found


def hidden(net: Any, x: Tensor) -> Tensor:
    net.lif.reset_mem()
    return torch.stack([net.lif(net.fc(step)) for step in x])


def handed(net: Any, x: Tensor) -> Tensor:
    return torch.stack([results[0] for results in net.steps(x)])


def with_membranes(net: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    found = net.steps(x)
    return torch.stack([results[0] for results in found]), torch.stack([results[-1] for results in found])


def network(case: str, forward: Callable[[Any, Tensor], Any]) -> Net:
    kind, reset, late, constants = case.split("_")
    options = OWN if constants.startswith("own") else SHARED
    lif = NEURONS[kind](**options, reset_mechanism=reset, reset_delay=late == "next", init_hidden=forward is hidden)
    return Net(lif, forward).eval()


def imported(net: nn.Module, x: Tensor, static: bool = False) -> Graph:
    graph = trace_module(net, {"x": x}, ["x"] if static else [], STEPS, "net")
    assert check_import(net, graph, {"x": x}).within_rounding == 0
    return graph


def spikes_in() -> Tensor:
    return torch.from_numpy(RECORDED["x"]).float()


def test_every_rule_is_recorded() -> None:
    assert {qualified_name(NEURONS[case.split("_")[0]]) for case in SHARED_CASES} == set(SNNTORCH_CELLS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "forward"), [*product(OWN_CASES, (hidden, handed)), *product(SHARED_CASES, (hidden,))]
)
def test_snntorch_s_own_spikes(case: str, forward: Callable[[Any, Tensor], Any]) -> None:
    net, x, expected = network(case, forward), spikes_in(), RECORDED[case]
    assert 0.1 < expected.mean() < 0.7
    with torch.no_grad():
        np.testing.assert_array_equal(net(x), expected)
    graph = imported(net, x)
    (spikes,) = interpret(graph, {"x": x}).values()
    np.testing.assert_array_equal(spikes, expected)


@pytest.mark.parametrize("case", MEMBRANES)
def test_membranes_that_no_reset_hides_are_values(case: str) -> None:
    graph = imported(network(case.split("/")[0], with_membranes), spikes_in())
    spikes, membranes = interpret(graph, {"x": spikes_in()}).values()
    np.testing.assert_array_equal(spikes, RECORDED[case.split("/")[0]])
    np.testing.assert_allclose(membranes, RECORDED[case], atol=1e-5)


@pytest.mark.parametrize("case", ["Synaptic_subtract_next_own", "RLeaky_zero_next_own"])
@pytest.mark.parametrize("target", ["gpu", pytest.param("loihi", marks=pytest.mark.lava)])
def test_both_targets_fire_as_snntorch_does(case: str, target: str) -> None:
    program = compile_model(network(case, hidden), target=target, precision="float", example=spikes_in())
    (spikes,) = program.run(spikes_in()).outputs.values()
    np.testing.assert_array_equal(np.asarray(spikes), RECORDED[case])


def test_constants_are_clamped_as_snntorch_clamps_them() -> None:
    graph = imported(Net(Synaptic(beta=1.5, alpha=-0.5), hidden_without_reset).eval(), spikes_in())
    lif = graph.nodes["lif"].op
    assert (lif.decay, lif.current_decay) == (0.0, 1.0)


def hidden_without_reset(net: Any, x: Tensor) -> Tensor:
    return torch.stack([net.lif(net.fc(step))[0] for step in x])


@pytest.mark.parametrize("neuron", [Leaky, RSynaptic])
def test_the_same_image_at_every_step(neuron: type[SpikingNeuron]) -> None:
    graph = imported(Net(neuron(**SHARED), handed).eval(), torch.rand(7, WIDTH), static=True)
    assert graph.nodes["fc"].type.static
    assert not graph.nodes["lif"].type.static


class Own(Leaky):
    """A user's variant."""


def _reset_in_between(net: Any, x: Tensor) -> Tensor:
    return torch.stack([net.lif(net.fc(step), net.lif.reset_mem())[0] for step in x])


def _from(start: float) -> Callable[[Any, Tensor], Tensor]:
    def forward(net: Any, x: Tensor) -> Tensor:
        spikes, mem = [], torch.full((x.shape[1], HIDDEN), start)
        for step in x:
            spike, mem = net.lif(net.fc(step), mem=mem)
            spikes.append(spike)
        return torch.stack(spikes)

    return forward


def _halved(net: Any, x: Tensor) -> Tensor:
    spikes, mem = [], torch.zeros(x.shape[1], HIDDEN)
    for step in x:
        spike, mem = net.lif(net.fc(step), mem)
        mem = 0.5 * mem
        spikes.append(spike)
    return torch.stack(spikes)


def test_zeros_are_a_state_to_start_from() -> None:
    assert "lif" in imported(Net(Leaky(**SHARED), _from(0.0)).eval(), spikes_in()).nodes


def _changed(**attributes: Any) -> nn.Module:
    lif = Leaky(**SHARED)
    for name, value in attributes.items():
        setattr(lif, name, value)
    return lif


REFUSED: dict[str, tuple[Callable[[], nn.Module], Callable[[Any, Tensor], Any], str, str]] = {
    "no rule": (lambda: Lapicque(), handed, "import.module", "no rule for snntorch._neurons.lapicque.Lapicque"),
    "subclass": (lambda: Own(), handed, "import.module", "Own inherits from"),
    "graded": (lambda: Leaky(graded_spikes_factor=2.0), handed, "import.parameter", "graded_spikes_factor"),
    "inhibition": (lambda: Leaky(inhibition=True), handed, "import.parameter", "inhibition"),
    "quantised": (lambda: Leaky(state_quant=torch.round), handed, "import.parameter", "state_quant"),
    "threshold": (lambda: Leaky(threshold=-0.5), handed, "import.parameter", "threshold below 0"),
    "surrogate": (lambda: Leaky(spike_grad=torch.sigmoid), handed, "import.surrogate", "spike_grad"),
    "reset now": (lambda: RSynaptic(reset_delay=False), handed, "import.parameter", "without delay"),
    "other reset": (lambda: _changed(reset_mechanism="zero"), handed, "import.parameter", "another reset_mechanism"),
    "membrane behind a current": (lambda: Synaptic(), with_membranes, "import.state", "mem of Synaptic is used"),
    "zeroed membrane": (lambda: Leaky(reset_mechanism="zero"), with_membranes, "import.state", "mem of Leaky is used"),
    "start": (lambda: Leaky(), _from(0.5), "import.state", "a state that is given to it (mem)"),
    "halved": (lambda: Leaky(reset_mechanism="zero"), _halved, "import.state", "mem of Leaky is used"),
    "halved value": (lambda: Leaky(), _halved, "import.steps", "a mem that it did not return"),
    "reset in between": (lambda: Leaky(), _reset_in_between, "import.steps", "in the middle of the window"),
    "window at once": (lambda: Leaky(), lambda net, x: net.lif(net.fc(x))[0], "import.step_mode", "runs step by step"),
    "by name": (
        lambda: Leaky(),
        lambda net, x: torch.stack([net.lif(input_=net.fc(s))[0] for s in x]),
        "import.arguments",
        "by name",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_neuron(case: str) -> None:
    make, forward, rule, what = REFUSED[case]
    with pytest.raises(CompileError) as caught:
        imported(Net(make(), forward).eval(), spikes_in())
    assert (caught.value.rule, caught.value.where) == (rule, "lif")
    assert what in caught.value.what
