"""
Adam on weights of a grid, with straight-through gradients: what is measured, and written, is always on the grid.

A parameter w = Q(z) is the nearest point of the grid to its latent z. A step takes the gradient at w for that at z:

    z <- z - Adam(dL/dw),  clipped to half a step beyond the grid's ends;  w = Q(z)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class ParameterGrid:
    """The grid of a parameter: multiples of steps. Tensors are of its shape."""

    steps: torch.Tensor
    """0 where there is no grid."""
    levels: torch.Tensor
    """The largest multiples of either sign."""
    latent: torch.Tensor
    """Where training begins."""
    pace: float | None = None
    """What training should move a latent by is measured in this; None for a grid as good as floats."""

    def nearest(self, latent: torch.Tensor) -> torch.Tensor:
        """The point of the grid next to every element; itself where there is no grid."""
        multiples = torch.round(latent / self.steps).clamp(-self.levels, self.levels)
        return torch.where(self.steps > 0, multiples * self.steps, latent)

    def within_reach(self, latent: torch.Tensor) -> torch.Tensor:
        """The latent itself, but not further beyond the ends of the grid than rounds to them."""
        ends = torch.where(self.steps > 0, (self.levels + 0.5) * self.steps, torch.inf)
        return latent.clamp(-ends, ends)


@torch.no_grad()
def to_nearest(grids: Mapping[nn.Parameter, ParameterGrid]) -> None:
    """Give every parameter the point of its grid where training begins."""
    for parameter, grid in grids.items():
        parameter.copy_(grid.nearest(grid.latent))


@torch.no_grad()
def on_grid_again(grids: Mapping[nn.Parameter, ParameterGrid]) -> None:
    """Give every parameter the point of its grid nearest to what it is."""
    for parameter, grid in grids.items():
        parameter.copy_(grid.nearest(parameter))


class GridAdam(torch.optim.Adam):
    """Adam over groups of parameters, some of which are on grids (`to_nearest`); their latents are part of its state."""

    def __init__(self, groups: Sequence[dict[str, Any]], grids: Mapping[nn.Parameter, ParameterGrid]) -> None:
        super().__init__(groups)
        self.grids = grids

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """One step of the latents; the parameters follow."""
        for parameter, grid in self.grids.items():
            parameter.copy_(self.state[parameter].get("latent", grid.latent))
        super().step()
        for parameter, grid in self.grids.items():
            latent = grid.within_reach(parameter)
            if self.state[parameter]:  # Adam takes a state that is not empty for one of its own
                self.state[parameter]["latent"] = latent
            parameter.copy_(grid.nearest(latent))
