"""
Noise on spectrograms, and what makes one speaker's words another's: as whole arrays, in the powers of mel bands.

Pink noise falls by 3 dB an octave. Each frame has its own: the Fourier power of Gaussian noise is exponentially distributed,

    N[m, t] = sum_f B[m, f] E[f, t] / max(f, 30 Hz),  E ~ Exp(1)        P' = P + N  with  mean P / mean N = 10^(snr / 10)

where P is the power of the clip's decibels and means are over its cells. The product of speech and noise, which is 0 on average,
is left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.data.mel_spectrogram import BANDS, FRAMES, RANGE_DB, band_frequencies, mel_bank

CLEAN = float("inf")
"""The signal-to-noise ratio of clips as they are."""
TEMPO, DELAY = (0.75, 1.35), 4.0
"""Frames of the clip per frame of the copy, and the largest shift in frames."""
TRACT, BAND_SHIFT = (0.92, 1.08), 1.5
"""Bands of the clip per band of the copy (a shorter or longer vocal tract), and the largest shift in bands."""
TILT_DB = 12.0
"""Largest difference between the first and the last band."""
RIPPLES, RIPPLE_DB = (2, 3, 4, 5), 3.0
"""Half waves over the bands that a microphone adds, and the largest of each."""
ECHO = 0.5
"""The largest share of its power that a room keeps from one frame to the next: 60 dB in half a second."""
DYNAMICS = (0.75, 1.25)
"""Decibels below the loudest cell of the copy per decibel of the clip."""
HIDDEN = 8
"""Bands, and frames, of which nothing is heard, at most."""
PORTION = 512


def with_noise(decibels: NDArray[np.uint8], snr: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """
    (clips, 32, 36) whole decibels above a floor 60 dB under the loudest cell, of clips (the same) in noise.

    Args:
        snr: (clips,) signal-to-noise ratios in dB; `CLEAN` leaves a clip as it is.
    """
    portions = range(0, len(decibels), PORTION)
    parts = [_with_noise(decibels[k : k + PORTION], snr[k : k + PORTION], rng) for k in portions]
    return np.concatenate(parts) if parts else np.zeros((0, BANDS, FRAMES), dtype=np.uint8)


def _with_noise(clips: NDArray[np.uint8], snr: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    power = np.where(clips > 0, 10.0 ** (clips / 10.0), 0.0)
    noise = _pink(len(clips), rng)
    share = power.mean(axis=(1, 2)) / noise.mean(axis=(1, 2)) * 10.0 ** (-snr / 10.0)
    power = power + noise * share[:, None, None]
    relative = np.maximum(power / power.max(axis=(1, 2), keepdims=True), 1e-30)
    level: NDArray[np.float64] = RANGE_DB + 10.0 * np.log10(relative)
    return np.round(np.clip(level, 0, RANGE_DB)).astype(np.uint8)


def _pink(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    weights = mel_bank() / np.maximum(band_frequencies(), 30.0)
    draws: NDArray[np.float64] = rng.standard_exponential((count * FRAMES, weights.shape[1]))
    noise: NDArray[np.float64] = draws @ weights.T
    return noise.reshape(count, FRAMES, BANDS).transpose(0, 2, 1)


def other_speakers(decibels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """
    Copies of clips (n, 32, 36): faster or slower, earlier or later, from a longer or shorter vocal tract, brighter or duller,
    nearer or farther, in rooms with echoes.

    Row m and column t of a copy are the clip's nearest to `(m - 15.5) a + 15.5 + b` and `(t - 17.5) c + 17.5 + d`; rows beyond
    the ends repeat the last one, columns beyond are the floor. Decibels below the loudest cell are multiplied by a number around
    1. A slope over the bands, up to 12 dB between the first and the last, and waves of up to 3 dB are another microphone. A run
    of up to 8 bands and one of up to 8 frames are silent (SpecAugment, Park et al., arXiv 1904.08779).
    """
    band = _warped(len(decibels), BANDS, TRACT, BAND_SHIFT, rng).clip(0, BANDS - 1)
    frame = _warped(len(decibels), FRAMES, TEMPO, DELAY, rng)
    clip = np.arange(len(decibels))[:, None, None]
    copies = decibels[clip, band[:, :, None], frame.clip(0, FRAMES - 1)[:, None]]
    heard = ((frame >= 0) & (frame < FRAMES))[:, None] & (copies > 0)
    below = (RANGE_DB - copies.astype(np.float64)) * rng.uniform(*DYNAMICS, size=(len(decibels), 1, 1))
    level: NDArray[np.float64] = np.where(heard, _microphones(len(decibels), rng)[:, :, None] - below, -np.inf)
    level = _in_rooms(level, rng)
    level = level - level.max(axis=(1, 2), keepdims=True) + RANGE_DB
    hidden = _runs(len(level), BANDS, rng)[:, :, None] | _runs(len(level), FRAMES, rng)[:, None]
    return np.round(np.where(hidden, 0, level).clip(0, RANGE_DB)).astype(np.uint8)


def _runs(count: int, size: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(count, size) a run of places, of each its own, up to `HIDDEN` long."""
    length, start = rng.integers(0, HIDDEN + 1, size=(count, 1)), rng.integers(0, size - HIDDEN + 1, size=(count, 1))
    return (np.arange(size) >= start) & (np.arange(size) < start + length)


def _microphones(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(count, 32) decibels that microphones add to the bands."""
    place = (np.arange(BANDS) + 0.5) / BANDS
    slope = rng.uniform(-TILT_DB, TILT_DB, size=(count, 1)) * np.linspace(-0.5, 0.5, BANDS)
    waves = np.cos(np.pi * np.outer(RIPPLES, place))
    return slope + rng.uniform(-RIPPLE_DB, RIPPLE_DB, size=(count, len(RIPPLES))) @ waves


def _in_rooms(level: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Decibels with echoes: `P[t] + a P[t - 1] + a^2 P[t - 2] + ...` of powers, a of each clip its own."""
    power, share = 10.0 ** (level / 10.0), rng.uniform(0.0, ECHO, size=(len(level), 1))
    for frame in range(1, level.shape[2]):
        power[:, :, frame] += share * power[:, :, frame - 1]
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(power)


def _warped(
    count: int, size: int, stretch: tuple[float, float], shift: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """(count, size) the place that each place takes its values from."""
    centre = (size - 1) / 2
    factor = rng.uniform(*stretch, size=(count, 1))
    offset = rng.uniform(-shift, shift, size=(count, 1))
    return np.round((np.arange(size) - centre) * factor + centre + offset).astype(np.int64)
