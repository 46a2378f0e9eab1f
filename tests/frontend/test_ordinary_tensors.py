"""`torch.inference_mode`, of the model or around the compiler, changes nothing: tensors still know that they were written."""

from __future__ import annotations

import pytest
import torch
from spikingjelly.activation_based import functional, neuron
from torch import nn

from compile import compile_model
from frontend.ordinary_tensors import ordinary_tensors


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc, self.lif = nn.Linear(8, 6), neuron.LIFNode(step_mode="m", v_threshold=0.25)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        functional.reset_net(self)
        spikes: torch.Tensor = self.lif(self.fc(x))
        spikes[0] += 1  # a write
        return spikes


class Decorated(Net):
    @torch.inference_mode()
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)


@pytest.mark.parametrize("network", [Net, Decorated])
@pytest.mark.parametrize("around", [True, False])
def test_inference_mode_changes_nothing(network: type[nn.Module], around: bool) -> None:
    with torch.inference_mode(around):
        net, x = network().eval(), (torch.rand(6, 3, 8) < 0.5).float()
        program = compile_model(net, target="gpu", precision="float", example=x)
        for steps in (6, 4):
            ours = torch.as_tensor(program.run(x[:steps]).outputs["output"])
            assert torch.equal(ours, net(x[:steps]))
            assert ours.max() == 2


def test_inference_mode_is_as_it_was_afterwards() -> None:
    enter = torch.inference_mode.__enter__
    with torch.inference_mode():
        with ordinary_tensors(), torch.inference_mode():
            x = torch.ones(2)
            assert not x.is_inference()
            assert not torch.is_grad_enabled()
        assert torch.ones(2).is_inference()
    assert torch.inference_mode.__enter__ is enter
    assert torch.is_grad_enabled()
