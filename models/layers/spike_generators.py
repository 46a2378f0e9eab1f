"""
The six spike generators of CMSF's supplement, table 5.

Analog tokens (B, L, D) become spikes (T, B, L, D).

The table names the norm only. "BN" is here, as in the class the published code marks "LinearBN",
a BatchNorm2d whose channels are the T time steps (statistics over batch, tokens and width). For
Repeat-BN the published file also has a second candidate (BatchNorm1d over the D channels); neither
is marked, so the one of the same kind as the other three BN generators is used.

Attribute names are those of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from spikingjelly.activation_based.neuron import LIFNode
from torch import nn
from torch.nn.functional import pad

from models.layers.neuron import lif


def coder_neuron() -> LIFNode:
    """
    A LIF with the published "dynamic threshold" entry in its state.

    The published runs keep it at the constant 1.0 (the CuPy kernel never reads it), so it is a
    buffer that loads and saves but neither acts nor counts as a parameter.
    """
    neuron = lif()
    neuron.register_buffer("dynamic_threshold", torch.tensor(1.0))
    return neuron


def _norm_over_steps(norm: nn.BatchNorm2d, x: torch.Tensor) -> torch.Tensor:
    """BatchNorm2d with the time steps as channels, on `x` (T, B, L, D)."""
    return norm(x.permute(1, 0, 3, 2)).permute(1, 0, 3, 2)


class RepeatLN(nn.Module):
    """The token repeated T times, LayerNorm over D, LIF: the generator of the published model."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.steps = steps
        self.norm2 = nn.LayerNorm(width)
        self.lif = coder_neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(self.norm2(x.repeat(self.steps, 1, 1, 1)))


class RepeatBN(nn.Module):
    """The token repeated T times, BatchNorm over the steps, LIF."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.steps = steps
        self.norm2 = nn.BatchNorm2d(steps)
        self.lif = coder_neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(_norm_over_steps(self.norm2, x.repeat(self.steps, 1, 1, 1)))


class ConvBN(nn.Module):
    """T kernels of 3 tokens slid along the token axis, BatchNorm over the steps, LIF."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        conv = nn.Conv2d(1, steps, kernel_size=(1, 3), padding=(0, 1))
        self.encoder = nn.Sequential(conv, nn.BatchNorm2d(steps))
        self.lif = coder_neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        current = self.encoder(x.permute(0, 2, 1).unsqueeze(1))
        return self.lif(current.permute(1, 0, 3, 2))


class DeltaBN(nn.Module):
    """Difference to the token before (0 for the first), normed, scaled per step, normed, LIF."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.enc = nn.Linear(1, steps)
        self.norm2 = nn.BatchNorm2d(steps)
        self.lif = coder_neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        delta = pad(x[:, 1:] - x[:, :-1], (0, 0, 1, 0))
        delta = self.norm(delta.unsqueeze(1).permute(0, 1, 3, 2)).permute(0, 2, 3, 1)
        current = self.norm2(self.enc(delta).permute(0, 3, 1, 2))
        return self.lif(current.permute(1, 0, 3, 2))


class _Linear(nn.Module):
    """LayerNorm, then one linear map that gives every time step its own D currents."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__()
        self.steps = steps
        self.width = width
        self.norm1 = nn.LayerNorm(width)
        self.linear = nn.Linear(width, width * steps)

    def currents(self, x: torch.Tensor) -> torch.Tensor:
        """(B, L, D) -> (T, B, L, D); output channel d*T + t is channel d at step t."""
        batch, tokens, _ = x.shape
        wide = self.linear(self.norm1(x))
        return wide.reshape(batch, tokens, self.width, self.steps).permute(3, 0, 1, 2)


class LinearBN(_Linear):
    """One linear map to all steps, BatchNorm over the steps, LIF."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__(steps, width)
        self.norm2 = nn.BatchNorm2d(steps)
        self.lif = coder_neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(_norm_over_steps(self.norm2, self.currents(x)))


class LinearLN(_Linear):
    """One linear map to all steps, LayerNorm over D, LIF."""

    def __init__(self, steps: int, width: int) -> None:
        super().__init__(steps, width)
        self.norm2 = nn.LayerNorm(width)
        self.lif = coder_neuron()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lif(self.norm2(self.currents(x)))


GENERATORS: dict[str, Callable[[int, int], nn.Module]] = {
    "conv-bn": ConvBN,
    "delta-bn": DeltaBN,
    "linear-bn": LinearBN,
    "linear-ln": LinearLN,
    "repeat-bn": RepeatBN,
    "repeat-ln": RepeatLN,
}


def spike_generator(name: str, steps: int, width: int) -> nn.Module:
    """
    The generator called `name` in table 5 (lower case).

    Raises:
        ValueError: for a name that is not in `GENERATORS`.
    """
    if name not in GENERATORS:
        raise ValueError(f"spike generator {name!r} is not one of {', '.join(GENERATORS)}")
    return GENERATORS[name](steps, width)
