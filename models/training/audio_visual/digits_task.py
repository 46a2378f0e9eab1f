"""The compiler's task of audio-visual classifiers: the digit that is said and filmed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data.mel_spectrogram import FRAMES
from models.training.audio_visual.digit_clips import DigitClips
from models.training.classification.samples import Samples
from models.training.classification.task import ClassificationTask


def audio_visual_task(clips: DigitClips) -> ClassificationTask:
    """The test split of clips, shown with film and sound."""
    return ClassificationTask(clips, "clip {}, film and sound", _picture)


def _picture(clips: Samples, index: int) -> NDArray[np.float32]:
    """
    The mean of a clip's frames, and right of it its sound, low bands below: as many chunks as a spectrogram has frames for.

    What is more than 1 is white, as 1 is.
    """
    video, audio = clips.inputs["video"], clips.inputs["audio"]
    seen: NDArray[np.float32] = video[:, index, 0].mean(dim=0).numpy().repeat(2, axis=0).repeat(2, axis=1)
    chunks: NDArray[np.float32] = audio[:, index, 0].numpy()
    heard = np.concatenate([*chunks[:: -(-chunks.shape[0] * chunks.shape[2] // FRAMES)]], axis=1)[::-1].clip(max=1.0)
    return np.concatenate((seen, heard), axis=1)
