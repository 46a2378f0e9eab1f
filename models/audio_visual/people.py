"""
How well a trained audio-visual network understands people: `python -m models.audio_visual.people snnergy [FOLDER]`.

The network of `models/NAME.py` in its first configuration with the repository's weights, on the test split, on the recorded
person and, where the folder of the Free Spoken Digit Dataset is named, on its six speakers as recorded and at 10 dB.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from models.audio_visual.digit_clips import Clips, DigitClips
from models.audio_visual.digits_training import plain_metrics
from models.data.published.free_spoken_digits import load_free_spoken_digits
from models.data.speech_noise import CLEAN
from models.data.spoken_digits import load_human_digits


def human_clips(clips: DigitClips, folder: str) -> dict[str, Clips]:
    """Clips by what they are; the folder's are left out where none is named."""
    found = {"test": clips.split("test"), "person": clips.recordings(load_human_digits(), CLEAN)}
    if folder:
        spoken = load_free_spoken_digits(Path(folder))
        found |= {
            f"recordings, {name}": clips.recordings(spoken, snr) for name, snr in (("clean", CLEAN), ("10 dB", 10.0))
        }
    return found


def main(name: str, folder: str = "") -> None:
    """Print a line for each kind of clips."""
    model = import_module(f"models.{name}")
    config = next(iter(model.CONFIGS))
    network: nn.Module = model.build(config)
    network.load_state_dict(torch.load(model.weights(config), weights_only=True))
    measured = partial(plain_metrics, network)
    for kind, clips in human_clips(model.digit_clips(model.CONFIGS[config]), folder).items():
        print(f"{kind}: {len(clips.labels)} clips, {measured(clips)['accuracy']:.1f} %", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
