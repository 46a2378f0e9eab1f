"""
Reading and writing SpikeCLIP weights: ours, {part: state dict}, and the published ones, a file per encoder.

A published file holds the state dict of one encoder, as it is or as `state_dict` of a training state; the other part keeps its
weights then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from models.training.state_dicts import fitting_entries, read_tensors

UNUSED_ENTRIES = re.compile(r"^clip_embedding\.position_ids$|^block\.\d+\.bn[12]\.")
"""Created by the published code or by CLIP's, never used in a forward pass."""
OPTIONAL_ENTRIES = re.compile(r"\.num_batches_tracked$")
"""Kept by some torch versions, without effect on the network."""
IMAGE_ENTRY = "patch_embed.block0_conv.weight"
TEXT_ENTRY = "clip_embedding.token_embedding.weight"
"""Entries by which a published file's encoder is known."""
STEP_WEIGHTS = "weights_tensor"

States = dict[str, dict[str, torch.Tensor]]


def load(parts: Mapping[str, nn.Module], path: Path) -> None:
    """
    Load the weights in `path` into `parts`, all or nothing.

    Raises:
        ValueError: if the file is not a checkpoint, or an entry is missing, unknown, of another shape, or not finite.
        FileNotFoundError: if there is no such file.
    """
    states = _states(_read(Path(path)), path)
    unknown = [name for name in states if name not in parts]
    if unknown:
        raise ValueError(_message(path, f"the network has no part {unknown[0]}"))
    fitting: States = {}
    for name, state in states.items():
        if STEP_WEIGHTS in state and STEP_WEIGHTS not in parts[name].state_dict():
            raise ValueError(
                _message(
                    path,
                    f"its {name} part has learned weights of the time steps, and this variant, `time` = `mean`, has none",
                )
            )
        try:
            fitting[name] = fitting_entries(parts[name], state, UNUSED_ENTRIES, OPTIONAL_ENTRIES)
        except ValueError as error:
            raise ValueError(_message(path, f"in the {name} part {error}")) from error
    for name, state in fitting.items():
        parts[name].load_state_dict(state)


def save(parts: Mapping[str, nn.Module], path: Path) -> None:
    """Write the weights of `parts` to `path`."""
    torch.save({name: dict(part.state_dict()) for name, part in parts.items()}, path)


def _states(content: Any, path: Path) -> States:
    """{part: state dict} of either kind of file."""
    file = cast(dict[str, Any], content) if isinstance(content, dict) else {}
    state = _state(file.get("state_dict")) or _state(file)
    if state:
        if IMAGE_ENTRY not in state and TEXT_ENTRY not in state:
            raise ValueError(_message(path, f"it has neither {IMAGE_ENTRY} nor {TEXT_ENTRY}"))
        return {"image" if IMAGE_ENTRY in state else "text": state}
    states = {name: _state(each) for name, each in file.items()}
    if not states or not all(states.values()):
        raise ValueError(_message(path, "it holds no state dicts"))
    return states


def _state(content: Any) -> dict[str, torch.Tensor]:
    """`content` where it is a state dict, else nothing."""
    entries = cast(dict[str, Any], content) if isinstance(content, dict) else {}
    return entries if all(torch.is_tensor(value) for value in entries.values()) else {}


def _message(path: Path, why: str) -> str:
    return (
        f"cannot use {path} as SpikeCLIP weights: {why}. Give a file made by `python -m models.train`, or a published "
        "checkpoint: the state dict of one encoder of the same configuration"
    )


def _read(path: Path) -> Any:
    try:
        return read_tensors(path)
    except ValueError as error:
        raise ValueError(_message(path, str(error))) from error
