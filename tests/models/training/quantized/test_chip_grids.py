"""Parts on grids: norms go into the weights without changing the network, and are identities to the last bit then."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from compile.evaluation.training_grids import RowGrid
from ir.quantize.grids import WeightGrid
from models.training.quantized.chip_grids import put_on_grids
from models.training.training_error import TrainingError


class Part(nn.Module):
    """Two rows with a norm behind them, and one without."""

    def __init__(self, affine: bool = True) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(4, 3), nn.BatchNorm1d(2, affine=affine)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        current = self.linear(x)
        return torch.cat((self.norm(current[:, :2]), current[:, 2:]), dim=1)


def part_and_grids(affine: bool = True) -> tuple[Part, list[RowGrid]]:
    """A grid so fine that nothing is lost on it; the first gain is below 0."""
    torch.manual_seed(0)
    part = Part(affine)
    part.train()(torch.randn(64, 4) * 3 + 1)
    if affine:
        with torch.no_grad():
            part.norm.weight.copy_(torch.tensor([-2.0, 0.7]))
            part.norm.bias.copy_(torch.tensor([0.3, -0.4]))
    part.eval()
    gain = part.norm.weight / torch.sqrt(part.norm.running_var + part.norm.eps) if affine else torch.ones(2)
    folded = torch.cat((gain[:, None] * part.linear.weight[:2], part.linear.weight[2:])).detach().double().numpy()
    steps = np.full((3, 1), 2.0**-20)

    def grid(rows: slice, norm: str | None) -> RowGrid:
        rounded = np.rint(folded / steps)[rows] * steps[rows]
        own = WeightGrid(steps[rows], 1 << 30, folded[rows], rounded, 2.0**-20, 0.0)
        return RowGrid("linear.weight", rows, norm, own)

    return part, [grid(slice(0, 2), "norm"), grid(slice(2, 3), None)]


def test_folded_norms_leave_the_network_as_it_was():
    part, grids = part_and_grids()
    x = torch.randn(16, 4)
    before = part(x)
    table = put_on_grids(part, grids)
    with torch.no_grad():
        for parameter, grid in table.items():
            parameter.copy_(grid.latent)
    torch.testing.assert_close(part(x), before, rtol=1e-5, atol=1e-5)


def test_a_folded_norm_multiplies_by_a_sign_and_changes_no_bit():
    part, grids = part_and_grids()
    put_on_grids(part, grids)
    with torch.no_grad():
        part.norm.bias.zero_()
    x = torch.randn(1000, 2)
    assert torch.equal(part.norm(x), x * torch.tensor([-1.0, 1.0]))
    assert not part.norm.weight.requires_grad


def test_biases_move_into_the_norm_and_stay_on_grids_of_twelve_bits():
    part, grids = part_and_grids()
    own = part.linear.bias.detach().clone()
    table = put_on_grids(part, grids)
    bias = table[part.linear.bias]
    assert bias.nearest(torch.full((3,), 9.0))[:2].tolist() == [0.0, 0.0], "what the norm has now"
    assert abs(bias.latent[2] - own[2]) <= abs(own[2]) * 2**-12
    shift = table[part.norm.bias]
    nearest = shift.nearest(shift.latent)
    assert torch.all((nearest - shift.latent).abs() <= shift.latent.abs() * 2**-10)
    assert torch.equal(torch.frexp(shift.steps).mantissa, torch.full((2,), 0.5)), "powers of two"


def test_training_begins_with_what_rounding_together_chose():
    part, grids = part_and_grids()
    steps = np.full((1, 1), 0.5)
    own = WeightGrid(
        steps, 1, part.linear.weight[2:].detach().double().numpy(), np.array([[0.5, -0.5, 0.0, 0.5]]), 0.5, 0.0
    )
    latent = put_on_grids(part, [RowGrid("linear.weight", slice(2, 3), None, own)])[part.linear.weight]
    assert latent.latent[2].tolist() == [0.5, -0.5, 0.0, 0.5]
    assert torch.equal(latent.nearest(latent.latent)[:2], part.linear.weight[:2]), "rows without a grid"
    assert len(grids) == 2


def test_norms_without_gains_are_refused_by_name():
    part, grids = part_and_grids(affine=False)
    with pytest.raises(TrainingError, match="norm has no gain and bias"):
        put_on_grids(part, grids)


def test_norms_that_do_something_else_are_refused_by_name():
    part, grids = part_and_grids()
    with torch.no_grad():
        part.norm.weight.mul_(1.01)
    with pytest.raises(TrainingError, match=r"norm is no norm that can be folded into linear\.weight"):
        put_on_grids(part, grids)
