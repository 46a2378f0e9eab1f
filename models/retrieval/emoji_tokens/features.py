"""
Emoji and their words as CMSF sees them: features of 16 regions and of 16 words, and which of them are real.

As published, features come from networks that were trained before and stay as they are; there, a detector and BERT. Here it is
the small network without spikes of `models.data.baselines.emoji_styles`, trained on the `train` split by
`python -m models.data.make.emoji_features`. Its last maps have 4 x 4 places, its features of an image are a sum over places, and
those of a text a sum over words: what each place and each word adds is what CMSF gets.

A region is a place with something drawn on it; its features are 64 of the network's and 8 of its row and column. Blank paper is
padding, and so are the words that a short text lacks: their features are 0.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.data.baselines.emoji_styles import CHANNELS, DIMENSIONS
from models.data.baselines.stages import branch
from models.data.emoji_styles import ARRAYS

GRID = 4
REGIONS = WORDS = GRID * GRID
REGION_FEATURES, WORD_FEATURES = DIMENSIONS + 2 * GRID, DIMENSIONS
PAPER = 250 / 255
"""A place is blank where no pixel's channel is darker."""


class Tokens(NamedTuple):
    """Of n images or texts."""

    features: torch.Tensor
    """(n, 16, 72) of regions or (n, 16, 64) of words, 0 in padding."""
    real: torch.Tensor
    """(n, 16) bool, false in padding."""


@torch.no_grad()
def regions_of(pixels: torch.Tensor) -> Tokens:
    """Regions of images (n, 3, 32, 32), values in 0..1; an image all blank has one region."""
    maps = _network()(pixels.unsqueeze(0))[0].unflatten(1, (-1, REGIONS))
    project = torch.from_numpy(_arrays()["project"]).unflatten(1, (-1, REGIONS))
    added = torch.einsum("ecp,ncp->npe", project, maps)
    features = torch.cat((added, _places().expand(len(added), -1, -1)), dim=2)
    darkest = -nn.functional.max_pool2d(-pixels.amin(dim=1), pixels.shape[-1] // GRID).flatten(1)
    real = darkest < PAPER
    real[:, 0] |= ~real.any(dim=1)
    return Tokens(features * real.unsqueeze(2), real)


def words_of(ids: torch.Tensor) -> Tokens:
    """The first 16 words of texts (n, words) of `models.data.emoji_words.token_ids`; unknown words have features 0."""
    ids = ids[:, :WORDS]
    return Tokens(torch.from_numpy(_arrays()["words"])[ids], ids != 0)


def _places() -> torch.Tensor:
    """(16, 8): row and column of each place, one of four each."""
    rows, columns = torch.arange(REGIONS) // GRID, torch.arange(REGIONS) % GRID
    return torch.cat((torch.eye(GRID)[rows], torch.eye(GRID)[columns]), dim=1)


@lru_cache(maxsize=1)
def _network() -> nn.Module:
    network = branch(CHANNELS, "relu")
    states = {name: torch.from_numpy(array) for name, array in _arrays().items() if name not in ("words", "project")}
    network.load_state_dict(states, strict=False)
    return network.eval()


@lru_cache(maxsize=1)
def _arrays() -> dict[str, NDArray[np.float32]]:
    with np.load(ARRAYS / "emoji-features.npz", allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}
