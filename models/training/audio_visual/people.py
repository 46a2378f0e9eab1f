"""
How well a trained audio-visual network understands people.

    python -c "from models import taaf; from models.training.audio_visual.people import main; main(taaf, 'FOLDER')"

The network of the model file in its first configuration with the repository's weights, on the test split, on the recorded person
and, where the folder of the Free Spoken Digit Dataset is named, on its six speakers as recorded and at 10 dB.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from models.data.published.free_spoken_digits import load_free_spoken_digits
from models.data.speech_noise import CLEAN
from models.data.spoken_digits import load_human_digits
from models.training.audio_visual.digit_clips import Clips, DigitClips
from models.training.audio_visual.digits_training import plain_metrics


def human_clips(clips: DigitClips, folder: str) -> dict[str, Clips]:
    """Clips by what they are; the folder's are left out where none is named."""
    found = {"test": clips.split("test"), "person": clips.recordings(load_human_digits(), CLEAN)}
    if folder:
        spoken = load_free_spoken_digits(Path(folder))
        found |= {
            f"recordings, {name}": clips.recordings(spoken, snr) for name, snr in (("clean", CLEAN), ("10 dB", 10.0))
        }
    return found


def main(model: ModuleType, folder: str = "") -> None:
    """Print a line for each kind of clips."""
    config = next(iter(model.CONFIGS))
    network: nn.Module = model.build(config)
    network.load_state_dict(torch.load(model.weights(config), weights_only=True))
    for kind, clips in human_clips(model.digit_clips(model.CONFIGS[config]), folder).items():
        print(f"{kind}: {len(clips.labels)} clips, {plain_metrics(network, clips)['accuracy']:.1f} %", flush=True)
