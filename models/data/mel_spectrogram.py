"""
Mel spectrograms of single spoken words, small enough to be committed.

A recording is cut where it is 35 dB below its loudest 10 ms, centred in 0.9 s and seen through 36 Hann windows of 32 ms, 25 ms
apart:

    P[m, t] = sum_f B[m, f] |F_t[f]|^2        D[m, t] = 60 + 10 log10(P[m, t] / max P), rounded and cut to 0..60 dB

with 32 triangular bands B of equal width on the mel scale, 60 to 3,900 Hz, each with weights that sum to 1. D is one byte: whole
decibels above a floor that is 60 dB under the loudest cell.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 8000
"""Samples per second."""
BANDS, FRAMES = 32, 36
HOP, WINDOW = 200, 256
"""Samples from frame to frame, and in a frame."""
RANGE_DB = 60
SAMPLES = (FRAMES - 1) * HOP + WINDOW
TRIM_DB = 35.0
TRIM_BLOCK = RATE // 100
LOWEST_HZ, HIGHEST_HZ = 60.0, 3900.0


def decibels(wave: NDArray[np.float64]) -> NDArray[np.uint8]:
    """
    (32 bands, 36 frames) of a recording at 8 kHz, `wave` in -1..1.

    Raises:
        ValueError: for a recording of less than 10 ms, or one that is silent throughout.
    """
    power = mel_bank() @ _spectrum(_centred(_trimmed(wave)))
    loudest = power.max()
    level: NDArray[np.float64] = RANGE_DB + 10.0 * np.log10(np.maximum(power / loudest, 1e-30))
    return np.round(np.clip(level, 0, RANGE_DB)).astype(np.uint8)


@lru_cache(maxsize=1)
def mel_bank() -> NDArray[np.float64]:
    """(32 bands, 129 frequencies) triangles; a band narrower than the frequencies' distance takes the nearest one."""
    edges = _hertz(np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), BANDS + 2))
    low, centre, high = (edges[k : k + BANDS, None] for k in range(3))
    frequency = band_frequencies()[None]
    bank = np.maximum(0.0, np.minimum((frequency - low) / (centre - low), (high - frequency) / (high - centre)))
    empty = np.flatnonzero(bank.sum(axis=1) == 0)
    bank[empty, np.abs(frequency - centre[empty]).argmin(axis=1)] = 1.0
    return bank / bank.sum(axis=1, keepdims=True)


def band_frequencies() -> NDArray[np.float64]:
    """(129,) Hz of the Fourier transform's rows."""
    return np.arange(WINDOW // 2 + 1) * RATE / WINDOW


def _mel(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def _trimmed(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """From two blocks of 10 ms before the first loud one to two behind the last."""
    blocks = wave[: len(wave) // TRIM_BLOCK * TRIM_BLOCK].reshape(-1, TRIM_BLOCK)
    energy = (blocks**2).mean(axis=1)
    if not energy.any():
        raise ValueError("a recording is silent or shorter than 10 ms; needed is one spoken word at 8 kHz")
    loud = np.flatnonzero(energy > energy.max() * 10.0 ** (-TRIM_DB / 10.0))
    return wave[max(0, int(loud[0]) - 2) * TRIM_BLOCK : (int(loud[-1]) + 3) * TRIM_BLOCK]


def _centred(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cut or padded with silence to `SAMPLES`, the same on both sides."""
    start = max(0, (len(wave) - SAMPLES) // 2)
    wave = wave[start : start + SAMPLES]
    centred = np.zeros(SAMPLES)
    start = (SAMPLES - len(wave)) // 2
    centred[start : start + len(wave)] = wave
    return centred


def _spectrum(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """(129 frequencies, 36 frames) power."""
    frames = np.lib.stride_tricks.sliding_window_view(wave, WINDOW)[::HOP]
    amplitude: NDArray[np.float64] = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1))
    return np.square(amplitude).T
