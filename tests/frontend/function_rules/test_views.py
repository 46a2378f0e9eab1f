"""Reshaping and reordering: as torch does it."""

from __future__ import annotations

import warnings

import torch

from frontend.function_rules.views import RULES
from tests.frontend.function_rules.rule_tests import Compute, RuleTests

STEPS = 3
Tensor = torch.Tensor


def unnamed(x: torch.Tensor) -> torch.Tensor:
    """A tensor without names of dimensions, which it never had; torch warns of names, and newer ones have none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x.rename(None) if hasattr(x, "rename") else x


CASES: dict[str, Compute] = {
    "ravel": lambda x, y, s: x.ravel().unflatten(0, (STEPS, -1, 4, 6)),
    "adjoint": lambda x, y, s: x.adjoint(),
    "reshape": lambda x, y, s: x.reshape(STEPS, -1, 2, 12),
    "view": lambda x, y, s: x.view(x.shape[0] * x.shape[1], 24).view(x.shape[0], x.shape[1], 3, 8),
    "reshape_as": lambda x, y, s: x.flatten(2).reshape_as(y),
    "view_as": lambda x, y, s: x.flatten(2).view_as(y),
    "flatten": lambda x, y, s: x.flatten(0, 1).flatten(-2).unflatten(0, (STEPS, -1)),
    "unflatten": lambda x, y, s: x.unflatten(3, (2, -1)),
    "permute": lambda x, y, s: x.permute(0, 1, 3, 2).permute((1, 0, 2, 3)).permute(1, 0, 2, 3),
    "transpose": lambda x, y, s: x.transpose(-1, -2),
    "swapaxes": lambda x, y, s: x.swapaxes(2, 3),
    "swapdims": lambda x, y, s: x.swapdims(2, 3),
    "t": lambda x, y, s: (s.flatten(1).t() + torch.arange(24.0)[:, None]).t(),
    "get_T": lambda x, y, s: (s.flatten(1).T * torch.arange(24.0)[:, None]).T,
    "get_mT": lambda x, y, s: x.mT,
    "movedim": lambda x, y, s: x.movedim((0, 2), (1, 3)).movedim(1, 0),
    "moveaxis": lambda x, y, s: torch.moveaxis(x, 3, 2),
    "unsqueeze": lambda x, y, s: x.unsqueeze(2) + y.unsqueeze(-2),
    "squeeze": lambda x, y, s: x.unsqueeze(2).squeeze(2) + x.unsqueeze(2).squeeze(),
    "contiguous": lambda x, y, s: x.mT.contiguous(),
    "clone": lambda x, y, s: x.clone(),
    "detach": lambda x, y, s: x.detach(),
    "get_data": lambda x, y, s: x.data,
    "requires_grad_": lambda x, y, s: x.clone().requires_grad_(False),
    "rename": lambda x, y, s: unnamed(x),
}
REFUSED: dict[str, tuple[Compute, str]] = {
    "batch mixed with features": (lambda x, y, s: x.permute(0, 2, 1, 3).reshape(3, -1, 2, 6) + 1, "import"),
    "squeezed batch": (lambda x, y, s: x[:, :1].squeeze(1), "import.axes"),
}


class TestViews(RuleTests):
    rules, cases, refused = RULES, CASES, REFUSED
