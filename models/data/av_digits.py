"""
Audio-visual digits: the small data set of the networks that hear and see. Each sample is a digit that is said and filmed.

Video is a handwritten digit in shaking, noisy frames (`models.data.digit_frames`), audio a spoken one in noise
(`models.data.spoken_digits`, `models.data.speech_noise`). The splits share no voice and no handwritten digit. Either alone leaves
doubt, both together hardly any: the levels of noise were chosen on the dev split (docs/data.md has the figures).

    audio, video = load_split("dev").audio, load_split("dev").video      (n, 4, 1, 32, 8), (n, 4, 1, 16, 16)
    whole_spectrogram(audio)                                             (n, 1, 32, 32), for networks that see it in every step
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.digit_frames import LEVELS, SIGMA, SPLIT_SEED, draw_frames, draw_images, other_hands, pictures
from models.data.mel_spectrogram import FRAMES
from models.data.speech_noise import CLEAN, other_speakers, with_noise
from models.data.spoken_digits import SpokenDigits, load_spoken_digits

WIDTH = 32
"""Frames of a spectrogram (0.8 s) that are given at least; all steps get the same number."""

QUIET_DB = 20
"""40 dB below the loudest cell of a spectrogram."""


@dataclass(frozen=True)
class Difficulty:
    """How hard it is to see and to hear."""

    sigma: float
    """Standard deviation of the noise on pixels."""
    snr: float
    """Signal-to-noise ratio in dB of speech in the dev and test splits."""
    train_snr: tuple[float, ...]
    """Signal-to-noise ratios in training, one of which is drawn for each clip."""


SETTINGS = {
    "balanced": Difficulty(sigma=SIGMA, snr=-5.0, train_snr=(40.0, 30.0, 20.0, 10.0, 5.0, 0.0, -5.0, -10.0)),
    "imbalanced": Difficulty(sigma=SIGMA, snr=10.0, train_snr=(40.0, 30.0, 20.0, 10.0)),
}


@dataclass(frozen=True)
class AudioVisual:
    """Samples, in an order that is drawn."""

    video: NDArray[np.float32]
    """(n, steps, 1, 16, 16) in 0..1 by 64ths, each step a frame of its own."""
    audio: NDArray[np.float32]
    """(n, audio_steps, 1, 32, width) decibels by 64, in 0..60/64: the spectrogram cut in time, `width` frames of 25 ms a step."""
    labels: NDArray[np.int64]
    """(n,) digits."""
    voices: tuple[str, ...]
    """Who speaks."""


def load_split(
    split: str,
    setting: str = "balanced",
    *,
    steps: int = 4,
    audio_steps: int | None = None,
    language: str = "en",
    seed: int = 0,
) -> AudioVisual:
    """
    The split `train`, `dev` or `test`; the same arrays for the same arguments on every call and machine.

    Another seed draws other pairs of voice and hand, other noise, and in training other signal-to-noise ratios, speakers and
    hands (`other_speakers`, `other_hands`) of the same clips: a training gives each epoch its own.

    Args:
        steps: frames of video.
        audio_steps: into how many pieces the spectrogram is cut; as many as there are frames where nothing is said.

    Raises:
        ValueError: for a split, setting, language or number of steps that there is not.
    """
    if setting not in SETTINGS:
        raise ValueError(f"no setting {setting!r}; there are {', '.join(SETTINGS)}")
    clips, chosen = load_spoken_digits(split, language), SETTINGS[setting]
    rng = np.random.default_rng((SPLIT_SEED[split], seed))
    if split == "train":
        snr = rng.choice(chosen.train_snr, size=len(clips.labels))
        clips = SpokenDigits(other_speakers(clips.decibels, rng), clips.labels, clips.voices)
    else:
        snr = np.full(len(clips.labels), chosen.snr)
    return _paired(clips, snr, split, chosen.sigma, (steps, steps if audio_steps is None else audio_steps), rng)


def with_test_frames(
    clips: SpokenDigits,
    setting: str = "balanced",
    *,
    snr: float = CLEAN,
    steps: int = 4,
    audio_steps: int | None = None,
    seed: int = 0,
) -> AudioVisual:
    """
    Clips of people (`load_human_digits`, `load_free_spoken_digits`) with video of the test split.

    Args:
        snr: signal-to-noise ratio in dB; clips are as recorded where nothing is said.

    Raises:
        ValueError: for a setting or number of steps that there is not.
    """
    if setting not in SETTINGS:
        raise ValueError(f"no setting {setting!r}; there are {', '.join(SETTINGS)}")
    counts = (steps, steps if audio_steps is None else audio_steps)
    rng = np.random.default_rng((SPLIT_SEED["test"], seed))
    return _paired(clips, np.full(len(clips.labels), snr), "test", SETTINGS[setting].sigma, counts, rng)


def _paired(
    clips: SpokenDigits,
    snr: NDArray[np.float64],
    split: str,
    sigma: float,
    steps: tuple[int, int],
    rng: np.random.Generator,
) -> AudioVisual:
    width = _width(steps[1])
    order = rng.permutation(len(clips.labels))
    labels = clips.labels[order]
    decibels = with_noise(clips.decibels[order], snr[order], rng)
    digits = pictures(draw_images(labels, split, rng))
    digits = other_hands(digits, rng) if split == "train" else digits
    video = draw_frames(digits, _positive(steps[0]), sigma, rng)
    voices = tuple(clips.voices[int(index)] for index in order)
    return AudioVisual(video, _pieces(decibels, steps[1], width), labels, voices)


def _positive(steps: int) -> int:
    if steps < 1:
        raise ValueError(f"{steps} steps; video has one at least")
    return steps


def _width(steps: int) -> int:
    """Frames in each of `steps` pieces: 32 in all, or the next number of them that divides."""
    width = -(-WIDTH // steps) if steps > 0 else 0
    if steps < 1 or width * steps > FRAMES:
        possible = [count for count in range(1, FRAMES + 1) if -(-WIDTH // count) * count <= FRAMES]
        raise ValueError(f"{FRAMES} frames of a spectrogram cannot be cut for {steps} steps; they can for {possible}")
    return width


def _pieces(decibels: NDArray[np.uint8], steps: int, width: int) -> NDArray[np.float32]:
    """(n, 32, 36) -> (n, steps, 1, 32, width), the middle of each, by 64."""
    start = (FRAMES - steps * width) // 2
    middle = decibels[:, :, start : start + steps * width].astype(np.float32) / np.float32(LEVELS)
    return np.ascontiguousarray(middle.reshape(len(middle), -1, steps, width).swapaxes(1, 2)[:, :, None])


def whole_spectrogram(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, steps, 1, 32, width) pieces -> (n, 1, 32, steps * width), what a network that sees everything in each step repeats."""
    count, steps, channels, bands, width = audio.shape
    return np.ascontiguousarray(audio.transpose(0, 2, 3, 1, 4).reshape(count, channels, bands, steps * width))


def normalised(spectrogram: NDArray[np.float32]) -> NDArray[np.float32]:
    """
    Decibels by 64, (..., bands, frames), without what a band has throughout, and alike in contrast: in 0..1.5, by 64ths.

        N[m, t] = 1/2 + (D[m, t] - mean_t D[m]) / (4 s),    s the root mean square of D - mean_t D over the clip, 1 dB at least

    where D is at least `QUIET_DB`: below, synthesised voices are silent, while people breathe. The means take off what a
    microphone or a room adds to all frames (Atal, J. Acoust. Soc. Am. 55, 1974, of cepstra); one s for all bands leaves their
    proportions.
    """
    loud = np.maximum(spectrogram, QUIET_DB / LEVELS)
    change: NDArray[np.float64] = loud - loud.mean(axis=-1, keepdims=True, dtype=np.float64)
    power: NDArray[np.float64] = np.square(change).mean(axis=(-2, -1), keepdims=True)
    parts = np.clip(0.5 + change / (4 * np.maximum(np.sqrt(power), 1 / LEVELS)), 0, 1.5)
    return (np.round(LEVELS * parts) / LEVELS).astype(np.float32)
