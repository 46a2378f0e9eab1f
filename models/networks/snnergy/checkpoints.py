"""
Weights of the networks that SNNergy's layers come from, by their published names: QKFormer and S-CMRL. SNNergy's own are not
public.

Both kinds of QKFormer's names are read: `ssa`, `mlp1_conv` (its CIFAR networks, and ours) and `attn`, `fc1_conv` (its ImageNet
ones). Its third stage was trained with neurons that run over samples (see `models.layers.image_attention`): the weights load, but
outputs differ from the published ones.
"""

from __future__ import annotations

import re

from torch import nn

from models.training.state_dicts import State, fitting_entries

RENAMED = ((re.compile(r"^(stage3\.\d+)\.attn\."), r"\1.ssa."), (re.compile(r"\.mlp\.fc([12])_"), r".mlp.mlp\1_"))
"""QKFormer's ImageNet names -> ours."""
UNUSED = re.compile(r"^head\.")
"""QKFormer's classifier."""
OPTIONAL = re.compile(r"\.num_batches_tracked$|^alpha$")
"""Counters that some versions of torch keep, and what is no entry of an S-CMRL checkpoint."""
PUBLISHED = (
    (re.compile(r"^patch_embed1\."), "QKFormer, which is one stream: `load_qkformer(network.video, state)`"),
    (re.compile(r"^block\.\d+\.attn\."), "S-CMRL, of whose blocks `load_cross_residual(fusion, state, block)`"),
)
"""How the entries of other networks begin, and what takes them."""


def refuse_published(state: State) -> None:
    """ValueError for a state of QKFormer or S-CMRL, which is no whole SNNergy; it says which function takes it."""
    for entry, whose in PUBLISHED:
        if any(map(entry.search, state)):
            raise ValueError(f"it is of a published {whose} of models.networks.snnergy.checkpoints takes it")


def load_qkformer(stream: nn.Module, state: State) -> None:
    """
    Load a QKFormer's state into one stream with `token` fusion; its classifier is left out.

    Raises:
        ValueError: if an entry is missing, unknown, of another shape, or not finite.
    """
    _load(stream, {_renamed(name): value for name, value in state.items()}, "QKFormer")


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
    _load(fusion, entries, "S-CMRL")


def _renamed(name: str) -> str:
    for pattern, ours in RENAMED:
        name = pattern.sub(ours, name)
    return name


def _load(module: nn.Module, state: State, whose: str) -> None:
    try:
        entries = fitting_entries(module, state, unused=UNUSED, optional=OPTIONAL)
    except ValueError as error:
        raise ValueError(f"cannot use this state as {whose} weights: {error}") from error
    module.load_state_dict(entries)
