"""Parameters on grids: always on them, while their latents go on."""

from __future__ import annotations

import torch
from torch import nn

from models.training.quantized.grid_adam import GridAdam, ParameterGrid, to_nearest


def optimiser(latent: list[float], steps: list[float], levels: float = 3.0) -> tuple[nn.Parameter, GridAdam]:
    parameter = nn.Parameter(torch.zeros(len(latent)))
    grid = ParameterGrid(torch.tensor(steps), torch.full((len(latent),), levels), torch.tensor(latent))
    to_nearest({parameter: grid})
    return parameter, GridAdam([{"params": [parameter], "lr": 0.1}], {parameter: grid})


def test_a_parameter_begins_at_the_nearest_points_of_its_grid():
    parameter, _ = optimiser([0.3, -0.3, 9.0, 0.3], [0.25, 0.5, 0.5, 0.0])
    assert parameter.tolist() == [0.25, -0.5, 1.5, torch.tensor(0.3).item()]


def test_latents_move_by_the_gradient_at_the_grid_until_the_next_point_is_nearer():
    """Adam's steps under a constant gradient are the learning rate: -0.1 each."""
    parameter, adam = optimiser([0.0], [0.5])
    path = list[float]()
    for _ in range(8):
        parameter.grad = torch.ones(1)
        adam.step()
        path.append(parameter.item())
    assert path == [0.0, 0.0, -0.5, -0.5, -0.5, -0.5, -0.5, -1.0]


def test_a_latent_beyond_the_end_comes_back_at_once():
    parameter, adam = optimiser([1.5], [0.5])
    for _ in range(20):
        parameter.grad = -torch.ones(1)
        adam.step()
    assert adam.state[parameter]["latent"].item() == 1.75
    assert parameter.item() == 1.5


def test_its_state_goes_on_where_it_was():
    """Latents are no part of what is written; they are of the state from which a run goes on."""
    parameter, adam = optimiser([0.0], [0.5])
    again, other = optimiser([0.0], [0.5])
    for _ in range(2):
        parameter.grad = torch.ones(1)
        adam.step()
    other.load_state_dict(adam.state_dict())
    for each, its in ((parameter, adam), (again, other)):
        each.grad = torch.ones(1)
        its.step()
    assert (parameter.item(), again.item()) == (-0.5, -0.5)
