"""The compiler's task of audio-visual classifiers: the test split of the digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from models.data.mel_spectrogram import FRAMES
from models.training.audio_visual.digit_clips import Clips, DigitClips
from models.training.audio_visual.metrics import classification_metrics
from models.training.task_examples import ShownExample, best_names, shown

Arrays = dict[str, NDArray[np.float32]]
PART = "network"


def example_clips(clips: DigitClips, samples: int, seed: int) -> dict[str, torch.Tensor]:
    """
    Clips of the dev split, in which noise is as in the test split, by name of the input, drawn by the seed.

    Raises:
        ValueError: for more samples than there are, or none.
    """
    dev = clips.split("dev")
    if not 0 < samples <= len(dev.labels):
        raise ValueError(f"{samples} samples asked for; there are 1 to {len(dev.labels)}")
    order = np.random.default_rng(seed).permutation(len(dev.labels))
    return dev.chosen(torch.from_numpy(order[:samples])).inputs()


@dataclass(frozen=True)
class AudioVisualTask:
    """Inputs and metrics of telling the digit that is said and filmed."""

    clips: DigitClips
    parts: ClassVar[tuple[str, ...]] = (PART,)
    metric_names: ClassVar[tuple[str, ...]] = ("cross entropy", "accuracy")

    def inputs(self, part: str, split: str = "test") -> Arrays:
        """
        Whole split, (steps, n, channels, height, width) by name.

        Raises:
            ValueError: for an unknown part or split.
        """
        if part != PART:
            raise ValueError(f"no part {part!r}; there is {PART}")
        return {name: value.numpy() for name, value in self.clips.split(split).inputs().items()}

    def metrics(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> dict[str, float]:
        """
        Cross entropy and accuracy in percent on the test split, from `{part: {output: scores (n, 10)}}`.

        Raises:
            ValueError: if there is not one output with a row for every clip.
        """
        labels = self.clips.split("test").labels
        return classification_metrics(torch.from_numpy(_scores(outputs, len(labels))), labels)

    def examples(self, outputs: Mapping[str, Mapping[str, NDArray[np.float32]]]) -> list[ShownExample]:
        """Clips of the test split at equal distances, seen and heard, with the digits that were most likely said."""
        test = self.clips.split("test")
        scores, digits = _scores(outputs, len(test.labels)), [str(digit) for digit in range(10)]
        return [
            {
                "sample": f"clip {index}, film and sound",
                "answers": best_names(scores[index], digits),
                "expected": [digits[int(test.labels[index])]],
                "image": _picture(test, index),
            }
            for index in shown(len(test.labels))
        ]


def _scores(outputs: Mapping[str, Mapping[str, NDArray[np.float32]]], clips: int) -> NDArray[np.float32]:
    """(clips, 10); ValueError where there is not this one output."""
    found = list(outputs.get(PART, {}).values())
    if len(found) != 1 or found[0].shape != (clips, 10):
        raise ValueError(f"the task takes one output, scores ({clips}, 10), of the part {PART!r}")
    return np.array(found[0], dtype=np.float32)


def _picture(clips: Clips, index: int) -> NDArray[np.float32]:
    """The mean of a clip's frames, and right of it its sound, low bands below: as many chunks as a spectrogram has frames for."""
    seen: NDArray[np.float32] = clips.video[:, index, 0].mean(dim=0).numpy().repeat(2, axis=0).repeat(2, axis=1)
    chunks: NDArray[np.float32] = clips.audio[:, index, 0].numpy()
    heard = np.concatenate([*chunks[:: -(-chunks.shape[0] * chunks.shape[2] // FRAMES)]], axis=1)[::-1]
    return np.concatenate((seen, heard), axis=1)
