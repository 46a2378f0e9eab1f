"""The table of all neurons: by class name, subclasses as what they inherit from, state without a rule refused."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import layer, neuron
from spikingjelly.clock_driven import layer as old_layer
from torch import nn

from frontend.names import qualified_name
from frontend.neuron_rules import table
from frontend.neuron_rules.norse import NORSE_CELLS, NORSE_LAYERS
from frontend.neuron_rules.snntorch import SNNTORCH_CELLS
from frontend.neuron_rules.spikingjelly import SPIKINGJELLY, SPIKINGJELLY_NEURONS, integrate_and_fire, lif
from frontend.neuron_rules.table import (
    NEURON_RULES,
    STATEFUL,
    check_neuron,
    is_single_step,
    neuron_name,
    neuron_rule,
    reset_neurons,
    spikes_of,
)
from ir.errors import CompileError

snntorch = pytest.importorskip("snntorch")

LIF_NAME = "spikingjelly.activation_based.neuron.LIFNode"


class Mine(neuron.LIFNode):
    """A user's subclass."""


def test_every_framework_s_neurons_are_in_the_table() -> None:
    assert NEURON_RULES == {**SPIKINGJELLY_NEURONS, **NORSE_CELLS, **NORSE_LAYERS, **SNNTORCH_CELLS}
    assert not NEURON_RULES.keys() & set(STATEFUL)


def test_no_neuron_has_two_rules():
    assert sum(len(framework.rules) for framework in table.FRAMEWORKS) == len(table.NEURON_RULES)


def test_other_modules_are_no_neurons() -> None:
    assert neuron_rule(nn.Linear(2, 2)) is None
    assert neuron_name(nn.Linear(2, 2)) is None
    assert not is_single_step(nn.Linear(2, 2))
    check_neuron(nn.Linear(2, 2), has_run=True)
    check_neuron(neuron.LIFNode(step_mode="m"))


def test_a_subclass_is_filed_under_what_it_inherits_from() -> None:
    assert neuron_name(Mine()) == LIF_NAME
    assert neuron_rule(Mine()) is lif
    assert neuron_rule(neuron.IFNode()) is integrate_and_fire
    assert is_single_step(Mine(step_mode="s"))
    assert not is_single_step(Mine(step_mode="m"))


class Unknown(snntorch.SpikingNeuron):
    """A neuron of snnTorch's that has no rule."""


def test_state_without_a_rule_is_refused_with_its_framework_s_neurons() -> None:
    with pytest.raises(CompileError, match=r"no rule for .*Unknown, which has state") as caught:
        neuron_rule(Unknown())
    assert caught.value.rule == "import.module"
    assert "norse" not in caught.value.hint


@pytest.mark.parametrize("module", [layer.NeuNorm(4, 4, 4), layer.Dropout(), old_layer.Dropout2d()])
def test_modules_that_a_framework_knows_how_to_reset_are_traced(module: nn.Module) -> None:
    assert set(map(qualified_name, type(module).__mro__)) & set(SPIKINGJELLY.traced)
    assert neuron_rule(module) is None


def test_a_neuron_s_check_and_reset_are_its_framework_s() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(neuron.LIFNode(step_mode="m")))
    net(torch.ones(3, 1, 2))
    with pytest.raises(CompileError, match="runs again without a reset"):
        check_neuron(net[1][0])
    reset_neurons(net)
    assert net[1][0].v == 0.0
    check_neuron(net[1][0])


def test_spikes_come_alone_or_before_a_state() -> None:
    spikes = torch.ones(2)
    assert spikes_of(spikes) is spikes
    assert spikes_of((spikes, "state")) is spikes
    assert table.spikes_of([spikes]) is spikes
