"""A batch norm with running statistics as what it is to an expression: a factor and a term of every channel."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch.nn.functional import batch_norm


def factor_and_term(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor] | None:
    """
    y = x factor + term of a batch norm of x (B, C, ...), each (1, C, 1, ...); None where it uses the batch's statistics.

    Args:
        args: of `torch.nn.functional.batch_norm`, and `kwargs` beside them.
    """
    given = inspect.signature(batch_norm).bind(*args, **kwargs)
    given.apply_defaults()
    x, mean, variance, weight, bias = (given.arguments[name] for name in _TENSORS)
    if given.arguments["training"] or mean is None or variance is None:
        return None
    factor = torch.rsqrt(variance + given.arguments["eps"])
    factor = factor if weight is None else weight * factor
    term = -mean * factor if bias is None else bias - mean * factor
    shape = (1, -1, *(1 for _ in x.shape[2:]))
    return factor.detach().reshape(shape), term.detach().reshape(shape)


_TENSORS = ("input", "running_mean", "running_var", "weight", "bias")
