"""The staircase is what SpikingJelly's neuron does under a constant current; within the context, and after it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.layers.neuron import lif
from models.training.rate_lif import one_step_of_rates, stairs


class _Repeated(nn.Module):
    """Neurons under a current that is repeated `steps` times; their spikes."""

    def __init__(self, steps: int, threshold: float) -> None:
        super().__init__()
        self.steps, self.neuron = steps, lif(threshold)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.neuron.reset()
        return self.neuron(x.expand(self.steps, *x.shape))


@pytest.mark.parametrize("threshold", [1.0, 0.5])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 6])
def test_rates_are_those_of_a_constant_current(steps: int, threshold: float) -> None:
    x = torch.linspace(-1.0, 3.0, 997).reshape(1, 997)
    part = _Repeated(steps, threshold)
    rates = part(x).mean(0)
    with one_step_of_rates(part):
        torch.testing.assert_close(part(x)[0], rates)
    torch.testing.assert_close(part(x).mean(0), rates)
    assert part.steps == steps


def test_stairs_by_hand() -> None:
    currents, rises = zip(*stairs(4, 1.0), strict=True)
    assert currents == pytest.approx((16 / 15, 4 / 3, 2.0))
    assert rises == pytest.approx((0.25, 0.25, 0.5))


def test_gradients_are_a_sigmoids() -> None:
    x = torch.linspace(-2.0, 4.0, 50).reshape(1, 50).requires_grad_()
    part = _Repeated(4, 0.5)
    with one_step_of_rates(part):
        (part(x) * 2.0).sum().backward()
    smooth = x.detach().double().requires_grad_()
    (2.0 * torch.sigmoid(6.0 * (smooth - 0.7))).sum().backward()
    assert x.grad is not None
    assert smooth.grad is not None
    torch.testing.assert_close(x.grad.double(), smooth.grad, rtol=1e-4, atol=1e-6)
