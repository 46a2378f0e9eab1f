"""The spiking ResNet-18 against SpikingJelly's own SEW ResNet-18, layer names and all."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import functional
from spikingjelly.activation_based.model.sew_resnet import sew_resnet18
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import Sigmoid
from torch import nn

from models.layers.neuron import lif_without_input_scaling
from models.networks.taaf.resnet import SewBlock, SpikingResNet18
from tests.models.layers.image_oracle import make_dyadic, random_counts, run


def _theirs() -> nn.Module:
    net = sew_resnet18(
        cnf="ADD", spiking_neuron=LIFNode, tau=2.0, decay_input=False, detach_reset=True, surrogate_function=Sigmoid()
    )
    functional.set_step_mode(net, "m")
    net.fc = nn.Identity()
    return net.eval()


@pytest.mark.slow
def test_branch_equals_spikingjellys_sew_resnet18() -> None:
    torch.manual_seed(0)
    theirs, ours = _theirs(), SpikingResNet18(3, 64, 7, 2, lif_without_input_scaling).eval()
    make_dyadic(theirs, 1)
    assert not ours.load_state_dict(theirs.state_dict()).missing_keys
    for part in ours.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.eps = 0.0
    x = random_counts((4, 2, 3, 64, 64), 4, 2) / 4
    with torch.no_grad():
        expected = theirs(x)
    assert expected.max() > 0
    assert torch.equal(torch.from_numpy(run(ours, x)).float(), expected)


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(4, 4, 1), (4, 8, 2), (4, 8, 1)])
def test_a_block_adds_spikes_to_its_shortcut(inputs: int, outputs: int, stride: int) -> None:
    block = SewBlock(inputs, outputs, stride, lif_without_input_scaling)
    make_dyadic(block, 0)
    x = random_counts((4, 2, inputs, 6, 6), 1, 3)
    out = run(block, x)
    assert out.shape == (4, 2, outputs, 6 // stride, 6 // stride)
    assert set(out.flatten()) == {0, 1, 2}


def test_the_neuron_halves_its_membrane_and_takes_inputs_whole() -> None:
    current = torch.tensor([0.5, 0.5, 0.5, 0.25, 0.75, 1.0]).reshape(-1, 1)
    assert lif_without_input_scaling()(current).flatten().tolist() == [0, 0, 0, 0, 1, 1]
