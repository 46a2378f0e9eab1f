"""
Puts a trained part on the chip's grids: norms are folded into its weights, and what is left of them is exact.

    k (W x + b - mean) + c  =  s (W' x) + c',    k = weight / sqrt(var + eps),  s its sign,  W' = |k| W,  c' = k (b - mean) + c

The part keeps its modules and its state dict. A folded norm gets the variance 2^40, beside which eps is nothing to a float64, the
gain s 2^20, and the mean 0: whoever folds it again multiplies by s and changes no bit.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from copy import deepcopy
from math import sqrt

import torch
from torch import nn

from compile.evaluation.training_grids import RowGrid
from models.training.quantized.grid_adam import ParameterGrid
from models.training.training_error import TrainingError

VARIANCE = 2.0**40
"""Of folded norms."""
BIAS_BITS = 12
"""Of the magnitude of a bias, as chips have them."""


@torch.no_grad()
def put_on_grids(part: nn.Module, grids: Iterable[RowGrid]) -> dict[nn.Parameter, ParameterGrid]:
    """
    Fold the norms of `part` and say on which grids its parameters are to be; until then they keep the floats.

    Raises:
        TrainingError: a norm has no gain and bias of its own, or does something else.
    """
    table: dict[nn.Parameter, ParameterGrid] = {}
    for each in grids:
        module = part.get_submodule(each.path)
        weight, steps = part.get_parameter(each.weight), torch.from_numpy(each.grid.steps)
        rounded = torch.from_numpy(each.grid.rounded)
        stated = getattr(module, "bias", None) if each.weight.rpartition(".")[2] == "weight" else None
        bias = stated if isinstance(stated, nn.Parameter) else None
        if each.norm is not None:
            norm = part.get_submodule(each.norm)
            gain, shift = _gain_and_shift(norm, each.norm, 0.0 if bias is None else bias[each.rows].double())
            ideal = torch.from_numpy(each.grid.weights)
            own = weight[each.rows].double() * _columns(gain.abs(), ideal)
            sign = _columns(_sign((own * ideal).flatten(1).sum(dim=1)), ideal)  # a norm behind a maximum keeps its own
            rounded = sign * rounded
            if not torch.allclose(own, sign * ideal, atol=1e-6):
                raise TrainingError(f"{each.norm} is no norm that can be folded into {each.weight}")
            _silence(norm, _sign(gain))
            _enter(table, norm.get_parameter("bias"), slice(None), _bias_grid(shift, each))
            if bias is not None:
                _enter(table, bias, each.rows, _nothing(shift))
        elif bias is not None:
            _enter(table, bias, each.rows, _bias_grid(bias[each.rows].double(), each))
        levels = torch.full_like(steps, each.grid.levels)
        pace = float(steps.median()) / sqrt(each.grid.levels)
        _enter(table, weight, each.rows, ParameterGrid(steps, levels, rounded, pace))
    return table


@contextmanager
def unchanged(parts: Iterable[nn.Module]) -> Generator[None]:
    """Parts that are put on grids meanwhile, and afterwards have the weights and norms that they had."""
    parts = list(parts)
    before = [deepcopy(part.state_dict()) for part in parts]
    learning = [(parameter, parameter.requires_grad) for part in parts for parameter in part.parameters()]
    try:
        yield
    finally:
        for part, state in zip(parts, before, strict=True):
            part.load_state_dict(state)
        for parameter, learns in learning:
            parameter.requires_grad_(learns)


def _gain_and_shift(norm: nn.Module, path: str, bias: torch.Tensor | float) -> tuple[torch.Tensor, torch.Tensor]:
    """k and c' of a norm behind a projection with a bias, in float64."""
    state: dict[str, torch.Tensor] = norm.state_dict()
    if not {"weight", "bias", "running_mean", "running_var"} <= state.keys():
        raise TrainingError(f"{path} has no gain and bias of its own", hint="make the norm with affine=True")
    mean, variance = state["running_mean"].double(), state["running_var"].double()
    eps = norm.eps
    assert isinstance(eps, float)
    gain = state["weight"].double() / torch.sqrt(variance + eps)
    return gain, gain * (bias - mean) + state["bias"].double()


def _sign(values: torch.Tensor) -> torch.Tensor:
    return torch.where(values < 0, -1.0, 1.0)


def _silence(norm: nn.Module, sign: torch.Tensor) -> None:
    norm.get_buffer("running_mean").zero_()
    norm.get_buffer("running_var").fill_(VARIANCE)
    norm.get_parameter("weight").copy_(sign * VARIANCE**0.5).requires_grad_(False)


def _bias_grid(bias: torch.Tensor, weights: RowGrid) -> ParameterGrid:
    """Powers of two with room to twice the bias."""
    largest = torch.exp2(torch.ceil(torch.log2(bias.abs())) + 1)
    steps = (largest / (1 << BIAS_BITS)).clamp(min=weights.grid.bias_step)
    return ParameterGrid(steps, torch.full_like(bias, (1 << BIAS_BITS) - 1), bias)


def _nothing(bias: torch.Tensor) -> ParameterGrid:
    """The grid of what is 0, and stays 0."""
    zeros = torch.zeros_like(bias)
    return ParameterGrid(torch.ones_like(bias), zeros, zeros)


def _columns(rows: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return rows.reshape(-1, *(1,) * (like.ndim - 1))


def _enter(table: dict[nn.Parameter, ParameterGrid], parameter: nn.Parameter, rows: slice, grid: ParameterGrid) -> None:
    """Give rows of a parameter their grid; those of which nothing is said have none."""
    start = parameter.detach().clone()
    whole = table.setdefault(
        parameter, ParameterGrid(torch.zeros_like(start), torch.zeros_like(start), start, grid.pace)
    )
    for mine, given in ((whole.steps, grid.steps), (whole.levels, grid.levels), (whole.latent, grid.latent)):
        mine[rows] = given.to(mine.dtype).expand_as(mine[rows])
