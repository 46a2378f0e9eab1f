"""
Weights of the networks that SNNergy's layers come from, by their published names: QKFormer and S-CMRL. SNNergy's own are not
public.

Both kinds of QKFormer's names are read: `ssa`, `mlp1_conv` (its CIFAR networks, and ours) and `attn`, `fc1_conv` (its ImageNet
ones). Its third stage was trained with neurons that run over samples (see `models.layers.image_attention`): the weights load, but
outputs differ from the published ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import nn

State = Mapping[str, torch.Tensor]

RENAMED = ((re.compile(r"^(stage3\.\d+)\.attn\."), r"\1.ssa."), (re.compile(r"\.mlp\.fc([12])_"), r".mlp.mlp\1_"))
"""QKFormer's ImageNet names -> ours."""
HEAD = "head."


def load_qkformer(stream: nn.Module, state: State) -> None:
    """
    Load a QKFormer's state into one stream with `token` fusion; its classifier is left out.

    Raises:
        ValueError: if an entry is missing, unknown or of another shape.
    """
    renamed = {_renamed(name): value for name, value in state.items() if not name.startswith(HEAD)}
    _load(stream, renamed, "QKFormer")


def load_cross_residual(fusion: nn.Module, state: State, block: int) -> None:
    """
    Load the attentions of S-CMRL's block 0 (queries from audio) or 1 (queries from video) into one `s-cmrl` fusion.

    alpha is no entry of such a checkpoint: there it is a constant of the run (1.5 in the paper), and here it stays as it is.

    Raises:
        ValueError: if the block is not there, or an entry is missing, unknown or of another shape.
    """
    prefix = f"block.{block}.attn."
    entries = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    if not entries:
        raise ValueError(f"cannot use this state as S-CMRL weights: it has no entries {prefix}*")
    _load(fusion, {"alpha": fusion.state_dict()["alpha"], **entries}, "S-CMRL")


def _renamed(name: str) -> str:
    for pattern, ours in RENAMED:
        name = pattern.sub(ours, name)
    return name


def _load(module: nn.Module, state: State, whose: str) -> None:
    expected = module.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in state and not _counter(name)]
    problems += [f"{name} is unknown" for name in state if name not in expected and not _counter(name)]
    problems += [
        f"{name} has shape {tuple(value.shape)}, not {tuple(expected[name].shape)}"
        for name, value in state.items()
        if name in expected and value.shape != expected[name].shape
    ]
    if problems:
        more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
        raise ValueError(f"cannot use this state as {whose} weights: {'; '.join(problems[:3])}{more}")
    module.load_state_dict(dict(state), strict=False)


def _counter(name: str) -> bool:
    """Batches that a norm has seen: kept by some versions of torch only."""
    return name.endswith(".num_batches_tracked")
