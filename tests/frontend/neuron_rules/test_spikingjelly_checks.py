"""What no rule of SpikingJelly's neurons covers is refused; the same neuron as it should be is not."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based.neuron import LIFNode, ParametricLIFNode
from spikingjelly.activation_based.surrogate import Sigmoid

from frontend.neuron_rules.spikingjelly_checks import check_spikingjelly
from ir.errors import CompileError


def test_a_neuron_without_state_is_accepted_before_its_first_step():
    check_spikingjelly(LIFNode(), False, "v", ())


@pytest.mark.parametrize("later", [False, True])
def test_the_membrane_is_there_from_the_second_step_on(later: bool):
    ready, other = LIFNode(), LIFNode()
    (ready if later else other)(torch.rand(2))
    check_spikingjelly(ready, later, "v", ())
    with pytest.raises(CompileError, match="reset"):
        check_spikingjelly(other, later, "v", ())


def test_parameters_that_no_rule_reads():
    check_spikingjelly(ParametricLIFNode(), False, "v", ("w",))
    with pytest.raises(CompileError, match="parameter w that no rule knows"):
        check_spikingjelly(ParametricLIFNode(), False, "v", ())


def test_analog_output():
    with pytest.raises(CompileError, match="no spikes") as caught:
        check_spikingjelly(LIFNode(surrogate_function=Sigmoid(spiking=False)), False, "v", ())
    assert caught.value.rule == "import.surrogate"
