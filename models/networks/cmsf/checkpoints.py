"""
Reading and writing CMSF weights, in the published layout.

A file holds a list of state dicts `[image, text, cross, ...]`; later entries (the published runs
keep similarity and matching heads there) are ignored, and `cross` may be missing or empty, as in
the published runs without fusion. Entries that the published code creates but never uses are
ignored as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.training.state_dicts import fitting_entries, read_tensors

PART_ORDER = ("image", "text", "fusion")

UNUSED_ENTRIES = re.compile(
    r"^(block(_[it])?\.\d+\.)?norm[12]\."
    r"|^(bert|cpg|init_lif|token_embedding|res_ln|res_bn2d)\."
    r"|^weights_tensor2$"
)
"""Created by the published code, never used in a forward pass (BERT runs outside this network)."""

OPTIONAL_ENTRIES = re.compile(r"(\.num_batches_tracked|\.dynamic_threshold)$")
"""Kept by some torch versions and runs, without effect on the network."""


def load(parts: Mapping[str, nn.Module], path: Path) -> None:
    """
    Load the weights in `path` into `parts`, all or nothing.

    Raises:
        ValueError: if the file is not a checkpoint, or an entry is missing, unknown, of another
            shape, or not finite.
        FileNotFoundError: if there is no such file.
    """
    states = _read(Path(path))
    chosen = {name: state for name, state in zip(PART_ORDER, states, strict=False) if name in parts and state}
    absent = [name for name in parts if name not in chosen and name != "fusion"]
    if absent:
        raise ValueError(_message(path, f"it holds no weights for the {absent[0]} encoder"))
    cleaned = {name: _checked(parts[name], name, state, path) for name, state in chosen.items()}
    for name, state in cleaned.items():
        parts[name].load_state_dict(state)


def save(parts: Mapping[str, nn.Module], path: Path) -> None:
    """Write the weights of `parts` to `path`; a part that is not there is an empty entry."""
    states = [dict(parts[name].state_dict()) if name in parts else {} for name in PART_ORDER]
    torch.save(states, path)


def _message(path: Path, why: str) -> str:
    return (
        f"cannot use {path} as CMSF weights: {why}. "
        "Give a file made by `python -m models.train`, or a published checkpoint: a list of state "
        "dicts [image encoder, text encoder, cross encoder, ...] of the same configuration"
    )


def _read(path: Path) -> list[dict[str, torch.Tensor]]:
    try:
        content: dict[str, Any] | list[Any] | tuple[Any, ...] | torch.Tensor = read_tensors(path)
    except ValueError as error:
        raise ValueError(_message(path, str(error))) from error
    if isinstance(content, dict) and isinstance(content.get("model"), list):
        content = content["model"]
    if not isinstance(content, (list, tuple)):
        raise ValueError(_message(path, f"it holds a {type(content).__name__}, not a list"))
    if len(content) < 2:
        raise ValueError(_message(path, f"its list has {len(content)} entries, at least 2 are needed"))
    entries: list[dict[str, Any] | None] = list(content[: len(PART_ORDER)])
    states: list[dict[str, torch.Tensor]] = []
    for index, state in enumerate(entries):
        if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
            raise ValueError(_message(path, f"entry {index} of its list is not a state dict"))
        states.append(state)
    return states


def _checked(part: nn.Module, name: str, state: dict[str, torch.Tensor], path: Path) -> dict[str, torch.Tensor]:
    """`state` without unused entries, completed by the optional ones of `part`."""
    try:
        return fitting_entries(part, state, UNUSED_ENTRIES, OPTIONAL_ENTRIES)
    except ValueError as error:
        raise ValueError(_message(path, f"in the {name} part {error}")) from error
