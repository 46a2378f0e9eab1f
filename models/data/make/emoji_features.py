"""
Makes `models/data/arrays/emoji-features.npz`: `python -m models.data.make.emoji_features`, some two minutes.

The small network without spikes of `models.data.baselines.emoji_styles` (seed 0) is trained on the `train` split. Kept are its
convolutions with their norms (`0.convolution.weight`, ...), its projection (64, 128 channels x 16 places) and its table of words,
(words of the vocabulary, 64), scaled to the standard deviation 1; all in half precision.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from models.data.baselines.emoji_styles import EPOCHS, SeeAndRead, train
from models.data.emoji_styles import ARRAYS
from models.data.emoji_words import vocabulary


def make(folder: Path, epochs: int = EPOCHS) -> None:
    """Train, and write the file into `folder`."""
    torch.manual_seed(0)
    network = SeeAndRead("relu", len(vocabulary()))
    train(network, epochs)
    arrays = {name: value for name, value in network.image.state_dict().items() if value.is_floating_point()}
    words = network.words.weight.detach().T.clone()
    words /= words[2:].std()
    words[:2] = 0.0  # padding and unknown words, which the network does not see
    arrays |= {"project": network.project[1].weight.detach(), "words": words}
    halves = {name: value.numpy().astype(np.float16) for name, value in arrays.items()}
    np.savez_compressed(folder / "emoji-features.npz", **halves)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else ARRAYS)
