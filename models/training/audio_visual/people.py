"""
`python -m models.training.audio_visual.people MODEL.py [FOLDER]`: how well a trained audio-visual network understands people.

A line for each kind of clips: the test split, the recorded person and, where the folder of the Free Spoken Digit Dataset is
named, its six speakers as recorded and at 10 dB.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from compile.command.exit_code import exit_code
from models.data.published.free_spoken_digits import load_free_spoken_digits
from models.data.speech_noise import CLEAN
from models.data.spoken_digits import load_human_digits
from models.training.audio_visual.digit_clips import DigitClips
from models.training.classification.samples import Samples
from models.training.classification.training import plain_metrics
from models.training.model_file import called, run_model_file
from models.training.training_error import TrainingError

REFUSALS = (ValueError, OSError)
"""What our own model files and data say in one line."""


def human_clips(clips: DigitClips, folder: Path | None) -> dict[str, Samples]:
    """Clips by what they are; the folder's are left out where none is named."""
    found = {"test": clips.split("test"), "person": clips.recordings(load_human_digits(), CLEAN)}
    if folder is not None:
        spoken = load_free_spoken_digits(folder)
        found |= {
            f"recordings, {name}": clips.recordings(spoken, snr) for name, snr in (("clean", CLEAN), ("10 dB", 10.0))
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 measured, 1 our bug, 2 bad arguments or files, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="python -m models.training.audio_visual.people", description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.py", help="models/snnergy.py or models/taaf.py")
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="of the Free Spoken Digit Dataset")
    parser.add_argument("--config", help="one of the model file's CONFIGS (default: the first)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="of models.train (default: the repository's)")
    options = parser.parse_args(arguments)
    return exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    model = _model_file(options.model)
    network, clips = called(str(options.model), partial(_trained, model, options.config, options.weights), REFUSALS)
    for kind, heard in called("clips", partial(human_clips, clips, options.folder), REFUSALS).items():
        accuracy = called(kind, partial(plain_metrics, network, heard))["accuracy"]
        print(f"{kind}: {len(heard.labels)} clips, {accuracy:.1f} %", flush=True)
    return 0


def _model_file(path: Path) -> Mapping[str, Any]:
    """What a model file defines; TrainingError where it is none of an audio-visual network."""
    model = vars(run_model_file(path))
    missing = [name for name in ("CONFIGS", "build", "weights", "load_weights", "digit_clips") if name not in model]
    if missing:
        raise TrainingError(f"{path} has no {', '.join(missing)}: it is no model file of an audio-visual network")
    return model


def _trained(model: Mapping[str, Any], config: str | None, file: Path | None) -> tuple[nn.Module, DigitClips]:
    """The network with its weights, the repository's where no file is named, and its clips; ValueError where there are none."""
    name = config or next(iter(model["CONFIGS"]))
    network: nn.Module = model["build"](name)
    weights = file or model["weights"](name)
    if weights is None:
        raise ValueError(f"no weights of {name!r} come along; name a file with --weights")
    model["load_weights"]({"network": network}, weights)
    return network, model["digit_clips"](model["CONFIGS"][name])


if __name__ == "__main__":
    sys.exit(main())
