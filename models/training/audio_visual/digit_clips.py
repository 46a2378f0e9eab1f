"""
The audio-visual digits as a network sees and hears them: time first, as many steps as it has, chunks as wide as it takes.

A spectrogram has 36 frames. Where the chunks of all steps are no more than that together, they lie side by side in its middle;
else they overlap, at equal distances from its first frame to its last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.data.av_digits import AudioVisual, load_split, normalised, whole_spectrogram, with_test_frames
from models.data.mel_spectrogram import FRAMES
from models.data.spoken_digits import SpokenDigits
from models.training.classification.samples import Samples

Shape = tuple[int, int, int]
"""(channels, height, width) of one step."""
MODALITIES = ("both", "video", "audio")
WHOLE = 6
"""Into so many pieces a spectrogram is cut without leaving a frame out."""


@dataclass(frozen=True)
class DigitClips:
    """
    Audio-visual digits in one form.

    Raises:
        ValueError: for a modality that there is not, or a chunk that is wider than a spectrogram.
    """

    video_steps: int
    audio_steps: int
    audio_width: int
    """Frames of 25 ms in the chunk of one step."""
    setting: str = "balanced"
    """Of `models.data.av_digits.SETTINGS`."""
    modality: str = "both"
    """`both`, or the one that is left: the other is zero, in training and in tests."""
    normalised: bool = False
    """Whether sound is `models.data.av_digits.normalised`, in place of decibels."""

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES:
            raise ValueError(f"modality {self.modality!r} is not one of {', '.join(MODALITIES)}")
        if not 1 <= self.audio_width <= FRAMES:
            raise ValueError(f"a chunk of {self.audio_width} frames; a spectrogram has {FRAMES}")

    def split(self, name: str, seed: int = 0) -> Samples:
        """
        The split `train`, `dev` or `test`; another seed draws other pairs and other noise.

        Raises:
            ValueError: for a split or setting that there is not.
        """
        return self._clips(load_split(name, self.setting, steps=self.video_steps, audio_steps=WHOLE, seed=seed))

    def recordings(self, spoken: SpokenDigits, snr: float) -> Samples:
        """People's recordings at a signal-to-noise ratio in dB, with video of the test split."""
        frames = with_test_frames(spoken, self.setting, snr=snr, steps=self.video_steps, audio_steps=WHOLE)
        return self._clips(frames)

    def _clips(self, data: AudioVisual) -> Samples:
        spectrogram = whole_spectrogram(data.audio)
        spectrogram = normalised(spectrogram) if self.normalised else spectrogram
        chunks = [spectrogram[..., start : start + self.audio_width] for start in self._starts()]
        video = torch.from_numpy(np.ascontiguousarray(data.video.swapaxes(0, 1)))
        audio = torch.from_numpy(np.stack(chunks))
        video = torch.zeros_like(video) if self.modality == "audio" else video
        audio = torch.zeros_like(audio) if self.modality == "video" else audio
        return Samples({"video": video, "audio": audio}, torch.from_numpy(data.labels))

    def _starts(self) -> list[int]:
        """First frames of the chunks."""
        room, gaps = FRAMES - self.audio_width, self.audio_steps - 1
        distance = min(float(self.audio_width), room / gaps) if gaps else 0.0
        first = (room - distance * gaps) / 2
        return [round(first + distance * step) for step in range(self.audio_steps)]


def fits_digits(classes: int, video: Shape, audio: Shape) -> bool:
    """Whether a network's sizes are those of the audio-visual digits; chunks of sound may be of any width."""
    return (classes, video, audio[:2]) == (10, (1, 16, 16), (1, 32))


def require_digits(classes: int, video: Shape, audio: Shape) -> None:
    """ValueError where a network's sizes are not those of the audio-visual digits."""
    if not fits_digits(classes, video, audio):
        raise ValueError("the sizes do not fit the audio-visual digits (10 classes, images 16 x 16, 32 bands of sound)")


def random_clips(
    video: tuple[int, Shape], audio: tuple[int, Shape], samples: int, seed: int
) -> dict[str, torch.Tensor]:
    """Noisy frames around a fixed image, and chunks of a spectrogram, for (steps, shape) each: values in 0..1, seeded."""
    rng = torch.Generator().manual_seed(seed)
    still = torch.rand(1, samples, *video[1], generator=rng)
    frames = torch.randn(video[0], samples, *video[1], generator=rng)
    chunks = torch.rand(audio[0], samples, *audio[1], generator=rng)
    return {"video": (still + 0.2 * frames).clamp(0, 1), "audio": chunks}
